"""How strong every channel of a network is on ordinary pictures: mean and standard deviation, by layer.

Shipped for the embedded network, measured at the end of a training for those that are trained here, and for all others
measured once and kept in the cache: from the package's own pictures, or from the user's (`reverie models calibrate`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from reverie.critic.average import natural_noise
from reverie.critic.critic import Critic
from reverie.errors import InputError, WeightsError
from reverie.media.image import read_picture
from reverie.numerics.resample import resize
from reverie.weights.atomic import write_bytes
from reverie.weights.boundary import reads
from reverie.weights.checkpoint import BESIDE
from reverie.weights.embedded import FOLDER, STEMS, statistics_path
from reverie.weights.fetch import cache_dir

OWN_PICTURE = FOLDER / "valley.jpg"  # rendered by examples/make_valley.py
SHORT_PX = (128, 256)  # shorter sides at which every picture is seen: things of several sizes
NOISES = 4
LEAST_STD = 0.02  # of a layer's mean deviation: a channel that is nearly dead on photographs is not raised without end


@dataclass(frozen=True, eq=False)
class ChannelStatistics:
    """``[C]`` float32 each: mean and standard deviation of a layer's channels over positions of many pictures."""

    mean: Tensor
    std: Tensor


@torch.no_grad()
def measure(critic: Critic, pictures: Iterable[Tensor], names: Sequence[str]) -> dict[str, ChannelStatistics]:
    """Return the statistics of layers over pictures, each position counting once.

    Args:
        critic: the network.
        pictures: ``[1, 3, H, W]`` in [0, 1], of any size.
        names: of the layers.

    Raises:
        InputError: no pictures.
    """
    count = dict.fromkeys(names, 0)
    first: dict[str, Tensor] = {}
    second: dict[str, Tensor] = {}
    for picture in pictures:
        least = critic.least_side(names)
        if min(picture.shape[-2:]) < least:
            factor = least / min(picture.shape[-2:])
            picture = resize(picture, (round(picture.shape[-2] * factor), round(picture.shape[-1] * factor)))
        for name, activation in critic(picture.clamp(0, 1).to(critic.device), names).items():
            a = activation.double().cpu().transpose(0, 1).flatten(1)
            count[name] += a.shape[1]
            first[name] = first.get(name, torch.zeros(())) + a.sum(1)
            second[name] = second.get(name, torch.zeros(())) + a.square().sum(1)
    if not first:
        raise InputError("there are no pictures to measure channels on")
    return {name: _statistics(first[name] / count[name], second[name] / count[name]) for name in names}


def _statistics(mean: Tensor, square: Tensor) -> ChannelStatistics:
    std = (square - mean.square()).clamp_min(0).sqrt()
    return ChannelStatistics(mean.float(), std.clamp_min(LEAST_STD * std.mean() + 1e-12).float())


def statistics_of(critic: Critic, names: Sequence[str]) -> dict[str, ChannelStatistics]:
    """Return the statistics of layers: stored ones where there are some, else measured now and kept.

    Raises:
        LayerError: a layer that the network does not have.
        WeightsError: stored statistics that are damaged.
    """
    who = critic.identity
    paths = [statistics_path(who.name)] if who.name in STEMS else [Path(text) for text in who.measured]
    found: dict[str, ChannelStatistics] = {}
    for path in (cached_path(critic), *paths):
        if path.is_file() and not set(names) <= found.keys():
            found = load_statistics(path, critic) | found
    missing = [name for name in names if name not in found]
    if missing:
        measured = measure(critic, own_pictures(), missing)
        keep(critic, measured)
        found |= measured
    return {name: found[name] for name in names}


def own_pictures() -> Iterable[Tensor]:
    """Yield the pictures that the package has of its own, at several sizes: a rendered valley, and natural noise."""
    rgb = torch.from_numpy(read_picture(OWN_PICTURE).rgb).permute(2, 0, 1)[None]
    for short in SHORT_PX:
        yield from at_size(rgb, short)
    yield from natural_noise(max(SHORT_PX), NOISES).split(1)


def at_size(rgb: Tensor, short_px: int) -> Iterable[Tensor]:
    """Yield a picture ``[1, 3, H, W]`` with its shorter side brought to `short_px`."""
    factor = short_px / min(rgb.shape[-2:])
    yield resize(rgb, (round(rgb.shape[-2] * factor), round(rgb.shape[-1] * factor))).clamp(0, 1)


def cached_path(critic: Critic) -> Path:
    """Return where the statistics of a network are kept, by the content of its weights."""
    key = hashlib.sha256(f"{critic.identity.name}/{critic.identity.sha256}".encode()).hexdigest()[:24]
    return cache_dir() / "statistics" / f"{key}.safetensors"


def keep(critic: Critic, statistics: Mapping[str, ChannelStatistics], *, replace: bool = False) -> None:
    """Add statistics to those that are kept of a network, or put them in their place."""
    path = cached_path(critic)
    if path.is_file() and not replace:
        statistics = load_statistics(path, critic) | dict(statistics)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_statistics(path, statistics)


def save_statistics(path: Path, statistics: Mapping[str, ChannelStatistics], *, half: bool = False) -> None:
    """Write statistics as safetensors.

    Single precision by default: what was just measured and what is read later must be the same numbers, or a picture
    would not replay; and half precision cannot hold the strengths of every network (0 and infinity come out).
    """
    kind = torch.float16 if half else torch.float32
    write_bytes(path, save({name: value.to(kind) for name, value in _tensors(statistics).items()}))


def as_tensors(statistics: Mapping[str, ChannelStatistics]) -> dict[str, Tensor]:
    """Return statistics by the names that they have beside the weights in a network's file."""
    return {f"{BESIDE}{name}": value for name, value in _tensors(statistics).items()}


def _tensors(statistics: Mapping[str, ChannelStatistics]) -> dict[str, Tensor]:
    found = {f"{name}/mean": s.mean.contiguous() for name, s in statistics.items()}
    return found | {f"{name}/std": s.std.contiguous() for name, s in statistics.items()}


@reads
def load_statistics(path: Path, critic: Critic) -> dict[str, ChannelStatistics]:
    """Read statistics, from a file of their own or from a network's; layers that it does not have so are left out.

    Raises:
        WeightsError: damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if "/" in name]  # noqa: SIM118
            tensors = {name.removeprefix(BESIDE): file.get_tensor(name).float() for name in names}
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"the statistics in '{path}' cannot be read; remove that file") from error
    found: dict[str, ChannelStatistics] = {}
    for name in {key.rpartition("/")[0] for key in tensors}:
        mean, std = tensors.get(f"{name}/mean"), tensors.get(f"{name}/std")
        shape = (critic.layer(name).channels,) if any(x.name == name for x in critic.layers) else None
        if mean is not None and std is not None and mean.shape == std.shape == shape:
            found[name] = ChannelStatistics(mean, std)
    return found
