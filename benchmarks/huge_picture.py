"""Is the peak memory of a 100-megapixel picture that of a 12-megapixel one under ``--max-memory 2GB``?

The command line as a user calls it, in a process of its own; its high-water mark of resident memory comes from the
kernel. Resident means everything that the process holds, mapped files included; what the system caches of the files
that the picture lies in belongs to nobody and is given up when others need memory. It is not counted, but the disk
space is reported.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from big_picture import STEPS_LINE, watched
from measure import PICTURE, arguments, environment, load_now, report, table, target
from PIL import Image

from reverie.optimize.byte_counts import parse_bytes

SIZES = {"12 MP": (4000, 3000), "100 MP": (11548, 8661)}
CONSTANT = 1.05
ROWS = 256


def write_photo(path: Path, width: int, height: int) -> None:
    """Write the example picture enlarged, with fine texture so that it compresses as a photo does."""
    with Image.open(PICTURE) as image:
        large = image.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    random = np.random.default_rng(0)
    for top in range(0, height, ROWS):
        strip = np.asarray(large.crop((0, top, width, min(top + ROWS, height))), dtype=np.int16)
        noise = random.integers(-6, 7, (*strip.shape[:2], 1), dtype=np.int16)
        large.paste(Image.fromarray(np.clip(strip + noise, 0, 255).astype(np.uint8)), (0, top))
    large.save(path, quality=90)


def measure(name: str, suffix: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Make one picture, dream it, and return what was seen."""
    width, height = SIZES[name]
    photo, out = folder / f"photo{suffix}", folder / f"dream{suffix}"
    size = ("--width", str(width), "--height", str(height))
    subprocess.run([sys.executable, __file__, "--photo", str(photo), *size], env=environment(), check=True)
    command = [sys.executable, "-m", "reverie", "dream", str(photo), "-o", str(out), "--max-memory", options.max_memory]
    command += ["--octaves", str(options.octaves), "--steps", str(options.steps)]
    plan = json.loads(watched([*command, "--dry-run"])["stdout"])
    seen = watched(command)
    found = STEPS_LINE.search(seen["stderr"])
    with Image.open(out) as image:
        assert image.size == (width, height)
    keys = ("tile_px", "halo_px", "tiles", "memory_mb", "on_disk_mb", "octaves", "layers", "precision")
    return {
        "plan": {k: plan[k] for k in keys}, "peak_mb": round(seen["peak_bytes"] / 1e6, 1), "wall_s": seen["wall_s"],
        "peak_at_s": seen["peak_at_s"], "dreaming_s": float(found[2]) if found else seen["wall_s"], "format": suffix,
    }  # fmt: skip


def main() -> None:
    """Measure every size, or make one picture."""
    parser = arguments(__doc__, octaves=1, steps=1, max_memory="2GB", width=0, height=0)
    parser.add_argument("--photo", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.photo:
        Image.MAX_IMAGE_PIXELS = None
        write_photo(options.photo, options.width, options.height)
        return
    Image.MAX_IMAGE_PIXELS = None
    load, results = load_now(), {}
    for name in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            results[name] = measure(name, ".jpg", options, Path(folder))
        print(f"{name}: {results[name]['peak_mb']} MB, load {load_now()}", flush=True)
    head = ("", "peak MB", "planned MB", "disk MB", "tile px", "tiles", "wall s")
    rows = []
    for name, found in results.items():
        plan = found["plan"]
        planned = (plan["memory_mb"], plan["on_disk_mb"], plan["tile_px"], plan["tiles"])
        rows.append((name, found["peak_mb"], *planned, found["wall_s"]))
    table(head, rows)
    peaks, limit = [r["peak_mb"] for r in results.values()], parse_bytes(options.max_memory) / 1e6
    ratio = max(peaks) / min(peaks)
    targets = [
        target(
            f"largest peak under --max-memory {options.max_memory}, MB", f"< {limit:g}", max(peaks), max(peaks) < limit
        ),
        target("larger over smaller peak", f"<= {CONSTANT}", ratio, ratio <= CONSTANT),
    ]
    settings = {"octaves": options.octaves, "steps": options.steps, "max_memory": options.max_memory, "sizes": SIZES}
    report((__doc__ or "").splitlines()[0], settings, results, targets, options.output, load)


if __name__ == "__main__":
    main()
