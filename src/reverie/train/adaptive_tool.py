"""`reverie train adaptive` as a tool: the decoder that paints in any style."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.train.adaptive_config import AdaptiveConfig, check_adaptive
from reverie.train.work import begun, image_work, is_home, place_of
from reverie.weights.in_folder import NETWORK


class PreparedAdaptive:
    """Settings that were checked."""

    def __init__(self, config: AdaptiveConfig, session: Session) -> None:
        self.config = config
        self.notes: Sequence[str] = ()

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the training; its checkpoint and records stand in `scratch`."""
        from reverie.train.adaptive import open_adaptive
        from reverie.train.run_folder import RunFolder

        place = scratch or Path("runs/adaptive")
        return image_work(open_adaptive(self.config, RunFolder(place, kept=is_home(place))))


TRAIN_ADAPTIVE: Tool[AdaptiveConfig] = Tool(
    name="train adaptive", doing="training", ending="", summary="Train the network that stylizes by any picture.",
    config=AdaptiveConfig, prepare=PreparedAdaptive, check=check_adaptive,
    roles=(Role("contents", "folder", "Folders, zips or files of pictures to stylize.", many=True),),
    makes="network", suffix=".safetensors", name_of=lambda _: "adaptive", home=NETWORK, scratch=place_of,
    begun=begun, recipes=True,
    examples=("reverie train adaptive photos.zip --styles paintings/ --minutes 60 -o runs/adaptive",),
)  # fmt: skip
