"""Draw what networks dream, layer by layer: one contact sheet per network, one row per picture.

    python recipes/dream_sheets.py docs/embedded clean=runs/a/model.safetensors noised=runs/b/model.safetensors \
        --pictures examples/valley.jpg clouds.jpg meadow.jpg

The sheets are how the embedded network was chosen (docs/embedded.md).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from reverie import open_critic
from reverie.critic.critic import Critic
from reverie.media.image import read_picture, to_uint8
from reverie.media.sheet import contact_sheet
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream_steps.ascent import dream_steps


def dreamt(critic: Critic, image: torch.Tensor, layer: str) -> np.ndarray:
    """Return the dream of one layer with default settings, uint8."""
    *_, last = dream_steps(image, DreamConfig(layer=(layer,)), critic=critic)
    return to_uint8(last.images[0].permute(1, 2, 0).numpy())


def cropped(path: str, side: int) -> torch.Tensor:
    """Return the centered square of a picture, ``[1, 3, side, side]``."""
    rgb = torch.from_numpy(read_picture(path).rgb).permute(2, 0, 1)[None]
    height, width = rgb.shape[-2:]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    square = rgb[..., top : top + short, left : left + short]
    return torch.nn.functional.interpolate(square, (side, side), mode="bicubic", antialias=True).clamp(0, 1)


def sheet(model: str, pictures: list[str], side: int) -> np.ndarray:
    """Return the sheet of one network: pictures down, layers across."""
    critic = open_critic(model)
    layers = [x.name for x in critic.named_layers if x.name != "logits"]
    tiles, captions = [], []
    for path in pictures:
        image = cropped(path, side)
        tiles.append(to_uint8(image[0].permute(1, 2, 0).numpy()))
        captions.append(Path(path).stem)
        for layer in layers:
            tiles.append(dreamt(critic, image, layer))
            captions.append(layer)
    return contact_sheet(tiles, columns=len(layers) + 1, captions=captions, tile_px=side)


def main() -> None:
    """Draw one sheet per network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("networks", nargs="+", help="NAME=FILE")
    parser.add_argument("--pictures", nargs="+", required=True)
    parser.add_argument("--side", type=int, default=256)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for text in arguments.networks:
        name, _, file = text.partition("=")
        target = arguments.output / f"{name}.jpg"
        Image.fromarray(sheet(file, arguments.pictures, arguments.side)).save(target, quality=82)
        print(target)


if __name__ == "__main__":
    main()
