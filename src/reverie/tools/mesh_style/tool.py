"""`reverie mesh style`: the texture of a mesh, and its shape if asked for, in the style of pictures."""

from __future__ import annotations

from pathlib import Path

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.job import Input
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen
from reverie.tools.mesh.config import MeshStyleConfig, ViewSettings, upgrade


class PreparedMeshStyle:
    """A network and the styles."""

    def __init__(self, config: MeshStyleConfig, session: Session) -> None:
        from reverie.media.image import read_picture
        from reverie.media.suffixes import MESHES
        from reverie.tools.mesh.held import read_locks
        from reverie.tools.mesh.model import colors_of
        from reverie.tools.mesh_style.areas import read_regions

        swapped = next((Path(path).name for path in config.style if Path(path).suffix.lower() in MESHES), None)
        if swapped is not None:
            raise InputError(f"'{swapped}' is a mesh, and stands where pictures do: reverie mesh style MESH STYLE")
        self.config, self.notes = config, ()
        self.styles = tuple(colors_of(read_picture(path)) for path in config.style)
        self.regions, self.locks = read_regions(config.region), read_locks(config.lock)
        self.critic = session.critic(config.model, config.weights, config.device, config.precision)

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work on one mesh."""
        from reverie.tools.mesh.ascent import MeshAscent, working_side
        from reverie.tools.mesh.held import held_vertices
        from reverie.tools.mesh.model import fine_enough, open_model
        from reverie.tools.mesh.work import ascent_work
        from reverie.tools.mesh_style.areas import areas_of, free_part
        from reverie.tools.mesh_style.goal import StyleGoal

        assert given is not None
        source, notes = self.config.read(given), ()
        if self.config.geometry:
            source, notes = fine_enough(source, self.config.size)
        model = open_model(source, self.config.unfold)
        texels = model.texels(working_side(self.config))
        areas = areas_of(model, texels, self.regions, self.styles, self.config.strength)
        goal = StyleGoal(self.config, self.critic, areas)
        held = held_vertices(source, self.locks)
        ascent = MeshAscent(
            model, self.config, goal, seed, moves=self.config.geometry, free=free_part(areas), held=held
        )
        identity = self.critic.identity
        chosen = Chosen(Input(identity.name, identity.sha256), str(self.critic.device))
        return ascent_work(ascent, chosen, notes)


def check_views(config: ViewSettings) -> None:
    """Refuse a band of elevations that is none."""
    if config.highest < config.lowest:
        raise InputError(f"--highest must not lie below --lowest; got {config.highest} and {config.lowest}")


MESH_STYLE: Tool[MeshStyleConfig] = Tool(
    name="mesh style", doing="stylizing", ending="style", summary="Give a mesh a texture in the style of pictures.",
    config=MeshStyleConfig, prepare=PreparedMeshStyle,
    roles=(
        Role("mesh", "mesh", "Meshes, or folders of them.", streamed=True),
        Role("style", "picture", "Pictures whose style to take.", many=True),
    ),
    makes="mesh", suffix=".glb", check=check_views, upgrade=upgrade,
    examples=("reverie mesh style cow.glb painting.jpg", "reverie mesh style cow.glb painting.jpg --geometry"),
)  # fmt: skip
