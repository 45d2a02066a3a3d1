"""Where the network lies that is shipped inside the package."""

from __future__ import annotations

from pathlib import Path

from reverie.errors import WeightsError

FILE = Path(__file__).parent.parent / "models" / "embedded.safetensors"


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
