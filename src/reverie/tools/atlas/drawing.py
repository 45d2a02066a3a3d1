"""Draw an atlas of a network: a tile for every channel of every layer, drawn many at a time.

Tiles are drawn in fixed groups, each from a seed of its own, and written as they are finished. A run that was stopped
goes on with the first group that is not complete, and ends with the same bytes as one that was not.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Generator, Tensor

from reverie.critic.critic import LOGITS, Critic
from reverie.critic.layers import Layer
from reverie.errors import InputError, PictureError
from reverie.jobs.seed import seed_for
from reverie.media.metadata import read_settings
from reverie.media.write import write_picture
from reverie.numerics.color import correlation_matrix
from reverie.objective import Objective, assigned, bn_statistics, layer, total_variation
from reverie.optimize.ascend import ascend_canvas
from reverie.optimize.gradient import Ascent
from reverie.optimize.views import Views
from reverie.settings import check_settings, to_record
from reverie.tools.atlas.config import AtlasConfig
from reverie.tools.visualize.drawing import SHIFTED, side_px
from reverie.tools.visualize.priors import PRIORS, Start

TILES = "tiles"
QUALITY = 90
WHOLE = "whole layers"  # the only page of an atlas per layer


@dataclass(frozen=True)
class Tile:
    """One picture of the atlas: what is written under it, its file relative to the atlas, layer and channel."""

    label: str
    file: str
    layer: str
    channel: int | None = None


@dataclass(frozen=True)
class Page:
    """The tiles of one layer, and what there is to say about it; `channels` counts all that the layer has."""

    name: str
    note: str
    channels: int
    tiles: tuple[Tile, ...]

    @property
    def file_name(self) -> str:
        """The name with nothing in it that a file system minds."""
        return safe(self.name)


@dataclass(frozen=True)
class AtlasStep:
    """Progress: tiles done out of all, the page at work, and whether it has just been completed."""

    done: int
    tiles: int
    page: Page
    score: float = 0.0
    step: int = 0
    steps: int = 0
    completed: bool = False
    images: Tensor | None = None

    def preview(self) -> np.ndarray | None:
        """Return the first tile of the group at work, ``[H, W, 3]`` in [0, 1]."""
        return None if self.images is None else self.images[0].permute(1, 2, 0).float().cpu().numpy()


def plan_atlas(config: AtlasConfig, critic: Critic) -> tuple[Page, ...]:
    """Return all pages with their tiles, in order of the layers.

    Raises:
        InputError: tiles too small for the network, or a prior that it cannot have.
        LayerError: an unknown layer.
    """
    check_settings(config)
    layers = [critic.layer(n) for n in config.layer] or list(critic.named_layers)
    layers = list({x.path: x for x in layers}.values())
    if config.prior == "bn":
        bn_statistics(critic.norms)
    if not critic.accepts((config.size, config.size)):
        raise InputError(critic.too_small((config.size, config.size), ()))
    if config.per == "layer":
        tiles = tuple(Tile(x.name, f"{TILES}/layers/{safe(x.name)}.jpg", x.name) for x in layers if x.name != LOGITS)
        return (Page(WHOLE, "one tile per layer, all of its channels together", len(tiles), tiles),)
    return tuple(_page(x, config, critic) for x in layers)


def atlas_steps(config: AtlasConfig, critic: Critic, folder: Path, pages: Sequence[Page]) -> Iterator[AtlasStep]:
    """Draw and write every tile that is not there yet.

    Raises:
        GradientError: nothing reaches a picture.
        OutputError: the folder cannot be written to.
    """
    total = sum(len(page.tiles) for page in pages)
    done = 0
    for page in pages:
        for group in _groups(page, config):
            key = group_key(group, config, critic)
            if not all(_is_current(folder / tile.file, key) for tile in group):
                for index, score, images in _draw(group, config, critic):
                    if index == config.steps:
                        _write(group, images, folder, key, critic)
                    yield AtlasStep(done, total, page, score, index, config.steps, images=images)
            done += len(group)
        yield AtlasStep(done, total, page, completed=True)


def group_key(group: Sequence[Tile], config: AtlasConfig, critic: Critic) -> str:
    """Return a digest of all that decides the pictures of a group."""
    neutral = {k: v for k, v in to_record(config).items() if k not in ("model", "weights", "layer", "device")}
    neutral["precision"] = "auto"  # what came of it stands beside it
    who = [critic.identity.sha256 or critic.identity.name, critic.precision, [(t.layer, t.channel) for t in group]]
    return hashlib.sha256(json.dumps([neutral, who]).encode()).hexdigest()[:16]


def safe(name: str) -> str:
    """Return a name that every file system takes."""
    return re.sub(r"[^\w.+-]+", "-", name).strip("-.") or "layer"


def _page(found: Layer, config: AtlasConfig, critic: Critic) -> Page:
    count = found.channels if config.channels == 0 else min(config.channels, found.channels)
    chosen = [round(i * (found.channels - 1) / max(1, count - 1)) for i in range(count)]
    classes = critic.identity.classes if found.name == LOGITS else ()
    tiles = tuple(
        Tile(classes[c] if classes else str(c), f"{TILES}/{safe(found.name)}/{c:05d}.jpg", found.name, c)
        for c in chosen
    )
    where = f"one position per {found.stride} px" if found.stride else "the whole picture at once"
    return Page(found.name, f"{found.channels} {'classes' if classes else 'channels'}, {where}", found.channels, tiles)


def _groups(page: Page, config: AtlasConfig) -> list[tuple[Tile, ...]]:
    size = 1 if page.name == WHOLE else config.batch
    return [page.tiles[i : i + size] for i in range(0, len(page.tiles), size)]


def _draw(group: Sequence[Tile], config: AtlasConfig, critic: Critic) -> Iterator[tuple[int, float, Tensor]]:
    prior, size = PRIORS[config.prior], (config.size, config.size)
    generator = Generator().manual_seed(seed_for(config.seed, f"{group[0].layer}/{group[0].channel}"))
    start = Start(size, len(group), correlation_matrix(critic.identity.color_correlation))
    canvas = prior.canvas(start, generator).to(critic.device)
    objective = _objective(group)
    if prior.statistics > 0:
        objective = objective - prior.statistics * bn_statistics(critic.norms)
    if prior.smooth > 0:
        objective = objective - prior.smooth * total_variation()
    looks = Views(config.crops, side_px(critic, size)) if group[0].layer == LOGITS else SHIFTED
    moments = ascend_canvas(canvas, Ascent(critic, objective, looks), config.steps, prior.rule, generator)
    for index, (score, _, images) in enumerate(moments, start=1):
        yield index, score / len(group), images


def _objective(group: Sequence[Tile]) -> Objective:
    channels = [tile.channel for tile in group if tile.channel is not None]
    return assigned(group[0].layer, *channels) if channels else layer(group[0].layer)


def _is_current(path: Path, key: str) -> bool:
    try:
        return path.is_file() and read_settings(path).get("asked") == key
    except PictureError:
        return False  # damaged, or not ours: drawn again


def _write(group: Sequence[Tile], images: Tensor, folder: Path, key: str, critic: Critic) -> None:
    about = {"tool": "atlas", "asked": key, "model": {"name": critic.identity.name, "sha256": critic.identity.sha256}}
    for tile, image in zip(group, images.float().cpu(), strict=True):
        path = folder / tile.file
        path.parent.mkdir(parents=True, exist_ok=True)
        settings = about | {"layer": tile.layer, "channel": tile.channel}
        write_picture(path, image.permute(1, 2, 0).numpy(), settings=settings, quality=QUALITY)
