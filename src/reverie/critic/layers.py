"""What the layers of a network are: names, channels, stride, receptive field.

Shapes come from a pass on the meta device (no arithmetic, no memory). The receptive field is measured on a copy
whose kernels are positive averages: the gradient of one activation then covers exactly the pixels that can reach it,
and its profile is the share that each distance contributes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.critic.shapes import ShapesOnly
from reverie.errors import GradientError

MAX_FIELD_PX = 1536
ENERGY = 0.9995  # share of the influence that counts as the effective field
FAINT = 1e-6  # the grey that fields are measured on: ceilings such as ReLU6's stay out of reach, sums included
LEVELLING = (
    nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm, nn.GroupNorm, nn.LayerNorm,
    nn.LocalResponseNorm, nn.Hardtanh,
)  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """One addressable layer: readable name, module path, channels, total stride in pixels (0: no positions left)."""

    name: str
    path: str
    channels: int
    stride: int
    order: int


@dataclass(frozen=True)
class Field:
    """Receptive field of a layer, in pixels: all that can reach a position, and where nearly all influence lies.

    Position ``p`` sees the pixels from ``p * stride - before_px`` to ``p * stride + after_px``.
    """

    full_px: int
    effective_px: int
    before_px: int = 0
    after_px: int = 0


class StopForward(Exception):  # noqa: N818 - a signal, not an error
    """Raised by the hook on the deepest requested layer: everything behind it would be wasted."""


def trace(net: nn.Module, size: tuple[int, int]) -> list[tuple[str, torch.Size]]:
    """Return (module path, output shape) of every module with a 4-D or 2-D output, in order of execution.

    Raises:
        RuntimeError: the picture is too small for the network.
    """
    meta = on_meta(net)
    seen: dict[str, torch.Size] = {}

    def record(path: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim in (2, 4):
                seen.pop(path, None)  # a module that runs twice counts where it ran last
                seen[path] = output.shape

        return hook

    handles = [m.register_forward_hook(record(path)) for path, m in meta.named_modules() if path]
    try:
        with torch.no_grad(), ShapesOnly():
            meta(torch.empty(1, 3, *size, device="meta", dtype=next(meta.parameters()).dtype))
    finally:
        for handle in handles:
            handle.remove()
    return list(seen.items())


def on_meta(net: nn.Module) -> nn.Module:
    """Return a copy of a network without its weights: shapes only, no memory, whatever its size."""
    if all(p.device.type == "meta" for p in net.parameters()):
        return net
    memo: dict[int, Any] = {id(p): nn.Parameter(p.to("meta"), requires_grad=False) for p in net.parameters()}
    memo |= {id(b): b.to("meta") for b in net.buffers()}
    return copy.deepcopy(net, memo)


def list_layers(net: nn.Module, side: int, alias: dict[str, str]) -> tuple[Layer, ...]:
    """Return the layers of a network; `alias` maps readable names to module paths.

    Strides are how many more pixels it takes for one more position, which unpadded borders do not distort.
    """
    readable = {path: name for name, path in alias.items()}
    side = -(-side // 64) * 64  # a multiple of every stride, or rounding would make 17 of 16
    small, large = trace(net, (side, side)), dict(trace(net, (2 * side, 2 * side)))
    layers = []
    for order, (path, shape) in enumerate(small):
        more = large[path][-1] - shape[-1] if len(shape) == 4 else 0
        layers.append(Layer(readable.get(path, path), path, shape[1], round(side / more) if more else 0, order))
    return tuple(layers)


def allocated_elements(net: nn.Module, traced: Iterable[tuple[str, torch.Size]], last: str) -> int:
    """Return how many numbers a pass up to the module `last` keeps: outputs that take memory of their own.

    `traced` is what `trace` returned for the size of the pictures.

    What changes its input in place or passes it on takes none; a container whose output differs in shape from what
    ran before it has concatenated.
    """
    modules = dict(net.named_modules())
    total, before = 0, None
    for path, shape in traced:
        module = modules[path]
        is_container = any(True for _ in module.children())
        passes_on = isinstance(module, (nn.Identity, nn.Dropout)) or getattr(module, "inplace", False)
        if (is_container and shape != before) or not (is_container or passes_on):
            total += shape.numel()
        before = shape
        if path == last:
            break
    return total


def smallest_side(net: nn.Module, largest: int = 512) -> int:
    """Return the smallest square picture that the whole network accepts, by bisection on the meta device."""

    def works(side: int) -> bool:
        try:
            trace(net, (side, side))
        except (RuntimeError, ValueError):  # torch: kernel larger than input, output size too small
            return False
        return True

    low, high = 1, largest
    if not works(high):
        return largest
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle + 1, high)
    return low


def receptive_field(
    net: nn.Module, run: Callable[[nn.Module, Tensor], Tensor], stride: int, least_px: int = 1
) -> Field:
    """Measure the receptive field of the layer that `run(copy, images)` returns.

    The picture is a narrow strip: the field is measured along its height only, at the cost of a thumbnail. `least_px`
    is the smallest side that the network accepts.

    Raises:
        GradientError: the layer does not depend on the picture.
    """
    positive = _positive_copy(net)
    width = max(64, 2 * stride, least_px)
    side = max(256, least_px)
    while True:
        images = torch.full((1, 3, side, width), FAINT).requires_grad_(True)
        with torch.enable_grad():
            out = run(positive, images)
            middle = out.shape[2] // 2
            (gradient,) = torch.autograd.grad(out[:, :, middle].sum(), images)
        profile = gradient.abs().sum(dim=(0, 1, 3))
        reached = torch.nonzero(profile).flatten()
        if not reached.numel():
            raise GradientError("no gradient reaches the picture from this layer; its receptive field is unknown")
        clipped = int(reached[0]) == 0 or int(reached[-1]) == side - 1
        if not clipped or side >= MAX_FIELD_PX:
            break
        side *= 2
    first, last, origin = int(reached[0]), int(reached[-1]), middle * stride
    return Field(last - first + 1, _effective(profile), max(0, origin - first), max(0, last - origin))


def _effective(profile: Tensor) -> int:
    """Width around the center of mass that holds `ENERGY` of the influence."""
    weight = profile.double() / profile.double().sum()
    places = torch.arange(len(weight), dtype=torch.float64)
    distance = (places - (weight * places).sum()).abs()
    order = distance.argsort()
    inside = torch.searchsorted(weight[order].cumsum(0), torch.tensor(ENERGY, dtype=torch.float64))
    return 2 * round(float(distance[order][min(int(inside), len(order) - 1)])) + 1


def _positive_copy(net: nn.Module) -> nn.Module:
    """Return a float32 CPU copy with averaging kernels, no biases, norms or ceilings, and mean instead of max pools."""
    kernels: dict[int, Any] = {id(p): _averaging_kernel(p) for p in net.parameters() if p.ndim > 1}
    result = copy.deepcopy(net, kernels)
    for parent in result.modules():
        for name, child in list(parent.named_children()):
            setattr(parent, name, _averaging(child))
    return _without_levels(result).float().cpu()


def _averaging_kernel(weight: Tensor) -> nn.Parameter:
    """Return a kernel of the same shape with equal weights that sum to one, in the memory of a single number."""
    return nn.Parameter(torch.full((1,) * weight.ndim, 1 / weight[0].numel()).expand_as(weight), requires_grad=False)


def _averaging(module: nn.Module) -> nn.Module:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)) and module.bias is not None:
        module.bias = nn.Parameter(torch.zeros(module.bias.shape), requires_grad=False)
    elif isinstance(module, LEVELLING):
        return nn.Identity()
    elif isinstance(module, nn.MaxPool2d):
        return _MeanPool(module)
    elif getattr(module, "pool", None) == "max":
        module.pool = "mean3"  # type: ignore[assignment]
    return module


def _without_levels(net: nn.Module) -> nn.Module:
    """Return a network whose own norms, which are no modules, leave values as they are."""
    if getattr(net, "levels", False):
        net.levels = False  # type: ignore[assignment]
    return net


class _MeanPool(nn.Module):
    """The mean over a max pool's windows."""

    def __init__(self, pool: nn.MaxPool2d) -> None:
        super().__init__()
        self.arguments = (pool.kernel_size, pool.stride, pool.padding, pool.ceil_mode)

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, *self.arguments)
