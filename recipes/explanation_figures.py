"""Draw the figures of docs/explanation: python recipes/explanation_figures.py docs/explanation [NAME ...].

Small pictures, each made by the tools that the page explains; a few minutes on two cores for all of them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from reverie import DreamConfig, dream, open_critic

VALLEY = Path(__file__).parents[1] / "examples" / "valley.jpg"
GAP = 6


def side_by_side(pictures: list[np.ndarray], captions: list[str]) -> Image.Image:
    """Return pictures in one row, each with a line of text under it."""
    height = max(picture.shape[0] for picture in pictures)
    width = sum(picture.shape[1] + GAP for picture in pictures) - GAP
    sheet = Image.new("RGB", (width, height + 22), "white")
    draw, left = ImageDraw.Draw(sheet), 0
    for picture, caption in zip(pictures, captions, strict=True):
        sheet.paste(Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8)), (left, 0))
        draw.text((left + 2, height + 5), caption, fill="black")
        left += picture.shape[1] + GAP
    return sheet


def dreamt(size: int, **settings: object) -> np.ndarray:
    """Return the valley, dreamt with these settings."""
    return np.asarray(dream(VALLEY, DreamConfig(size=size, **settings)).pil(progress=False), dtype=np.float32) / 255  # type: ignore[arg-type]


def dreaming() -> Image.Image:
    """What octaves, jitter and equalized channels each add."""
    common = {"layer": ("mixed4c",), "steps": 10}
    pictures = [
        dreamt(256, octaves=1, jitter=0, **common),
        dreamt(256, octaves=1, jitter=32, **common),
        dreamt(256, octaves=4, jitter=32, **common),
        dreamt(256, octaves=4, jitter=32, objective="equalized", normalize="laplacian", step_size=0.006, **common),
    ]
    return side_by_side(pictures, ["one size, no jitter", "jitter", "four octaves", "equalized, laplacian"])


def tiles() -> Image.Image:
    """Where the gradient of tiles differs from that of the whole, without a halo and with one."""
    critic = open_critic("embedded", device="cpu", precision="fp32")
    image = Image.open(VALLEY).convert("RGB").resize((384, 256), Image.Resampling.LANCZOS)
    whole = torch.from_numpy(np.asarray(image, dtype=np.float32) / 255).permute(2, 0, 1)[None]
    exact = gradient(critic, whole)
    maps = [exact]
    for halo in (0, -(-critic.halo(["mixed4a"]) // 16) * 16):
        maps.append((tiled(critic, whole, 128, halo) - exact).abs())
    scale = exact.abs().mean() * 4
    shown = [(m.abs().mean(0) / scale * (1 if k == 0 else 4)).clamp(0, 1).sqrt() for k, m in enumerate(maps)]
    pictures = [m.numpy()[..., None].repeat(3, axis=2) for m in shown]
    errors = [float(m.norm() / exact.norm()) for m in maps[1:]]
    captions = [
        "gradient of the whole",
        f"tiles without halo: {errors[0]:.0%} wrong",
        f"tiles with halo: {errors[1]:.3%} wrong",
    ]
    return side_by_side(pictures, captions)


def gradient(critic: object, image: torch.Tensor) -> torch.Tensor:
    """Return the gradient of a layer's strength, ``[3, H, W]``."""
    image = image.clone().requires_grad_(True)
    score = critic(image, ["mixed4a"])["mixed4a"].square().sum()  # type: ignore[operator]
    return torch.autograd.grad(score, image)[0][0]


def tiled(critic: object, whole: torch.Tensor, tile: int, halo: int) -> torch.Tensor:
    """Return the gradient put together of tiles, each seen with a border of `halo` pixels."""
    result = torch.zeros_like(whole[0])
    height, width = whole.shape[2:]
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            y0, x0 = max(0, top - halo), max(0, left - halo)
            y1, x1 = min(height, top + tile + halo), min(width, left + tile + halo)
            part = gradient(critic, whole[:, :, y0:y1, x0:x1])
            inner = part[:, top - y0 : top - y0 + tile, left - x0 : left - x0 + tile]
            result[:, top : top + tile, left : left + tile] = inner
    return result


def latents() -> Image.Image:
    """A straight line and an arc in z, and a straight line in w, between the same two seeds."""
    from reverie.jobs.session import Session
    from reverie.tools.latent.config import SampleConfig
    from reverie.tools.latent.model import LatentModel
    from reverie.tools.latent_films.paths import slerp

    model = LatentModel(SampleConfig(device="cpu", class_name="rose"), Session())
    first, second = model.z(3), model.z(8)
    rows = []
    for how in ("line", "arc", "w"):
        shares = [k / 6 for k in range(7)]
        if how == "w":
            w = torch.cat([model.w(first[None]).lerp(model.w(second[None]), t) for t in shares])
        else:
            w = model.w(
                torch.stack([first.lerp(second, t) if how == "line" else slerp(first, second, t) for t in shares])
            )
        drawn = torch.stack([model.draw(model.net.spread(model.truncated(one[None], 0.8)))[0] for one in w])
        rows.append(drawn.permute(2, 0, 3, 1).flatten(1, 2).numpy())
    image = np.concatenate(rows, axis=0)
    big = Image.fromarray((image * 255).astype(np.uint8)).resize(
        (image.shape[1] * 3 // 2, image.shape[0] * 3 // 2), Image.Resampling.LANCZOS
    )
    sheet = Image.new("RGB", (big.width + 120, big.height), "white")
    sheet.paste(big, (120, 0))
    for row, text in enumerate(("z, straight", "z, on the arc", "w, straight")):
        ImageDraw.Draw(sheet).text((4, (row + 0.45) * big.height / 3), text, fill="black")
    return sheet


FIGURES = {"dreaming": dreaming, "tiles": tiles, "latents": latents}


def main() -> None:
    """Draw the figures that were asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    for name in options.names or FIGURES:
        FIGURES[name]().save(options.folder / f"{name}.jpg", quality=85)
        print(options.folder / f"{name}.jpg")


if __name__ == "__main__":
    main()
