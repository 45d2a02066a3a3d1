"""Cut details out of paintings, a class for each painter: a collection for `reverie embed` from a handful of files.

    python recipes/painting_details.py PAINTINGS details
    reverie embed details --layer mixed4a --pool moments

The painter is the file's name without its number: ``monet1.jpg`` and ``monet2.jpg`` are one class.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from reverie.data.examples import listed
from reverie.media.image import read_picture
from reverie.media.write import write_picture

SHARE = (0.12, 0.35)  # of the shorter side that a detail shows
FLAT = 0.04  # details with less contrast show nothing


def main() -> None:
    """Write the details."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paintings", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--each", type=int, default=80, help="details of each painting")
    options = parser.parse_args()
    archive, names = listed(options.paintings)
    rng = np.random.default_rng(0)
    for name in names:
        rgb = read_picture(archive.open(name), name=name).rgb
        folder = options.output / Path(name).stem.rstrip("0123456789_")
        folder.mkdir(parents=True, exist_ok=True)
        made = 0
        while made < options.each:
            side = int(rng.uniform(*SHARE) * min(rgb.shape[:2]))
            top, left = (int(rng.integers(0, length - side + 1)) for length in rgb.shape[:2])
            detail = rgb[top : top + side, left : left + side]
            if detail.std() >= FLAT:
                write_picture(folder / f"{Path(name).stem}-{made:03d}.jpg", detail, quality=90)
                made += 1


if __name__ == "__main__":
    main()
