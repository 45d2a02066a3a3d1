"""Settings of `reverie mesh show`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverie.jobs.blocks import MeshSettings, crf_setting
from reverie.settings import setting

if TYPE_CHECKING:
    from reverie.media.footage import Encoding


@dataclass(frozen=True, kw_only=True)
class MeshShowConfig(MeshSettings):
    """How a mesh is looked at."""

    before: str | None = setting(
        None, "An earlier state of the mesh: beside it in film and stills, and a button of the page.", file="mesh",
        group="what is shown",
    )  # fmt: skip
    page: bool = setting(True, "Write a page with a 3D viewer, NAME-page.html, which needs no network.")
    stills: int = setting(
        4, "Views in one picture, NAME-stills.png; 0 writes none.", minimum=0, maximum=24, group="what is shown"
    )
    size: int = setting(
        512, "Side of film and stills, for each of before and after.", minimum=64, maximum=2160, group="film"
    )
    duration: float = setting(6.0, "Seconds of one turn.", minimum=0.5, maximum=120, group="film")
    rate: int = setting(24, "Frames per second.", minimum=1, maximum=60, group="film")
    supersample: int = setting(
        1, "Smooth edges of a film by making it this much larger first; stills have at least 2.", minimum=1, maximum=4,
        group="film", expert=True,
    )  # fmt: skip
    crf: int = crf_setting(group="film")
    azimuth: float = setting(
        30.0,
        "Where the turn begins, in degrees; 0 looks from +z, 90 from +x.",
        minimum=-360,
        maximum=360,
        group="camera",
    )
    elevation: float = setting(
        15.0, "How far above the camera stands, in degrees.", minimum=-89, maximum=89, group="camera"
    )
    light: str = setting(
        "auto", "on, off, or auto: as the materials say.", choices=("auto", "on", "off"), group="camera"
    )
    background: str = setting("light", "light or dark.", choices=("light", "dark"), group="camera")

    def encoding(self) -> Encoding:
        """Return how the film is encoded."""
        from reverie.media.footage import Encoding

        return Encoding(crf=self.crf, audio=False)
