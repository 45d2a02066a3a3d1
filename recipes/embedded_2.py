"""Train the network embedded-2: GoogLeNet's features by distillation, and the classes of Tiny ImageNet.

    python recipes/embedded_2.py GOOGLENET tiny-imagenet-200.zip runs/embedded-2 PHOTOS.zip PAINTINGS.zip FLOWERS.zip

On one core: the stem (3.3 minutes), then every block by itself on the teacher's own input (24), then all of them
behind each other (11), at last the two deepest blocks and the classes (25). Each part is kept; `--from blocks` goes
on behind one. The teacher is bvlc_googlenet, released for unrestricted use, as .caffemodel or state dict.

Every block learns in units of the teacher's channels; where the teacher's channel is above zero, what is below zero
before the ReLU counts too, or it would never rise (Heo et al. 2019, arXiv 1904.01866, section 3.2).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from embedded_2_data import Data, Photographs
from embedded_2_network import BRANCHES, MEAN, NAMES, STD, STEM, Student, exported, halved
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.critic.open import open_network
from reverie.train.about import dated
from reverie.train.product import halved as in_half
from reverie.train.schedule import warm_cosine
from reverie.weights.checkpoint import Description, file_sha256, load_description, save_model
from reverie.weights.embedded import embedded_path

RIDGE = 0.03  # of the mean variance: what whitening adds to every direction of a block's input
STEM_RIDGE = 1e-4
HALF_WHITE = 0.25  # power of the inverse covariance that blocks are whitened by; 0.5 would be whole
INPUT_PX = 128
PARTS = {"stem": 3.3, "blocks": 24.0, "whole": 11.0, "classes": 25.0}  # minutes of one core
CLASS_WEIGHT = 0.05  # while all blocks learn
Scores = dict[str, float]
Step = Callable[[int], tuple[Tensor, Scores]]


@dataclass(frozen=True)
class Config:
    """What the file of the network says of its training."""

    architecture: str = "inception2"
    minutes: float = sum(PARTS.values())
    teacher: str = "bvlc_googlenet"


class Teacher:
    """GoogLeNet, block by block."""

    def __init__(self, path: Path) -> None:
        net, _, _ = open_network("googlenet-caffe", path)
        self.net = net.float().eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self.modules = dict(self.net.named_children())

    def _run(self, x: Tensor, *names: str) -> Tensor:
        for name in names:
            x = self.modules[name](x)
        return x

    @torch.no_grad()
    def __call__(self, images: Tensor, last: str = "") -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return what every block gives, and what it reads, by our names; up to the block `last`."""
        x = ((images - torch.tensor(MEAN).view(1, 3, 1, 1)) * 255).flip(1).contiguous(memory_format=torch.channels_last)
        out: dict[str, Tensor] = {"conv1": self._run(x, "conv1/7x7_s2", "conv1/relu_7x7")}
        read: dict[str, Tensor] = {"conv1": images, "conv2": self._run(halved(out["conv1"]), "pool1/norm1")}
        layers = ("conv2/3x3_reduce", "conv2/relu_3x3_reduce", "conv2/3x3", "conv2/relu_3x3")
        out["conv2"] = self._run(read["conv2"], *layers)
        if last == "conv2":
            return out, read
        x = halved(self._run(out["conv2"], "conv2/norm2"))
        for name in BRANCHES:
            read[name] = x
            out[name] = self.net._joined(f"inception_{name.removeprefix('mixed')}", x)  # type: ignore[operator]
            x = halved(out[name]) if name in ("mixed3b", "mixed4e") else out[name]
        return out, read


def error(before: Tensor, goal: Tensor, gain: Tensor) -> Tensor:
    """Return the mean squared error in units of `gain`, from what is before the last ReLU of a block."""
    goal = goal / gain.view(1, -1, 1, 1)
    return torch.where(goal > 0, before - goal, F.relu(before)).square().mean()


def whitening(covariance: Tensor, ridge: float, power: float) -> Tensor:
    """Return the covariance to a negative power, all variances raised by `ridge` of their mean."""
    values, vectors = torch.linalg.eigh(covariance.double())
    values = values.clamp_min(0) + ridge * values.mean().clamp_min(0)
    return ((vectors * values.pow(-power)) @ vectors.T).float()


