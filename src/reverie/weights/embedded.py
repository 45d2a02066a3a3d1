"""Where the networks lie that are shipped inside the package."""

from __future__ import annotations

from pathlib import Path

from reverie.errors import WeightsError

FOLDER = Path(__file__).parent.parent / "models"
FILE = FOLDER / "embedded.safetensors"
ADAPTIVE_FILE = FOLDER / "adaptive.safetensors"


def embedded_path() -> Path:
    """Return the path of the embedded network.

    Raises:
        WeightsError: it is not part of this installation.
    """
    if not FILE.is_file():
        raise WeightsError(
            f"this installation lacks its embedded network '{FILE.name}'; "
            "reinstall with 'pip install --force-reinstall reverie', or name another network with --model"
        )
    return FILE


def adaptive_path() -> Path:
    """Return the path of the shipped decoder that paints in any style.

    Raises:
        WeightsError: it is not part of this installation.
    """
    if not ADAPTIVE_FILE.is_file():
        raise WeightsError(
            f"this installation lacks its network for any style '{ADAPTIVE_FILE.name}'; "
            "reinstall with 'pip install --force-reinstall reverie', or give a fast style model of 'reverie distill'"
        )
    return ADAPTIVE_FILE
