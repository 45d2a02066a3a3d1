"""Does a style transfer of 16 megapixels stay below 3 GB with a network of VGG-19's size?

The command line as a user calls it, in a process of its own, at one scale and for one step: memory does not depend on
how many there are. Its high-water mark of resident memory is read from the kernel until it ends. There is no peer: the
reference is what the user allowed. A picture of 64 megapixels is allowed more, since every buffer of its own size takes
805 MB; what it needs beyond 16 megapixels is given in such buffers per pixel.
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
from reverie.tools.style_steps.plan import BUFFERS_AT_END

ALLOWED = {1024: "3GB", 2048: "3GB", 4096: "3GB", 8192: "9GB"}  # by side
PIXEL_BYTES = 12  # of one pixel in one buffer: three floats
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
    return [sys.executable, "-m", "reverie", "style", *files, *network, *scale, "--max-memory", ALLOWED[side]]


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
        "peak_at_s": seen["peak_at_s"], "wall_s": seen["wall_s"], "steps": options.steps,
        "max_memory": ALLOWED[side], "plan": plan, "said": seen["stderr"].strip().splitlines()[-2:],
    }  # fmt: skip


def under(row: dict[str, Any]) -> dict[str, Any]:
    """Compare a peak with what was allowed."""
    allowed = parse_bytes(row["max_memory"]) / 1e6
    what = f"{row['side_px']} x {row['side_px']} px, peak MB"
    return target(what, f"< {allowed:g}", row["peak_mb"], row["peak_mb"] < allowed)


def main() -> None:
    """Measure all sizes, from small to large."""
    load = load_now()
    parser = arguments(__doc__, steps=1)
    parser.add_argument(
        "--sides", type=int, nargs="*", choices=ALLOWED, default=list(ALLOWED), help="default %(default)s"
    )
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
    table(["side px", "megapixels", "allowed", "peak MB", "wall s"],
          [[r["side_px"], r["megapixels"], r["max_memory"], r["peak_mb"], r["wall_s"]] for r in rows])  # fmt: skip
    lines = [under(r) for r in rows]
    largest = rows[-2:]
    if len(largest) == 2:
        more = (largest[1]["peak_mb"] - largest[0]["peak_mb"]) / (largest[1]["megapixels"] - largest[0]["megapixels"])
        what = f"buffers of the picture's size, {largest[0]['side_px']} to {largest[1]['side_px']} px"
        lines.append(
            target(what, f"<= {BUFFERS_AT_END}", round(more / PIXEL_BYTES, 2), more <= BUFFERS_AT_END * PIXEL_BYTES)
        )
    settings = {"steps": options.steps, "network": "vgg19, random weights"}
    report((__doc__ or "").splitlines()[0], settings, rows, lines, options.output, load)


if __name__ == "__main__":
    main()
