"""Send the numbers of a run to an experiment tracker as well: TensorBoard where it is installed, W&B when asked for."""

from __future__ import annotations

import importlib
import importlib.util
import secrets
from pathlib import Path
from typing import Any, Protocol

from reverie.errors import InputError

PROJECT = "reverie"


class Tracker(Protocol):
    """Takes named numbers at a step."""

    def log(self, scalars: dict[str, float], step: int) -> None: ...

    def close(self) -> None: ...


class TensorBoard:
    """Event files in the run's folder, for ``tensorboard --logdir``."""

    def __init__(self, folder: Path, first_step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=first_step + 1)

    def log(self, scalars: dict[str, float], step: int) -> None:
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class WeightsAndBiases:
    """A run on wandb.ai; the id lies in the run's folder, so that a resumed run continues the same curves."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        about = folder / "wandb-id.txt"
        if not about.is_file():
            about.write_text(secrets.token_hex(8), encoding="utf-8")
        self._run = importlib.import_module("wandb").init(
            project=PROJECT, name=folder.name, dir=str(folder), config=settings, resume="allow",
            id=about.read_text(encoding="utf-8").strip(),
        )  # fmt: skip

    def log(self, scalars: dict[str, float], step: int) -> None:
        self._run.log(scalars, step=step)

    def close(self) -> None:
        self._run.finish()


def check_tracker(track: str) -> None:
    """Raise `InputError` if `track` names a tracker that is not installed."""
    if track and not _installed(track):
        raise InputError(f"--track {track} needs a package that is not installed; pip install 'reverie[track]'")


def open_trackers(track: str, folder: Path, settings: dict[str, Any], first_step: int) -> tuple[Tracker, ...]:
    """Return TensorBoard if it is installed, and what `track` names.

    Raises:
        InputError: `track` names a tracker that is not installed.
    """
    check_tracker(track)
    trackers: list[Tracker] = []
    if _installed("tensorboard"):
        trackers.append(TensorBoard(folder, first_step))
    if track == "wandb":
        trackers.append(WeightsAndBiases(folder, settings))
    return tuple(trackers)


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
