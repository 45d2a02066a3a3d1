"""The numbers of a run, written to its log and to experiment trackers."""

from __future__ import annotations

from reverie.train.run_folder import RunFolder
from reverie.train.step import TrainStep
from reverie.train.track import Tracker


class Records:
    """Writes moments of a run; `trackers` may be empty."""

    def __init__(self, run: RunFolder, trackers: tuple[Tracker, ...]) -> None:
        self.run, self.trackers = run, trackers

    def log(self, moment: TrainStep, elapsed_s: float) -> None:
        """Append one moment to ``metrics.jsonl`` and send its scalars."""
        numbers: dict[str, float] = {
            "progress": round(moment.progress, 5), "loss": round(moment.loss, 5), "lr": round(moment.lr, 6),
            "size_px": moment.size_px, "pictures_per_s": round(moment.pictures_per_s, 1),
            "wait_share": round(moment.wait_share, 4), "elapsed_s": round(elapsed_s, 1),
        }  # fmt: skip
        numbers = {name: value for name, value in numbers.items() if value == value}  # a loss of no steps is NaN
        metrics = {name: round(value, 5) for name, value in moment.metrics.items()}
        self.run.log({"phase": moment.phase, "step": moment.step, "epoch": moment.epoch, **numbers, **metrics})
        group, scalars = ("validation", metrics) if moment.phase == "epoch" else ("training", numbers)
        for tracker in self.trackers:
            tracker.log({f"{group}/{name}": value for name, value in scalars.items()}, moment.step)

    def close(self) -> None:
        """Close the trackers."""
        for tracker in self.trackers:
            tracker.close()
