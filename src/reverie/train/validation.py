"""What a run measures on pictures that it does not learn from: the best weights so far, early stop, overfitting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from reverie.train.run_folder import RunFolder

WORSE = 1.1  # times the smallest held-out difference, and
GAP = 1.5  # times that of learned pictures: beyond both a network is learning by heart
LESS_IS_BETTER = ("l1",)


@dataclass
class Validation:
    """Measures a network every so many steps.

    Attributes:
        measure: gives named numbers of a network.
        every: steps between two measurements, which are called an epoch.
        best_by: the number that tells which weights are the best.
        keep_best: they are the result; else the last ones are.
        patience: epochs without a better one after which the run ends; 0 for none.
        watched: a number that falls while a network learns, on held-out pictures; with "_learned" on learned ones.
        history: what was measured, with "step" and "epoch".
    """

    measure: Callable[[nn.Module], dict[str, float]]
    every: int
    best_by: str = "psnr"
    keep_best: bool = True
    patience: int = 0
    watched: str = "l1"
    history: list[dict[str, float]] = field(default_factory=list)
    warned: bool = False

    def due(self, step: int) -> bool:
        """Tell whether it is time to measure."""
        return step > 0 and step % self.every == 0 and not self.done(step)

    def done(self, step: int) -> bool:
        """Tell whether it has been measured at this step."""
        return bool(self.history) and self.history[-1]["step"] == step

    @property
    def best(self) -> dict[str, float] | None:
        """The best measurement so far, by `best_by`."""
        known = [row for row in self.history if self.best_by in row]
        sign = -1 if self.best_by in LESS_IS_BETTER else 1
        return max(known, key=lambda row: sign * row[self.best_by]) if known else None

    @property
    def exhausted(self) -> bool:
        """Whether the run should end early."""
        best = self.best
        return best is not None and 0 < self.patience <= self.history[-1]["epoch"] - best["epoch"]

    def take(
        self, net: nn.Module, step: int, elapsed_s: float, run: RunFolder, losses: Mapping[str, float]
    ) -> dict[str, float]:
        """Measure a network, keep its weights if they are the best, and return the numbers.

        `losses` are the running means of training, which the history tells too.
        """
        found = self.measure(net)
        row = {"step": step, "epoch": len(self.history) + 1, "elapsed_s": round(elapsed_s, 1)} | found
        row |= {f"{name}_training": value for name, value in losses.items()}
        self.history.append(row)
        if self.keep_best and self.best is row:
            run.save_best(net.state_dict())
        return found

    def warning(self) -> str:
        """Return a line if the network has begun to learn by heart; once."""
        name = self.watched
        values = [row[name] for row in self.history if name in row]
        if self.warned or len(values) < 3 or f"{name}_learned" not in self.history[-1]:
            return ""
        learned = self.history[-1][f"{name}_learned"]
        if values[-1] < WORSE * min(values) or values[-1] < GAP * learned:
            return ""
        self.warned = True
        return (
            f"overfitting at epoch {len(self.history)}: the mean difference is {values[-1]:.3g} on held-out pictures, "
            f"was {min(values):.3g}, and is {learned:.3g} on learned ones; more pictures, --augment or --patience help"
        )

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint stores."""
        return {"history": self.history, "warned": self.warned}

    def restore(self, saved: dict[str, Any], step: int) -> None:
        """Take over the state of a checkpoint."""
        self.history, self.warned = [row for row in saved["history"] if row["step"] <= step], saved["warned"]
