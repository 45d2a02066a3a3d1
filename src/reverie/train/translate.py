"""Teach a network a filter or pairs of pictures: crops are drawn, the squared difference to the target is the loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.critic.precision import resolve_device
from reverie.data.batches import seeded
from reverie.data.examples import Examples, FilterExamples, PairExamples
from reverie.data.user_filter import chosen_filter
from reverie.errors import InputError
from reverie.models.translator import Shape, Translator, build_translator
from reverie.models.translator_file import KIND
from reverie.numerics.resample import resize
from reverie.numerics.similarity import psnr, ssim
from reverie.train.about import dated, portable
from reverie.train.counters import check_resumes
from reverie.train.painter import Lesson, Painter
from reverie.train.randomness import private_random
from reverie.train.run_folder import RunFolder
from reverie.train.step import TrainStep
from reverie.train.translate_config import TranslateConfig
from reverie.weights.checkpoint import Description

MOST_MEASURED = 64  # held-out pictures at each size
SMALL_PX = 64  # at which filters are measured beside the pictures as they are


@dataclass(frozen=True, eq=False)
class Task:
    """What is learned: examples, and what the network's file will say of them."""

    examples: Examples
    about: dict[str, object]
    config: TranslateConfig

    @property
    def shape(self) -> Shape:
        """What the network is built from."""
        config, outputs = self.config, self.examples.outputs
        if config.architecture == "autoencoder":
            return Shape("autoencoder", 3, outputs, 16, (1,))
        return Shape("can", 3, outputs, config.width, (1,) * config.depth)


def open_task(config: TranslateConfig) -> Task:
    """Return what is to be learned.

    Raises:
        InputError: an unknown filter or parameter.
        DataError: no pictures, or pairs that are not complete.
    """
    path = Path(config.data)
    if config.targets is not None or config.side_by_side:
        targets = None if config.targets is None else Path(config.targets)
        pairs = PairExamples(path, targets, config.held_out, config.seed, skip=config.skip_unpaired)
        return Task(pairs, {"pairs": pairs.count}, config)
    chosen = chosen_filter(config.filter, config.seed)
    parameters = chosen.settings(given_parameters(config.filter_param))
    apply = partial(chosen.apply, **parameters)
    examples = FilterExamples(path, apply, chosen.channels or 3, config.held_out, config.seed)
    about: dict[str, object] = {"filter": bare_filter(config), "parameters": parameters, "pictures": examples.count}
    return Task(examples, about, config)


def bare_filter(config: TranslateConfig) -> str:
    """Return the filter's name without the folder of a file of the user's own."""
    return Path(config.filter).name if ".py:" in config.filter else config.filter


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


def measured(net: nn.Module, examples: Examples) -> dict[str, float]:
    """Return mean PSNR, SSIM and absolute difference on held-out pictures as they are, and for filters at 64 px."""
    found: dict[str, list[float]] = {}
    for image, wanted in islice(examples.held_out(), MOST_MEASURED):
        _add(found, "whole", compared(net, image, wanted))
        small = resize(image, (SMALL_PX, SMALL_PX)).clamp(0, 1)
        target = examples.target(small)
        if target is not None:
            _add(found, str(SMALL_PX), compared(net, small, target))
    return {name: sum(values) / len(values) for name, values in found.items()}


def _add(found: dict[str, list[float]], where: str, scores: dict[str, float]) -> None:
    for what, value in scores.items():
        found.setdefault(f"{what}_{where}", []).append(value)


@torch.no_grad()
def compared(net: nn.Module, image: Tensor, wanted: Tensor) -> dict[str, float]:
    """Return how near a network comes to what is wanted of one picture."""
    device = next(net.parameters()).device
    got = net(image.to(device)).clamp(0, 1).to(wanted.device)
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
            check_resumes(saved, self.config, task.examples.digest)
        self.run = run
        with private_random(self.device, self.config.seed):
            net = build_translator(task.shape)
        net = net.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.metrics: dict[str, float] = {}
        self.finished = False
        self.painter = Painter(net, Lesson(self._loss, self._finish, task.examples.digest), run, self.config, saved)

    def steps(self) -> Iterator[TrainStep]:
        """Train to the end of the schedule; the last step carries what was measured."""
        self.painter.net.train()
        with self.run.claimed():
            self.run.write_settings(portable(self.config))
            for step in self.painter.steps():
                yield replace(step, metrics=self.metrics, output=None) if step.phase == "done" else step

    @property
    def translator(self) -> Translator:
        """The averaged network."""
        net = self.painter.average.net
        assert isinstance(net, Translator)
        return net

    def _loss(self, net: nn.Module, step: int) -> dict[str, Tensor]:
        config = self.config
        crops, wanted = self.task.examples.draw(
            config.batch, config.crop_px, seeded(config.seed, "batch", step), config.zoom
        )
        made = net(crops.to(self.device, memory_format=torch.channels_last))
        return {"mse": F.mse_loss(made, wanted.to(self.device))}

    def _finish(self, net: nn.Module, metrics: dict[str, float]) -> Path:
        self.metrics, self.finished = metrics | measured(net, self.task.examples), True
        return self.run.network  # written by whoever runs the job

    def description(self) -> Description:
        """Return what the network's file says of itself."""
        task, config = self.task, self.config
        metrics = {name: round(value, 5) for name, value in self.metrics.items()}
        about = Description(
            architecture=config.architecture, classes=(), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0),
            input_px=config.crop_px, kind=KIND, options=dict(task.shape.record()), metrics=metrics,
            data=task.about | {"held_out": task.examples.held, "digest": task.examples.digest},
        )  # fmt: skip
        return dated(about, config)

    def network(self) -> tuple[Mapping[str, Tensor], Description]:
        """Return the averaged network and what its file says."""
        return self.translator.state_dict(), self.description()