@torch.no_grad()
def scaled(student: Student, teacher: Teacher, photos: Photographs) -> None:
    """Give every block the scales of the teacher's layers, and coordinates in which its input is less correlated."""
    sums: dict[str, list[Tensor]] = {}
    for _ in range(20):
        images = photos.batch(16, 128)
        out, read = teacher(images)
        for name in NAMES:
            x = read[name] if name != "conv1" else F.unfold((images - _mean()) / STD, 7, padding=3, stride=4)[..., None]
            flat, power = x.transpose(0, 1).flatten(1).double(), out[name].double().square().mean((0, 2, 3))
            new = [flat.mean(1), flat @ flat.T / flat.shape[1], power]
            sums[name] = [a + b / 20 for a, b in zip(sums.get(name, [torch.zeros(())] * 3), new, strict=True)]
    for name, (mean, square, power) in sums.items():
        block, strength = student.blocks[name], power.sqrt()
        block.gain.copy_(strength.clamp_min(0.02 * strength.mean()))
        if name == "conv1":
            block.entry.whiten(whitening(square, STEM_RIDGE, 0.5))
            continue
        covariance = square - mean[:, None] * mean
        std = covariance.diagonal().clamp_min(0).sqrt()
        std = std.clamp_min(0.05 * std.mean())
        block.mean.copy_(mean)
        block.std.copy_(std)
        power_of = 0.5 if name in STEM else HALF_WHITE
        block.entry.whiten(whitening(covariance / std[:, None] / std, RIDGE, power_of))


def _mean() -> Tensor:
    return torch.tensor(MEAN).view(1, 3, 1, 1)


def trained(
    step: Step, groups: Sequence[tuple[Sequence[nn.Parameter], float]],
    minutes: float, low: float,
) -> int:  # fmt: skip
    """Descend by AdamW for some minutes, down to `low` of the first rate, and return how many steps that were."""
    optimizer = torch.optim.AdamW(
        [{"params": list(p), "lr": lr, "first": lr} for p, lr in groups], betas=(0.9, 0.98), weight_decay=0.0
    )
    everything = [p for params, _ in groups for p in params]
    began, count, told = time.monotonic(), 0, time.monotonic()
    while (progress := (time.monotonic() - began) / (60 * minutes)) < 1:
        factor = warm_cosine(progress, 0.02)
        for group in optimizer.param_groups:
            group["lr"] = group["first"] * (low + (1 - low) * factor)
        optimizer.zero_grad(set_to_none=True)
        loss, scores = step(count)
        loss.backward()
        nn.utils.clip_grad_norm_(everything, 20.0)
        optimizer.step()
        count += 1
        if time.monotonic() - told > 30:
            told = time.monotonic()
            print(f"  {progress:4.0%}  " + "  ".join(f"{n} {v:.3f}" for n, v in scores.items()), flush=True)
    return count


def block_step(student: Student, teacher: Teacher, data: Data, names: Sequence[str], px: Sequence[int]) -> Step:
    """Return a step in which blocks learn each by itself, from the teacher's input."""

    def step(number: int) -> tuple[Tensor, Scores]:
        images = data.photos.batch(16, px[number % len(px)])
        if number % 4 == 1 and names[0] not in STEM:
            images = torch.cat([images[:8], data.labelled(8, px[1])[0]])
        out, read = teacher(images, names[-1])
        errors = {n: error(student.blocks[n].before(read[n]), out[n], student.blocks[n].gain) for n in names}
        return torch.stack(list(errors.values())).sum(), {n: float(e.detach()) for n, e in errors.items()}

    return step


def whole_step(student: Student, teacher: Teacher, data: Data) -> Step:
    """Return a step in which all blocks learn behind each other, with a little of the classes."""

    def step(number: int) -> tuple[Tensor, Scores]:
        px = (112, 128, 128, 160)[number % 4]
        labelled, labels = data.labelled(8, px)
        images = torch.cat([data.photos.batch(12, px), labelled]).contiguous(memory_format=torch.channels_last)
        before, logits = student(images)
        out, _ = teacher(images)
        errors = {n: error(before[n], out[n], student.blocks[n].gain) for n in BRANCHES}
        classes = F.cross_entropy(logits[12:], labels, label_smoothing=0.1)
        scores = {n: float(e.detach()) for n, e in errors.items()} | {"classes": float(classes.detach())}
        return torch.stack(list(errors.values())).sum() + CLASS_WEIGHT * classes, scores

    return step


