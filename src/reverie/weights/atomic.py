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


class Unfinished:
    """A file beside the place that it takes once it is whole, for writers that open it by name.

    Attributes:
        part: where to write.

    Raises:
        OutputError: no such folder, no permission, no space left.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=part_prefix(path.name), suffix=".part")
        except OSError as error:
            raise OutputError(f"cannot write '{path}': {error.strerror or error}") from error
        os.close(descriptor)
        self.part = Path(name)

    def keep(self) -> None:
        """Give it its name; whoever wrote it has closed it.

        Raises:
            OSError: the disk fails.
        """
        with self.part.open("rb+") as file:
            os.fsync(file.fileno())
        self.part.chmod(0o666 & ~_umask())
        self.part.replace(self.path)

    def discard(self) -> None:
        """Leave nothing behind; a file that has its name stays."""
        self.part.unlink(missing_ok=True)


@contextmanager
def whole_file(path: Path, *, folder: bool = False) -> Iterator[BinaryIO]:
    """Give a file to write to that takes its place under its name when the block ends well, and else is removed.

    `folder` makes its folder where there is none.

    Raises:
        OutputError: as `write_bytes`.
    """
    unfinished = None
    try:
        if folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Unfinished(path)
        with unfinished.part.open("w+b") as file:  # by name: some encoders ask a file for it
            yield file
        unfinished.keep()
    except OSError as error:
        raise OutputError(f"cannot write '{path}': {error.strerror or error}") from error
    finally:
        if unfinished is not None:
            unfinished.discard()


def _umask() -> int:
    """Return the process's umask; mkstemp makes private files and a result should look like any other file."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
