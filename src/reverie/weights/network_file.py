"""Where the file of a network lies that settings name, told without opening it."""

from __future__ import annotations

from pathlib import Path

from reverie.weights.catalogue import CATALOGUE
from reverie.weights.embedded import STEMS, embedded_path
from reverie.weights.fetch import cached


def network_file(model: str, weights: str | None) -> Path | None:
    """Return the file that a network is read from, if it lies here."""
    if weights and Path(weights).is_file():
        return Path(weights)
    if model in STEMS:
        return embedded_path(model)
    if Path(model).is_file():
        return Path(model)
    architecture = model if model in CATALOGUE else model.removesuffix("-caffe")
    return cached(architecture) if architecture in CATALOGUE and not weights else None
