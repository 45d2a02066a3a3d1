"""The embedded networks with an eighth of their channels: same names of files, layers and classes, but untrained.

For tests of what surrounds a network: a command line, a loop, a record. What a picture looks like needs the real ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import reverie.critic.statistics  # noqa: F401 - takes a picture from the folder that is replaced here
from reverie.models.classifier import STAGES, Stage, StagedClassifier
from reverie.weights import embedded
from reverie.weights.checkpoint import load_description, save_model

BRANCHES = 6  # of a block whose widths are given one by one
REAL = embedded.FOLDER


def small_stage(stage: Stage) -> Stage:
    """Return a stage with the same name and stride, and 8 to 48 channels."""
    if len(stage.branches) == BRANCHES:
        widths = tuple(8 if i != 2 else 16 for i in range(BRANCHES))
        return replace(stage, branches=widths, width=widths[0] + widths[2] + widths[4] + widths[5])
    width = max(8, stage.width // 64 * 8) if stage.kind != "inception" else 40
    return replace(stage, width=width, branches=(8,) * len(stage.branches))


SMALL = {name: tuple(map(small_stage, stages)) for name, stages in STAGES.items()}


@contextmanager
def small_stages() -> Iterator[None]:
    """Build every network of stages small, for the time of the block."""
    with patch.dict(STAGES, SMALL):
        yield


@contextmanager
def small_networks(folder: Path) -> Iterator[None]:
    """Have the small networks in `folder` for the embedded ones."""
    with small_stages(), patch.object(embedded, "FOLDER", folder):
        yield


def write_small_networks(folder: Path, start: Callable[[nn.Module, int], nn.Module]) -> None:
    """Write the files of the embedded networks, described as the real ones are; `start` gives the first weights."""
    for seed, stem in enumerate(sorted(set(embedded.STEMS.values()))):
        about = load_description(REAL / f"{stem}.safetensors")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = start(StagedClassifier(SMALL[about.architecture], len(about.classes)), seed)
        save_model(folder / f"{stem}.safetensors", net.state_dict(), about)
        save_file(_statistics(SMALL[about.architecture], len(about.classes)), folder / f"{stem}.statistics.safetensors")


def _statistics(stages: tuple[Stage, ...], classes: int) -> dict[str, Tensor]:
    """Return means and deviations of channels, none the same as another."""
    widths = {stage.name: stage.width for stage in stages} | {"logits": classes}
    means = {f"{name}/mean": torch.linspace(0.1, 0.4, width) for name, width in widths.items()}
    return means | {f"{name}/std": torch.linspace(0.5, 1.0, width) for name, width in widths.items()}
