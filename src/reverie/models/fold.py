"""Fold BatchNorm into the convolution before it: the same function with fewer passes over memory.

With running statistics, ``bn(conv(x)) = conv'(x)`` where ``w' = w * g / sqrt(var + eps)`` and
``b' = (b - mean) * g / sqrt(var + eps) + beta``. Which convolution feeds which BatchNorm is observed on one small
forward pass, so any module can be folded without tracing or naming rules. A convolution whose output something else
reads too, such as a shortcut, is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from reverie.models.classifier import RepConv

_Norm = nn.modules.batchnorm._BatchNorm


@torch.no_grad()
def fold_batchnorm(net: nn.Module, probe: Tensor) -> int:
    """Fold every BatchNorm of `net` (in eval mode, changed in place) that follows a convolution.

    Returns:
        How many were folded. A folded BatchNorm becomes `nn.Identity`, so its name still exists.
    """
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, RepConv):
                setattr(parent, name, fused_rep(child))
    if not any(isinstance(module, _Norm) for module in net.modules()):
        return 0
    pairs = observed_pairs(
        net, probe, lambda m: type(m) is nn.Conv2d, lambda m: isinstance(m, _Norm) and m.track_running_stats
    )
    parents = {child: (parent, name) for parent in net.modules() for name, child in parent.named_children()}
    for conv, norm in pairs:
        conv.weight, conv.bias = _folded(conv, norm)
        parent, name = parents[norm]
        setattr(parent, name, nn.Identity())
    return len(pairs)


def observed_pairs(
    net: nn.Module, probe: Tensor, makes: Callable[[nn.Module], bool], reads: Callable[[nn.Module], bool],
    whole: type[nn.Module] | tuple[type[nn.Module], ...] = (),
) -> list[tuple[Any, Any]]:  # fmt: skip
    """Run `probe` and match each module that `reads` with the one that `makes` what it reads, and alone reads.

    Modules that run more than once are left out. Those of a kind in `whole` count as one reader, however many
    operations of theirs read it; what they change in place is theirs from then on.
    """
    made: dict[int, tuple[nn.Module, Tensor]] = {}
    calls: dict[nn.Module, int] = {}
    pairs: list[tuple[nn.Module, nn.Module]] = []
    readers = _Readers()
    before_whole: list[int] = []
    final: dict[int, int] = {}

    def after(module: nn.Module, _inputs: Any, output: Tensor) -> None:
        calls[module] = calls.get(module, 0) + 1
        made[id(output)] = (module, output)  # the tensor is kept so that its id stays unique
        readers.count[id(output)] = 0

    def before(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        calls[module] = calls.get(module, 0) + 1
        found = made.get(id(inputs[0]))
        if found is not None:
            before_whole[:] = [readers.count[id(inputs[0])]]
            pairs.append((found[0], module))

    def read(_module: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
        key = id(inputs[0])
        if key in made and before_whole:
            readers.count[key] = before_whole.pop() + 1
            if output is inputs[0]:
                final[key] = readers.count[key]

    handles: list[Any] = []
    for module in net.modules():
        if makes(module):
            handles.append(module.register_forward_hook(after))
        elif reads(module):
            handles.append(module.register_forward_pre_hook(before))
            handles += [module.register_forward_hook(read)] if isinstance(module, whole) else []
    try:
        with readers:
            net(probe)
    finally:
        for handle in handles:
            handle.remove()
    alone = {maker for key, (maker, _) in made.items() if final.get(key, readers.count[key]) == 1}
    return [(a, b) for a, b in pairs if calls[a] == 1 and calls[b] == 1 and a in alone]


class _Readers(TorchFunctionMode):
    """Counts the operations that read a tensor, by its id; asking for a shape is not reading."""

    def __init__(self) -> None:
        super().__init__()
        self.count: dict[int, int] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if next(_tensors([result]), None) is not None:
            for tensor in _tensors([*args, *kwargs.values()]):
                self.count[id(tensor)] = self.count.get(id(tensor), 0) + 1
        return result


def _tensors(values: Iterable[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)


def _folded(conv: nn.Conv2d, norm: _Norm) -> tuple[nn.Parameter, nn.Parameter]:
    weight, bias = _affine(conv.weight, conv.bias, norm)
    return nn.Parameter(weight, requires_grad=False), nn.Parameter(bias, requires_grad=False)


def _affine(weight: Tensor, bias: Tensor | None, norm: _Norm) -> tuple[Tensor, Tensor]:
    """Return kernel and bias with `norm` folded in, computed in float64."""
    assert norm.running_mean is not None and norm.running_var is not None
    gain = (norm.running_var.double() + norm.eps).rsqrt()
    if norm.weight is not None:
        gain = gain * norm.weight.double()
    shift = -norm.running_mean.double() if bias is None else bias.double() - norm.running_mean.double()
    shift = shift * gain if norm.bias is None else shift * gain + norm.bias.double()
    folded = (weight.double() * gain.view(-1, 1, 1, 1)).to(weight)
    return folded.contiguous(memory_format=torch.channels_last), shift.to(weight)


def fused_rep(block: RepConv) -> nn.Sequential:
    """Return the plain 3x3 convolution and ReLU that equal a trained RepVGG block.

    Source: Ding et al. 2021, arXiv 2101.03697, section 3.3.
    """
    weight, bias = _affine(block.conv3.weight, None, block.bn3)
    weight1, bias1 = _affine(block.conv1.weight, None, block.bn1)
    weight, bias = weight + F.pad(weight1, (1, 1, 1, 1)), bias + bias1
    if block.bn0 is not None:
        identity = torch.zeros_like(weight)
        nn.init.dirac_(identity)
        weight0, bias0 = _affine(identity, None, block.bn0)
        weight, bias = weight + weight0, bias + bias0
    conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, block.conv3.stride, 1)  # type: ignore[arg-type]
    conv.weight, conv.bias = nn.Parameter(weight, requires_grad=False), nn.Parameter(bias, requires_grad=False)
    return nn.Sequential(conv, nn.ReLU(inplace=True))
