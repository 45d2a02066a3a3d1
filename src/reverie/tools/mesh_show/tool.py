"""`reverie mesh show`: a turntable, stills, and a page with a 3D viewer."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.tool import Role, Tool
from reverie.tools.mesh_show.config import MeshShowConfig

if TYPE_CHECKING:
    from reverie.jobs.film import FrameSequence
    from reverie.jobs.output import Output
    from reverie.numerics.mesh import Mesh


class PreparedShow:
    """The mesh to compare with, read once."""

    def __init__(self, config: MeshShowConfig, session: Session) -> None:
        self.config = config
        self.before = None if config.before is None else config.read(Given(Path(config.before), kind="mesh"))
        self.notes: Sequence[str] = () if self.before is None else self.before.notes

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> FrameSequence:
        """Return the work on one mesh: its frames; page and stills are made beside."""
        from reverie.jobs.film import FrameSequence
        from reverie.jobs.output import even_footage
        from reverie.render.camera import turntable
        from reverie.render.compiled import compile_notes
        from reverie.tools.mesh_show.turntable import Views, with_light

        assert given is not None
        config, mesh = self.config, self.config.read(given)
        meshes = [with_light(one, config.light) for one in (self.before, mesh) if one is not None]
        views = Views(meshes, config.size, config.background, config.supersample)
        count = max(1, round(config.duration * config.rate))
        cameras = turntable(count, config.elevation, start_deg=config.azimuth)
        footage = even_footage(Path(given.name), views.shape, count, Fraction(config.rate))
        manifest = {"tool": "mesh show", "sha256": given.sha256, "settings": str(config)}

        def beside(count: int) -> list[Output]:
            return self._beside(mesh, views)

        return FrameSequence(
            lambda number: views.picture(cameras[number]), footage, config.encoding(), scratch=scratch,
            manifest=manifest, notes=(*mesh.notes, *compile_notes(moves=False)), beside=beside,
            decisions={"vertices": len(mesh.vertices), "triangles": len(mesh.faces), "materials": len(mesh.materials)},
        )  # fmt: skip

    def _beside(self, mesh: Mesh, views: object) -> list[Output]:
        from reverie.jobs.output import Picture
        from reverie.tools.mesh_show.page import viewer_page
        from reverie.tools.mesh_show.turntable import Views

        assert isinstance(views, Views)
        config, found = self.config, []
        if config.page:
            view = (config.azimuth, config.elevation)
            found.append(viewer_page(mesh, self.before, view=view, light=config.light, background=config.background))
        if config.stills:
            found.append(Picture(views.stills(config.stills, config.elevation, config.azimuth), label="stills"))
        return found


MESH_SHOW: Tool[MeshShowConfig] = Tool(
    name="mesh show", doing="turning", ending="show",
    summary="Show a mesh from all sides: a film, stills, and a page with a 3D viewer.",
    config=MeshShowConfig, prepare=PreparedShow,
    roles=(Role("mesh", "mesh", "Meshes or folders: OBJ, GLB, glTF, PLY, STL or OFF.", streamed=True),),
    makes="film", spreads=True, suffix=".mp4",
    examples=(
        "reverie mesh show spot.obj", "reverie mesh show styled.glb --before spot.obj -o look.gif",
        "reverie mesh show part.stl --stills 8 --no-page",
    ),
)  # fmt: skip
