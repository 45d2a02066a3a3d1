"""Does a photo of 4000 x 3000 px dream within ``--max-memory 2GB``?

The command line as a user calls it, in a process of its own; its high-water mark of resident memory is read from the
kernel until it ends. There is no peer here: the reference is what the user allowed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from measure import PICTURE, arguments, environment, load_now, report, table, target
from PIL import Image

from reverie.optimize.tiles import parse_bytes

EVERY_S = 0.05
STEPS_LINE = re.compile(r"(\d+) steps in ([\d.]+) s")


def write_photo(path: Path, width: int, height: int) -> None:
    """Write the example picture enlarged, with fine texture so that it compresses as a photo does."""
    with Image.open(PICTURE) as image:
        large = image.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    random = np.random.default_rng(0)
    noise = random.integers(-6, 7, (height, width, 1), dtype=np.int16)
    textured = np.clip(np.asarray(large, dtype=np.int16) + noise, 0, 255).astype(np.uint8)
    Image.fromarray(textured).save(path, quality=90)


def watched(command: list[str]) -> dict[str, Any]:
    """Run a command; return its seconds, its peak memory, when the peak came, and what it said."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    peak = peak_at = 0.0
    while process.poll() is None:
        now = _high_water(process.pid)
        if now > peak:
            peak, peak_at = now, time.perf_counter() - began
        time.sleep(EVERY_S)
    out, said = process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{said[-3000:]}")
    return {
        "wall_s": round(time.perf_counter() - began, 1), "peak_bytes": int(max(peak, _children_peak())),
        "peak_at_s": round(peak_at, 1), "stdout": out, "stderr": said,
    }  # fmt: skip


def _high_water(pid: int) -> float:
    """Return the largest resident memory of a process so far, in bytes."""
    status = Path(f"/proc/{pid}/status")
    try:
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024.0
    except OSError:  # ended, or a system without /proc
        pass
    return 0.0


def _children_peak() -> float:
    """Return the largest resident memory of any child so far, exact at its end; never below our own at its start."""
    try:
        import resource
    except ImportError:
        return 0.0
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return float(most if sys.platform == "darwin" else most * 1024)


def command_of(photo: Path, out: Path, options: argparse.Namespace) -> list[str]:
    """Return the command line that is measured."""
    command = [sys.executable, "-m", "reverie", "dream", str(photo), "-o", str(out), "--max-memory", options.max_memory]
    command += ["--octaves", str(options.octaves), "--steps", str(options.steps)]
    return command + (["--layer", options.layer] if options.layer else [])


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Make the photo, ask for the plan, dream, and return what was seen."""
    photo, out = folder / "big.jpg", folder / "dream.jpg"
    write_in_child(photo, options)
    command = command_of(photo, out, options)
    plan = json.loads(watched([*command, "--dry-run"])["stdout"])
    seen = watched(command)
    found = STEPS_LINE.search(seen["stderr"])
    steps, seconds = (int(found[1]), float(found[2])) if found else (plan["steps"], seen["wall_s"])
    keys = ("size", "octaves", "layers", "tile_px", "halo_px", "tiles", "precision", "model")
    return {
        "plan": {k: plan[k] for k in keys}, "peak_mb": round(seen["peak_bytes"] / 1e6, 1),
        "peak_at_s": seen["peak_at_s"], "wall_s": seen["wall_s"], "dreaming_s": seconds,
        "s_per_step": round(seconds / steps, 2), "said": seen["stderr"].strip().splitlines()[-1:],
    }  # fmt: skip


def write_in_child(photo: Path, options: argparse.Namespace) -> None:
    """Make the photo in another process: our own memory must stay below what is measured."""
    size = ("--width", str(options.width), "--height", str(options.height))
    subprocess.run([sys.executable, __file__, "--write", str(photo), *size], check=True, env=environment())


def main() -> None:
    """Measure the command line on one large photo."""
    load = load_now()
    parser = arguments(__doc__, width=4000, height=3000, octaves=2, steps=1, max_memory="2GB", layer="")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write_photo(options.write, options.width, options.height)
        return
    os.environ.pop("OMP_NUM_THREADS", None)  # as a user's shell has it
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options, Path(folder))
    allowed = parse_bytes(options.max_memory) / 1e6
    table(("peak MB", "allowed MB", "tile px", "halo px", "tiles", "s per step", "wall s", "peak at s"), [[
        result["peak_mb"], allowed, result["plan"]["tile_px"], result["plan"]["halo_px"], result["plan"]["tiles"],
        result["s_per_step"], result["wall_s"], result["peak_at_s"],
    ]])  # fmt: skip
    name = f"{options.width} x {options.height} px, peak MB"
    verdict = [target(name, f"< {allowed:g}", result["peak_mb"], result["peak_mb"] < allowed)]
    settings = {k: getattr(options, k) for k in ("width", "height", "octaves", "steps", "max_memory", "layer")}
    report((__doc__ or "").splitlines()[0], settings, result, verdict, options.output, load)


if __name__ == "__main__":
    main()
