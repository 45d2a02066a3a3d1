"""The filter that a text names: a known one, a student's style, or a function in a Python file, which is run."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reverie.data.style_filter import PREFIX, style_filter
from reverie.errors import DataError, InputError, ReverieError
from reverie.numerics.filters import Filter, named_filter


def chosen_filter(text: str, seed: int = 0) -> Filter:
    """Return the filter called so: a known one, a function as ``FILE.py:FUNCTION``, or ``style:STUDENT``.

    Raises:
        InputError: no such filter, file or function.
        DataError: the function raises on a trial picture, or gives another shape.
    """
    if text.startswith(PREFIX):
        return style_filter(Path(text.removeprefix(PREFIX)))
    if ".py:" not in text:
        return named_filter(text, seed)
    file, _, name = text.rpartition(":")
    function = _function(Path(file), name)
    apply = _applied(function, name)
    return Filter(name, apply, apply(torch.full((1, 3, 16, 24), 0.5)).shape[1])


def _function(path: Path, name: str) -> Callable[[np.ndarray], np.ndarray]:
    if not path.is_file():
        raise InputError(f"there is no file '{path}' with a filter; expected FILE.py:FUNCTION")
    spec = importlib.util.spec_from_file_location("reverie_user_filter", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the user's code may raise anything
        raise InputError(f"'{path.name}' cannot be run: {type(error).__name__}: {error}") from error
    found = getattr(module, name, None)
    if not callable(found):
        raise InputError(f"'{path.name}' has no function '{name}'")
    return found  # type: ignore[return-value]


def _applied(function: Callable[[np.ndarray], np.ndarray], name: str) -> Callable[[Tensor], Tensor]:
    def apply(images: Tensor) -> Tensor:
        return torch.stack([_one(function, name, image) for image in images])

    return apply


def _one(function: Callable[[np.ndarray], np.ndarray], name: str, image: Tensor) -> Tensor:
    """Give ``[H, W, 3]`` float32 in [0, 1]; take ``[H, W]`` or ``[H, W, 1 or 3]`` of the same size."""
    height, width = image.shape[-2:]
    try:
        found = np.asarray(function(image.permute(1, 2, 0).numpy().copy()), dtype=np.float32)
    except ReverieError:
        raise
    except Exception as error:  # the user's code may raise anything
        raise DataError(f"the filter '{name}' raised {type(error).__name__}: {error}") from error
    found = found[..., None] if found.ndim == 2 else found
    if found.ndim != 3 or found.shape[:2] != (height, width) or found.shape[2] not in (1, 3):
        raise DataError(
            f"the filter '{name}' gave {list(found.shape)} for a picture of {width} x {height} px; "
            f"expected [{height}, {width}] or [{height}, {width}, 1 or 3]"
        )
    if not np.isfinite(found).all():
        raise DataError(f"the filter '{name}' gave values that are no numbers")
    return torch.from_numpy(np.ascontiguousarray(found.clip(0, 1))).permute(2, 0, 1)
