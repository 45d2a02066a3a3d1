"""Names of files within what file systems allow: 255 bytes, of which names made from others keep some free."""

from __future__ import annotations

from hashlib import sha256

LONGEST = 255  # bytes, on all common file systems
ROOM = 15  # for "-stopped-12" and the like
PART_BYTES = 100  # of a name that its unfinished file repeats


def fitted(stem: str, ending: str) -> str:
    """Return ``stem + ending``; a stem that is too long is cut, and what is cut away stands for by eight digits."""
    most = LONGEST - ROOM - len(ending.encode("utf-8", "surrogateescape"))
    raw = stem.encode("utf-8", "surrogateescape")
    if len(raw) <= most:
        return stem + ending
    cut = raw[: most - 9].decode("utf-8", "ignore")
    return f"{cut}-{sha256(raw).hexdigest()[:8]}{ending}"


def part_prefix(name: str) -> str:
    """Return what the name of an unfinished file of this name begins with."""
    raw = name.encode("utf-8", "surrogateescape")
    return f".{name}." if len(raw) <= PART_BYTES else f".{raw[:PART_BYTES].decode('utf-8', 'ignore')}."
