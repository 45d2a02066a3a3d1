"""The network embedded-2 as it is trained: without BatchNorm, every block between fixed scales of its teacher's layers.

`Student` learns; `exported` gives the same function as a network of the package's own kind, ``inception2``.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.models.build import build_classifier
from reverie.models.caffe_googlenet import ResponseNorm
from reverie.models.classifier import RESPONSE_ALPHA, STAGES, StagedClassifier

NAMES = tuple(stage.name for stage in STAGES["inception2"])
STEM = ("conv1", "conv2")
BRANCHES = {stage.name: stage.branches for stage in STAGES["inception2"] if stage.kind == "inception"}
HALVED_BEHIND = ("mixed3b", "mixed4e")
MEAN, STD = (123 / 255, 117 / 255, 104 / 255), 0.25  # Caffe's mean in our order of colors
RESPONSE_SCALE = math.sqrt(RESPONSE_ALPHA / 1e-4)  # what the file's values are smaller than Caffe's before they respond
CLASSES = 200


def halved(x: Tensor) -> Tensor:
    """Return the maxima of 3 x 3 windows, two positions apart, a last one that is not full counted."""
    return F.max_pool2d(x, 3, 2, 0, ceil_mode=True)


def convolution(before: int, after: int, side: int, factor: float = 1.0) -> nn.Conv2d:
    """Return a convolution with first weights for ReLU, times a factor."""
    made = nn.Conv2d(before, after, side, padding=side // 2)
    nn.init.kaiming_normal_(made.weight, nonlinearity="relu")
    made.weight.data.mul_(factor)
    nn.init.zeros_(made.bias)  # type: ignore[arg-type]
    return made


class Entry(nn.Module):
    """The first convolutions of a block, side by side, learned in coordinates in which its input is less correlated.

    The kernel is ``V P``; V is learned and P fixed, until `fold` makes them one.
    """

    def __init__(self, before: int, after: int, side: int = 1) -> None:
        super().__init__()
        size = before * side * side
        self.side, self.folded = side, False
        self.v = nn.Parameter(torch.randn(after, size) / math.sqrt(size))
        self.bias = nn.Parameter(torch.zeros(after))
        self.register_buffer("p", torch.eye(size))

    @torch.no_grad()
    def whiten(self, p: Tensor) -> None:
        """Learn in the coordinates of `p` from now on; the kernel stays as it is."""
        self.v.copy_(torch.linalg.solve(p.double().T, self.kernel().flatten(1).double().T).T)
        self.p.copy_(p)

    @torch.no_grad()
    def fold(self) -> None:
        """Learn the kernel itself from now on."""
        self.v.copy_(self.kernel().flatten(1))
        self.p.copy_(torch.eye(len(self.p)))
        self.folded = True

    def kernel(self) -> Tensor:
        """Return ``[after, before, side, side]``."""
        flat = self.v if self.folded else self.v @ self.p
        return flat.view(len(flat), -1, self.side, self.side)


class Block(nn.Module):
    """A stage: what it reads is brought to mean 0 and deviation 1, what it gives to the teacher's strengths.

    Buffers: `mean` and `std` of the input's channels, `gain` of the output's.
    """

    def __init__(self, before: int, after: int, entry: Entry) -> None:
        super().__init__()
        self.entry = entry
        self.register_buffer("mean", torch.zeros(before))
        self.register_buffer("std", torch.ones(before))
        self.register_buffer("gain", torch.ones(after))

    def normalized(self, x: Tensor) -> Tensor:
        return (x - self.mean.view(1, -1, 1, 1)) / self.std.view(1, -1, 1, 1)

    def before(self, x: Tensor) -> Tensor:
        """Return the output before its ReLU, in units of `gain`."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return self.given(self.before(x))

    def given(self, before: Tensor) -> Tensor:
        """Return the output, from what is before its ReLU."""
        return F.relu(before) * self.gain.view(1, -1, 1, 1)


class First(Block):
    """One convolution with stride 2 of the picture."""

    def __init__(self) -> None:
        super().__init__(3, 64, Entry(3, 64, 7))
        self.mean.copy_(torch.tensor(MEAN))
        self.std.fill_(STD)

    def before(self, x: Tensor) -> Tensor:
        return F.conv2d(self.normalized(x), self.entry.kernel(), self.entry.bias, 2, 3)


class Second(Block):
    """1x1, then 3x3."""

    def __init__(self) -> None:
        super().__init__(64, 192, Entry(64, 64))
        self.three = convolution(64, 192, 3)

    def before(self, x: Tensor) -> Tensor:
        return self.three(F.relu(F.conv2d(self.normalized(x), self.entry.kernel(), self.entry.bias)))


class Inception(Block):
    """Four branches; their 1x1 convolutions that read the same make one `entry`."""

    def __init__(self, before: int, widths: tuple[int, ...]) -> None:
        one, reduce3, three, reduce5, five, pooled = widths
        super().__init__(before, one + three + five + pooled, Entry(before, one + reduce3 + reduce5 + pooled))
        self.split = (one, reduce3, reduce5)
        self.three, self.five = convolution(reduce3, three, 3, 0.3), convolution(reduce5, five, 5, 0.3)
        self.entry.v.data[:one] *= 0.3
        self.entry.v.data[-pooled:] *= 0.3

    def before(self, x: Tensor) -> Tensor:
        z, kernel, bias, cut = self.normalized(x), self.entry.kernel(), self.entry.bias, sum(self.split)
        one, three, five = F.conv2d(z, kernel[:cut], bias[:cut]).split(self.split, 1)
        pooled = F.conv2d(F.max_pool2d(z, 3, 1, 1), kernel[cut:], bias[cut:])
        return torch.cat([one, self.three(F.relu(three)), self.five(F.relu(five)), pooled], 1)


