"""A toy tool of meshes, `stretch`: vertices pulled apart along y in four steps, which the result plays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reverie.jobs.blocks import MeshSettings
from reverie.jobs.given import Given
from reverie.jobs.output import Mesh
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Plan, Report
from reverie.numerics.mesh import moved
from reverie.settings import setting

STEPS = 4


@dataclass(frozen=True, kw_only=True)
class StretchConfig(MeshSettings):
    """How far a mesh is stretched."""

    factor: float = setting(2.0, "How far.", minimum=0.1)


class PreparedStretch:
    notes: Sequence[str] = ()

    def __init__(self, config: StretchConfig, session: Session) -> None:
        self.config = config

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        assert given is not None
        mesh, way = self.config.read(given), []

        def shape(step: int) -> np.ndarray:
            return mesh.vertices * [1, 1 + (self.config.factor - 1) * step / STEPS, 1]

        def steps() -> Iterator[Report]:
            for step in range(1, STEPS + 1):
                way.append(shape(step - 1))
                yield Report(step, STEPS)

        outputs = lambda: [Mesh(moved(mesh, shape(len(way))), tuple(way))]  # noqa: E731
        return Steps(steps(), outputs, plan=Plan({"triangles": len(mesh.faces)}, STEPS), notes=[*mesh.notes])


STRETCH = Tool(
    name="stretch", doing="stretching", ending="stretched", summary="Stretch meshes.", config=StretchConfig,
    prepare=PreparedStretch, roles=(Role("mesh", "mesh", "What to stretch.", streamed=True),), makes="mesh",
    suffix=".glb",
)  # fmt: skip


def find(name: str):
    """Return the toy by its name; a function of a module, as workers need."""
    return {"stretch": lambda: STRETCH}[name]()
