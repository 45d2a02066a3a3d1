"""Files of weights that others wrote: read as data, never executed, and refused in one line that says what they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from reverie.errors import WeightsError
from reverie.weights.boundary import check_file, reads
from reverie.weights.caffe.model import SUFFIX as CAFFEMODEL
from reverie.weights.caffe.model import read_caffemodel
from reverie.weights.pickles.file import ForeignFile, beyond_tensors, open_foreign
from reverie.weights.pickles.records import Broken, shown
from reverie.weights.read_any import read_safetensors

WRAPPERS = ("state_dict", "model", "model_state_dict", "net")  # under which training scripts store the weights
PREFIXES = ("module.", "_orig_mod.")  # of networks on several devices, and of compiled ones
EXPECTED = "expected a state dict, as torch.save(net.state_dict(), FILE) writes it"


@reads
def load_state_dict(path: Path) -> dict[str, Tensor]:
    """Read a foreign state dict (.pth, .pt, .safetensors, .caffemodel) as data, never executing it.

    Wrapping under one of `WRAPPERS` is removed, and so are the prefixes of `PREFIXES`, however often they stand there.

    Raises:
        WeightsError: missing, broken, or a pickle that holds anything but tensors and plain containers.
    """
    check_file(path, f"no weights file at '{path}'")
    if path.suffix == ".safetensors":
        return {_bare(name): tensor for name, tensor in read_safetensors(path).items()}
    if path.suffix.lower() == CAFFEMODEL:
        return {name: torch.from_numpy(values) for name, values in read_caffemodel(path).items()}
    try:
        return _read_tensors(open_foreign(path))
    except Broken as error:
        raise WeightsError(f"'{path}' {error}; {EXPECTED}") from error


def _read_tensors(file: ForeignFile) -> dict[str, Tensor]:
    """Return the tensors of a state dict, once it is nothing else."""
    entries, path = _unwrapped(file), file.path
    values = file.values
    if entries is None:
        raise WeightsError(f"'{path}' {_holds_objects(file) or _no_state_dict(file.root)}; {EXPECTED}")
    tensors = {name: values.tensor(entry) for name, entry in entries.items()}
    others = [shown(name, 40) for name, tensor in tensors.items() if tensor is None or not isinstance(name, str)]
    if others or not tensors or file.report.reaching:
        raise WeightsError(f"'{path}' {_holds_objects(file) or _other_entries(others)}; {EXPECTED}")
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        assert tensor is not None
        bare = _bare(str(name))
        if bare in found:
            raise WeightsError(f"'{path}' has '{shown(bare, 60)}' twice, with and without a prefix; {EXPECTED}")
        found[bare] = tensor.read()
    return found


def _bare(name: str) -> str:
    """Return the name of a weight without what wrappers put before it."""
    while name.startswith(PREFIXES):
        name = name.partition(".")[2]
    return name


def _unwrapped(file: ForeignFile) -> Mapping[object, object] | None:
    entries = file.values.mapping(file.root)
    for key in WRAPPERS:
        inner = None if entries is None else file.values.mapping(entries.get(key))
        entries = entries if inner is None else inner
    return entries


def _holds_objects(file: ForeignFile) -> str:
    name = beyond_tensors(file)
    return f"holds Python objects ({name}) besides tensors and was not executed" if name else ""


def _no_state_dict(root: object) -> str:
    return f"is not a state dict: expected tensors by name, found a {type(root).__name__.lower()}"


def _other_entries(others: list[str]) -> str:
    if not others:
        return "is not a state dict: expected tensors by name, found an empty dictionary"
    names = ", ".join(others[:4])
    return f"is not a state dict: expected tensors by name, found a dictionary with other entries: {names}"


def misfit(expected: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    """Return in words why a state dict does not fit a network: the first tensor that is missing, odd or unknown."""
    missing = [name for name in expected if name not in given and not name.endswith("num_batches_tracked")]
    other = [name for name in expected if name in given and expected[name].shape != given[name].shape]
    unknown = [name for name in given if name not in expected]
    count = len(missing) + len(other) + len(unknown)
    if missing:
        text = f"'{missing[0]}' is missing"
    elif other:
        text = f"'{other[0]}' is {_shape(given[other[0]])}, expected {_shape(expected[other[0]])}"
    elif unknown:
        text = f"the network has no '{unknown[0][:80]}'"
    else:
        return "its numbers are of a kind that cannot be used"
    return text + (f", and {count - 1} more differences" if count > 1 else "")


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a single number"
