"""Networks of lucidrains' stylegan2-pytorch, whose arithmetic is its own: `reverie.models.stylegan2.lucidrains`.

The file is ``{"GAN": state dict, "version": text}``; ``GE`` and ``SE`` are averages of generator and mapping. Settings
stand in ``.config.json`` beside it. Its mapping network becomes StyleGAN2's by constant factors: it divides z by its
length, not by its root mean square, and knows neither equalized learning rates nor a gain behind leaky ReLU.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from reverie.weights.gan.found import MAPPING_LR, Change, Found, number
from reverie.weights.pickles.records import Broken, shown
from reverie.weights.pickles.values import Values

BEST_FIRST = (("SE.", "GE."), ("S.", "G."))
SIGN = "initial_conv.weight"
DENSE = re.compile(r"net\.([0-9]{1,4})\.(weight|bias)")
BLOCK = re.compile(r"blocks\.([0-9]{1,2})\.(conv[12]|to_style[12]|to_noise[12]|to_rgb\.conv|to_rgb\.to_style)\.(\w+)")
USUAL_LR = 0.1
MOST_CONFIG_BYTES = 1 << 16
MOST_SIDE_PX = 4096


def find_lucidrains(entries: Mapping[object, object], values: Values, path: Path) -> Found | None:
    """Return the generator of such a file; None where it is no such file.

    Raises:
        Broken: it has layers that are not part of Reverie, or a tensor that cannot be.
    """
    state = values.mapping(entries.get("GAN")) or entries
    chosen = next((pair for pair in BEST_FIRST if pair[1] + SIGN in state and f"{pair[0]}net.0.weight" in state), None)
    if chosen is None:
        return None
    mapping, synthesis = chosen
    found = Found("lucidrains' stylegan2-pytorch")
    if mapping == "S.":
        found.notes.append("the file has no moving average GE; G was taken, whose pictures are worse")
    lr = _learning_rate(path, found)
    for name, record in state.items():
        if not isinstance(name, str) or not name.startswith(chosen):
            continue
        tensor = values.tensor(record)
        key = name.removeprefix(mapping).removeprefix(synthesis)
        placed = None if tensor is None else _placed(key, lr, tensor.shape)
        if placed is not None and tensor is not None:
            found.place(placed[0], tensor, placed[1])
    _add_noise(found)
    version = entries.get("version")
    if isinstance(version, str):
        found.stated["version"] = shown(version, 40)
    found.settings[MAPPING_LR] = USUAL_LR
    return found


def _learning_rate(path: Path, found: Found) -> float:
    """Return the factor of the mapping network from the file of settings beside, if there is one."""
    beside = path.with_name(".config.json")
    try:
        if beside.stat().st_size <= MOST_CONFIG_BYTES:
            settings = json.loads(beside.read_text(encoding="utf-8"))
            lr = number(settings.get("lr_mlp")) if isinstance(settings, dict) else None
            if lr is not None and math.isfinite(lr):
                found.notes.append(f"settings beside it: lr_mlp {lr:g}")
                return lr
    except (OSError, ValueError, RecursionError):
        pass  # nothing usable is there: the usual value, which is said below
    found.notes.append(f"the factor of its mapping network, lr_mlp, is not in the file; {USUAL_LR} was assumed")
    return USUAL_LR


def _placed(key: str, lr: float, shape: tuple[int, ...]) -> tuple[str, Change] | None:
    """Return the name of a tensor here, and what is done to it.

    Raises:
        Broken: a layer that is not part of Reverie.
    """
    if key.startswith("attns."):
        raise Broken("is a lucidrains network with attention layers, which are not part of Reverie")
    if key.startswith("to_initial_block"):
        raise Broken("is a lucidrains network without a constant (no_const), which is not part of Reverie")
    if key == "initial_block":
        return "synthesis.b4.const", lambda x: x[0]
    if key in ("initial_conv.weight", "initial_conv.bias"):
        return f"synthesis.start.{key.rpartition('.')[2]}", lambda x: x
    if match := DENSE.fullmatch(key):
        return _dense(int(match[1]) // 2, match[2], lr / USUAL_LR, shape)
    match = BLOCK.fullmatch(key)
    return None if match is None else _of_block(f"synthesis.b{4 << int(match[1])}", match[2], match[3])


def _dense(layer: int, part: str, factor: float, shape: tuple[int, ...]) -> tuple[str, Change]:
    """Return where a layer of the mapping goes: y = lrelu(lr (W x + b)) becomes sqrt(2) lrelu(lr (W' x'/sqrt(n) + b')).

    x' = sqrt(n) x before the first layer, where z is normalized, and x later: W' = W / sqrt(2), or sqrt(n) times that.
    """
    before = math.sqrt(shape[-1]) if part == "weight" and layer > 0 and shape else 1.0
    return f"mapping.fc{layer}.{part}", lambda x: x * (factor * before / math.sqrt(2))


def _of_block(block: str, kind: str, part: str) -> tuple[str, Change] | None:
    if kind.startswith("to_rgb"):
        layer, kind = f"{block}.torgb", kind.removeprefix("to_rgb.")
    else:
        layer, kind = f"{block}.conv{int(kind[-1]) - 1}", kind[:-1]
    changes: dict[tuple[str, str], tuple[str, Change]] = {
        ("conv", "weight"): ("weight", lambda x: x),
        ("to_style", "weight"): ("affine.weight", lambda x: x * math.sqrt(x.shape[1])),
        ("to_style", "bias"): ("affine.bias", lambda x: x + 1),
        ("to_noise", "weight"): ("noise_strength", lambda x: x[:, 0]),
        ("to_noise", "bias"): ("bias", lambda x: x),
    }
    if (kind, part) not in changes:
        return None
    target, change = changes[kind, part]
    return f"{layer}.{target}", change


def _add_noise(found: Found) -> None:
    """Draw the map that the program draws anew for each picture; layers take its corner, turned."""
    sizes = [int(name.split(".")[1][1:]) for name in found.tensors if name.endswith(".conv1.weight")]
    side = min(max(sizes, default=0), MOST_SIDE_PX)
    noise = torch.rand(side, side, generator=torch.Generator().manual_seed(0))
    for size in sizes:
        for layer in ("conv0", "conv1"):
            found.tensors[f"synthesis.b{size}.{layer}.noise_const"] = noise_corner(noise, size)
    found.notes.append("the file has no noise; its map was drawn from a fixed seed")


def noise_corner(noise: Tensor, side: int) -> Tensor:
    """Return ``[side, side]`` of the map ``[S, S]`` as a layer of that size sees it."""
    return noise[:side, :side].T.contiguous()