class Student(nn.Module):
    """Blocks by the names of their stages, and the classes."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleDict({"conv1": First(), "conv2": Second()})
        channels = 192
        for name, widths in BRANCHES.items():
            self.blocks[name] = Inception(channels, widths)
            channels = len(self.blocks[name].gain)
        self.head = nn.Linear(channels, CLASSES)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.respond = ResponseNorm()

    def handed_on(self, name: str, x: Tensor) -> Tensor:
        """Return what the next block reads, from what the block `name` gives."""
        if name == "conv1":
            return self.respond(halved(x))
        if name == "conv2":
            return halved(self.respond(x))
        return halved(x) if name in HALVED_BEHIND else x

    def forward(self, x: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Return what is before the last ReLU of every block, and the logits; the stem is not learned any more."""
        found: dict[str, Tensor] = {}
        out = x
        for name in NAMES:
            with torch.set_grad_enabled(torch.is_grad_enabled() and name not in STEM):
                found[name] = self.blocks[name].before(x)
                out = self.blocks[name].given(found[name])
                x = self.handed_on(name, out)
        return found, self.head(out.mean((2, 3)) / self.blocks[NAMES[-1]].gain)


@torch.no_grad()
def exported(student: Student, batches: list[Tensor]) -> StagedClassifier:
    """Return the same function as a network of the kind ``inception2``, whose BatchNorms know what they see.

    Layers from mixed3a on are divided by one number each, so that half precision holds them.

    Args:
        student: what was trained.
        batches: ordinary pictures ``[B, 3, H, W]`` in [0, 1], on which BatchNorm's statistics are taken.
    """
    net = build_classifier("inception2", CLASSES, {"dropout": 0.0}).eval()
    assert isinstance(net, StagedClassifier)
    incoming = 1.0
    for name in NAMES:
        block, stage = student.blocks[name], net.stages.get_submodule(name)
        outgoing = RESPONSE_SCALE if name in STEM else float(block.gain.square().mean().sqrt())
        _put(stage, _kernels(name, block, incoming, outgoing))
        incoming = outgoing
    gain = student.blocks[NAMES[-1]].gain
    net.logits.weight.copy_(student.head.weight * incoming / gain)
    net.logits.bias.copy_(student.head.bias)
    _recalibrate(net, batches)
    return net


def _kernels(name: str, block: Block, incoming: float, outgoing: float) -> list[tuple[Tensor, Tensor]]:
    """Return kernels and biases of a stage, in the order of its convolutions, with all scales in them."""
    kernel, gain = block.entry.kernel(), block.gain / outgoing
    if name == "conv1":
        return [(kernel * gain.view(-1, 1, 1, 1), block.entry.bias * gain)]
    bias = block.entry.bias - kernel.flatten(1) @ (block.mean / block.std)
    kernel = kernel * (incoming / block.std).view(1, -1, 1, 1)

    def scaled(weight: Tensor, shift: Tensor, rows: slice) -> tuple[Tensor, Tensor]:
        return weight * gain[rows].view(-1, 1, 1, 1), shift * gain[rows]

    if isinstance(block, Second):
        return [(kernel, bias), scaled(block.three.weight, block.three.bias, slice(None))]
    one, reduce3, three, reduce5, five, _ = BRANCHES[name]
    a, b, c = one, one + reduce3, one + reduce3 + reduce5
    return [
        scaled(kernel[:a], bias[:a], slice(0, one)),
        (kernel[a:b], bias[a:b]),
        scaled(block.three.weight, block.three.bias, slice(one, one + three)),
        (kernel[b:c], bias[b:c]),
        scaled(block.five.weight, block.five.bias, slice(one + three, one + three + five)),
        scaled(kernel[c:], bias[c:], slice(one + three + five, None)),
    ]


def _put(stage: nn.Module, kernels: list[tuple[Tensor, Tensor]]) -> None:
    convolutions = [m for m in stage.modules() if isinstance(m, nn.Conv2d)]
    norms = [m for m in stage.modules() if isinstance(m, nn.BatchNorm2d)]
    for conv, norm, (kernel, bias) in zip(convolutions, norms, kernels, strict=True):
        conv.weight.copy_(kernel)
        norm.bias.copy_(bias)
        norm.running_var.fill_(1 - norm.eps)


def _recalibrate(net: nn.Module, batches: list[Tensor]) -> None:
    """Give every BatchNorm the mean and variance of what it reads, and weights that undo them."""
    seen: dict[nn.Module, list[Tensor]] = {}

    def look(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].double()
        seen.setdefault(module, []).append(torch.stack([x.mean((0, 2, 3)), x.square().mean((0, 2, 3))]))

    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    handles = [m.register_forward_pre_hook(look) for m in norms]
    for images in batches:
        net((images - torch.tensor(MEAN).view(1, 3, 1, 1)) / STD)
    for handle in handles:
        handle.remove()
    for norm in norms:
        mean, square = torch.stack(seen[norm]).mean(0)
        var = (square - mean.square()).clamp_min(0).half().double()  # as the file holds it
        norm.running_mean.copy_(mean.half())
        norm.running_var.copy_(var)
        norm.weight.copy_((var + norm.eps).sqrt())
        norm.bias.add_(norm.running_mean)
