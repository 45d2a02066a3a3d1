"""Formats and folders of results, as ``--format`` and ``-o`` name them."""

from __future__ import annotations

from pathlib import Path

from reverie.errors import InputError

FORMATS = ("png", "jpg", "webp", "avif", "tiff")


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
