"""Time, memory and machine: what every benchmark here reports, measured in one way.

CPU time is that of the whole process, so it hardly depends on what else the machine does; variants are interleaved,
so that what disturbs one round disturbs all of them alike. Peaks come from the kernel's high-water mark of resident
memory, which can be reset on Linux; elsewhere the peak of the whole process is all there is.
"""

from __future__ import annotations

import argparse
import ctypes
import datetime
import gc
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

MIB = 2**20
ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "examples" / "valley.jpg"
STATUS = Path("/proc/self/status")
PACKAGES = ("torch", "torchvision", "torch-lucent", "kornia", "numpy", "pillow", "av", "opencv-python-headless")


# --- time ---------------------------------------------------------------------------------------------------------


def interleaved(
    variants: Mapping[str, Callable[[], object]], rounds: int, warmup: int = 1
) -> dict[str, dict[str, list[float]]]:
    """Run every variant `rounds` times, in turn, and return their CPU and wall seconds."""
    names = list(variants)
    times: dict[str, dict[str, list[float]]] = {name: {"cpu_s": [], "wall_s": []} for name in names}
    for number in range(-warmup, rounds):
        shift = number % len(names)  # who runs first, with the coolest caches, changes from round to round
        for name in names[shift:] + names[:shift]:
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            variants[name]()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            if number >= 0:
                times[name]["cpu_s"].append(cpu)
                times[name]["wall_s"].append(wall)
    return times


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return least, median and relative spread: (largest - least) / median."""
    middle = statistics.median(values)
    return {
        "min": round(min(values), 4),
        "median": round(middle, 4),
        "spread": round((max(values) - min(values)) / middle, 3) if middle else 0.0,
    }


def gain(slow: Sequence[float], fast: Sequence[float]) -> dict[str, float]:
    """Return how many times faster `fast` is: by the median of the rounds' own ratios, and by the least times."""
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    return {"median": round(statistics.median(ratios), 3), "min": round(min(slow) / min(fast), 3)}


# --- memory -------------------------------------------------------------------------------------------------------


def rss() -> int:
    """Return the resident memory of this process in bytes."""
    import psutil

    return psutil.Process().memory_info().rss


def peak_rss() -> int:
    """Return the largest resident memory of this process since it began, or since `reset_peak`, in bytes.

    Not ``ru_maxrss`` where it can be helped: on Linux a new process inherits that of its parent.
    """
    if STATUS.exists():
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return psutil.Process().memory_info().peak_wset
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def reset_peak() -> bool:
    """Begin a new high-water mark; False where the system cannot."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def peak_of(work: Callable[[], object], passes: int = 3) -> dict[str, float]:
    """Run `work` a few times; return MiB before, at the peak of the work, and at the peak of the process."""
    before_peak = peak_rss()
    gc.collect()
    _give_back()
    before = rss()
    reset = reset_peak()
    for _ in range(passes):
        work()
    peak = peak_rss()
    return {
        "before_mib": round(before / MIB, 1),
        "peak_mib": round(peak / MIB, 1),
        "increase_mib": round((peak - before) / MIB, 1),
        "process_peak_mib": round(max(peak, before_peak) / MIB, 1),
        "peak_was_reset": reset,
    }


def _give_back() -> None:
    """Return freed memory to the system, or the work would use it unseen; glibc only."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


# --- processes ----------------------------------------------------------------------------------------------------


def environment() -> dict[str, str]:
    """Return the environment for a child process that finds the same `reverie` as this one."""
    import reverie

    source = str(Path(reverie.__file__).resolve().parent.parent)
    known = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": source + (os.pathsep + known if known else "")}


def in_child(script: str, *arguments: str) -> dict[str, Any]:
    """Run a benchmark script in a process of its own; return the JSON of its last line of output."""
    command = [sys.executable, script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    if done.returncode != 0:
        raise SystemExit(f"{Path(script).name} {' '.join(arguments)} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


# --- report -------------------------------------------------------------------------------------------------------


def machine() -> dict[str, Any]:
    """Return what the numbers depend on: processor, cores, instructions, memory, and how busy it was."""
    import psutil
    import torch

    flags = {"avx512_bf16": "_is_avx512_bf16_supported", "amx": "_is_amx_tile_supported"}
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "bf16_units": [name for name, probe in flags.items() if getattr(torch.cpu, probe, lambda: False)()],
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "load_1min": round(psutil.getloadavg()[0], 2),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        fields = [line.partition(":") for line in info.read_text().splitlines()]
        found = {key.strip(): value.strip() for key, _, value in reversed(fields)}
        family = f"family {found.get('cpu family')} model {found.get('model')}, {found.get('cpu MHz')} MHz"
        return f"{found.get('model name', platform.machine())} ({family})"
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Return the versions that the numbers depend on."""
    import reverie

    result = {"python": platform.python_version(), "reverie": reverie.__version__}
    for name in PACKAGES:
        try:
            result[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return result


def target(what: str, wanted: str, measured: float, met: bool) -> dict[str, Any]:
    """Return one line of the verdict."""
    return {"what": what, "target": wanted, "measured": round(float(measured), 4), "met": bool(met)}


def arguments(doc: str | None, **options: Any) -> argparse.ArgumentParser:
    """Return a parser with what all scripts take: ``--output`` and any integer options with their defaults."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--output", type=Path, help="write the results as JSON to this file")
    for name, default in options.items():
        parser.add_argument(
            "--" + name.replace("_", "-"), type=type(default), default=default, help="default %(default)s"
        )
    return parser


def report(
    question: str, settings: Mapping[str, Any], results: Any, targets: list[dict[str, Any]], output: Path | None,
    load: float,
) -> None:  # fmt: skip
    """Print the verdict and the machine; write everything as JSON if asked to."""
    facts = machine() | {"load_1min": load}
    for line in targets:
        print(f"{'met' if line['met'] else 'NOT MET':8}{line['what']}: {line['measured']:g} (target {line['target']})")
    print(f"\n{facts['processor']}, {facts['cores']} cores, {facts['capability']}, {' '.join(facts['bf16_units'])}")
    print(f"load at the start {load}; " + ", ".join(f"{k} {v}" for k, v in versions().items()))
    if output is None:
        return
    record = {
        "question": question,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": facts,
        "versions": versions(),
        "settings": dict(settings),
        "targets": targets,
        "results": results,
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(record, indent=1) + "\n")
    print(f"written to {output}")


def load_now() -> float:
    """Return the load average of the last minute: above zero, something else was running."""
    import psutil

    return round(psutil.getloadavg()[0], 2)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table with aligned columns."""
    cells = [[str(c) for c in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for row in cells:
        left = row[0].ljust(widths[0])
        print("  ".join([left, *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]))
    print()
