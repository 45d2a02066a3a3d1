"""Teach a network a filter: pictures are drawn, the filter gives what is wanted, the squared difference is the loss."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import reverie
from reverie.critic.precision import resolve_device
from reverie.data.batches import seeded
from reverie.data.crops import CropPool
from reverie.data.folder import SUFFIXES, Archive, require_dataset
from reverie.data.user_filter import chosen_filter
from reverie.errors import InputError
from reverie.media.image import read_picture
from reverie.models.translator import Shape, Translator, build_translator
from reverie.models.translator_file import KIND
from reverie.numerics.filters import Filter
from reverie.numerics.resample import resize
from reverie.numerics.similarity import psnr, ssim
from reverie.settings import to_record
from reverie.train.counters import check_same_data, check_same_settings
from reverie.train.painter import Lesson, Painter
from reverie.train.randomness import private_random
from reverie.train.run_folder import RunFolder
from reverie.train.step import TrainStep
from reverie.train.translate_config import TranslateConfig
from reverie.weights.checkpoint import Description

MOST_MEASURED = 64  # held-out pictures at each size
SIZES_PX = (64, 0)  # at which a network is measured; 0 for the pictures as they are


@dataclass(frozen=True, eq=False)
class Task:
    """What is learned and from what: the filter with its settings, crops to learn from, names of held-out pictures."""

    filter: Filter
    parameters: dict[str, float]
    pool: CropPool
    archive: Archive
    held: tuple[str, ...]
    config: TranslateConfig

    def target(self, images: Tensor) -> Tensor:
        """Return what the network should make of pictures."""
        return self.filter.apply(images, **self.parameters)

    @property
    def shape(self) -> Shape:
        """What the network is built from."""
        config, outputs = self.config, self.filter.channels or 3
        if config.architecture == "autoencoder":
            return Shape("autoencoder", 3, outputs, 16, (1,))
        return Shape("can", 3, outputs, config.width, (1,) * config.depth)


def open_task(config: TranslateConfig) -> Task:
    """Return what is to be learned.

    Raises:
        InputError: an unknown filter or parameter.
        DataError: no pictures, or too few to hold some out.
    """
    chosen = chosen_filter(config.filter, config.seed)
    path = Path(config.data)
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        archive, names = Archive(path.parent), [path.name]
    else:
        require_dataset(path, "a picture, a folder of pictures, or a zip of one")
        archive = Archive(path)
        names = [n for n in archive.names() if PurePosixPath(n).suffix.lower() in SUFFIXES]
    held = held_out(names, config.held_out, config.seed)
    pool = CropPool([path], leave_out=[PurePosixPath(n).name for n in held])
    return Task(chosen, chosen.settings(given_parameters(config.filter_param)), pool, archive, held, config)


def given_parameters(texts: tuple[str, ...]) -> dict[str, float]:
    """Return parameters from texts such as ``sigma=1.5``.

    Raises:
        InputError: one of another form.
    """
    found: dict[str, float] = {}
    for text in texts:
        name, mark, value = text.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            mark = ""
        if not mark:
            raise InputError(f"--filter-param takes NAME=NUMBER, such as sigma=1.5; got '{text}'")
    return found


def held_out(names: list[str], share: float, seed: int) -> tuple[str, ...]:
    """Return the pictures that are not learned from: those of the smallest hashes, always the same for a seed."""
    if share <= 0 or len(names) < 2:
        return ()
    count = max(1, round(share * len(names)))
    return tuple(sorted(names, key=lambda n: hashlib.sha256(f"{seed}/{n}".encode()).hexdigest())[:count])


def measured(net: nn.Module, task: Task) -> dict[str, float]:
    """Return mean PSNR, SSIM and absolute difference on held-out pictures, at 64 px and as they are."""
    found: dict[str, list[float]] = {}
    for name in task.held[:MOST_MEASURED]:
        rgb = torch.from_numpy(read_picture(task.archive.open(name), name=name).rgb.copy()).permute(2, 0, 1)[None]
        for side in SIZES_PX:
            image = resize(rgb, (side, side)).clamp(0, 1) if side else rgb
            for what, value in compared(net, image, task).items():
                found.setdefault(f"{what}_{side or 'whole'}", []).append(value)
    return {name: sum(values) / len(values) for name, values in found.items()}


@torch.no_grad()
def compared(net: nn.Module, image: Tensor, task: Task) -> dict[str, float]:
    """Return how near a network comes to the filter on one picture."""
    wanted, got = task.target(image), net(image).clamp(0, 1)
    l1 = (got - wanted).abs().mean().item()
    return {"psnr": psnr(got, wanted).item(), "ssim": ssim(got, wanted).item(), "l1": l1}


class TranslatorTraining:
    """One run: `steps` is the loop; `network` is what there is after any step.

    Args:
        task: from `open_task`.
        run: where the checkpoint stands; a checkpoint of the same settings and pictures is gone on with.

    Raises:
        InputError: the checkpoint was made with other settings.
        DataError: or with other pictures.
    """

    def __init__(self, task: Task, run: RunFolder) -> None:
        self.task, self.config = task, task.config
        self.device = resolve_device(self.config.device)
        saved = run.load_checkpoint() if run.checkpoint.is_file() else None
        if saved is not None:
            check_same_settings(saved["config"], self.config)
            check_same_data(saved, task.pool.digest)
        run.create()
        with private_random(self.device, self.config.seed):
            net = build_translator(task.shape)
        net = net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.metrics: dict[str, float] = {}
        self.painter = Painter(net, Lesson(self._loss, self._finish, task.pool.digest), run, self.config, saved)

    def steps(self) -> Iterator[TrainStep]:
        """Train to the end of the schedule; the last step carries what was measured."""
        self.painter.net.train()
        yield from self.painter.steps()

    @property
    def network(self) -> Translator:
        """The averaged network."""
        net = self.painter.average.net
        assert isinstance(net, Translator)
        return net

    def _loss(self, net: nn.Module, step: int) -> dict[str, Tensor]:
        config = self.config
        crops = self.task.pool.crops(config.batch, config.crop_px, seeded(config.seed, "batch", step), zoom=config.zoom)
        wanted = self.task.target(crops).to(self.device)
        return {"mse": F.mse_loss(net(crops.to(self.device, memory_format=torch.channels_last)), wanted)}

    def _finish(self, net: nn.Module, metrics: dict[str, float]) -> Path:
        self.metrics = metrics | measured(net, self.task)
        return self.painter.run.path  # the network is written by whoever runs the job; the folder is not needed any more

    def description(self) -> Description:
        """Return what the network's file says of itself."""
        task, config = self.task, self.config
        own = Path(config.filter).name if ".py:" in config.filter else config.filter
        about = {"filter": own, "parameters": task.parameters, "pictures": task.pool.count, "held_out": len(task.held)}
        recipe = to_record(config) | {"data": Path(config.data).name, "filter": own}
        metrics = {name: round(value, 5) for name, value in self.metrics.items()}
        return Description(
            architecture=config.architecture, classes=(), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0),
            input_px=config.crop_px, kind=KIND, options=dict(task.shape.record()), metrics=metrics,
            data=about | {"digest": task.pool.digest}, recipe=recipe,
            date=datetime.datetime.now(datetime.UTC).date().isoformat(), version=reverie.__version__,
        )  # fmt: skip

    def state(self) -> Mapping[str, Tensor]:
        """Return the weights of the averaged network."""
        return self.network.state_dict()
