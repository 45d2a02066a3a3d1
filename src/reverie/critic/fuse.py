"""A frozen network again, with fewer and larger operations: the same tree of modules, its weights shared.

What cannot be fused stays as it is, so any network goes through. Layers inside of what was fused cannot be looked at
there; whoever asks for one runs the network itself.

There are two extents, since each rounds in its own way and results are made again as they were: `FIRST` fuses units,
inception blocks of two kinds and max pools; `SECOND` also fuses the embedded network's other inception blocks, response
norms, residual blocks and whatever ReLU follows a convolution, and applies 3 x 3 kernels as Winograd did.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reverie.critic.run import run_until
from reverie.models import fused_response
from reverie.models.classifier import Branches, ConvBN, Downsample, Inception
from reverie.models.fold import observed_pairs
from reverie.models.fused import FusedConvolution, FusedInception, FusedMaxPool, Window, fits
from reverie.models.fused_residual import FusedResidual
from reverie.models.fused_response import FusedResponseNorm

FIRST, SECOND = 1, 2
GOOGLENET = "torchvision.models.googlenet"
RESNET = "torchvision.models.resnet"
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

    def prepared_bytes(self, deepest: str) -> int:
        """Return what kernels up to a module, by path, take beside their weights once they have been used."""
        total, reached = 0, False
        for path, module in self.net.named_modules():
            if reached and not path.startswith(f"{deepest}."):
                break
            if isinstance(module, (FusedConvolution, FusedInception, FusedResidual)):
                total += sum(kernel.tile_bytes for kernel in module.kernels)
            reached = reached or path == deepest
        return total

    def run(self, images: Tensor, paths: Iterable[str]) -> dict[str, Tensor]:
        """Return what `run_until` returns of the original."""
        wanted = set(paths)
        for path, conv in self.later:
            conv.later = path not in wanted  # what is looked at gets gradients that no max pool sees
        return run_until(self.net, images, wanted, self.original)


def fuse(net: nn.Module, side_px: int, extent: int = SECOND) -> Fused | None:
    """Return the network with fused parts; None where nothing in it can be fused.

    Args:
        net: frozen, its BatchNorms folded, float32 on the processor.
        side_px: of pictures that it takes.
        extent: `FIRST` or `SECOND`.
    """
    fused = copy.deepcopy(net, {id(t): t for t in (*net.parameters(), *net.buffers())})
    convolutions = set(_replace(fused, "", extent))
    if extent >= SECOND:
        convolutions |= _units_by_reading(fused, side_px)
        _replace_norms(fused)
    if not any(isinstance(m, (FusedConvolution, FusedInception, FusedResidual)) for m in fused.modules()):
        return None
    pools = _hand_over(fused, side_px)
    there = {path for path, _ in fused.named_modules()}
    hidden = {path for path, _ in net.named_modules() if path not in there} | convolutions
    paths = {module: path for path, module in fused.named_modules()}
    return Fused(fused, net, frozenset(hidden), tuple((paths[conv], conv) for conv in pools))


def _replace(parent: nn.Module, path: str, extent: int) -> Iterator[str]:
    """Put fused parts in place; yield paths of convolutions whose output is now that of the ReLU behind them."""
    before: tuple[str, nn.Module] | None = None
    for name, child in list(parent.named_children()):
        part = _block(child, extent) or _unit(child, extent)
        if part is not None:
            setattr(parent, name, part)
        elif type(parent) is nn.Sequential and type(child) is nn.ReLU and before is not None and fits(before[1]):
            setattr(parent, before[0], FusedConvolution(before[1], tiled=extent >= SECOND))  # type: ignore[arg-type]
            setattr(parent, name, nn.Identity())
            yield f"{path}{before[0]}"
        else:
            yield from _replace(child, f"{path}{name}.", extent)
        before = name, child


@torch.no_grad()
def _units_by_reading(net: nn.Module, side_px: int) -> set[str]:
    """Fuse each convolution that one ReLU alone reads with it, wherever they stand; return the convolutions' paths."""
    if not any(type(module) is nn.ReLU for module in net.modules()):
        return set()
    pairs = observed_pairs(net, _probe(side_px), fits, lambda module: type(module) is nn.ReLU, nn.ReLU)
    parents = {child: (parent, name) for parent in net.modules() for name, child in parent.named_children()}
    paths = {module: path for path, module in net.named_modules()}
    for conv, relu in pairs:
        for module, part in ((conv, FusedConvolution(conv, tiled=True)), (relu, nn.Identity())):
            parent, name = parents[module]
            setattr(parent, name, part)
    return {paths[conv] for conv, _ in pairs}


