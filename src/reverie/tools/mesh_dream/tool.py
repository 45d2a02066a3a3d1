"""`reverie mesh dream`: what a network sees, drawn out on a mesh."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reverie.jobs.given import Given
from reverie.jobs.job import MEANT, Input, Json
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen
from reverie.tools.mesh.config import MeshDreamConfig, upgrade
from reverie.tools.mesh_style.tool import check_views

EXAMPLE = Path(__file__).with_name("example.glb")  # made by examples/make_example_mesh.py


class PreparedMeshDream:
    """A network and the guide."""

    notes: Sequence[str] = ()

    def __init__(self, config: MeshDreamConfig, session: Session) -> None:
        from reverie.media.image import read_picture
        from reverie.tools.mesh.held import read_locks
        from reverie.tools.mesh.model import colors_of
        from reverie.tools.mesh_dream.goal import DreamGoal

        self.config, self.locks = config, read_locks(config.lock)
        self.critic = session.critic(config.model, config.weights, config.device, config.precision)
        self.guide = None if config.guide is None else colors_of(read_picture(config.guide))
        DreamGoal(config, self.critic, self.guide)  # a layer or class that does not exist is told at once

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work on one mesh."""
        from reverie.tools.mesh.ascent import MeshAscent
        from reverie.tools.mesh.held import held_vertices
        from reverie.tools.mesh.model import fine_enough, open_model
        from reverie.tools.mesh.work import ascent_work
        from reverie.tools.mesh_dream.goal import DreamGoal

        given = given or Given(EXAMPLE, kind="mesh")
        source, notes = self.config.read(given), ()
        if self.config.what != "texture":
            source, notes = fine_enough(source, self.config.size)
        model = open_model(source, self.config.unfold)
        goal, what = DreamGoal(self.config, self.critic, self.guide), self.config.what
        held = held_vertices(source, self.locks)
        ascent = MeshAscent(model, self.config, goal, seed, paints=what != "shape", moves=what != "texture", held=held)
        identity = self.critic.identity
        shown: dict[str, Json] = {"example": given.sha256} if given.path == EXAMPLE else {}
        meant = self.critic.meanings(self.config.class_name)
        shown |= {MEANT: meant} if meant else {}
        chosen = Chosen(Input(identity.name, identity.sha256), str(self.critic.device), more=shown)
        return ascent_work(ascent, chosen, notes)


MESH_DREAM: Tool[MeshDreamConfig] = Tool(
    name="mesh dream", doing="dreaming", ending="dream", summary="Dream on a mesh: its texture, its shape, or both.",
    config=MeshDreamConfig, prepare=PreparedMeshDream,
    roles=(Role("mesh", "mesh", "Meshes, or folders of them; without one, a small dragon.", streamed=True,
                required=False),),
    name_of=lambda config: "dragon", makes="mesh", suffix=".glb", check=check_views, upgrade=upgrade,
    examples=(
        "reverie mesh dream", "reverie mesh dream cow.glb --layer mixed4c",
        "reverie mesh dream cow.glb --class koala --what both",
    ),
)  # fmt: skip
