"""How long a dream takes with each way of waiting: on an idle machine, and beside one and two busy processes.

    python benchmarks/threads.py > benchmarks/results/threads.json

Every dream is a process of its own, as a user starts it. "default" is what OpenMP does by itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

DREAMS = {
    "96 px, 300 steps": ["--size", "96", "--octaves", "1", "--steps", "300"],
    "384 px, 20 steps an octave": ["--size", "384", "--steps", "20"],
}
WAYS = {
    "default": {"OMP_NUM_THREADS": str(os.cpu_count())} | {"GOMP_SPINCOUNT": "300000000000"},
    "passive": {"OMP_NUM_THREADS": str(os.cpu_count()), "OMP_WAIT_POLICY": "passive"},
    "one thread": {"OMP_NUM_THREADS": "1"},
    "ours": {},
}
ROUNDS = 2


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


def seconds(options: list[str], way: dict[str, str]) -> float:
    """Return the wall seconds of one dream."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "MKL_"))} | way
    command = [sys.executable, "-m", "reverie", "dream", "examples/valley.jpg", "-o", "/tmp/threads.png", "--overwrite"]
    began = time.monotonic()
    subprocess.run(command + options, env=environment, check=True, capture_output=True, timeout=300)
    return time.monotonic() - began


def main() -> None:
    """Measure everything and print JSON."""
    import torch

    before = os.getloadavg()
    results: dict[str, dict[str, dict[str, float]]] = {}
    for name, options in DREAMS.items():
        for count in (0, 1, 2):
            with busy(count):
                for way, environment in WAYS.items():
                    found = min(seconds(options, environment) for _ in range(ROUNDS if count == 0 else 1))
                    results.setdefault(name, {}).setdefault(f"beside {count}", {})[way] = round(found, 1)
                    print(name, count, way, round(found, 1), file=sys.stderr, flush=True)
    about = {"cores": os.cpu_count(), "torch": torch.__version__, "load_before": before, "rounds_idle": ROUNDS}
    print(json.dumps({"machine": about, "seconds": results}, indent=1))


if __name__ == "__main__":
    main()
