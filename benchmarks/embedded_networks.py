"""What do the embedded networks see and dream, beside GoogLeNet?

    python benchmarks/embedded_networks.py PICTURES/ --googlenet FILE --size 256 --output result.json --sheet sheet.jpg

On photographs of one's own, in the same run for every network:

- *variety*: how many channels of the layer that is raised carry 80 % of what it gains by the dream.
- *grain*: power above 0.35 cycles per pixel, as a ratio to the photograph's. *change*: mean change of a pixel, of 1.
- *correlation*: of every channel of GoogLeNet's blocks with the channel of the same number in the same block of
  embedded-2, over all positions of the photographs; and with whichever channel of the network is most like it.

`--classes DATA` adds the accuracy on held-out pictures, by `reverie train evaluate`.
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
from dream_looks import fine_power, variety
from measure import machine
from torch.nn import functional as F

from reverie.api import Dream
from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.media.image import read_picture
from reverie.media.write import write_picture
from reverie.numerics.resample import long_side, resize
from reverie.tools.dream.config import DreamConfig
from reverie.train.evaluate import evaluate_model
from reverie.train.evaluate_config import EvaluateConfig
from reverie.weights.embedded import STEMS, network_or_file

BLOCKS = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
TEACHER = "googlenet-caffe"
LOOKS: dict[str, dict[str, Any]] = {
    "classic": {"objective": "l2"},
    "creatures": {"objective": "equalized", "step_size": 0.006, "normalize": "laplacian"},
}
GRID = (16, 24)  # positions to which layers of different strides are averaged


def layer_of(name: str) -> str:
    """Return the layer that dreams are compared in."""
    return "inception_4c/output" if name == TEACHER else "mixed4c"


def photographs(folder: Path, size: int) -> list[np.ndarray]:
    """Return all pictures of a folder at one longer side."""
    found = []
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in (".png", ".jpg")):
        image = torch.from_numpy(read_picture(path).rgb).permute(2, 0, 1)[None]
        small = resize(image, long_side((image.shape[-2], image.shape[-1]), size)).clamp(0, 1)
        found.append(small[0].permute(1, 2, 0).contiguous().numpy())
    return found


def seen(critic: Critic, rgb: np.ndarray, names: list[str]) -> dict[str, torch.Tensor]:
    """Return layers of a picture, ``[C, H, W]``."""
    images = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None]
    return {name: found[0].float() for name, found in critic(images, names).items()}


def dreams(critic: Critic, name: str, photos: list[np.ndarray], look: dict[str, Any]) -> tuple[dict, list[np.ndarray]]:
    """Dream every photograph and return medians of what is measured, and the dreams."""
    layer, rows, made = layer_of(name), [], []
    for photo in photos:
        began = time.process_time()
        made.append(Dream(photo, DreamConfig(layer=(layer,), **look), critic).array())
        seconds = time.process_time() - began
        before, after = (seen(critic, p, [layer])[layer].mean((1, 2)) for p in (photo, made[-1]))
        few, gaining = variety(before, after)
        grain, change = fine_power(made[-1]) / fine_power(photo), float(np.abs(made[-1] - photo).mean())
        rows.append({"channels_of_80_percent": few, "channels_that_gain": gaining, "grain": grain, "change": change,
                     "cpu_s": seconds})  # fmt: skip
    return {key: round(statistics.median(row[key] for row in rows), 4) for key in rows[0]}, made


def correlations(critic: Critic, teacher: Critic, photos: list[np.ndarray]) -> dict[str, dict[str, float]]:
    """Return how a network's blocks go with the teacher's."""
    own = {layer.name for layer in critic.named_layers}
    blocks = [block for block in BLOCKS if f"mixed{block}" in own]
    theirs: dict[str, list[torch.Tensor]] = {block: [] for block in blocks}
    ours: dict[str, list[torch.Tensor]] = {block: [] for block in blocks}
    for photo in photos:
        goal = seen(teacher, photo, [f"inception_{block}/output" for block in blocks])
        found = seen(critic, photo, [f"mixed{block}" for block in blocks])
        for block in blocks:
            pair = goal[f"inception_{block}/output"], found[f"mixed{block}"]
            grid = GRID if pair[0].shape[1:] != pair[1].shape[1:] else (pair[0].shape[1], pair[0].shape[2])
            for kept, x in zip((theirs[block], ours[block]), pair, strict=True):
                kept.append(F.adaptive_avg_pool2d(x, grid).flatten(1))
    result = {}
    for block in blocks:
        a, b = (_unit(torch.cat(kept[block], 1)) for kept in (theirs, ours))
        table = a @ b.T
        result[block] = {"nearest": round(float(table.max(1).values.mean()), 4)}
        if len(a) == len(b):
            result[block]["same"] = round(float(table.diagonal().mean()), 4)
    return result


def _unit(rows: torch.Tensor) -> torch.Tensor:
    """Return rows less their mean, of length 1; dead channels are zero."""
    rows = rows - rows.mean(1, keepdim=True)
    return rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-9)


def accuracy(name: str, data: Path) -> dict[str, float]:
    """Return top-1 and top-5 on the held-out pictures."""
    *_, last = evaluate_model(network_or_file(name), data, None, EvaluateConfig(pictures="val"))
    return {key: round(value, 4) for key, value in last.metrics.items()}


def sheet(photos: list[np.ndarray], columns: list[list[np.ndarray]], path: Path) -> None:
    """Write a sheet: a row per photograph, which comes first, and a column per network."""
    height, width = min(p.shape[0] for p in photos), min(p.shape[1] for p in photos)
    rows = [np.concatenate([x[:height, :width] for x in row], axis=1) for row in zip(photos, *columns, strict=True)]
    write_picture(path, np.concatenate(rows, axis=0))


def main() -> None:
    """Measure every network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--googlenet", type=Path, help="weights of bvlc_googlenet")
    parser.add_argument("--networks", nargs="*", default=[*list(STEMS)[1:], TEACHER])
    parser.add_argument("--looks", nargs="*", default=list(LOOKS))
    parser.add_argument("--classes", type=Path, help="data with classes to measure the accuracy on")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--sheet", type=Path, help="a picture of all dreams in the last look")
    asked = parser.parse_args()
    photos = photographs(asked.pictures, asked.size)
    teacher = open_critic(TEACHER, asked.googlenet, device="cpu", precision="fp32") if asked.googlenet else None
    found: dict[str, Any] = {}
    columns = []
    for name in asked.networks:
        critic = teacher if name == TEACHER else open_critic(name, device="cpu", precision="fp32")
        assert critic is not None, "--googlenet is needed"
        found[name] = {}
        for look in asked.looks:
            found[name][look], made = dreams(critic, name, photos, LOOKS[look])
        columns.append(made)
        if teacher is not None and name != TEACHER:
            found[name]["correlation"] = correlations(critic, teacher, photos)
        if asked.classes is not None and name != TEACHER:
            found[name]["classes"] = accuracy(name, asked.classes)
        print(name, found[name], flush=True)
    if asked.sheet:
        sheet(photos, columns, asked.sheet)
    result = {"pictures": len(photos), "size": asked.size, "layer": "mixed4c", "networks": found} | machine()
    if asked.output:
        asked.output.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
