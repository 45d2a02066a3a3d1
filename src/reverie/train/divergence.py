"""Notice a run that no longer learns: its loss is no number, or stays far above that of guessing."""

from __future__ import annotations

import math

from reverie.errors import GradientError

HUGE = 10.0  # times the loss of guessing; training that works begins at 1 and rarely reaches 3
STEPS = 20  # in a row; after a single bad batch the loss comes back down within a few


class Divergence:
    """Watches the loss of a classifier of `classes` classes; guessing has a cross entropy of ``log(classes)``."""

    def __init__(self, classes: int) -> None:
        self.limit = HUGE * math.log(max(2, classes))
        self.streak = 0

    @property
    def suspected(self) -> bool:
        """Whether the last step's loss was huge: not a state to keep."""
        return self.streak > 0

    def check_step(self, loss: float, step: int, lr: float) -> None:
        """Raise `GradientError` if the loss is no number, or has been huge for `STEPS` steps."""
        self.streak = self.streak + 1 if loss > self.limit else 0
        if not math.isfinite(loss) or self.streak >= STEPS:
            raise GradientError(diverged(loss, step, lr))

    def check_epoch(self, loss: float, validation: float, step: int, lr: float) -> None:
        """Raise `GradientError` if an epoch ends on a huge running loss, or if its validation is no number."""
        if not math.isfinite(validation):
            raise GradientError(diverged(validation, step, lr, "validation loss"))
        if self.suspected and loss > self.limit:
            raise GradientError(diverged(loss, step, lr))


def diverged(loss: float, step: int, lr: float, what: str = "loss") -> str:
    """Return the line that says so; `lr` is the setting, not the rate of this step."""
    return f"training diverged: the {what} is {loss:.4g} at step {step}; start again with a --lr smaller than {lr:g}"
