"""Where a training run stands, and whether a checkpoint belongs to it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from reverie.errors import DataError, InputError
from reverie.settings import flag_of, to_record


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
        found = cls()
        for f in fields(cls):
            usual = getattr(found, f.name)
            setattr(found, f.name, type(usual)(saved.get(f.name, usual)))
        return found

    def record(self) -> dict[str, Any]:
        """Return what a checkpoint stores."""
        return asdict(self)

    def count_epoch(self, top1: float) -> bool:
        """Compare an epoch's top-1 with the best; return whether it is better."""
        better = top1 > self.best
        self.best = max(self.best, top1)
        self.since_best = 0 if better else self.since_best + 1
        return better


def check_resumes(saved: dict[str, Any], config: Any, digest: str) -> None:
    """Refuse a checkpoint of other settings or other data.

    Raises:
        InputError: names the setting.
        DataError: the data changed.
    """
    check_same_settings(saved["config"], config)
    check_same_data(saved, digest)


def check_same_settings(saved: dict[str, Any], config: Any) -> None:
    """Refuse to go on with a run of other settings; files and folders may lie elsewhere, on another machine.

    Args:
        saved: settings of the run.
        config: those that are asked for.

    Raises:
        InputError: names the first that differs.
    """
    now = to_record(config)
    for field in fields(config):
        name, rule = field.name, field.metadata
        if rule.get("file") or rule.get("inside") or not rule.get("replay", True) or name not in now:
            continue
        if saved.get(name, now[name]) != now[name]:
            raise InputError(
                f"{flag_of(field)} is {now[name]!r}, but the run being resumed has {saved[name]!r}; "
                "choose another --output, or --resume without it"
            )


def check_same_data(saved: dict[str, Any], digest: str) -> None:
    """Raise `DataError` if a checkpoint was made with other pictures."""
    if saved["data_digest"] != digest:
        raise DataError("the pictures changed since the run began; --resume needs the same files")
