"""Files of weights that others wrote: read as data, never executed, and refused in one line that says what they are."""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from reverie.errors import WeightsError

WRAPPERS = ("state_dict", "model", "model_state_dict", "net")  # under which training scripts store the weights
EXPECTED = "expected a state dict, as torch.save(net.state_dict(), FILE) writes it"
PICKLED = b"\x80"  # the first byte of every pickle since Python 2.3
NAMED_GLOBAL = re.compile(r"GLOBAL ([A-Za-z_][\w.]*)")  # how torch's reader names what it refused to look up


def load_state_dict(path: Path) -> dict[str, Tensor]:
    """Read a foreign state dict (.pth, .pt, .safetensors) as data, never executing it.

    Wrapping under one of `WRAPPERS` is removed, and so is a ``module.`` prefix.

    Raises:
        WeightsError: missing, broken, or a pickle that holds anything but tensors and plain containers.
    """
    if not path.is_file():
        raise WeightsError(f"no weights file at '{path}'")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    try:
        if _first_bytes(path).startswith(b"PK"):
            _check_zip(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickle protocols and retired storages: nothing a user could act on
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except WeightsError:
        raise
    except OSError as error:
        raise WeightsError(f"'{path}' cannot be read: {error.strerror or 'its end is missing'}") from error
    except Exception as error:  # torch raises pickle, zip, EOF, key and runtime errors for bad files
        raise WeightsError(f"'{path}' {_trouble(path, error)}; {EXPECTED}") from error
    return _unwrap(path, loaded)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"'{path}' is not a readable safetensors file: damaged, or of another kind") from error


def _check_zip(path: Path) -> None:
    """Refuse zips that are no state dict before torch looks at them; it would run a TorchScript program.

    Raises:
        WeightsError: a cut zip, a program, or a zip of other things.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            inside = [name.split("/", 1)[-1] for name in archive.namelist()]
    except zipfile.BadZipFile as error:
        raise WeightsError(f"'{path}' is damaged: its end is missing; copy or download it again") from error
    if "constants.pkl" in inside or any(name.startswith("code/") for name in inside):
        raise WeightsError(f"'{path}' is a TorchScript program and was not executed; {EXPECTED}")
    if "data.pkl" not in inside:
        raise WeightsError(f"'{path}' is a zip without weights; {EXPECTED}")


def _trouble(path: Path, error: Exception) -> str:
    """Say what is wrong with a file that torch refused; its own text is long, colored, and advises to execute it."""
    begins = _first_bytes(path)
    if not begins:
        return "is empty"
    found = NAMED_GLOBAL.search(str(error))
    if found:
        return f"holds Python objects ({found[1][:60]}) besides tensors and was not executed"
    if begins.startswith(b"PK"):
        return "is damaged" if _is_scratched(path) else "holds more than tensors by name and was not executed"
    if begins.startswith(PICKLED):
        return "is a pickle that holds more than tensors, or a damaged one, and was not executed"
    return "holds no weights, or is damaged"


def _is_scratched(path: Path) -> bool:
    """Tell whether the checksums inside a zip contradict its bytes."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is not None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
        return True


def _unwrap(path: Path, loaded: Any) -> dict[str, Tensor]:
    for key in WRAPPERS:
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict) or not loaded or not all(isinstance(v, Tensor) for v in loaded.values()):
        raise WeightsError(f"'{path}' is not a state dict: expected tensors by name, found {_described(loaded)}")
    return {str(name).removeprefix("module."): value for name, value in loaded.items()}


def _described(loaded: Any) -> str:
    if isinstance(loaded, dict):
        others = [str(name) for name, value in loaded.items() if not isinstance(value, Tensor)]
        return f"a dictionary with other entries: {', '.join(others[:4])}" if others else "an empty dictionary"
    return f"a {type(loaded).__name__.lower()}"


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
