"""How long from the start of the process to the first step of a dream, and to the help text?

The command line in new processes: the moment of its first step against the kernel's record of when the process began.
The reference is a bare ``import torch``, the least that any such program must pay.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import PICTURE, arguments, environment, load_now, report, summary, table, target

STARTUP_S, HELP_S = 4.0, 0.5
SMALL = ("--steps", "1", "--octaves", "1", "--size", "64")
HELP = "import sys; from reverie.apps.cli.main import main; main(['--help']); print('torch' in sys.modules)"
# The command as it is, stopped after its first step; what is added costs microseconds.
FIRST_STEP = """
import json, os, sys, time
import psutil
from reverie.apps.cli.main import main
from reverie.optimize import ascend, gradient

began = psutil.Process().create_time()
attempt = gradient.Ascent.gradient

def first(self, *args, **kwargs):
    planned = time.time() - began
    found = attempt(self, *args, **kwargs)
    seconds = {"to_step_begun_s": planned, "to_step_done_s": time.time() - began, "cpu_s": time.process_time()}
    print(json.dumps(seconds), flush=True)
    os._exit(0)

gradient.Ascent.gradient = first
main(sys.argv[1:])
"""
IMPORT_LINE = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \|( +)(\S+)")


def timed(command: list[str]) -> tuple[float, float, str]:
    """Run a command; return wall seconds, CPU seconds of the child, and its output."""
    wall, before = time.perf_counter(), _children_cpu()
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    wall = time.perf_counter() - wall
    if done.returncode != 0:
        raise SystemExit(f"{command} failed:\n{done.stderr[-3000:]}")
    return wall, _children_cpu() - before, done.stdout


def _children_cpu() -> float:
    import os

    times = os.times()
    return times.children_user + times.children_system


def small_dream(folder: Path) -> list[str]:
    """Return the command line of the smallest dream."""
    out = str(folder / "small.png")
    return [
        sys.executable,
        "-m",
        "reverie",
        "dream",
        str(PICTURE),
        "-o",
        out,
        *SMALL,
    ]


def measure(rounds: int, folder: Path) -> dict[str, Any]:
    """Return all times, taken in turn."""
    first = [sys.executable, "-c", FIRST_STEP, "dream", str(PICTURE), "-o", str(folder / "first.png")]
    commands = {
        "import torch": [sys.executable, "-c", "import torch"],
        "reverie --help": [sys.executable, "-m", "reverie", "--help"],
        "small dream": small_dream(folder),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    steps: list[dict[str, float]] = []
    for number in range(rounds + 1):  # the first round only fills the file cache
        for name, command in commands.items():
            wall, cpu, _ = timed(command)
            times[name] += [(wall, cpu)] if number else []
        seen = json.loads(timed(first)[2].splitlines()[-1])
        steps += [seen] if number else []
    result: dict[str, Any] = {
        name: {"wall_s": summary([w for w, _ in t]), "cpu_s": summary([c for _, c in t])} for name, t in times.items()
    }
    result["first step"] = {key: summary([s[key] for s in steps]) for key in steps[0]}
    return result


def import_costs(module: str, rounds: int) -> dict[str, float]:
    """Return the milliseconds that each package's own modules take when `module` is imported, largest first."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        command = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=True)
        here: dict[str, float] = {}
        for line in done.stderr.splitlines():
            match = IMPORT_LINE.match(line)
            if match:
                package = match[4].split(".")[0]
                here[package] = here.get(package, 0) + int(match[1]) / 1000
        for package, cost in here.items():
            found.setdefault(package, []).append(cost)
    costs = {package: round(statistics.median(values), 1) for package, values in found.items()}
    return dict(sorted(costs.items(), key=lambda item: -item[1])[:16])


def main() -> None:
    """Measure the start of the command line."""
    load = load_now()
    options = arguments(__doc__, rounds=5).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options.rounds, Path(folder))
    result["help imports torch"] = timed([sys.executable, "-c", HELP])[2].splitlines()[-1] == "True"
    rounds = min(3, options.rounds)
    result["import reverie.api, ms by package"] = import_costs("reverie.api", rounds)
    result["import reverie.apps.cli.main, ms by package"] = import_costs("reverie.apps.cli.main", rounds)
    rows = [
        [
            name,
            result[name]["wall_s"]["median"],
            result[name]["cpu_s"]["median"],
            f"{result[name]['wall_s']['spread']:.0%}",
        ]
        for name in ("import torch", "reverie --help", "small dream")
    ]
    first = result["first step"]
    rows += [
        [text, first[key]["median"], first["cpu_s"]["median"], f"{first[key]['spread']:.0%}"]
        for text, key in (("first step begins", "to_step_begun_s"), ("first step done", "to_step_done_s"))
    ]
    table(("", "wall s", "cpu s", "spread"), rows)
    for name in ("import reverie.api, ms by package", "import reverie.apps.cli.main, ms by package"):
        print(f"{name}: " + ", ".join(f"{k} {v:.0f}" for k, v in list(result[name].items())[:10]) + "\n")
    start, help_s = first["to_step_begun_s"]["median"], result["reverie --help"]["wall_s"]["median"]
    verdict = [
        target("process start to first step, s", f"< {STARTUP_S}", start, start < STARTUP_S),
        target("reverie --help, s", f"< {HELP_S}", help_s, help_s < HELP_S),
        target("reverie --help imports torch", "0", result["help imports torch"], not result["help imports torch"]),
    ]
    report((__doc__ or "").splitlines()[0], {"rounds": options.rounds}, result, verdict, options.output, load)


if __name__ == "__main__":
    main()
