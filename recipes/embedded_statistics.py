"""Measure how strong an embedded network's channels are on photographs, and write the file that the package ships.

    python recipes/embedded_statistics.py PHOTOGRAPHS.zip embedded-2

160 photographs, evenly drawn from the archive in the order of their names, each at shorter sides of 128 and 256 px.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from reverie.critic.critic import LOGITS
from reverie.critic.open import open_critic
from reverie.critic.statistics import SHORT_PX, at_size, measure, save_statistics
from reverie.media.image import read_picture
from reverie.media.suffixes import PICTURES as READ
from reverie.weights.embedded import statistics_path

PICTURES = 160


def photographs(archive: Path) -> Iterator[Tensor]:
    """Yield the pictures of an archive at several sizes."""
    with zipfile.ZipFile(archive) as file:
        names = sorted(n for n in file.namelist() if Path(n).suffix.lower() in READ)
        for name in names[:: max(1, len(names) // PICTURES)][:PICTURES]:
            rgb = torch.from_numpy(read_picture(io.BytesIO(file.read(name)), name=name).rgb).permute(2, 0, 1)[None]
            for short in SHORT_PX:
                yield from at_size(rgb, short)


def main() -> None:
    """Measure and write."""
    archive, name = Path(sys.argv[1]), sys.argv[2]
    target = statistics_path(name)
    critic = open_critic(name, device="cpu", precision="fp32")
    names = [layer.name for layer in critic.named_layers if layer.name != LOGITS and layer.stride]
    save_statistics(target, measure(critic, photographs(archive), names), half=True)
    print(f"{target}: {len(names)} layers, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
