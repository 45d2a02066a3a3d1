"""How long steps take, and what that says of the machine: a line where one takes far longer than those before."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from statistics import median

from reverie.errors import InputError
from reverie.jobs.job import Json
from reverie.jobs.work import Progress
from reverie.threads import MOST_THREADS, Machine

THREADS = "threads"  # a change that a run makes itself between two units, recorded like those that people ask for
SLOWER = 3.0  # times what a step took
KNOWN_STEPS = 5  # before anything is said
REMEMBERED = 50
LEAST_S = 0.3  # of a step that is worth a line
LEAST_USUAL_S = 0.02  # of the steps before; shorter ones say nothing about the next
AGAIN_S = 60.0  # between two lines
UNITS = ("frames", "epochs")  # of work whose pieces stand for themselves: between two the threads may change
UNIFORM = ("frames", "epochs", "tiles", "pictures", "images")  # units that all take about as long
BUSY_CORES = 0.5  # of others' work that explains a slow step
LOOK_EVERY_S = 5.0


class Pace:
    """Follows the steps of one run.

    Args:
        threads: now.
        machine: that it runs on.
    """

    def __init__(self, threads: int, machine: Machine | None = None) -> None:
        self.threads, self._machine = threads, machine or Machine(threads)
        self._took: deque[float] = deque(maxlen=REMEMBERED)
        self._unit = ""
        self._passed_s = self._said_s = self._looked_s = 0.0
        self._said = False

    def step(self, progress: Progress, seconds: float) -> str:
        """Take note of a step; return a line if it took far longer than the ones before, else nothing."""
        self._passed_s += seconds
        each = seconds / (progress.weight or 1.0)
        if progress.unit != self._unit:
            self._unit = progress.unit
            self._took.clear()
        usual = median(self._took) if len(self._took) >= KNOWN_STEPS else None
        self._took.append(each)
        if (
            usual is None
            or seconds < LEAST_S
            or each < SLOWER * usual
            or usual * (progress.weight or 1.0) < LEAST_USUAL_S
        ):
            return ""
        if self._said and self._passed_s - self._said_s < AGAIN_S:
            return ""
        busy = self._machine.others()
        if busy < BUSY_CORES and progress.unit not in UNIFORM:  # a larger scale takes longer by itself
            return ""
        self._said, self._said_s = True, self._passed_s
        why = f"; other work keeps {busy:.1f} cores busy" if busy >= BUSY_CORES else ""
        return f"a step took {each / usual:.0f} times as long as the ones before{why}"

    def threads_now(self, progress: Progress) -> int:
        """Return how many threads the next unit is made with."""
        if progress.unit not in UNITS or self._passed_s - self._looked_s < LOOK_EVERY_S:
            return self.threads
        self._looked_s = self._passed_s
        self.threads, _ = self._machine.threads(self.threads)
        return self.threads


def with_threads(change: Mapping[str, Json]) -> Mapping[str, Json]:
    """Go on with another number of threads, as a run chose it between two of its units.

    Raises:
        InputError: no number of threads.
    """
    import torch

    number = change[THREADS]
    if type(number) is not int or not 1 <= number <= MOST_THREADS:
        raise InputError(f"a run goes on with 1 to {MOST_THREADS} threads; got {str(number)[:20]}")
    torch.set_num_threads(number)
    return change
