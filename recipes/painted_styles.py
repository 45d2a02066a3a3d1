"""Paint photographs with simple brushes, as styles for the network that paints in any style.

    python recipes/painted_styles.py PHOTOS.zip OUT.zip --count 1200 --seed 0

Paintings that may be used freely are few; a network that saw only those would know only those. Every picture here is a
photograph redrawn by one of several hands (strokes along the edges, dots, mosaic, hatching, flat areas with outlines,
triangles, brush on bare paper, marbling, patches, haze) in its own colors or in those of a random palette.
Source: strokes as in Haeberli 1990 (Paint by Numbers) and Hertzmann 1998, without their curved brushes.
"""

from __future__ import annotations

import argparse
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

SIDE = 320
Hand = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def strokes(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Lay strokes along edges, large ones first."""
    angle, canvas = flow(image, random), np.full_like(image, int(image.mean()))
    length, width = random.uniform(1.5, 6), random.uniform(0.5, 1.5)
    for size in (random.uniform(14, 26), random.uniform(6, 12), random.uniform(3, 6)):
        lay(canvas, image, angle, random, size * width, length, 6.0)
    return canvas


def dots(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Set dots in pure colors."""
    canvas = np.full_like(image, int(random.uniform(150, 250)))
    size, spread = random.uniform(3, 9), random.uniform(10, 60)
    for y, x in places(random, int(2.2 * SIDE * SIDE / size**2)):
        color = np.clip(image[y, x] + random.normal(0, spread, 3), 0, 255)
        cv2.circle(canvas, (x, y), max(1, round(size * random.uniform(0.3, 0.7))), color.tolist(), -1, cv2.LINE_AA)
    return canvas


def mosaic(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Fill the cells around random points, with joints between them."""
    points = np.array(list(places(random, int(random.uniform(150, 1800)))))
    seeds = np.full((SIDE, SIDE), 255, np.uint8)
    seeds[points[:, 0], points[:, 1]] = 0
    _, labels = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    flat = labels.ravel()
    total = [
        np.bincount(flat, image[..., c].ravel().astype(float)) / np.maximum(np.bincount(flat), 1) for c in range(3)
    ]
    canvas = np.stack(total, -1)[labels].astype(np.uint8)
    if random.random() < 0.7:
        joint = (labels != np.roll(labels, 1, 0)) | (labels != np.roll(labels, 1, 1))
        canvas[joint] = int(random.choice([20, 230]))
    return canvas


def hatching(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw lines where it is dark, crossed where it is darker."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    paper, ink = random.uniform(200, 255, 3), random.uniform(0, 110, 3)
    canvas = np.tile(paper, (SIDE, SIDE, 1)).astype(np.uint8)
    angle, step = random.uniform(0, np.pi), random.uniform(3, 7)
    for level, turn in ((190, 0.0), (140, 0.6), (90, 1.2), (50, 1.8)):
        way = np.array([np.cos(angle + turn), np.sin(angle + turn)])
        for y, x in places(random, int(SIDE * SIDE / step**2)):
            if grey[y, x] < level:
                reach = way * random.uniform(4, 14)
                start, end = ([int(x + s * reach[0]), int(y + s * reach[1])] for s in (-1, 1))
                cv2.line(canvas, start, end, ink.tolist(), 1, cv2.LINE_AA)
    return canvas


def flat(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Fill areas of few colors and draw around them, as in a print."""
    smooth = cv2.bilateralFilter(image, 9, 60, 9)
    smooth = cv2.medianBlur(smooth, int(random.choice([5, 9, 13])))
    rows = smooth.reshape(-1, 3).astype(np.float32)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 8, 1.0)
    cv2.setRNGSeed(int(random.integers(2**31)))
    _, label, centers = cv2.kmeans(rows, int(random.integers(4, 12)), None, stop, 1, cv2.KMEANS_PP_CENTERS)
    canvas = centers[label.ravel()].reshape(image.shape).astype(np.uint8)
    if random.random() < 0.75:
        edges = cv2.Canny(cv2.cvtColor(canvas, cv2.COLOR_RGB2GRAY), 20, 60)
        edges = cv2.dilate(edges, np.ones((int(random.integers(1, 4)),) * 2, np.uint8))
        canvas[edges > 0] = random.uniform(0, 70, 3)
    return canvas


def triangles(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Cover the picture with triangles, each of one color and shaded across."""
    grid = cv2.Subdiv2D((0, 0, SIDE, SIDE))
    for y, x in places(random, int(random.uniform(60, 500))):
        grid.insert((float(x), float(y)))
    canvas, spread = image.copy(), random.uniform(0, 30)
    for corners in grid.getTriangleList().reshape(-1, 3, 2):
        y, x = np.clip(corners.mean(0)[::-1].astype(int), 0, SIDE - 1)
        color = np.clip(image[y, x] + random.normal(0, spread, 3), 0, 255)
        cv2.fillConvexPoly(canvas, corners.astype(np.int32), color.tolist(), cv2.LINE_AA)
    return canvas


def sketch(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Wash thin paint over paper and draw contours."""
    paper = np.clip(random.uniform(205, 245) + random.normal(0, 8, (SIDE, SIDE, 1)), 0, 255)
    wash = cv2.GaussianBlur(image, (0, 0), random.uniform(3, 8)).astype(float)
    canvas = paper + random.uniform(0.2, 0.7) * (wash - 255)
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 1.2)
    edges = cv2.GaussianBlur(cv2.Canny(grey, 40, 110), (0, 0), random.uniform(0.5, 1.0))
    return np.clip(canvas - 1.3 * edges[..., None], 0, 255).astype(np.uint8)


def marbling(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Stir the picture along waves within waves."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    for _ in range(int(random.integers(3, 7))):
        turn, length, reach = random.uniform(0, 6.28), random.uniform(12, 90), random.uniform(2, 16)
        wave = reach * np.sin((np.cos(turn) * x + np.sin(turn) * y) / length * 6.28 + random.uniform(0, 6.28))
        x, y = x + wave * np.float32(np.sin(turn)), y - wave * np.float32(np.cos(turn))
    canvas = cv2.remap(
        image, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return strokes(canvas, random) if random.random() < 0.5 else canvas


def patches(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Fill a crooked grid with flat colors, brushed unevenly, with seams between them."""
    edges = [np.sort(random.integers(0, SIDE, int(random.integers(5, 16)))) for _ in range(2)]
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    bent = [a + 6 * np.sin(b / random.uniform(20, 60) + random.uniform(0, 6.28)) for a, b in ((y, x), (x, y))]
    row, column = (np.searchsorted(e, b.ravel()).reshape(b.shape) for e, b in zip(edges, bent, strict=True))
    cell = row * (len(edges[1]) + 1) + column
    count = np.maximum(np.bincount(cell.ravel()), 1)
    means = np.stack([np.bincount(cell.ravel(), image[..., c].ravel().astype(float)) for c in range(3)], 1)
    means /= count[:, None]
    colors = np.clip(127 + random.uniform(1, 2.5) * (means - 127) + random.normal(0, 30, means.shape), 0, 255)
    cloth = cv2.GaussianBlur(random.normal(0, 1, (SIDE, SIDE)), (0, 0), random.uniform(0.6, 3))
    canvas = colors[cell] + random.uniform(4, 16) * cloth[..., None] / max(cloth.std(), 1e-6)
    if random.random() < 0.5:
        seam = (cell != np.roll(cell, 1, 0)) | (cell != np.roll(cell, 1, 1))
        canvas[cv2.dilate(seam.astype(np.uint8), np.ones((2, 2), np.uint8)) > 0] = random.uniform(0, 90, 3)
    return np.clip(canvas, 0, 255).astype(np.uint8)


def haze(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Let light dissolve the forms: broad soft strokes over a glow, in few related colors."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    glow = np.exp(-((y - random.random()) ** 2 + (x - random.random()) ** 2) / random.uniform(0.05, 0.4))[..., None]
    soft = cv2.GaussianBlur(image, (0, 0), random.uniform(3, 9)).astype(float)
    warm = random.uniform((180, 140, 60), (255, 240, 190))
    mist = (1 - 0.8 * glow) * soft + 0.8 * glow * warm
    base = np.clip(random.uniform(0.5, 0.9) * mist + random.uniform(5, 60), 0, 255).astype(np.uint8)
    angle, canvas = flow(base, random), base.copy()
    for size in (random.uniform(10, 20), random.uniform(3, 8)):
        lay(canvas, base, angle, random, size, random.uniform(3, 8), 4.0)
    return canvas


HANDS: tuple[Hand, ...] = (
    strokes, strokes, strokes, dots, mosaic, hatching, flat, triangles, sketch, marbling, patches, patches, haze,
)  # fmt: skip


def flow(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the direction along edges at every pixel, smoothed, in radians; swirls where nothing is."""
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 2).astype(np.float32)
    gx, gy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    double = np.stack([gx * gx - gy * gy, 2 * gx * gy])
    swirl = cv2.resize(random.normal(0, 1, (5, 5, 2)).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    smooth = np.stack([cv2.GaussianBlur(d, (0, 0), random.uniform(4, 12)) for d in double])
    smooth += swirl.transpose(2, 0, 1) * random.choice([100.0, 1000.0, 10000.0])
    return np.arctan2(smooth[1], smooth[0]) / 2 + np.pi / 2


def lay(
    canvas: np.ndarray, image: np.ndarray, angle: np.ndarray, random: np.random.Generator, size: float, length: float,
    spread: float,
) -> None:  # fmt: skip
    """Lay one layer of strokes `size` px wide."""
    seen = cv2.GaussianBlur(image, (0, 0), max(size / 3, 0.5)).astype(float)
    for y, x in places(random, int(1.6 * SIDE * SIDE / (size * size * length))):
        turn, reach = angle[y, x] + random.normal(0, 0.15), size * length * random.uniform(0.3, 0.7)
        way = reach * np.array([np.cos(turn), np.sin(turn)])
        color = np.clip(seen[y, x] + random.normal(0, spread, 3) + random.normal(0, 2 * spread), 0, 255)
        ends = [tuple(int(v) for v in (x, y) + s * way) for s in (-1, 1)]
        cv2.line(canvas, ends[0], ends[1], color.tolist(), max(1, round(size)), cv2.LINE_AA)
        if size > 5:  # bristles
            side = np.array([-np.sin(turn), np.cos(turn)]) * size * random.uniform(-0.4, 0.4)
            ends = [tuple(int(v) for v in (x, y) + side + s * way) for s in (-1, 1)]
            cv2.line(canvas, ends[0], ends[1], np.clip(color * 0.85, 0, 255).tolist(), 1, cv2.LINE_AA)


def places(random: np.random.Generator, count: int) -> np.ndarray:
    """Return random rows and columns ``[count, 2]``."""
    return random.integers(0, SIDE, (count, 2))


def in_palette(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the picture in colors between a few random ones, by lightness."""
    colors = random.uniform(0, 255, (int(random.integers(3, 6)), 3))
    colors = colors[np.argsort(colors @ (0.299, 0.587, 0.114))]
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    grey = cv2.equalizeHist(grey) / 255.0
    knots = np.linspace(0, 1, len(colors))
    return np.stack([np.interp(grey, knots, colors[:, c]) for c in range(3)], -1).astype(np.uint8)


def photograph(data: bytes) -> np.ndarray:
    """Return the middle of a photograph ``[SIDE, SIDE, 3]``."""
    with Image.open(io.BytesIO(data)) as image:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.convert("RGB").crop((left, top, left + side, top + side))
        return np.array(square.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def main() -> None:
    """Write a zip of painted pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--count", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with zipfile.ZipFile(options.photos) as source, zipfile.ZipFile(options.output, "w") as target:
        names = sorted(n for n in source.namelist() if n.lower().endswith((".jpg", ".png", ".webp")))
        for number in range(options.count):
            random = np.random.default_rng([options.seed, number])
            image = photograph(source.read(names[int(random.integers(len(names)))]))
            image = in_palette(image, random) if random.random() < 0.3 else image
            hand = HANDS[int(random.integers(len(HANDS)))]
            buffer = io.BytesIO()
            Image.fromarray(hand(image, random)).save(buffer, "JPEG", quality=88)
            target.writestr(f"styles/{number:05d}-{hand.__name__}.jpg", buffer.getvalue())


if __name__ == "__main__":
    main()
