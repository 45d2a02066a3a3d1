"""A frozen network seen as named layers, with its own preprocessing and labels.

The network is prepared once: BatchNorm folded, weights frozen, channels_last, and in bf16 where that was measured
to be faster. A call runs it only up to the deepest requested layer and leaves no hook behind.
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from reverie.critic.classes import find_classes, find_recorded, meaning
from reverie.critic.fuse import Fused, fuse
from reverie.critic.layers import (
    Field,
    Layer,
    allocated_elements,
    list_layers,
    on_meta,
    receptive_field,
    smallest_side,
    trace,
)  # fmt: skip
from reverie.critic.precision import EXTENTS, Precision, can_fuse
from reverie.critic.run import is_redirected, remove_hooks, run_until
from reverie.critic.tile_workers import TileWorkers
from reverie.errors import InputError, LayerError, unknown_name
from reverie.models.fold import fold_batchnorm
from reverie.models.norms import norm_statistics, surviving

PASS_FACTORS = {torch.float32: 2.0, torch.bfloat16: 2.4}  # measured, see benchmarks/tiling.py
PIXEL_BYTES = 150.0  # picture, normalized copy and gradient of a window, in float32 and in the network's precision
ENLARGED_PX = 4096  # beyond it, enlarging a narrow strip is no sensible advice
FOLDING_PX = 96  # large enough for every known network, small enough not to be noticed at start-up
IMAGE = "image"  # pseudo-layer: the picture itself, [B, 3, H, W] in [0, 1], for objectives such as total variation
LOGITS = "logits"


@dataclass(frozen=True)
class Preprocessing:
    """How a network wants its pictures, given RGB in [0, 1]: ``(x[channel order] * scale - mean) / std``."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    scale: float = 1.0
    bgr: bool = False

    def __call__(self, images: Tensor) -> Tensor:
        gain = torch.tensor([self.scale / s for s in self.std], device=images.device).view(1, 3, 1, 1)
        shift = torch.tensor([m / s for m, s in zip(self.mean, self.std, strict=True)], device=images.device)
        ordered = images.flip(1) if self.bgr else images
        return ordered * gain - shift.view(1, 3, 1, 1)


@dataclass(frozen=True)
class Identity:
    """Who a critic is: catalogue name or file name, classes, sha256 of its weights, and how to use it well.

    `measured` are files in which statistics of its channels may stand.
    """

    name: str
    classes: tuple[str, ...] = ()
    sha256: str = ""
    input_px: int = 224
    default_layers: tuple[str, ...] = ()
    color_correlation: tuple[tuple[float, float, float], ...] = ()
    alias: Mapping[str, str] = field(default_factory=dict)
    logits_path: str = ""
    pooled: str = ""
    measured: tuple[str, ...] = ()


