"""The files of TensorBoard's embedding projector: vectors, names, a sprite picture and the file that names them.

Source: tensorboard.plugins.projector, the protocol buffer ``ProjectorConfig`` in text form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

MOST_SPRITE_PX = 8192  # what the projector accepts
VECTORS, NAMES, SPRITE, CONFIG = "vectors.tsv", "names.tsv", "sprite.jpg", "projector_config.pbtxt"


def write_projector(
    folder: Path, points: Tensor, columns: Mapping[str, Sequence[str]], thumbs: Sequence[np.ndarray]
) -> None:
    """Write a folder that ``tensorboard --logdir FOLDER`` opens.

    Args:
        folder: new or empty.
        points: ``[N, K]``.
        columns: values of each picture by heading, such as its name and class.
        thumbs: ``[T, T, 3]`` uint8 each; made smaller where the sprite would exceed 8192 px.
    """
    folder.mkdir(exist_ok=True)
    lines = ("\t".join(f"{v:.6g}" for v in row) for row in points.tolist())
    (folder / VECTORS).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / NAMES).write_text(_table(columns), encoding="utf-8")
    side = write_sprite(folder / SPRITE, thumbs)
    (folder / CONFIG).write_text(
        "embeddings {\n"
        f'  tensor_name: "pictures"\n  tensor_path: "{VECTORS}"\n  metadata_path: "{NAMES}"\n'
        f'  sprite {{\n    image_path: "{SPRITE}"\n'
        f"    single_image_dim: {side}\n    single_image_dim: {side}\n  }}\n}}\n",
        encoding="utf-8",
    )


def write_sprite(path: Path, thumbs: Sequence[np.ndarray]) -> int:
    """Write all thumbnails as one square grid; return the side of one in pixels."""
    columns = math.ceil(math.sqrt(len(thumbs)))
    side = min(len(thumbs[0]), MOST_SPRITE_PX // columns)
    sprite = Image.new("RGB", (columns * side, columns * side))
    for i, thumb in enumerate(thumbs):
        small = Image.fromarray(thumb)
        small = small if small.width == side else small.resize((side, side), Image.Resampling.BOX)
        sprite.paste(small, (i % columns * side, i // columns * side))
    sprite.save(path, "JPEG", quality=85)
    return side


def _table(columns: Mapping[str, Sequence[str]]) -> str:
    clean = [[str(value).replace("\t", " ").replace("\n", " ") for value in values] for values in columns.values()]
    rows = zip(*clean, strict=True)
    head = "\t".join(columns) + "\n" if len(columns) > 1 else ""  # a single column has no heading there
    return head + "\n".join("\t".join(row) for row in rows) + "\n"
