"""Threads, chosen once per process before torch loads: how many, and how they wait for each other.

OpenMP's threads spin while they wait. Alone on the machine that is quickest; beside other work each round of small
work waits for whichever thread was put aside, and everything takes up to ten times as long. So the machine is looked at
for a moment, and only where it is idle do threads spin: beside other work there are as many as cores are free, and they
sleep. One thread never waits. The number changes the last bits of a result, so it stands in every record, and a replay
takes it from there.

What the user set himself (``OMP_NUM_THREADS``, ``OMP_WAIT_POLICY``, ``GOMP_SPINCOUNT``) is left as it is. Where torch
is loaded already, as in a notebook that began with it, nothing can be chosen any more.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from reverie.errors import InputError

STAT = Path("/proc/stat")
QUOTAS = (Path("/sys/fs/cgroup/cpu.max"),)  # of version 2; version 1 keeps them in two files
QUOTA_V1 = (Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us"))
LEAST_LOOK_S = 0.06  # the kernel counts in hundredths of a second
IDLE_CORES = 0.35  # of others' work that still counts as an idle machine: desktops and clocks always do a little
MOST_THREADS = 1024  # that a user or a record may ask for


@dataclass(frozen=True)
class Choice:
    """How many threads, and whether they sleep while they wait; None leaves it to OpenMP or to the user."""

    threads: int | None = None
    passive: bool = False


@dataclass(frozen=True)
class Look:
    """Processor time at one moment, in seconds: of all cores together without rest, and of this process."""

    at_s: float
    busy_s: float
    own_s: float


def choose(cores: int, others: float, asked: int | None, environment: Mapping[str, str]) -> Choice:
    """Return the choice for a machine.

    Args:
        cores: that this process may use.
        others: cores that are busy with other work, on average over the look.
        asked: by ``--threads``.
        environment: with what the user set.
    """
    own_number = environment.get("OMP_NUM_THREADS", "").isdecimal()
    own_waiting = "OMP_WAIT_POLICY" in environment or "GOMP_SPINCOUNT" in environment
    idle = others < IDLE_CORES
    free = max(1, min(cores, int(cores - others + IDLE_CORES)))
    number = asked if asked is not None else None if own_number or idle else free
    return Choice(number, passive=not idle and not own_waiting)


def usable_cores() -> int:
    """Return the cores this process may use: by its affinity and a container's quota."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, quota() or cores))


def quota() -> int | None:
    """Return the whole cores that a container of Linux is allowed, or None without a limit."""
    try:
        for file in QUOTAS:
            if file.is_file():
                allowed, period = file.read_text().split()
                return max(1, round(int(allowed) / int(period)))
        limit, period = (int(file.read_text()) for file in QUOTA_V1)
        return max(1, round(limit / period)) if limit > 0 else None
    except (OSError, ValueError):  # no such file, or "max"
        return None


def look() -> Look | None:
    """Return the processor time so far; None where the system does not tell."""
    try:
        first = STAT.read_text().split("\n", 1)[0].split()
    except OSError:
        return None
    times = os.times()
    return Look(time.monotonic(), busy_seconds(first), times.user + times.system)


def busy_seconds(fields: Sequence[str]) -> float:
    """Return the busy seconds of the first line of /proc/stat: user, nice, system, irq, softirq and stolen time."""
    ticks = [int(field) for field in fields[1:9]]
    sysconf = getattr(os, "sysconf", None)
    return (sum(ticks[:3]) + sum(ticks[5:8])) / (sysconf("SC_CLK_TCK") if sysconf else 100)


def others_busy(before: Look | None, after: Look | None) -> float:
    """Return how many cores were busy with other work between two looks; 0 where nobody knows."""
    if before is None or after is None or after.at_s <= before.at_s:
        return 0.0
    busy = after.busy_s - before.busy_s - (after.own_s - before.own_s)
    return max(0.0, busy / (after.at_s - before.at_s))


def apply(choice: Choice, environment: MutableMapping[str, str]) -> None:
    """Set what OpenMP reads when torch loads."""
    if choice.threads is not None:
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            environment[name] = str(choice.threads)
    if choice.passive:
        environment["OMP_WAIT_POLICY"] = "passive"


def parse_threads(text: str) -> int | None:
    """Return the number that ``--threads`` asks for; None for auto.

    Raises:
        InputError: neither auto nor a whole number from 1 on.
    """
    if text == "auto":
        return None
    if not text.isdecimal() or not 1 <= int(text) <= MOST_THREADS:
        raise InputError(f"--threads must be 'auto' or a whole number from 1 to {MOST_THREADS}; got '{text[:20]}'")
    return int(text)


class Machine:
    """Looks at the machine from time to time while work is under way, and says how many threads fit it now.

    Only where their number was chosen here, at the start: what the user asked for stays.

    Args:
        most: threads where nothing else runs.
        mine: whether the number is ours to change; what `settled` says if absent.
    """

    def __init__(self, most: int, mine: bool | None = None) -> None:
        self.most, self.mine = most, settled() if mine is None else mine
        self._before = look()

    def others(self) -> float:
        """Return how many cores were busy with other work since the last look."""
        now = look()
        found, self._before = others_busy(self._before, now), now
        return found

    def threads(self, now: int) -> tuple[int, float]:
        """Return how many threads to go on with in place of `now`, and how many cores others keep busy.

        One more or fewer is no reason: each change alters the last bits of what comes.
        """
        busy = self.others()
        if not self.mine:
            return now, busy
        free = choose(self.most, busy, None, {}).threads or self.most
        wanted = max(1, min(self.most, free))
        return (wanted if wanted == 1 or abs(wanted - now) > 1 or wanted == self.most else now), busy


_SETTLED: list[bool] = []  # whether the number of threads was chosen here, once torch was about to load


def settled() -> bool:
    """Tell whether the number of threads was chosen here, and not by the user or a program that calls us."""
    return bool(_SETTLED) and _SETTLED[-1]


def settle_before_torch(asked: int | None = None) -> None:
    """Choose as soon as something imports torch: until then the machine is looked at for nothing.

    A second call only changes what is asked for.
    """
    if "torch" in sys.modules:
        if asked is not None:
            sys.modules["torch"].set_num_threads(asked)
        return
    waiting = next((finder for finder in sys.meta_path if isinstance(finder, _Waiting)), None)
    if waiting is None:
        sys.meta_path.insert(0, _Waiting(asked))
    elif asked is not None:
        waiting.asked = asked


class _Waiting:
    """Waits for the first import of torch, chooses, and is gone; finds no module itself."""

    def __init__(self, asked: int | None) -> None:
        self.asked, self.before = asked, look()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return None: others find the module."""
        if name == "torch":
            sys.meta_path.remove(self)
            if self.before is not None:
                time.sleep(max(0.0, LEAST_LOOK_S - (time.monotonic() - self.before.at_s)))
            others = others_busy(self.before, look())
            _SETTLED.append(self.asked is None and "OMP_NUM_THREADS" not in os.environ)
            apply(choose(usable_cores(), others, self.asked, os.environ), os.environ)
        return None
