"""Amounts of memory as people write them."""

from __future__ import annotations

from reverie.errors import InputError
from reverie.media.budget import format_bytes

__all__ = ["format_bytes", "parse_bytes"]


def parse_bytes(text: str) -> int:
    """Return the number of bytes in ``2GB``, ``1.5 GiB``, ``800M`` or ``123456``.

    Raises:
        InputError: anything else.
    """
    units = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
    cleaned = text.strip().lower().removesuffix("b").strip()
    digits = cleaned.rstrip("kmgti")
    try:
        value = float(digits) * units[cleaned[len(digits) :].strip()]
    except (ValueError, KeyError) as error:
        raise InputError(f"--max-memory must look like 2GB or 800MiB; got '{text}'") from error
    if not 0 < value < float("inf"):
        raise InputError(f"--max-memory must be greater than zero; got '{text}'")
    return int(value)
