"""The network in the folder of a training, where the folder is given in its place; free of torch."""

from __future__ import annotations

from pathlib import Path

NETWORK = "model.safetensors"  # what trainings with a folder of their own call it


def network_in(path: Path) -> Path:
    """Return the network in a folder that a training made, or else what was given."""
    inside = path / NETWORK
    return inside if path.is_dir() and inside.is_file() else path
