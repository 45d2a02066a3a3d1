"""Paint `brush.jpg`, a style without a licence question: the example picture in strokes and in five colors of our own.

python examples/make_brush.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "recipes"))

import painted_styles  # noqa: E402

COLORS = np.array([[18, 28, 60], [30, 80, 120], [214, 120, 60], [240, 190, 90], [250, 240, 210]], dtype=float)
SIDE = 512

if __name__ == "__main__":
    painted_styles.SIDE = SIDE
    with Image.open(HERE / "valley.jpg") as picture:
        image = np.array(picture.convert("RGB").resize((768, SIDE)).crop((128, 0, 128 + SIDE, SIDE)))
    grey = cv2.equalizeHist(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)) / 255
    knots = np.linspace(0, 1, len(COLORS))
    colored = np.stack([np.interp(grey, knots, COLORS[:, c]) for c in range(3)], -1).astype(np.uint8)
    Image.fromarray(painted_styles.strokes(colored, np.random.default_rng(11))).save(HERE / "brush.jpg", quality=88)
