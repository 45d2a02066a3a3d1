"""Options of every command that takes many pictures; declared once, so that they read the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from reverie.errors import InputError

FORMATS = ("png", "jpg", "webp", "avif", "tiff")

Format = Annotated[
    str,
    Parameter(
        name="--format",
        help=f"Format where -o names no file: {', '.join(FORMATS)}.",
    ),
]
Recursive = Annotated[bool, Parameter(negative="", help="Take the subfolders of a folder along, and mirror them.")]
Overwrite = Annotated[
    bool, Parameter(negative="", help="Replace results that are there already, and files of others in their place.")
]
Workers = Annotated[
    str, Parameter(help="Processes that share many pictures on the CPU; auto: one per core, as memory allows.")
]


@dataclass(frozen=True)
class BatchOptions:
    """Where results go and how pictures are worked through, without what is done to each."""

    output: str | None = None
    quality: int = 92
    suffix: str = ".png"
    overwrite: bool = False
    workers: str = "auto"
    dry_run: bool = False

    def __post_init__(self) -> None:
        from reverie.jobs.cores import check_workers

        check_workers(self.workers)


def suffix_of(file_format: str) -> str:
    """Return the suffix of a format by name.

    Raises:
        InputError: a format that is not written.
    """
    if file_format not in FORMATS:
        raise InputError(f"--format must be one of {', '.join(FORMATS)}; got '{file_format}'")
    return f".{file_format}"


def is_folder(output: str | None) -> bool:
    """Tell whether an output names a folder: one that is there, or one spelled with a slash at its end."""
    return output is not None and (output.endswith(("/", "\\")) or Path(output).is_dir())
