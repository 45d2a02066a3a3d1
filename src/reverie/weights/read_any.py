"""Any file of weights by what it is: pickles and torch files read as data, and safetensors."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from reverie.errors import WeightsError
from reverie.weights.boundary import check_file, reads
from reverie.weights.pickles.file import ForeignFile, open_foreign
from reverie.weights.pickles.limits import Report
from reverie.weights.pickles.storage import in_memory
from reverie.weights.pickles.torch_stream import without_outside


@reads
def open_any(path: Path) -> ForeignFile:
    """Open a file of weights; a pickle's tensors stay in the file until they are asked for.

    Raises:
        WeightsError: missing, unreadable, damaged, made to harm, or something else, in one sentence.
    """
    if path.suffix.lower() != ".safetensors":
        return open_foreign(path)
    root: dict[object, object] = {name: in_memory(tensor) for name, tensor in read_safetensors(path).items()}
    return ForeignFile(path, "safetensors", root, without_outside(), Report())


@reads
def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file.

    Raises:
        WeightsError: missing, damaged, or of another kind.
    """
    check_file(path, f"no weights file at '{path}'")
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"'{path}' is not a readable safetensors file: damaged, or of another kind") from error
