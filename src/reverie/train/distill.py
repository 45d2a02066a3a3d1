"""Teach a small network to paint in one style, judged by the very objective that the optimizer raises.

Source: Johnson, Alahi, Fei-Fei 2016, arXiv 1603.08155. Differs: the objective of `reverie style` instead of bare Gram
matrices, every picture balanced for itself; half of the pictures are painted at less than full strength.
"""

from __future__ import annotations

import datetime
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import reverie
from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.critic.precision import autocast, resolve_device, resolve_precision
from reverie.critic.style_layers import style_layers
from reverie.data.batches import seeded
from reverie.data.crops import CropPool
from reverie.errors import InputError
from reverie.media.image import read_picture
from reverie.models.student import StudentNet
from reverie.settings import check_settings, to_record
from reverie.train.counters import check_same_data, check_same_settings
from reverie.train.distill_config import DistillConfig
from reverie.train.painter import Lesson, Painter
from reverie.train.randomness import private_random
from reverie.train.run_folder import RunFolder
from reverie.train.step import TrainStep
from reverie.train.student_score import StudentScore
from reverie.weights.checkpoint import Description, save_model


def distill(
    styles: Sequence[tuple[Path, float]], data: Path, output: Path, config: DistillConfig | None = None, *,
    resume: bool = False,
) -> Generator[TrainStep, None, None]:  # fmt: skip
    """Teach a network the styles' mixture on any pictures and write it to the file `output`.

    Yields a `TrainStep` per step; the last one has ``phase == "done"``. Until then a folder beside the file, with the
    suffix ``.run``, holds the checkpoint that `resume` goes on with.

    Args:
        styles: files of pictures, and their weights.
        data: a folder, a zip or a file of pictures to paint.
        output: a ``.safetensors`` file.
        config: the settings.
        resume: go on with the run that was stopped.

    Raises:
        DataError: the data cannot be used, or changed since the checkpoint.
        WeightsError: nothing to resume, or a network that cannot be read.
        InputError: settings out of range, or other than those of the run being resumed.
        GradientError: the run diverged.
    """
    config = config or DistillConfig()
    check_settings(config)
    if not styles:
        raise InputError("no style is given; name one or more pictures")
    if config.crop_px % 16:
        raise InputError(f"--crop-px must be a multiple of 16; got {config.crop_px}")
    if output.suffix != ".safetensors":
        raise InputError(f"a student is written to a .safetensors file; got '{output.name}'")
    if output.exists():
        raise InputError(f"'{output}' exists already; choose another --output")
    run = RunFolder(output.with_suffix(".run"))
    saved = run.load_checkpoint() if resume else run.check_unused()
    if saved is not None:
        check_same_settings(saved["config"], config)
    lesson = _lesson(styles, data, output, config)
    if saved is not None:
        check_same_data(saved, lesson.digest)
    run.create()
    with run.cleared_on_failure():
        device = resolve_device(config.device)
        with private_random(device, config.seed):
            net = StudentNet(config.width, config.blocks)
            net = net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        yield TrainStep("load", message=f"{sum(p.numel() for p in net.parameters()) / 1e6:.2f} M parameters")
        yield from Painter(net, lesson, run, config, saved).steps()


def _lesson(styles: Sequence[tuple[Path, float]], data: Path, output: Path, config: DistillConfig) -> Lesson:
    device = resolve_device(config.device)
    precision = resolve_precision(config.precision, device)
    critic = open_critic(config.model, config.weights, device=str(device), precision=precision)
    pictures = [read_picture(path) for path, _ in styles]
    seen = [torch.from_numpy(p.rgb).permute(2, 0, 1)[None].contiguous() for p in pictures]
    layers = style_layers(critic, config.style_layer, config.content_layer)
    score = StudentScore(critic, layers, seen, [weight for _, weight in styles], config)
    pool = CropPool([data])

    def losses(net: nn.Module, step: int) -> dict[str, Tensor]:
        generator = seeded(config.seed, "batch", step)
        content = pool.crops(config.batch, config.crop_px, generator).to(device)
        dial = torch.rand(config.batch, 1, generator=generator)
        dial = torch.where(torch.rand(config.batch, 1, generator=generator) < 0.5, 1.0, dial).to(device)
        with autocast(device, precision):
            painted = net(content, dial)
        return score.losses(painted.float(), content, dial)

    weights = [weight for _, weight in styles]
    listed = [{"name": p.name, "sha256": p.sha256, "weight": w} for p, w in zip(pictures, weights, strict=True)]
    about = {"styles": listed, "pictures": pool.count, "digest": pool.digest}

    def write(net: nn.Module, metrics: dict[str, float]) -> Path:
        assert isinstance(net, StudentNet)
        save_model(output, dict(net.state_dict()), _description(net, config, critic, about, metrics))
        return output

    digest = "/".join(f"{p.sha256}:{w:g}" for p, w in zip(pictures, weights, strict=True))
    return Lesson(losses, write, f"{pool.digest}/{digest}")


def _description(
    net: StudentNet, config: DistillConfig, critic: Critic, about: dict[str, Any], metrics: dict[str, float]
) -> Description:
    recipe = to_record(config) | {"model": Path(config.model).name, "weights": Path(config.weights or "").name}
    return Description(
        architecture="student", classes=(), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), input_px=config.crop_px,
        kind="student", options=net.options, metrics=metrics, data=about | {"critic": critic.identity.sha256},
        recipe=recipe, date=datetime.datetime.now(datetime.UTC).date().isoformat(), version=reverie.__version__,
    )  # fmt: skip
