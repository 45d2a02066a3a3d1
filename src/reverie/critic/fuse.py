"""A frozen network again, with fewer and larger operations: the same tree of modules, its weights shared.

What cannot be fused stays as it is, so any network goes through. Layers inside of what was fused cannot be looked at
there; whoever asks for one runs the network itself.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reverie.critic.run import run_until
from reverie.models.caffe_googlenet import ResponseNorm
from reverie.models.classifier import Branches, ConvBN, Downsample, Inception
from reverie.models.fold import observed_pairs
from reverie.models.fused import FusedConvolution, FusedInception, FusedMaxPool, FusedResponse, Window, fits

GOOGLENET = "torchvision.models.googlenet"
UNITS = {(GOOGLENET, "BasicConv2d"), ("torchvision.models.inception", "BasicConv2d")}  # convolution, norm, ReLU


@dataclass(frozen=True)
class Fused:
    """A fused network.

    Attributes:
        net: the modules, under the paths that they had.
        original: what they were made of.
        hidden: paths of the original that nothing can be seen at any more.
        later: convolutions whose ReLU's gradient the max pool behind them takes over, by path.
    """

    net: nn.Module
    original: nn.Module
    hidden: frozenset[str]
    later: tuple[tuple[str, FusedConvolution], ...]

    def shows(self, paths: Iterable[str]) -> bool:
        """Tell whether all of these layers can be seen."""
        return self.hidden.isdisjoint(paths)

    def run(self, images: Tensor, paths: Iterable[str]) -> dict[str, Tensor]:
        """Return what `run_until` returns of the original."""
        wanted = set(paths)
        for path, conv in self.later:
            conv.later = path not in wanted  # what is looked at gets gradients that no max pool sees
        return run_until(self.net, images, wanted, self.original)


def fuse(net: nn.Module, side_px: int) -> Fused | None:
    """Return the network with fused parts; None where nothing in it can be fused.

    Args:
        net: frozen, its BatchNorms folded, float32 on the processor.
        side_px: of pictures that it takes.
    """
    fused = copy.deepcopy(net, {id(t): t for t in (*net.parameters(), *net.buffers())})
    convolutions = set(_replace(fused, ""))
    if not any(isinstance(m, (FusedConvolution, FusedInception)) for m in fused.modules()):
        return None
    pools = _hand_over(fused, side_px)
    there = {path for path, _ in fused.named_modules()}
    hidden = {path for path, _ in net.named_modules() if path not in there} | convolutions
    paths = {module: path for path, module in fused.named_modules()}
    return Fused(fused, net, frozenset(hidden), tuple((paths[conv], conv) for conv in pools))


def _replace(parent: nn.Module, path: str) -> Iterator[str]:
    """Put fused parts in place; yield paths of convolutions whose output is now that of the ReLU behind them."""
    before: tuple[str, nn.Module] | None = None
    for name, child in list(parent.named_children()):
        part = _block(child) or _unit(child) or _response(child)
        if part is not None:
            setattr(parent, name, part)
        elif type(parent) is nn.Sequential and type(child) is nn.ReLU and before is not None and fits(before[1]):
            setattr(parent, before[0], FusedConvolution(before[1]))  # type: ignore[arg-type]
            setattr(parent, name, nn.Identity())
            yield f"{path}{before[0]}"
        else:
            yield from _replace(child, f"{path}{name}.")
        before = name, child


def _unit(module: nn.Module) -> FusedConvolution | None:
    conv = _convolution(module)
    return None if conv is None else FusedConvolution(conv)


def _response(module: nn.Module) -> FusedResponse | None:
    return FusedResponse(module) if type(module) is ResponseNorm else None


def _convolution(module: nn.Module) -> nn.Conv2d | None:
    """Return the convolution of a module that is one with a folded norm and a ReLU, and nothing else."""
    kind = (type(module).__module__, type(module).__name__)
    if type(module) is not ConvBN and kind not in UNITS:
        return None
    conv: Any = module.conv
    return conv if fits(conv) and isinstance(module.bn, nn.Identity) else None


def _block(module: nn.Module) -> FusedInception | None:
    """Return an inception block of ours or of torchvision's GoogLeNet, fused; None for anything else."""
    known: Any = module
    if type(module) in (Inception, Branches):
        branches = [[known.branch1], list(known.branch3), list(known.branch5)]
        pool, projection = known.branch_pool
    elif (type(module).__module__, type(module).__name__) == (GOOGLENET, "Inception"):
        branches = [[known.branch1], list(known.branch2), list(known.branch3)]
        pool, projection = known.branch4
    else:
        return None
    chains = [[_convolution(unit) for unit in branch] for branch in branches]
    last, window = _convolution(projection), _window(pool)
    flat = [conv for chain in chains for conv in chain] + [last]
    if window is None or not all(conv is not None and _keeps_size(conv) for conv in flat):
        return None
    whole: Any = chains
    return FusedInception([chain[0] for chain in whole], [chain[1:] for chain in whole[1:]], last, window)  # type: ignore[arg-type]


def _keeps_size(conv: nn.Conv2d) -> bool:
    return conv.stride[0] == 1 and conv.kernel_size[0] == 2 * int(conv.padding[0]) + 1


def _window(pool: nn.Module) -> Window | None:
    """Return the window of a max pool of the plain kind."""
    if type(pool) is Downsample:
        return (3, 2, 1, False) if pool.pool == "max" else None
    if type(pool) is not nn.MaxPool2d or pool.return_indices or pool.dilation not in (1, (1, 1)):
        return None
    sides = (pool.kernel_size, pool.stride, pool.padding)
    if not all(isinstance(side, int) for side in sides):
        return None
    side, step, padding = (int(value) for value in sides)  # type: ignore[arg-type]
    return side, step, padding, pool.ceil_mode


@torch.no_grad()
def _hand_over(net: nn.Module, side_px: int) -> list[FusedConvolution]:
    """Let max pools take over the gradient of the ReLU before them; return the convolutions that it belongs to."""
    pairs = observed_pairs(
        net, torch.zeros(1, 3, side_px, side_px).contiguous(memory_format=torch.channels_last),
        lambda module: isinstance(module, FusedConvolution), lambda module: _window(module) is not None,
    )  # fmt: skip
    parents = {child: (parent, name) for parent in net.modules() for name, child in parent.named_children()}
    for _, pool in pairs:
        parent, name = parents[pool]
        window = _window(pool)
        assert window is not None
        setattr(parent, name, FusedMaxPool(window))
    return [conv for conv, _ in pairs]