class Critic:
    """Named-layer view of a frozen network.

    Args:
        net: any module ``[B, 3, H, W] -> logits``; it is copied, the caller's module and its hooks stay untouched.
        preprocessing: what the network expects of its input.
        identity: names, classes and defaults.
        device: where to compute.
        precision: ``fp32``, ``fp32-fused``, ``fp32-fused-2`` or ``bf16``, see `reverie.critic.precision`.
        own: the module is the critic's to change; saves a copy of large networks.

    Attributes:
        replicas: the same network on other devices, which take their share of the tiles of a picture.
        called: what a command takes for it: its name, or where its file lies.
        notes: what a user should know of it, such as what was guessed.
        brought: a program made the module itself: no name opens it again.
        tile_workers: other machines that do so in their place; see `reverie.critic.tile_workers`.
        meant: of a replay: the classes that texts named then, see `reverie.critic.classes.find_recorded`.
    """

    def __init__(
        self, net: nn.Module, preprocessing: Preprocessing, identity: Identity, *,
        device: torch.device | str = "cpu", precision: Precision = "fp32", own: bool = False,
    ) -> None:  # fmt: skip
        self.preprocessing, self.identity = preprocessing, identity
        self.device, self.precision = torch.device(device), precision
        self.dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        self.replicas: tuple[Critic, ...] = ()
        self.notes: tuple[str, ...] = ()
        self.called = identity.name
        self.brought = False
        self.tile_workers: TileWorkers | None = None
        self.meant: Mapping[str, Sequence[str]] | None = None
        net = (net if own else copy.deepcopy(net)).eval().requires_grad_(False).float().cpu()
        remove_hooks(net)
        norms = norm_statistics(net)
        try:
            _folded_at(net, min(identity.input_px, FOLDING_PX))
        except (RuntimeError, AssertionError, ValueError):  # a network for pictures of one size alone
            _folded_at(net, identity.input_px)
        self.norms = surviving(norms, net)  # what leaves a BatchNorm now leaves the Identity in its place
        self.net = net.to(self.device, self.dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._fused: Fused | None = None
        if can_fuse(precision, self.device):
            self._fused = _fused(self.net, identity.input_px, EXTENTS[precision])

    def adopt_outputs(self, default_layer: str) -> None:
        """Take the last layer without positions for the logits, and a layer to amplify where none is named."""
        last = self.layers[-1]
        path = "" if last.stride else last.path
        self.identity = replace(self.identity, logits_path=path, default_layers=(default_layer,))
        for known in ("layers", "named_layers", "_by_name"):
            self.__dict__.pop(known, None)

    # -- what there is ----------------------------------------------------------------------------------------

    @functools.cached_property
    def layers(self) -> tuple[Layer, ...]:
        """All layers in order of execution; readable names where the family has them."""
        side = max(self.identity.input_px, 224)
        alias = dict(self.identity.alias)
        if self.identity.logits_path:
            alias[LOGITS] = self.identity.logits_path
        return list_layers(self._shapes, side, alias)

    @functools.cached_property
    def named_layers(self) -> tuple[Layer, ...]:
        """The layers worth offering: those with readable names, or all where there are none."""
        named = set(self.identity.alias)
        return tuple(x for x in self.layers if x.name in named | {LOGITS}) if named else self.layers

    @functools.cached_property
    def _by_name(self) -> dict[str, Layer]:
        return {key: layer for layer in self.layers for key in (layer.path, layer.name)}

    def layer(self, name: str) -> Layer:
        """Return one layer by readable name or module path.

        Raises:
            LayerError: no such layer; the message names the nearest.
        """
        if name not in self._by_name:
            names = [x.name for x in self.named_layers]
            raise LayerError(unknown_name("layer", name, names, f"list them with 'reverie models show {self.called}'"))
        return self._by_name[name]

    def class_indices(self, name: str) -> tuple[int, ...]:
        """Return the numbers of all classes that a text names; see `reverie.critic.classes`.

        Raises:
            LayerError: it names none; the message has the nearest.
        """
        classes = self.identity.classes
        count = len(classes) or (self.layer(LOGITS).channels if self.identity.logits_path else 0)
        if self.meant is not None:
            return find_recorded(name, self.meant, classes, count, self.called)
        return find_classes(name, classes, count, self.called)

    def meanings(self, *texts: str | None) -> dict[str, list[str]]:
        """Return what a record must say of texts that name classes: the full names, where a text is not one itself."""
        if self.meant is not None:
            return {text: list(self.meant[text]) for text in texts if text is not None and text in self.meant}
        found = {text: meaning(text, self.class_indices(text), self.identity.classes) for text in texts if text}
        return {text: names for text, names in found.items() if names is not None}

    def class_index(self, name: str) -> int:
        """Return the number of the one class that a text names.

        Raises:
            LayerError: no such class, or more than one; the message names the nearest.
        """
        found, classes = self.class_indices(name), self.identity.classes
        if len(found) == 1:
            return found[0]
        listed = ", ".join(f"{classes[i]} ({i})" for i in found[:6])
        raise LayerError(f"'{name}' names {len(found)} classes: {listed}; say which, by name or number")

    @functools.cached_property
    def _shapes(self) -> nn.Module:
        """The network without its weights, for questions about sizes."""
        return on_meta(self.net)

    @functools.lru_cache(maxsize=16)  # noqa: B019 - critics live as long as the process
    def _traced(self, size: tuple[int, int]) -> list[tuple[str, torch.Size]]:
        return trace(self._shapes, size)

    @functools.cached_property
    def min_side(self) -> int:
        """The smallest side in pixels that the whole network accepts."""
        return smallest_side(self._shapes)

    def sizes(self, size: tuple[int, int]) -> dict[str, tuple[int, int]]:
        """Return the height and width of every layer for a picture of `size`, by module path and readable name.

        Raises:
            InputError: the picture is too small.
        """
        try:
            shapes = dict(self._traced(size))
        except (RuntimeError, ValueError) as error:
            raise InputError(self.too_small(size, ())) from error
        full = {p: (s[2], s[3]) if len(s) == 4 else (1, 1) for p, s in shapes.items()}
        named = {x.name: full[x.path] for x in self.layers if x.path in full}
        return full | named | {IMAGE: size}

    def accepts(self, size: tuple[int, int]) -> bool:
        """Tell whether the network can look at a picture of this size."""
        try:
            self._traced(size)
        except (RuntimeError, ValueError):
            return False
        return True

    def least_side(self, names: Iterable[str]) -> int:
        """Return the smallest side that makes sense for some layers: what the network accepts, and one full stride."""
        return max(self.min_side, self.stride(names))

    def too_small(self, size: tuple[int, int], names: Iterable[str], *, own: tuple[int, int] | None = None) -> str:
        """Return the one line that says so; `own` is the size that the picture has, before it is scaled to `size`."""
        least = self.least_side(names)
        longer = math.ceil(max(own or size) * least / max(1, min(own or size)))
        advice = (
            f"enlarge it with --size {longer}" if longer <= ENLARGED_PX else "it is too narrow to enlarge by --size"
        )
        return (
            f"a picture of {size[1]} x {size[0]} px is too small for {self.identity.name}"
            f"{':' + '+'.join(names) if names else ''}, which needs at least {least} x {least}; {advice}"
        )

    def field(self, names: Iterable[str]) -> Field:
        """Return the receptive field of the deepest of some layers."""
        return self._field(self._deepest(names))

    @functools.lru_cache(maxsize=16)  # noqa: B019 - critics live as long as the process
    def _field(self, path: str) -> Field:
        def run(net: nn.Module, images: Tensor) -> Tensor:
            return run_until(net, images, [path])[path]

        return receptive_field(self.net, run, self._by_name[path].stride, self.min_side)

    def stride(self, names: Iterable[str]) -> int:
        """Return the largest stride among some layers."""
        return max([1, *(self.layer(n).stride for n in names if n not in (IMAGE, LOGITS))])

    def halo(self, names: Iterable[str]) -> int:
        """Return the halo in pixels that makes tiled gradients agree with whole ones within 1 %.

        A pixel's gradient needs the activations whose field holds it, and those need their own fields unspoiled by
        the tile's zero padding: twice the effective radius. Measured in `benchmarks/tiling.py`.
        """
        spatial = [n for n in names if n != IMAGE]
        return self.field(spatial).effective_px if spatial else 8

    def bytes_per_pixel(self, names: Iterable[str]) -> float:
        """Estimate the memory of one gradient pass, in bytes per pixel of the picture.

        Outputs that take memory of their own, times `PASS_FACTORS`, plus the picture's own buffers; within 10 % above
        the measured need, up to twice below it (`benchmarks/tiling.py`).
        """
        spatial = [n for n in names if n != IMAGE]
        if not spatial:
            return PIXEL_BYTES
        side = 256
        elements = allocated_elements(self._shapes, self._traced((side, side)), self._deepest(spatial)) / side**2
        return PASS_FACTORS[self.dtype] * elements * self.dtype.itemsize + PIXEL_BYTES

    def prepared_bytes(self, names: Iterable[str]) -> int:
        """Return the memory that kernels for some layers take beside their weights, from the first pass on."""
        spatial = [n for n in names if n != IMAGE]
        return self._fused.prepared_bytes(self._deepest(spatial)) if self._fused is not None and spatial else 0

    def class_direction(self, index: int) -> tuple[str, Tensor] | None:
        """Return (layer, ``[C]`` direction) whose mean dot product is the logit of a class, up to its bias.

        For ``logits = W mean(a) + b`` the logit is a mean over positions of ``W[index] . a``, and so can be tiled.
        ``None`` if the network's head is not of this form.
        """
        pooled, head = self.identity.pooled, self.identity.logits_path
        module = self.net.get_submodule(head) if pooled and head else None
        if not isinstance(module, nn.Linear):
            return None
        return pooled, module.weight[index].float().cpu()

    def _deepest(self, names: Iterable[str]) -> str:
        spatial = [self.layer(n) for n in names if n != IMAGE]
        return max(spatial, key=lambda x: x.order).path

    # -- what it does -----------------------------------------------------------------------------------------

    def __call__(self, images: Tensor, names: Iterable[str]) -> dict[str, Tensor]:
        """Return activations by the names that were asked for.

        Args:
            images: ``[B, 3, H, W]``, RGB in [0, 1], any size from the network's minimum on.
            names: layer names; ``image`` returns the pictures themselves.

        Returns:
            ``[B, C, h, w]`` (``[B, C]`` behind a global pooling), in the critic's dtype.

        Raises:
            LayerError: an unknown layer.
            InputError: the picture is too small for the network.
        """
        wanted = list(dict.fromkeys(names))
        paths = {name: self.layer(name).path for name in wanted if name != IMAGE}
        result = {IMAGE: images} if IMAGE in wanted else {}
        if not paths:
            return result
        prepared = self.preprocessing(images).to(self.device, self.dtype).contiguous(memory_format=torch.channels_last)
        try:
            found = self._run(prepared, paths.values())
        except RuntimeError as error:
            if min(images.shape[-2:]) < self.min_side:
                raise InputError(self.too_small((images.shape[-2], images.shape[-1]), ())) from error
            raise
        return result | {name: found[path] for name, path in paths.items()}

    def _run(self, prepared: Tensor, paths: Iterable[str]) -> dict[str, Tensor]:
        """Run the fused network where that shows what is wanted, and its ReLUs have their own gradient."""
        if self._fused is None or is_redirected() or not self._fused.shows(paths):
            return run_until(self.net, prepared, paths)
        return self._fused.run(prepared, paths)

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Return ``[B, classes]`` float32 logits."""
        prepared = self.preprocessing(images.to(self.device)).to(self.dtype)
        out = self.net(prepared.contiguous(memory_format=torch.channels_last))
        return (out if isinstance(out, Tensor) else out[0]).float()


def _fused(net: nn.Module, side_px: int, extent: int) -> Fused | None:
    try:
        return fuse(net, min(side_px, FOLDING_PX), extent)
    except (RuntimeError, AssertionError, ValueError):  # a network for pictures of one size alone
        return fuse(net, side_px, extent)


def _folded_at(net: nn.Module, side: int) -> None:
    fold_batchnorm(net, torch.zeros(1, 3, side, side))
