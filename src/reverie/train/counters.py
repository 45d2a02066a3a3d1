"""Where a training run stands, and whether a checkpoint belongs to it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from reverie.errors import DataError, InputError
from reverie.settings import to_record

# What a resumed run may change; settings.json names the files of `init` and `val` only.
MAY_DIFFER = ("device", "track", "precision", "init", "val")


@dataclass
class Counters:
    """Steps, epochs, time and the best validation so far.

    `epoch_px` is the picture size of the current epoch; `since_best` counts epochs without a better top-1.
    """

    step: int = 0
    epoch: int = 0
    batch_in_epoch: int = 0
    epoch_px: int = 0
    elapsed_s: float = 0.0
    best: float = -1.0
    since_best: int = 0

    @classmethod
    def restored(cls, saved: dict[str, Any]) -> Counters:
        """Return the counters of a checkpoint; ones that it does not know keep their defaults."""
        return cls(**{f.name: saved[f.name] for f in fields(cls) if f.name in saved})

    def record(self) -> dict[str, Any]:
        """Return what a checkpoint stores."""
        return asdict(self)

    def count_epoch(self, top1: float) -> bool:
        """Compare an epoch's top-1 with the best; return whether it is better."""
        better = top1 > self.best
        self.best = max(self.best, top1)
        self.since_best = 0 if better else self.since_best + 1
        return better


def check_same_settings(saved: dict[str, Any], config: Any, run: str = "the run being resumed") -> None:
    """Raise `InputError` if a run was made with other settings than `config`; `saved` are those of the run."""
    for name, value in to_record(config).items():
        if name not in MAY_DIFFER and saved.get(name, value) != value:
            raise InputError(f"--{name.replace('_', '-')} is {value!r}, but {run} has {saved[name]!r}")


def check_same_data(saved: dict[str, Any], digest: str) -> None:
    """Raise `DataError` if a checkpoint was made with other pictures."""
    if saved["data_digest"] != digest:
        raise DataError("the pictures changed since the run began; --resume needs the same files")
