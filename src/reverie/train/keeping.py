"""What all trainings do around their steps: checkpoints from time to time and at a stop, one file at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from torch import Tensor

from reverie.train.interrupt import deferred_interrupt
from reverie.train.run_folder import RunFolder
from reverie.train.step import TrainStep
from reverie.weights.checkpoint import Description

CHECKPOINT_EVERY_S = 60.0


class Training(Protocol):
    """One run of a training, whatever is learned; usable after any step.

    Attributes:
        run: where its checkpoint and records stand.
        finished: whether it came to the end of its schedule.
    """

    @property
    def run(self) -> RunFolder: ...
    @property
    def finished(self) -> bool: ...

    def steps(self) -> Iterator[TrainStep]:
        """Go on from the checkpoint, or begin; stopped, it keeps a checkpoint. The last step is "done"."""
        ...

    def made(self) -> tuple[Mapping[str, Tensor], Description] | None:
        """Return weights as they are written, and what the file says of them; None before there are any."""
        ...


def checkpointed(
    steps: Iterator[TrainStep], save: Callable[[], None], *, may: Callable[[], bool] = lambda: True
) -> Iterator[TrainStep]:
    """Pass steps on; write a checkpoint every minute where `may` allows it, and when the run is stopped."""
    saved_at = time.monotonic()
    try:
        for step in steps:
            if time.monotonic() - saved_at > CHECKPOINT_EVERY_S and may():
                save()
                saved_at = time.monotonic()
            yield step
    except (GeneratorExit, KeyboardInterrupt, SystemExit):
        with deferred_interrupt():  # an impatient second Ctrl-C waits for the checkpoint
            save()
        raise
