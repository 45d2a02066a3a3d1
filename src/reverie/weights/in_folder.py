"""Where the file of a network is, when a folder or a name is given in its place; free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reverie.errors import WeightsError

NETWORK = "model.safetensors"  # what trainings with a folder of their own call it


def network_in(path: Path) -> Path:
    """Return the network in a folder that a training made, or else what was given."""
    inside = path / NETWORK
    return inside if path.is_dir() and inside.is_file() else path


def shipped_path(model: str, shipped: Mapping[str, Path], what: str) -> Path:
    """Return the file of a shipped network by name, or the path itself; `what` it is, in words.

    Raises:
        WeightsError: no such name.
    """
    path = shipped.get(model, Path(model))
    if not path.is_file() and not path.suffix:
        raise WeightsError(f"there is no {what} '{model}'; shipped: {', '.join(shipped)}; or give a .safetensors file")
    return path
