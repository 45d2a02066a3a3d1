"""Self-describing network files: safetensors with a JSON description inside.

The description is what lets any command use a file without being told anything: architecture, class names, mean
and std, input size, color correlation, measured accuracy, data and date. Nothing here executes what it reads.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from reverie.errors import WeightsError, printable
from reverie.weights.atomic import write_bytes
from reverie.weights.boundary import check_file, reads
from reverie.weights.in_folder import network_in

FORMAT = "reverie-model"
FORMAT_VERSION = 1
BESIDE = "channel_statistics/"  # begins the names of tensors that are no weights: see critic/statistics.py
TEXTS = ("architecture", "kind", "default_layer", "date", "version", "note")
MOST_INPUT_PX = 4096  # of a network's pictures: everything that is drawn at its size costs the square of it
MOST_NUMBER = 1e6  # of a mean, a deviation or a correlation of colors; false for NaN


@dataclass(frozen=True)
class Description:
    """What a network file says about itself.

    `mean` and `std` are per channel for inputs in [0, 1]; `color_correlation` is the 3 x 3 square root of the
    pixel covariance of the training pictures; `input_px` is the side the network was trained at.
    """

    architecture: str
    classes: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    input_px: int
    kind: str = "classifier"
    options: dict[str, Any] = field(default_factory=dict)
    color_correlation: tuple[tuple[float, float, float], ...] = ()
    default_layer: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    date: str = ""
    version: str = ""
    note: str = ""


def save_model(path: Path, state: dict[str, Tensor], description: Description) -> str:
    """Write a network file atomically and return the sha256 of its bytes.

    The metadata has one entry only: safetensors writes several in random order, and a rerun must give the same bytes.
    """
    record = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(description)}
    tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    blob = save(tensors, metadata={"reverie": json.dumps(record, ensure_ascii=False)})
    write_bytes(path, blob)
    return hashlib.sha256(blob).hexdigest()


@reads
def load_model(path: Path) -> tuple[dict[str, Tensor], Description]:
    """Read a network file written by `save_model`, or the one in the folder of a training.

    Raises:
        WeightsError: not there, not safetensors, or without a description of the right kind and version.
    """
    path = _there(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            description = _read_description(path, metadata)
            names = [name for name in file.keys() if not name.startswith(BESIDE)]  # noqa: SIM118
            return {name: file.get_tensor(name) for name in names}, description
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"'{path}' is not a readable safetensors file: damaged, or of another kind") from error


@reads
def load_description(path: Path) -> Description:
    """Read only the description of a network file; errors are those of `load_model`."""
    path = _there(path)
    try:
        with safe_open(path, framework="pt") as file:
            return _read_description(path, file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"'{path}' is not a readable safetensors file: damaged, or of another kind") from error


def _there(path: Path) -> Path:
    path = network_in(path)
    check_file(
        path, f"no network file at '{path}'; expected a .safetensors file of 'reverie train' or 'reverie distill'"
    )
    return path


def is_described(path: Path) -> bool:
    """Tell whether a safetensors file carries a description of ours."""
    try:
        with safe_open(path, framework="pt") as file:
            return "reverie" in (file.metadata() or {})
    except (SafetensorError, OSError, ValueError):
        return False


def _read_description(path: Path, metadata: dict[str, str]) -> Description:
    if "reverie" not in metadata:
        raise WeightsError(
            f"'{path}' carries no description; name its architecture, "
            f"for example --model squeezenet1_1 --weights '{path}'"
        )
    try:
        record = json.loads(metadata["reverie"])
        kind = str(record.pop("format"))
        if kind != FORMAT and kind.startswith("reverie-"):
            raise WeightsError(f"'{path}' holds {printable(kind).removeprefix('reverie-')}, not a network")
        if kind != FORMAT:
            raise KeyError("format")
        version = int(record.pop("format_version"))
        if version > FORMAT_VERSION:
            raise WeightsError(
                f"'{path}' was written by a newer Reverie (format {version}); update with 'pip install -U reverie'"
            )
        known = {f.name for f in fields(Description)}
        record = {name: value for name, value in record.items() if name in known}
        record["classes"] = tuple(record["classes"])
        record["mean"], record["std"] = tuple(record["mean"]), tuple(record["std"])
        record["color_correlation"] = tuple(tuple(row) for row in record.get("color_correlation", ()))
        _check_kinds(record)
        record["classes"] = tuple(map(printable, record["classes"]))
        record |= {name: printable(record[name]) for name in TEXTS if name in record}
        return Description(**record)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise WeightsError(f"the description inside '{path}' cannot be read ({error})") from error


def _check_kinds(record: dict[str, Any]) -> None:
    """Raise `TypeError` for an entry of another kind than its field; whoever uses it may trust its type."""
    for name, value in record.items():
        if name in TEXTS:
            fits = isinstance(value, str)
        elif name == "classes":
            fits = all(isinstance(item, str) for item in value)
        elif name in ("mean", "std"):
            fits = len(value) == 3 and all(map(_is_number, value)) and (name == "mean" or 0 not in value)
        elif name == "color_correlation":
            fits = all(_is_number(item) for row in value for item in row)
        elif name == "input_px":
            fits = type(value) is int and 0 < value <= MOST_INPUT_PX
        else:
            fits = isinstance(value, dict)
        if not fits:
            raise TypeError(f"'{name}' is of another kind than it should be")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < MOST_NUMBER


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
