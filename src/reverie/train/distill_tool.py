"""`reverie train distill` as a tool: a small network learns one style."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.train.distill_config import DistillConfig, check_distill
from reverie.train.work import begun, image_work, place_of


class PreparedDistillation:
    """Settings that were checked."""

    def __init__(self, config: DistillConfig, session: Session) -> None:
        self.config = config
        self.notes: Sequence[str] = ()

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the training; its checkpoint stands in `scratch`."""
        from reverie.train.distill import open_distillation
        from reverie.train.run_folder import RunFolder

        return image_work(open_distillation(self.config, RunFolder(scratch or Path("student.run"), kept=False)))


TRAIN_DISTILL: Tool[DistillConfig] = Tool(
    name="train distill", doing="distilling", ending="",
    summary="Teach a small network one style, scored by the optimizer's objective; then it stylizes in one pass.",
    config=DistillConfig, prepare=PreparedDistillation, check=check_distill,
    roles=(
        Role("style", "picture", "Style pictures, each optionally weighted as FILE:WEIGHT.", many=True),
        Role("data", "folder", "Pictures to learn on: a folder, a zip or a file; named last."),
    ),
    makes="network", suffix=".safetensors", name_of=lambda _: "student", scratch=place_of, begun=begun,
    recipes=True, then={"export": "export"},
    examples=("reverie train distill painting.jpg my-pictures/ --minutes 20 -o student.safetensors",),
)  # fmt: skip
