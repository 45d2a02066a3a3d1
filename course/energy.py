"""Energy of a piece of work: by the processor's own counter where it can be read, else from time and a stated power."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

COUNTERS = Path("/sys/class/powercap")
WATTS_PER_CORE = 12.0  # of a busy core of a laptop or server, with its share of memory and fans; set REVERIE_WATTS


class Meter:
    """Measure the energy of what stands in a ``with`` block.

    Attributes:
        joules: energy, by `how`.
        how: "RAPL" or "CPU seconds".
        cpu_s: time that the processor worked, of all threads and of processes that have ended.
        seconds: time by the clock.
    """

    def __init__(self, watts_per_core: float | None = None) -> None:
        given = os.environ.get("REVERIE_WATTS")
        self.watts_per_core = watts_per_core or (float(given) if given else WATTS_PER_CORE)
        self.joules = self.cpu_s = self.seconds = 0.0
        self.how = ""

    def __enter__(self) -> Self:
        self._before = energy_uj(), cpu_s(), time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        energy, cpu, clock = self._before
        self.cpu_s, self.seconds = cpu_s() - cpu, time.perf_counter() - clock
        after = energy_uj()
        if energy is not None and after is not None and after >= energy:
            self.joules, self.how = (after - energy) / 1e6, "RAPL"
        else:
            self.joules, self.how = self.cpu_s * self.watts_per_core, "CPU seconds"

    def report(self) -> str:
        """Return one line that says what was measured, and how."""
        if self.how == "RAPL":
            return f"{self.joules:.0f} J by the processor's counter (all that ran meanwhile), {self.seconds:.1f} s"
        told = f"{self.cpu_s:.1f} CPU seconds x {self.watts_per_core:.0f} W per core"
        return f"{self.joules:.0f} J estimated: {told}; {self.seconds:.1f} s by the clock"


def cpu_s() -> float:
    """Return the processor time of this process and its ended children, in seconds."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def energy_uj() -> int | None:
    """Return the counters of all processor packages in microjoules; None where they cannot be read."""
    try:
        found = [int(path.read_text()) for path in COUNTERS.glob("intel-rapl:?/energy_uj")]
    except OSError:  # only root may read them on most systems
        return None
    return sum(found) if found else None
