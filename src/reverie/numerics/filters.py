"""Every filter that a network can be taught, by name, with its parameters and their ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from reverie.errors import InputError, unknown_name
from reverie.numerics import color_filters, edge_filters


@dataclass(frozen=True)
class Parameter:
    """A number that a filter depends on: its usual value, and the range in which it makes sense."""

    name: str
    default: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Filter:
    """A function of pictures ``[B, 1 or 3, H, W]`` in [0, 1] and parameters to pictures in [0, 1].

    `channels` is that of what comes out; 0 means: as many as went in.
    """

    name: str
    apply: Callable[..., Tensor]
    channels: int
    parameters: tuple[Parameter, ...] = ()

    def settings(self, given: Mapping[str, float]) -> dict[str, float]:
        """Return a value for every parameter: the given ones, else the usual ones.

        Raises:
            InputError: an unknown name, or a value out of range.
        """
        known = {p.name: p for p in self.parameters}
        for name, value in given.items():
            if name not in known:
                raise InputError(unknown_name(f"parameter of the filter {self.name}", name, known) if known else (
                    f"the filter {self.name} has no parameters; got '{name}'"
                ))  # fmt: skip
            if not known[name].low <= value <= known[name].high:
                rule = f"from {known[name].low:g} to {known[name].high:g}"
                raise InputError(f"{name} of the filter {self.name} must be {rule}; got {value:g}")
        return {p.name: float(given.get(p.name, p.default)) for p in self.parameters}


_BLUR_BEFORE = Parameter("sigma", 0.85, 0.3, 5.0)

FILTERS: dict[str, Filter] = {
    f.name: f
    for f in (
        Filter("sobel", edge_filters.sobel, 1, (_BLUR_BEFORE,)),
        Filter("scharr", edge_filters.scharr, 1, (_BLUR_BEFORE,)),
        Filter("laplacian", edge_filters.laplacian, 1, (_BLUR_BEFORE,)),
        Filter("dog", edge_filters.dog, 1, (Parameter("sigma", 1.0, 0.3, 5.0),)),
        Filter(
            "xdog", edge_filters.xdog, 1,
            (Parameter("sigma", 1.0, 0.3, 5.0), Parameter("sharpness", 15, 0, 100), Parameter("threshold", 0.5, 0, 1)),
        ),
        Filter("gaussian", color_filters.gaussian, 0, (Parameter("sigma", 2.0, 0.3, 10.0),)),
        Filter("emboss", color_filters.emboss, 0),
        Filter("median", color_filters.median, 0, (Parameter("radius", 1, 1, 5),)),
        Filter(
            "bilateral", color_filters.bilateral, 0,
            (Parameter("sigma", 2.0, 0.5, 5.0), Parameter("contrast", 0.1, 0.01, 1.0)),
        ),
        Filter("kuwahara", color_filters.kuwahara, 0, (Parameter("radius", 3, 1, 10),)),
        Filter("posterize", color_filters.posterize, 0, (Parameter("levels", 4, 2, 32),)),
    )
}  # fmt: skip
RANDOM = "random"
FILTER_NAMES = (*FILTERS, RANDOM)


def named_filter(name: str, seed: int = 0) -> Filter:
    """Return a filter by its name; `seed` is that of `random`'s kernel.

    Raises:
        InputError: an unknown name.
    """
    if name == RANDOM:
        return Filter(RANDOM, partial(color_filters.random_convolution, seed=seed), 3)
    if name not in FILTERS:
        hint = "or your own as FILE.py:FUNCTION, or a fast style model as style:FILE.safetensors"
        raise InputError(unknown_name("filter", name, FILTER_NAMES, hint))
    return FILTERS[name]
