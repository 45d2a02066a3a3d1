"""`reverie latent conform`: an edit made of rough films, made again of their latents.

A cut shows other latents, a speed is the curve sampled otherwise, and a dissolve goes through latent space instead of
laying one picture over the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.film import FrameSequence
from reverie.jobs.given import Given, sha256_of
from reverie.jobs.job import Input
from reverie.jobs.session import Session
from reverie.jobs.tool import Role, Tool
from reverie.tools.latent.config import ConformConfig, upgraded
from reverie.tools.latent.sample import PreparedGenerator
from reverie.tools.latent_timeline.edit_xml import parse_edit_xml
from reverie.tools.latent_timeline.edl import Edit, parse_edl
from reverie.tools.latent_timeline.otio import parse_otio

if TYPE_CHECKING:
    from torch import Tensor

MOST_BYTES = 16 << 20
XML = (".fcpxml", ".kdenlive", ".mlt", ".xml")


class PreparedConform(PreparedGenerator):
    """An open generator, an edit, and the latents of its clips."""

    config: ConformConfig

    def __init__(self, config: ConformConfig, session: Session) -> None:
        super().__init__(config, session)
        from reverie.models.stylegan2.latents import read_latents

        path = Path(config.edit)
        self.edit = _read(path, config.fps)
        self.paths = {clip: _latents_of(path.parent, clip) for clip in self.edit.clips}
        self.clips: dict[str, Tensor] = {}
        for clip, file in self.paths.items():
            latents = read_latents(file)
            self.model.check_fits(latents, file.name)
            self.clips[clip] = latents.ws.to(self.model.device)
        self.notes: Sequence[str] = (*self.edit.notes, *self._beyond())

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> FrameSequence:
        """Return the film; the latents of its frames stand beside it."""
        from reverie.tools.latent_films.walk import lasting, latent_film

        rate = Fraction(self.edit.fps).limit_denominator(1001)
        files = {f"clip {n}": Input(p.name, sha256_of(p)) for n, p in enumerate(self.paths.values(), 1)}
        manifest = {
            "tool": "latent conform", "network": self.model.sha256, "settings": lasting(self.config),
            "edit": hashlib.sha256(Path(self.config.edit).read_bytes()).hexdigest(),
            "files": str({name: item.sha256 for name, item in files.items()}),
        }  # fmt: skip
        return latent_film(
            self.model, lambda n: (self.at(n), self.model.noise_of(0)), self.edit.frames, rate, self.config, scratch,
            manifest, files=files,
        )  # fmt: skip

    def _beyond(self) -> list[str]:
        """Name the clips of which more is shown than there is."""
        found = dict[str, float]()
        for event in self.edit.events:
            last = event.source + (event.end - event.begin - 1) * event.speed
            found[event.clip] = max(found.get(event.clip, 0.0), event.source, last)
        return [
            f"'{clip}' has {len(self.clips[clip])} frames, and frame {place:.0f} is asked for; its last one is held"
            for clip, place in found.items() if place >= len(self.clips[clip])
        ]  # fmt: skip

    def at(self, frame: int) -> Tensor:
        """Return ws ``[num_ws, w_dim]`` of a frame of the result."""
        event = next((e for e in reversed(self.edit.events) if e.begin <= frame), self.edit.events[0])
        passed = min(frame, event.end - 1) - event.begin
        from_end = event.speed < 0 and event.source < 0  # MLT counts a reversed clip from its end
        ws = self._of_clip(event.clip, event.source + passed * event.speed, backwards=from_end)
        if passed < event.dissolve and event.before is not None:
            clip, source = event.before
            ws = self._of_clip(clip, source + passed * event.before_speed).lerp(ws, (passed + 1) / (event.dissolve + 1))
        return ws

    def _of_clip(self, name: str, place: float, *, backwards: bool = False) -> Tensor:
        """Return ws between two frames of a clip; before its first and behind its last frame these are held."""
        rows = self.clips[name]
        place = place + len(rows) if place < 0 and backwards else place
        place = min(max(place, 0.0), len(rows) - 1.0)
        number = min(int(place), len(rows) - 1)
        return rows[number].lerp(rows[min(number + 1, len(rows) - 1)], place - number)


def _read(path: Path, fps: float | None) -> Edit:
    if not path.is_file():
        raise InputError(f"no edit at '{path}'")
    with path.open("rb") as file:
        blob = file.read(MOST_BYTES + 1)
    if len(blob) > MOST_BYTES:
        raise InputError(f"'{path}' is larger than an edit can be")
    text = blob.decode("utf-8-sig", errors="replace")
    suffix = path.suffix.lower()
    if suffix == ".otio":
        return parse_otio(text, path.name, fps)
    if suffix in XML:
        return parse_edit_xml(text, path.name, fps)
    return parse_edl(text, path.name, fps)


def _latents_of(folder: Path, clip: str) -> Path:
    """Return the saved latents of a clip: they stand beside it, or beside the edit."""
    name = f"{Path(clip.replace(chr(92), '/')).stem}-latents.safetensors"
    found = folder / name
    if not found.is_file():
        raise InputError(f"the edit uses '{clip}'; its latents '{name}' are not in '{folder or '.'}'")
    return found


LATENT_CONFORM: Tool[ConformConfig] = Tool(
    name="latent conform", doing="conforming", ending="conformed",
    summary="Make an edit of rough films again, of their latents.",
    config=ConformConfig, prepare=PreparedConform, upgrade=upgraded,
    roles=(Role("edit", "text", "The edit: EDL (CMX3600), OpenTimelineIO, Kdenlive or MLT project, FCPXML."),),
    makes="film", spreads=True, suffix=".mp4", name_of=lambda config: Path(config.edit).stem,
    examples=(
        "reverie latent conform cut.edl --fps 30 --size 512",
        "reverie latent conform project.kdenlive --fps 25",
    ),
)  # fmt: skip
