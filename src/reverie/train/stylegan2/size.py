"""How large a generator a time budget is enough for: sizes are tried from the smallest on, until too few pictures fit.

A step at each size is timed on noise; the size that is taken is the largest at which the budget sees enough pictures.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from reverie.critic.critic import Critic
from reverie.data.examples import listed
from reverie.data.folder import open_folder
from reverie.data.pack import PackedPictures
from reverie.errors import InputError, PictureError
from reverie.media.footage import is_footage, open_footage
from reverie.media.image import picture_size
from reverie.train.processes import several
from reverie.train.run_folder import RunFolder
from reverie.train.stylegan2.config import Stylegan2Config
from reverie.train.stylegan2.loop import Stylegan2Training
from reverie.train.stylegan2.networks import start_shape
from reverie.train.stylegan2.pictures import Source

SIDES, CHANNELS = (32, 64, 128, 256), (32, 64)  # px, and channels of the largest activations
ENOUGH_KIMG = 60.0  # thousand pictures at 64 px and below, in proportion above; the shipped network saw 130
SLOWER = 1.2  # least factor from one size to the next
TIMED_STEPS, TIMED_S = 2, 1.0  # at least so many steps, and so long
EXAMPLES = 64  # pictures of noise that are learned from while steps are timed
LOOKED_AT = 24  # pictures whose size is looked up
SIZE = ("resolution", "width")


@dataclass(frozen=True)
class Timed:
    """A size, and how many thousand pictures the budget sees at it."""

    side_px: int
    width: int
    kimg: float


def with_size(config: Stylegan2Config, run: RunFolder, critic: Critic) -> tuple[Stylegan2Config, list[str]]:
    """Return settings with resolution and width as they count, and what was chosen in words.

    A run that starts from a generator has the shape of that, and one that is gone on with keeps its size; a time budget
    chooses what was not given.

    Raises:
        InputError: a generator to start from is of another size, or cannot be trained.
    """
    if config.start is not None:
        return _as_started(config, config.start)
    missing = [name for name in SIZE if getattr(config, name) is None]
    if not missing:
        return config, []
    if run.checkpoint.is_file():
        saved = run.load_checkpoint()["config"]
        return _usual(dataclasses.replace(config, **{name: saved.get(name) for name in missing})), []
    if config.minutes is None or several():
        return _usual(config), []
    return _chosen(config, config.minutes, critic)


def _as_started(config: Stylegan2Config, model: str) -> tuple[Stylegan2Config, list[str]]:
    shape = start_shape(model)
    resolution, width = shape.size[0], shape.size[0] * shape.channels[-1]
    for name, given, own in (("resolution", config.resolution, resolution), ("width", config.width, width)):
        if given not in (None, own):
            raise InputError(f"--{name} {given}, but --start '{model}' has --{name} {own}; leave --{name} out")
    adopted = dataclasses.replace(
        config, resolution=resolution, width=width, most_channels=max(shape.channels), latent=shape.z_dim,
        w_dim=shape.w_dim, mapping_lr=shape.mapping_lr, mapping_layers=shape.mapping_layers,
        architecture=shape.architecture, noise=shape.noise, start_from_latent=shape.start == "latent",
    )  # fmt: skip
    return adopted, [f"starts from '{model}', whose shape it has: {resolution} px, width {width}"]


def _usual(config: Stylegan2Config) -> Stylegan2Config:
    return dataclasses.replace(config, resolution=config.side_px, width=config.channel_base)


def _chosen(config: Stylegan2Config, minutes: float, critic: Critic) -> tuple[Stylegan2Config, list[str]]:
    began = time.monotonic()
    tried = list(_tried(config, minutes, critic))
    best = next((one for one in reversed(tried) if one.kimg >= enough_kimg(one.side_px)), tried[0])
    spent_s = time.monotonic() - began
    sizes = "one size" if len(tried) == 1 else f"{len(tried)} sizes"
    size = f"--resolution {best.side_px} --width {best.width}"
    kimg = f"about {best.kimg:.3g} kimg (thousand pictures) in {minutes:g} minutes"
    notes = [f"chose {size}: {kimg} ({sizes} tried in {spent_s:.0f} s)"]
    if best.kimg < enough_kimg(best.side_px):
        more = minutes * enough_kimg(best.side_px) / best.kimg
        notes.append(f"that is little: pictures will be rough; about {more:.0f} minutes would be enough")
    return dataclasses.replace(config, resolution=best.side_px, width=best.width), notes


def enough_kimg(side_px: int) -> float:
    """Return how many thousand pictures a size should see."""
    return ENOUGH_KIMG * max(1.0, side_px / 64)


def _tried(config: Stylegan2Config, minutes: float, critic: Critic) -> Iterator[Timed]:
    """Yield sizes from the smallest on, the first one too large for the budget last."""
    before = None
    for side_px, width in sizes_for(config):
        if before is not None and before.kimg < SLOWER * enough_kimg(side_px):
            return  # the next one is slower still
        sized = dataclasses.replace(config, resolution=side_px, width=width)
        seconds = seconds_a_step(sized, critic)
        before = Timed(side_px, width, 0.06 * minutes * config.batch / seconds)
        yield before
        if before.kimg < enough_kimg(side_px):
            return


def sizes_for(config: Stylegan2Config) -> list[tuple[int, int]]:
    """Return sides and widths that may be chosen, from the quickest on; no side is larger than the pictures."""
    if config.resolution is not None:
        sides = [config.resolution]
    else:
        most = _side_of_pictures(config)
        sides = [side for side in SIDES if side <= max(most, SIDES[0])]
    return [(side, config.width or side * wide) for side in sides for wide in (CHANNELS if not config.width else (1,))]


def _side_of_pictures(config: Stylegan2Config) -> int:
    """Return the shorter side of most pictures, or of a film."""
    path = Path(config.data)
    if _is_film(path):
        return min(open_footage(path).size)
    archive, names = listed(path)
    sides: list[int] = []
    for name in names[:: max(1, len(names) // LOOKED_AT)]:
        try:
            sides.append(min(picture_size(archive.open(name), name)))
        except PictureError:
            continue  # it is named when all pictures are read
    return sorted(sides)[len(sides) // 2] if sides else SIDES[-1]


def _is_film(path: Path) -> bool:
    return path.is_file() and is_footage(path)


def seconds_a_step(config: Stylegan2Config, critic: Critic) -> float:
    """Return how long a step of these settings takes, generator and discriminator, after one that warms up."""
    path = Path(config.data)
    classes = open_folder(path, val_share=0).classes if config.labels and not _is_film(path) else ()
    timed = dataclasses.replace(config, minutes=None, kimg=1e9, anchor_kimg=0.0)
    with tempfile.TemporaryDirectory() as folder:
        training = Stylegan2Training(timed, _noise(timed, classes), critic, RunFolder(Path(folder)))
        training.take_step()
        began, steps = time.monotonic(), 0
        while steps < TIMED_STEPS or time.monotonic() - began < TIMED_S:
            training.take_step()
            steps += 1
        return (time.monotonic() - began) / steps


def _noise(config: Stylegan2Config, classes: tuple[str, ...]) -> Source:
    count = max(EXAMPLES, 2 * len(classes))
    random, side = torch.Generator().manual_seed(0), config.side_px
    pixels = torch.randint(256, (count, 3, side, side), generator=random, dtype=torch.uint8)
    labels = torch.arange(count) % max(1, len(classes))
    return Source(PackedPictures(pixels, labels, tuple(map(str, range(count))), side), classes, "")
