"""Does a style transfer of 16 megapixels stay below 3 GB with a network of VGG-19's size?

The command line as a user calls it, in a process of its own, at one scale and for one step: memory does not depend on
how many there are. Its high-water mark of resident memory is read from the kernel until it ends. There is no peer: the
reference is what the user allowed, and what one piece would need by the plan's own estimate.
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
from big_picture import watched, write_photo
from measure import arguments, environment, load_now, report, table, target
from PIL import Image

from reverie.optimize.tiles import parse_bytes

SIDES = (1024, 2048, 4096)
STYLE_PX = 512


def write_pictures(folder: Path, side: int) -> None:
    """Write the content, square and with grain, and a style."""
    write_photo(folder / f"content-{side}.jpg", side, side)
    grain = np.random.default_rng(1).integers(0, 255, (STYLE_PX // 8, STYLE_PX // 8, 3)).astype(np.uint8)
    Image.fromarray(grain).resize((STYLE_PX, STYLE_PX), Image.Resampling.BICUBIC).save(folder / "style.png")


def command_of(folder: Path, side: int, options: argparse.Namespace) -> list[str]:
    """Return the command line that is measured."""
    files = [str(folder / f"content-{side}.jpg"), str(folder / "style.png"), "-o", str(folder / f"out-{side}.jpg")]
    network = ["--model", "vgg19", "--weights", "random", "--device", "cpu"]
    scale = ["--size", str(side), "--min-size", str(side), "--steps", str(options.steps), "--min-steps", "1"]
    return [sys.executable, "-m", "reverie", "style", *files, *network, *scale, "--max-memory", options.max_memory]


def measure(folder: Path, side: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return what was seen of one size."""
    subprocess.run(
        [sys.executable, __file__, "--write", str(folder), "--sides", str(side)], check=True, env=environment()
    )
    command = command_of(folder, side, options)
    plan = json.loads(watched([*command, "--dry-run"])["stdout"])
    seen = watched(command)
    with Image.open(folder / f"out-{side}.jpg") as made:
        assert made.size == (side, side), made.size
    return {
        "side_px": side, "megapixels": round(side * side / 1e6, 1), "peak_mb": round(seen["peak_bytes"] / 1e6, 1),
        "peak_at_s": seen["peak_at_s"], "wall_s": seen["wall_s"], "steps": options.steps, "plan": plan,
        "said": seen["stderr"].strip().splitlines()[-2:],
    }  # fmt: skip


def main() -> None:
    """Measure all sizes, from small to large."""
    load = load_now()
    parser = arguments(__doc__, steps=1)
    parser.add_argument("--max-memory", default="3GB", help="default %(default)s")
    parser.add_argument("--sides", type=int, nargs="*", default=list(SIDES), help="default %(default)s")
    parser.add_argument("--partial", type=Path, help="keep what is known so far in this file")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write_pictures(options.write, options.sides[0])
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for side in options.sides:
            rows.append(measure(Path(folder), side, options))
            print(rows[-1], flush=True)
            if options.partial:
                options.partial.write_text(json.dumps(rows))
    table(["side px", "megapixels", "peak MB", "wall s"],
          [[r["side_px"], r["megapixels"], r["peak_mb"], r["wall_s"]] for r in rows])  # fmt: skip
    allowed = parse_bytes(options.max_memory) / 1e6
    lines = [
        target(f"{r['side_px']} x {r['side_px']} px, peak MB", f"< {allowed:g}", r["peak_mb"], r["peak_mb"] < allowed)
        for r in rows
    ]
    settings = {"max_memory": options.max_memory, "steps": options.steps, "network": "vgg19, random weights"}
    report((__doc__ or "").splitlines()[0], settings, rows, lines, options.output, load)


if __name__ == "__main__":
    main()
