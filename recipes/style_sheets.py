"""Paint one picture with many choices of layers and scores: a contact sheet per question, one row per style.

    python recipes/style_sheets.py docs/style --content examples/valley.jpg --styles starry_night.jpg hokusai1.jpg
    python recipes/style_sheets.py docs/style --model embedded --content ...      # of the first embedded network

The sheets are how the presets of the networks were chosen (docs/style.md).
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from reverie import StyleConfig, open_critic, style
from reverie.critic.style_layers import style_layers
from reverie.media.image import read_picture, to_uint8
from reverie.media.sheet import contact_sheet

Choices = dict[str, dict[str, Any]]

STYLE_LAYERS: dict[str, Choices] = {
    "embedded": {
        "the preset": {},
        "without the picture's colors": {"style_layer": ("conv1", "conv2", "mixed3a", "mixed4a", "mixed4c")},
        "shallow": {"style_layer": ("image", "conv1", "conv2")},
        "middle": {"style_layer": ("image", "mixed3a", "mixed3b")},
        "deep": {"style_layer": ("image", "mixed4a", "mixed4c", "mixed5a")},
        "every stage to mixed5b": {
            "style_layer": ("image", "conv1", "conv2", "mixed3a", "mixed4a", "mixed4c", "mixed5a", "mixed5b")
        },
    },
    "embedded-2": {
        "the preset": {},
        "shallow": {"style_layer": ("image", "conv1", "conv2")},
        "to mixed3b": {"style_layer": ("image", "conv1", "conv2", "mixed3a", "mixed3b")},
        "to mixed4a": {"style_layer": ("image", "conv1", "conv2", "mixed3a", "mixed4a")},
        "as GoogLeNet": {"style_layer": ("image", "conv1", "conv2", "mixed3a", "mixed3b", "mixed4b")},
    },
}
CONTENT_LAYERS: dict[str, Choices] = {
    "embedded": {"the preset": {}}
    | {name: {"content_layer": (name,)} for name in ("conv2", "mixed3a", "mixed4a", "mixed4c", "mixed5a")}
    | {"alike, at mixed4a": {"content_score": "self-similarity"}},
    "embedded-2": {"the preset": {}}
    | {name: {"content_layer": (name,)} for name in ("conv1", "conv2", "mixed3a", "mixed3b", "mixed4a")}
    | {"alike, at mixed3a": {"content_score": "self-similarity"}},
}
SCORES: Choices = {
    **{name: {"score": name} for name in ("w2", "w2-ns", "gram", "covariance", "mean-std", "sliced")},
    "strotss, alike": {"score": "strotss", "content_score": "self-similarity"},
    "nearest, alike": {"score": "nearest", "content_score": "self-similarity"},
}
STRENGTHS: Choices = {f"strength {s:g}": {"strength": s} for s in (0.2, 0.35, 0.5, 0.65, 0.8, 1.0)}


def painted(content: Path, styled: Path, config: StyleConfig, critic: Any) -> np.ndarray:
    """Return the result, uint8."""
    return to_uint8(style(content, styled, config, critic=critic).array())


def shown(path: Path, side: int) -> np.ndarray:
    """Return a picture made smaller, uint8."""
    image = Image.fromarray(to_uint8(read_picture(path).rgb))
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(image)


def sheet(choices: Choices, options: argparse.Namespace, critic: Any) -> np.ndarray:
    """Return a sheet: styles down, choices across."""
    base = StyleConfig(model=options.model, weights=options.weights, size=options.side, steps=80, min_steps=30)
    tiles, captions = [], []
    for path in options.styles:
        tiles.append(shown(path, options.side))
        captions.append(path.stem)
        for name, settings in choices.items():
            tiles.append(painted(options.content, path, replace(base, **settings), critic))
            captions.append(name)
            print(path.stem, name, flush=True)
    return contact_sheet(tiles, columns=len(choices) + 1, captions=captions, tile_px=options.side)


def main() -> None:
    """Draw the sheets that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--content", type=Path, required=True)
    parser.add_argument("--styles", type=Path, nargs="+", required=True)
    parser.add_argument("--model", default="embedded-2")
    parser.add_argument("--weights")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--only", nargs="*", default=["layers", "contents", "scores", "strengths"])
    options = parser.parse_args()
    critic = open_critic(options.model, options.weights)
    print("preset:", style_layers(critic))
    asked = {
        "layers": STYLE_LAYERS.get(options.model, {}), "contents": CONTENT_LAYERS.get(options.model, {}),
        "scores": SCORES, "strengths": STRENGTHS,
    }  # fmt: skip
    options.output.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        if asked[name]:
            target = options.output / f"{options.model}-{name}.jpg"
            Image.fromarray(sheet(asked[name], options, critic)).save(target, quality=85)
            print(target)


if __name__ == "__main__":
    main()
