"""`reverie mesh fit`: bring a mesh to the shape, and the colors, of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan
from reverie.tools.mesh.config import MeshFitConfig, upgrade_fit

if TYPE_CHECKING:
    from reverie.jobs.job import Json
    from reverie.jobs.output import Output
    from reverie.render.camera import Camera
    from reverie.tools.mesh.model import Model


class PreparedMeshFit:
    """The guides."""

    notes: Sequence[str] = ()

    def __init__(self, config: MeshFitConfig, session: Session) -> None:
        from reverie.media.image import read_picture
        from reverie.tools.mesh.held import read_locks
        from reverie.tools.mesh_fit.guides import parse_cameras, read_guide

        if not config.guide:
            raise InputError("name a picture to fit to, for example: reverie mesh fit mesh.obj guide.png")
        self.config, self.locks = config, read_locks(config.lock)
        self.cameras = parse_cameras(config.camera, len(config.guide))
        self.guides = [read_guide(read_picture(path), config.size) for path in config.guide]

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work on one mesh."""
        from reverie.tools.mesh.held import held_vertices
        from reverie.tools.mesh.model import fine_enough, open_model
        from reverie.tools.mesh_fit.result import fit_outputs
        from reverie.tools.mesh_fit.work import Fit

        assert given is not None
        config = self.config
        source, notes = config.read(given), list[str]()
        if config.subdivide == "auto" and not config.fixed_shape:
            source, done = fine_enough(source, config.size)
            notes += done
        model = open_model(source, config.unfold)
        notes += [note for note in model.notes if config.color or note in source.notes]
        cameras = self.cameras or self._searched(model, notes)
        fit = Fit(model, config, self.guides, cameras, seed, held_vertices(source, self.locks))
        decisions: dict[str, Json] = {
            "triangles": len(model.mesh.faces), "guides": len(self.guides), "steps": fit.total,
            "cameras": [[round(c.azimuth_deg, 1), round(c.elevation_deg, 1), round(c.distance, 2)] for c in cameras],
        }  # fmt: skip
        shown = f"{len(self.guides)} guide{'s' * (len(self.guides) != 1)}"
        plan = Plan(decisions, float(fit.total), f"{len(model.mesh.faces):,} triangles, {shown}")

        def outputs() -> Sequence[Output]:
            made = () if fit.guard is None else fit.guard.notes
            notes.extend(note for note in made if note not in notes)
            return fit_outputs(fit)

        return Steps(fit.steps(), outputs, plan=plan, chosen=Chosen(), notes=notes)

    def _searched(self, model: Model, notes: list[str]) -> list[Camera]:
        from reverie.tools.mesh_fit.find_camera import found_camera

        cameras = []
        for guide in self.guides:
            camera, grade = found_camera(model.surface, guide.mask)
            cameras.append(camera)
            notes.append(
                f"'{guide.name}' is seen best from azimuth {camera.azimuth_deg:.0f}, elevation "
                f"{camera.elevation_deg:.0f}: {100 * grade:.0f} % overlap before the fit"
            )
        return cameras


MESH_FIT: Tool[MeshFitConfig] = Tool(
    name="mesh fit", doing="fitting", ending="fit", summary="Bring a mesh to the shape, and the colors, of pictures.",
    config=MeshFitConfig, prepare=PreparedMeshFit,
    roles=(
        Role("mesh", "mesh", "Meshes, or folders of them.", streamed=True),
        Role("guide", "picture", "Pictures to fit to, with transparency or on a plain background.", many=True),
    ),
    makes="mesh", suffix=".glb", upgrade=upgrade_fit,
    examples=("reverie mesh fit teapot.obj rectangle.png", "reverie mesh fit ball.obj front.png side.png --color"),
)  # fmt: skip
