"""How much grain has each look of a dream, how much of the photograph stays, and how many features take part?

Against the original DeepDream's settings (`classic`), in the same run, on photographs of one's own:

    python benchmarks/dream_looks.py PICTURES/ --size 384 --output result.json

- *grain*: power above 0.35 cycles per pixel, as a ratio to the photograph's; a person begins to see it above 1.5.
- *change*: mean absolute change of a pixel, on a scale from 0 to 1.
- *variety*: how many channels of the layer carry 80 % of the gain in mean activation, out of all that gain.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import machine

from reverie.api import Dream
from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.media.image import read_picture
from reverie.numerics.resample import long_side, resize
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.presets import PRESETS

ABOVE = 0.35  # cycles per pixel
SEEN = "mixed4c"
MOST_GRAIN = 1.5


def fine_power(rgb: np.ndarray) -> float:
    """Return the power of the grey picture above `ABOVE`, windowed so that its border does not count."""
    grey = rgb.mean(axis=2)
    height, width = grey.shape
    window = np.outer(np.hanning(height), np.hanning(width))
    power = np.abs(np.fft.fft2((grey - grey.mean()) * window)) ** 2
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    return float(power[radius > ABOVE].sum())


def channels_of(critic: Critic, rgb: np.ndarray) -> torch.Tensor:
    """Return the mean activation of every channel, ``[C]``."""
    images = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None]
    return critic(images, [SEEN])[SEEN].float().mean((0, 2, 3))


def variety(before: torch.Tensor, after: torch.Tensor) -> tuple[int, int]:
    """Return how many channels carry 80 % of the gain, and how many gain at all."""
    gain = (after - before).clamp(min=0).sort(descending=True).values
    share = gain.cumsum(0) / gain.sum()
    return int((share < 0.8).sum()) + 1, int((gain > 0).sum())


def one(critic: Critic, photo: np.ndarray, look: dict[str, Any]) -> dict[str, float]:
    """Dream one photograph and measure it."""
    settings = {name: tuple(v) if isinstance(v, list) else v for name, v in look.items()}
    began = time.process_time()
    made = Dream(photo, DreamConfig(**settings), critic).array()
    seconds = time.process_time() - began
    few, all_of_them = variety(channels_of(critic, photo), channels_of(critic, made))
    return {
        "grain": fine_power(made) / fine_power(photo), "change": float(np.abs(made - photo).mean()),
        "channels_of_80_percent": few, "channels_that_gain": all_of_them, "cpu_s": seconds,
    }  # fmt: skip


def main() -> None:
    """Measure every look on every picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    critic = open_critic("embedded", None)
    photos = []
    for path in sorted(p for p in asked.pictures.iterdir() if p.suffix.lower() in (".png", ".jpg")):
        image = torch.from_numpy(read_picture(path).rgb).permute(2, 0, 1)[None]
        small = resize(image, long_side((image.shape[-2], image.shape[-1]), asked.size)).clamp(0, 1)
        photos.append(small[0].permute(1, 2, 0).contiguous().numpy())
    found: dict[str, Any] = {}
    for name, (_, look) in PRESETS.items():
        rows = [one(critic, photo, look) for photo in photos]
        found[name] = {what: round(statistics.median(r[what] for r in rows), 4) for what in rows[0]}
        found[name]["most_grain"] = round(max(r["grain"] for r in rows), 3)
        found[name]["pictures_over_1.5"] = sum(r["grain"] > MOST_GRAIN for r in rows)
        print(name, found[name], flush=True)
    cost = {name: round(row["cpu_s"] / found["classic"]["cpu_s"], 3) for name, row in found.items()}
    result = {"pictures": len(photos), "size": asked.size, "looks": found, "cpu_beside_classic": cost} | machine()
    if asked.output:
        asked.output.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
