"""Where the networks lie that are shipped inside the package."""

from __future__ import annotations

from pathlib import Path

from reverie.errors import WeightsError

FOLDER = Path(__file__).parent.parent / "models"
EMBEDDED = "embedded"  # the default, by whatever number it has
STEMS = {EMBEDDED: "embedded", "embedded-1": "embedded"}  # name → its files in the package
EMBEDDED_NAMES = tuple(STEMS)
ADAPTIVE_FILE = FOLDER / "adaptive.safetensors"


def embedded_path(name: str = EMBEDDED) -> Path:
    """Return the path of an embedded network.

    Raises:
        WeightsError: it is not part of this installation.
    """
    path = FOLDER / f"{STEMS[name]}.safetensors"
    if not path.is_file():
        raise WeightsError(
            f"this installation lacks its embedded network '{path.name}'; "
            "reinstall with 'pip install --force-reinstall reverie', or name another network with --model"
        )
    return path


def network_or_file(text: str) -> Path:
    """Return the path of an embedded network by its name, or of a file; errors are those of `embedded_path`."""
    return embedded_path(text) if text in STEMS else Path(text)


def statistics_path(name: str) -> Path:
    """Return where the statistics of an embedded network's channels lie."""
    return FOLDER / f"{STEMS[name]}.statistics.safetensors"


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