def _replace_norms(net: nn.Module) -> None:
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if fused_response.fits(child):
                setattr(parent, name, FusedResponseNorm(child))  # type: ignore[arg-type]


def _probe(side_px: int) -> Tensor:
    return torch.zeros(1, 3, side_px, side_px).contiguous(memory_format=torch.channels_last)


def _unit(module: nn.Module, extent: int) -> FusedConvolution | None:
    conv = _convolution(module)
    return None if conv is None else FusedConvolution(conv, tiled=extent >= SECOND)


def _convolution(module: nn.Module) -> nn.Conv2d | None:
    """Return the convolution of a module that is one with a folded norm and a ReLU, and nothing else."""
    kind = (type(module).__module__, type(module).__name__)
    if type(module) is not ConvBN and kind not in UNITS:
        return None
    conv: Any = module.conv
    return conv if fits(conv) and isinstance(module.bn, nn.Identity) else None


def _block(module: nn.Module, extent: int) -> FusedInception | FusedResidual | None:
    """Return a block of ours or of torchvision's GoogLeNet or ResNet, fused; None for anything else."""
    known: Any = module
    kind = (type(module).__module__, type(module).__name__)
    if type(module) is Inception or (extent >= SECOND and type(module) is Branches):
        branches = [[known.branch1], list(known.branch3), list(known.branch5)]
        pool, projection = known.branch_pool
        return _inception(branches, pool, projection, extent)
    if kind == (GOOGLENET, "Inception"):
        branches = [[known.branch1], list(known.branch2), list(known.branch3)]
        pool, projection = known.branch4
        return _inception(branches, pool, projection, extent)
    if extent >= SECOND and kind in ((RESNET, "BasicBlock"), (RESNET, "Bottleneck")):
        return _residual(known)
    return None


def _inception(
    branches: list[list[nn.Module]], pool: nn.Module, projection: nn.Module, extent: int
) -> FusedInception | None:
    chains = [[_convolution(unit) for unit in branch] for branch in branches]
    last, window = _convolution(projection), _window(pool)
    flat = [conv for chain in chains for conv in chain] + [last]
    if window is None or not all(conv is not None and _keeps_size(conv) for conv in flat):
        return None
    whole: Any = chains
    heads, tails = [chain[0] for chain in whole], [chain[1:] for chain in whole[1:]]
    return FusedInception(heads, tails, last, window, tiled=extent >= SECOND)  # type: ignore[arg-type]


def _residual(block: Any) -> FusedResidual | None:
    names = [name for name in ("conv1", "conv2", "conv3") if hasattr(block, name)]
    chain = [getattr(block, name) for name in names]
    norms = [getattr(block, name.replace("conv", "bn")) for name in names]
    shortcut, *rest = list(block.downsample or [None])
    known = [conv for conv in (*chain, shortcut) if conv is not None]
    if not all(fits(conv) for conv in known) or not all(isinstance(m, nn.Identity) for m in (*norms, *rest)):
        return None
    return FusedResidual(chain, shortcut)


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
    """Let max pools and norms take over the gradient of the ReLU before them; return the convolutions it belongs to."""
    pairs = observed_pairs(
        net, _probe(side_px), lambda module: isinstance(module, FusedConvolution),
        lambda module: _window(module) is not None or isinstance(module, FusedResponseNorm), whole=FusedResponseNorm,
    )  # fmt: skip
    parents = {child: (parent, name) for parent in net.modules() for name, child in parent.named_children()}
    for _, reader in pairs:
        if isinstance(reader, FusedResponseNorm):
            reader.behind_relu = True
            continue
        parent, name = parents[reader]
        window = _window(reader)
        assert window is not None
        setattr(parent, name, FusedMaxPool(window))
    return [conv for conv, _ in pairs]
