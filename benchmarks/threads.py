"""How long a dream takes with each way of waiting: on an idle machine, and beside one and two busy processes.

Every dream is a process of its own, as a user starts it: with OpenMP's own way of waiting, with sleeping threads, with
one thread, and as Reverie chooses. `--minutes` bounds the whole: what it leaves no time for is left out, and said.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measure import PICTURE, arguments, environment, load_now, report, table, target

DREAMS = {
    "96 px, 100 steps": ["--size", "96", "--octaves", "1", "--steps", "100"],
    "384 px, 10 steps an octave": ["--size", "384", "--steps", "10"],
    "768 px, 4 steps an octave": ["--size", "768", "--steps", "4"],
}
CORES = str(os.cpu_count())
WAYS = {
    "default": {"OMP_NUM_THREADS": CORES, "GOMP_SPINCOUNT": "300000000000"},
    "passive": {"OMP_NUM_THREADS": CORES, "OMP_WAIT_POLICY": "passive"},
    "one thread": {"OMP_NUM_THREADS": "1"},
    "ours": {},
}
OURS = "ours"
BUSY = (0, 1, 2)
IDLE_RATIO, LOADED_RATIO = 1.1, 1.3  # aimed at, of the best way
LONGEST_S = 60.0  # of one dream; spinning beside other work may take far longer, and is cut off there


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep so many cores busy."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        time.sleep(0.5)
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def seconds(options: list[str], way: dict[str, str], folder: Path) -> float:
    """Return the wall seconds of one dream, `LONGEST_S` for one that is not over by then."""
    own = {k: v for k, v in environment().items() if not k.startswith(("OMP_", "GOMP_", "MKL_"))} | way
    command = [sys.executable, "-m", "reverie", "dream", str(PICTURE), "-o", str(folder / "a.png"), "--overwrite"]
    began = time.monotonic()
    try:
        subprocess.run(command + options, env=own, check=True, capture_output=True, timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        return LONGEST_S
    return time.monotonic() - began


def measure(options: list[str], rounds: int, folder: Path, until: float) -> dict[str, dict[str, float]] | None:
    """Return least seconds by what runs beside it and by way, the ways in turn; None where the time is over."""
    found: dict[str, dict[str, float]] = {}
    for count in BUSY:
        with busy(count):
            times: dict[str, list[float]] = {way: [] for way in WAYS}
            for _ in range(rounds if count == 0 else 1):
                for way, own in WAYS.items():
                    if time.monotonic() > until:
                        return None
                    times[way].append(seconds(options, own, folder))
            found[f"beside {count}"] = {way: round(min(taken), 2) for way, taken in times.items()}
            print(json.dumps({f"beside {count}": found[f"beside {count}"]}), file=sys.stderr, flush=True)
    return found


def verdict(results: dict[str, dict[str, dict[str, float]]]) -> list[dict[str, Any]]:
    """Return what was aimed at and what came out: ours over the best way of the same column."""
    lines = []
    for name, columns in results.items():
        for column, taken in columns.items():
            most = IDLE_RATIO if column == "beside 0" else LOADED_RATIO
            ratio = taken[OURS] / min(other for way, other in taken.items() if way != OURS)
            lines.append(target(f"{name}, {column}, ours over the best way", f"<= {most}", ratio, ratio <= most))
    return lines


def main() -> None:
    """Measure every dream; what there is no time for is named."""
    load = load_now()
    options = arguments(__doc__, rounds=2, minutes=7.5).parse_args()
    until = time.monotonic() + 60 * options.minutes
    results: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, words in DREAMS.items():
            found = measure(words, options.rounds, Path(folder), until)
            if found is None:
                print(f"no time for {name}; --minutes {2 * options.minutes:g} gives more")
                continue
            results[name] = found
            table((name, *WAYS), [(column, *taken.values()) for column, taken in found.items()])
    lines = verdict(results)
    settings = {"rounds_idle": options.rounds, "rounds_loaded": 1, "minutes": options.minutes,
                "longest_s": LONGEST_S, "left_out": [name for name in DREAMS if name not in results]}  # fmt: skip
    if lines:
        settings["median_ratio"] = round(statistics.median(line["measured"] for line in lines), 3)
    report((__doc__ or "").splitlines()[0], settings, results, lines, options.output, load)


if __name__ == "__main__":
    main()
