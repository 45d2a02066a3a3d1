"""How near does one pass (`--fast`) come to styles that it was not trained with?

    python benchmarks/unseen_styles.py --contents PICTURES --styles FOLDER --googlenet FILE \
        --sheet sheet.jpg --output result.json

Styles are the pictures of the folder and fourteen patterns drawn here; none of them was a style in the training.
GoogLeNet judges, which took no part in the pass: distances of `reverie compare` and of Gram matrices, relative to those
of the content picture.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import arguments, load_now, report, summary, table
from PIL import Image
from style_fidelity import pixels_of
from style_networks import TEACHER, TILE_PX, Judge
from style_peers import load
from torch import Tensor

from reverie.critic.open import open_critic
from reverie.media.sheet import contact_sheet
from reverie.tools.fast.model import fast_style, open_student

SIDE = 512  # of a pattern, and the longer side of a style
Array = np.ndarray


def painted(index: Array, *colors: tuple[int, int, int]) -> Array:
    """Return uint8 ``[H, W, 3]``: the color of every index, in turn."""
    return np.asarray(colors, np.uint8)[index.astype(int) % len(colors)]


def lined(line: Array, grey: int, picture: Array) -> Array:
    """Return a picture with lines of one grey where the mask says so."""
    return np.where(line[..., None], np.uint8(grey), picture)


def nearest(x: Array, y: Array, count: int, seed: int) -> tuple[Array, Array]:
    """Return the number of the nearest of so many drawn places, and how much farther the second one is."""
    places = np.random.default_rng(seed).random((count, 2)) * SIDE
    away = np.stack([np.hypot(x - a, y - b) for a, b in places])
    order = np.sort(away, 0)
    return away.argmin(0), order[1] - order[0]


def patterns() -> dict[str, Array]:
    """Return the patterns by name: uint8 ``[512, 512, 3]``."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    bend = 20 * np.sin(y / 40) + 9 * np.sin(x / 17 + y / 60)
    cell, gap = nearest(x, y, 90, 1)
    stone, joint = nearest(x, y, 260, 2)
    rings = np.hypot(x - 180, 0.4 * (y - 200)) + bend
    hills = np.sin(x / 63 + 2) + np.cos(y / 47) + np.sin((x + y) / 90)
    brick_x = x + 32 * (y // 24 % 2)
    scale = np.hypot((x + 20 * (y // 20 % 2)) % 40 - 20, y % 20)
    knit = 9 * np.abs((x / 18) % 1 - 0.5)
    ink, paper = (28, 24, 40), (242, 234, 214)
    return {
        "waves": painted((y + bend) // 32, (226, 84, 62), (20, 22, 30), (246, 150, 160), (36, 102, 140)),
        "glass": lined(gap < 5, 16, painted(cell, (200, 40, 40), (30, 90, 170), (240, 190, 40), (40, 140, 90),
                                            (120, 60, 140))),
        "cobbles": lined(joint < 4, 60, painted(stone, (150, 140, 130), (176, 160, 140), (122, 118, 116))),
        "dots": painted(np.hypot(x % 16 - 8, y % 16 - 8) < 3 + 4 * (0.5 + 0.5 * np.sin(x / 70) * np.cos(y / 90)),
                        (250, 220, 60), (210, 30, 70)),
        "hatching": painted(np.sin((x + y + bend) / 2.6) > np.sin(x / 60) * np.cos(y / 75), ink, paper),
        "wood": painted((rings / 7) % 3, (150, 98, 52), (172, 116, 66), (128, 80, 40)),
        "marble": painted(np.abs(np.sin((x + 3 * bend) / 45)) < 0.12, (236, 234, 230), (70, 84, 88)),
        "plaid": painted((x // 24 % 4 > 2) * 2 + (y // 24 % 4 > 2) + 4 * ((x + y) % 4 < 2), (20, 60, 50), (170, 30, 40),
                         (190, 160, 60), (230, 220, 190), (16, 48, 40), (150, 24, 34), (170, 140, 50), (210, 200, 170)),
        "knitted": painted(((y + knit) / 12) % 2 + 2 * ((y // 72) % 2), (40, 70, 120), (60, 96, 150), (210, 214, 200),
                           (236, 238, 228)),
        "woven": painted((x // 10 + y // 10) % 2 + 2 * (np.sin(x / 35) * np.sin(y / 35) > 0.2), (60, 110, 90),
                         (90, 150, 120), (200, 120, 60), (230, 160, 90)),
        "bricks": lined((brick_x % 64 < 4) | (y % 24 < 4), 205, painted(
            brick_x // 64 * 7 + y // 24 * 3, (160, 64, 44), (182, 82, 56), (140, 52, 40), (170, 90, 70))),
        "scales": painted(scale // 7, (18, 70, 90), (40, 130, 140), (120, 190, 160), (230, 230, 180)),
        "contours": painted((hills * 5) % 1 < 0.2, (24, 34, 66), (250, 204, 120)),
        "layers": painted((hills + 3) * 3, (250, 240, 220), (252, 196, 120), (240, 120, 90), (180, 60, 100),
                          (90, 40, 110), (30, 26, 70)),
    }  # fmt: skip


def styles_of(folder: Path) -> dict[str, Tensor]:
    """Return all styles, ``[1, 3, H, W]`` in 0..1: pictures of the folder, then patterns."""
    found = {path.stem: load(path, SIDE, enlarge=False) for path in sorted(folder.iterdir())}
    drawn = {name: torch.from_numpy(p).permute(2, 0, 1)[None] / 255 for name, p in patterns().items()}
    return found | drawn


def main() -> None:
    """Stylize, judge, write the sheet."""
    load_at_start = load_now()
    parser = arguments(__doc__, side=256)
    parser.add_argument("--contents", type=Path, required=True, help="folder of content pictures")
    parser.add_argument("--styles", type=Path, required=True, help="folder of styles that were not in the training")
    parser.add_argument("--googlenet", type=Path, required=True, help="weights of bvlc_googlenet")
    parser.add_argument("--sheet", type=Path, help="write style and results to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    network = open_student(None, device="cpu", precision="fp32")
    critic = open_critic(TEACHER, options.googlenet, device="cpu", precision="fp32")
    contents = [load(path, options.side) for path in sorted(options.contents.iterdir())]
    records, tiles, captions = [], [], []
    for name, style in styles_of(options.styles).items():
        small = style[..., ::2, ::2]
        tiles, captions = [*tiles, pixels_of(small)], [*captions, name]
        for content in contents:
            began = time.process_time()
            made = fast_style(content, network, [style])
            spent = round(time.process_time() - began, 2)
            records.append({"style": name, "cpu_s": spent} | {"away": Judge(critic, content, style)(made)})
            tiles, captions = [*tiles, pixels_of(made)], [*captions, ""]
    keys = records[0]["away"]
    found: dict[str, Any] = {key: round(statistics.mean(r["away"][key] for r in records), 3) for key in keys}
    table(["style", "Gram", "content", "CPU s a picture"], [[*(f"{v:.3f}" for v in found.values()),
          f"{statistics.median(r['cpu_s'] for r in records):.2f}"]])  # fmt: skip
    if options.sheet:
        sheet = contact_sheet(tiles, columns=2 * (1 + len(contents)), tile_px=TILE_PX, captions=captions)
        Image.fromarray(sheet).save(options.sheet, quality=85)
    found |= {"cpu_s": summary([r["cpu_s"] for r in records]), "pictures": len(records)}
    report((__doc__ or "").splitlines()[0], {"side_px": options.side, "mean": found}, records, [], options.output,
           load_at_start)  # fmt: skip


if __name__ == "__main__":
    main()
