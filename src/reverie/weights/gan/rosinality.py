"""Networks of rosinality's stylegan2-pytorch, and of the encoders (pSp, e4e) that carry one as their decoder.

The file is a dictionary of state dicts; ``g_ema`` is the moving average. Kernels that double the size are already
flipped in such files, and the bias of a style counts from 1, as here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice

from reverie.weights.gan.found import KERNEL, Change, Found, taps_of
from reverie.weights.pickles.records import shown
from reverie.weights.pickles.storage import StoredTensor
from reverie.weights.pickles.values import Values

BEST_FIRST = ("g_ema", "g", "state_dict")
SIGN = "style.1.weight"
CONST = "input.input"
STYLE = re.compile(r"style\.([0-9]{1,4})\.(weight|bias)")
LAYER = re.compile(r"(conv1|to_rgb1|convs\.([0-9]{1,4})|to_rgbs\.([0-9]{1,4}))\.(.+)")
NOISE = re.compile(r"noises\.noise_([0-9]{1,4})")
PARTS: dict[str, tuple[str, Change]] = {
    "conv.weight": ("weight", lambda x: x[0]),
    "conv.modulation.weight": ("affine.weight", lambda x: x),
    "conv.modulation.bias": ("affine.bias", lambda x: x),
    "noise.weight": ("noise_strength", lambda x: x.reshape(())),
    "activate.bias": ("bias", lambda x: x),
    "bias": ("bias", lambda x: x.reshape(-1)),
}


def find_rosinality(entries: Mapping[object, object], values: Values) -> Found | None:
    """Return the generator of such a file; None where it is no such file.

    Args:
        entries: the file's dictionary.
        values: what its records stand for.

    Raises:
        Broken: a tensor of it cannot be.
    """
    chosen = _chosen(entries, values)
    if chosen is None:
        return None
    name, state = chosen
    found = Found("rosinality's stylegan2-pytorch")
    if name == "g":
        found.note("the file has no moving average g_ema; g was taken, whose pictures are worse")
    for key, stored in state.items():
        _place(key, stored, found)
    _center(entries, values, found)
    found.stated = _stated(entries, values)
    return found


def _chosen(entries: Mapping[object, object], values: Values) -> tuple[str, dict[str, StoredTensor]] | None:
    for name in (*BEST_FIRST, None):
        inner = entries if name is None else values.mapping(entries.get(name))
        state = _generator(inner, values) if inner is not None else None
        if state is not None:
            return name or "", state
    return None


def _generator(entries: Mapping[object, object], values: Values) -> dict[str, StoredTensor] | None:
    """Return the state dict without the prefix that wrappers put before it; None where it is another network's."""
    for prefix in ("", "module.", "decoder.", "module.decoder."):
        if prefix + SIGN in entries and prefix + CONST in entries:
            named = {
                str(name).removeprefix(prefix): values.tensor(value)
                for name, value in entries.items()
                if isinstance(name, str) and name.startswith(prefix)
            }
            return {name: tensor for name, tensor in named.items() if tensor is not None}
    return None


def _place(key: str, stored: StoredTensor, found: Found) -> None:
    """Put a tensor under its name here; blurs give the taps of the filter."""
    if key.endswith((".blur.kernel", ".upsample.kernel")):
        if KERNEL not in found.settings and stored.count <= 144:
            found.settings[KERNEL] = taps_of(stored.read())
        return
    placed = _placed(key)
    if placed is None:
        found.note(f"'{shown(key)}' has no place in the network and was left out")
        return
    target, change = placed
    found.place(target, stored, change)


def _placed(key: str) -> tuple[str, Change] | None:
    if key == CONST:
        return "synthesis.b4.const", lambda x: x[0]
    if match := STYLE.fullmatch(key):
        return f"mapping.fc{int(match[1]) - 1}.{match[2]}", lambda x: x
    if match := NOISE.fullmatch(key):
        number = int(match[1])
        return f"synthesis.{_block((number + 1) // 2)}.conv{1 - number % 2}.noise_const", lambda x: x[0, 0]
    match = LAYER.fullmatch(key)
    if match is None or match[4] not in PARTS:
        return None
    part, change = PARTS[match[4]]
    return f"synthesis.{_layer(match)}.{part}", change


def _layer(match: re.Match[str]) -> str:
    if match[2] is not None:
        number = int(match[2])
        return f"{_block(number // 2 + 1)}.conv{number % 2}"
    if match[3] is not None:
        return f"{_block(int(match[3]) + 1)}.torgb"
    return "b4.conv1" if match[1] == "conv1" else "b4.torgb"


def _block(stage: int) -> str:
    return f"b{4 << min(stage, 40)}"


def _center(entries: Mapping[object, object], values: Values, found: Found) -> None:
    """Take the mean of w, which encoders repeat for every layer."""
    stored = values.tensor(entries.get("latent_avg"))
    if stored is None:
        return
    if stored.count and len(stored.shape) > 1:
        rows = stored.read().float().reshape(-1, stored.shape[-1])
        if bool((rows - rows[:1]).abs().max() > 1e-6):
            found.note("the file has a mean of w for each layer; their mean was taken")
        found.place("mapping.w_avg", stored, lambda x: x.float().reshape(-1, x.shape[-1]).mean(0))
    else:
        found.place("mapping.w_avg", stored)


def _stated(entries: Mapping[object, object], values: Values) -> dict[str, object]:
    stated: dict[str, object] = {"holds": [shown(name, 40) for name in islice(entries, 20)]}
    for name in ("args", "opts", "ada_aug_p"):
        plain = values.plain(entries.get(name))
        if isinstance(plain, (dict, int, float)):
            stated["arguments" if name != "ada_aug_p" else name] = plain
    return stated
