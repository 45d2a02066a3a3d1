"""Where a file of weights is read, whatever a damaged one causes becomes one `WeightsError`, and nothing else does."""

from __future__ import annotations

import functools
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from safetensors import SafetensorError

from reverie.errors import ReverieError, WeightsError
from reverie.weights.pickles.records import Broken, shown

P = ParamSpec("P")
R = TypeVar("R")
DAMAGE = (
    OSError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, RuntimeError,
    AssertionError, BufferError, struct.error, zlib.error, zipfile.BadZipFile, SafetensorError,
)  # fmt: skip
"""What reading damaged bytes ends in: bad numbers, wrong types, missing parts; never Ctrl-C or a full memory."""


@contextmanager
def damage_named(path: Path | str) -> Iterator[None]:
    """Turn what damaged bytes cause inside the block into one line that names the file.

    Raises:
        WeightsError: the bytes are damaged, or made to harm.
    """
    try:
        yield
    except ReverieError:
        raise
    except Broken as error:
        raise WeightsError(f"'{path}' {error}") from error
    except MemoryError as error:
        raise WeightsError(f"'{path}' needs more memory than there is") from error
    except DAMAGE as error:
        reason = shown(f"{type(error).__name__}: {error}", 100)
        raise WeightsError(f"'{path}' is damaged, or of another kind ({reason})") from error


def check_file(path: Path, missing: str) -> None:
    """Refuse what is no plain file: a pipe would be waited for.

    Raises:
        WeightsError: says what it is; where there is nothing, `missing`.
    """
    if path.is_file():
        return
    if not path.exists():
        raise WeightsError(missing)
    raise WeightsError(f"'{path}' is {'a folder' if path.is_dir() else 'a pipe or a device'}; give a file of weights")


def reads(function: Callable[Concatenate[Path, P], R]) -> Callable[Concatenate[Path, P], R]:
    """Make a reader, whose first argument is the file, say so in one line where its bytes are damaged."""

    @functools.wraps(function)
    def read(path: Path, *args: P.args, **kwargs: P.kwargs) -> R:
        with damage_named(path):
            return function(path, *args, **kwargs)

    return read