def class_step(student: Student, teacher: Teacher, data: Data, last: Sequence[str]) -> Step:
    """Return a step in which the last blocks learn the classes; every fifth keeps their features."""

    def step(number: int) -> tuple[Tensor, Scores]:
        if number % 5 == 4:
            images = data.photos.batch(16, (112, 128, 160)[number % 3])
            before, _ = student(images)
            out, _ = teacher(images)
            errors = {n: error(before[n], out[n], student.blocks[n].gain) for n in last}
            return torch.stack(list(errors.values())).sum(), {n: float(e.detach()) for n, e in errors.items()}
        images, labels = data.labelled(32, INPUT_PX)
        _, logits = student(images)
        loss = F.cross_entropy(logits, labels, label_smoothing=0.1)
        return loss, {"classes": float(loss.detach()), "right": float((logits.argmax(1) == labels).float().mean())}

    return step


def run_part(part: str, student: Student, teacher: Teacher, data: Data, minutes: float) -> int:
    """Train one part of the schedule and return its steps."""
    blocks, last = student.blocks, ("mixed5a", "mixed5b")
    head = (list(student.head.parameters()), 1.2e-3)
    if part == "stem":
        names = STEM
        return trained(block_step(student, teacher, data, STEM, (96,)), [(_of(blocks, names), 4e-3)], minutes, 0.025)
    student.requires_grad_(True)
    for name in STEM if part != "classes" else [n for n in NAMES if n not in last]:
        blocks[name].requires_grad_(False)
    if part == "blocks":
        step = block_step(student, teacher, data, tuple(BRANCHES), (96, 128, 128, 160))
        return trained(step, [(_of(blocks, BRANCHES), 2e-3)], minutes, 0.1)
    for name in NAMES:
        blocks[name].entry.fold()
    if part == "whole":
        return trained(
            whole_step(student, teacher, data), [(_of(blocks, BRANCHES), 3e-4), head], minutes, 0.03
        )  # fmt: skip
    return trained(class_step(student, teacher, data, last), [(_of(blocks, last), 3e-4), head], minutes, 0.007)


def _of(blocks: nn.ModuleDict, names: Sequence[str]) -> list[nn.Parameter]:
    return [p for name in names for p in blocks[name].parameters()]


def written(student: Student, data: Data, teacher: Path, path: Path, spent: dict[str, int]) -> None:
    """Write the network as the package's own kind, in half precision."""
    batches = [data.photos.batch(16, 160) for _ in range(6)]
    first = load_description(embedded_path("embedded-1"))  # of the same classes and pictures
    about = Description(
        architecture="inception2", classes=first.classes, mean=MEAN, std=(STD,) * 3, input_px=INPUT_PX,
        options={"dropout": 0.0}, color_correlation=first.color_correlation, data=first.data,
        note=f"features distilled from '{teacher.name}', sha256 {file_sha256(teacher)}",
    )  # fmt: skip
    net = exported(student, batches)
    save_model(path, in_half(net), dated(about, Config(), **spent))


def main() -> None:
    """Train, part by part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("classes", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("photos", type=Path, nargs="+", help="the first is drawn from twice as often as all others")
    parser.add_argument("--from", dest="behind", choices=tuple(PARTS), help="go on behind a part that is kept")
    parser.add_argument("--share", type=float, default=1.0, help="of the minutes of every part")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(2)
    asked.output.mkdir(parents=True, exist_ok=True)
    data, teacher = Data(asked.classes, asked.photos, seed=2), Teacher(asked.teacher)
    student = Student().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    parts = list(PARTS)
    if asked.behind:
        parts = parts[parts.index(asked.behind) + 1 :]
        student.load_state_dict(load_file(asked.output / f"{asked.behind}.safetensors"))
    else:
        scaled(student, teacher, data.photos)
    spent: dict[str, int] = {}
    for part in parts:
        print(part, flush=True)
        spent[f"{part}_steps"] = run_part(part, student, teacher, data, PARTS[part] * asked.share)
        save_file({n: v.contiguous() for n, v in student.state_dict().items()}, asked.output / f"{part}.safetensors")
    written(student, data, asked.teacher, asked.output / "model.safetensors", spent)
    print(json.dumps(spent))


if __name__ == "__main__":
    main()
