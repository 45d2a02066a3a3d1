"""Files that appear whole under their names or not at all; free of torch.

It stands here and not in `media/`, since networks are written so too, and `weights/` lies below.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from reverie.errors import OutputError
from reverie.weights.file_names import part_prefix


def write_bytes(path: Path, blob: bytes) -> None:
    """Write a whole file or nothing: beside, fsync, rename.

    Raises:
        OutputError: no such folder, no permission, no space left; nothing is left behind.
    """
    with whole_file(path) as file:
        file.write(blob)


@contextmanager
def whole_file(path: Path, *, folder: bool = False) -> Iterator[BinaryIO]:
    """Give a file to write to that takes its place under its name when the block ends well, and else is removed.

    `folder` makes its folder where there is none.

    Raises:
        OutputError: as `write_bytes`.
    """
    temporary = None
    try:
        if folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=part_prefix(path.name), suffix=".part")
        os.close(descriptor)
        temporary = Path(name)
        with temporary.open("w+b") as file:  # by name: some encoders ask a file for it
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write '{path}': {error.strerror or error}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    """Return the process's umask; mkstemp makes private files and a result should look like any other file."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
