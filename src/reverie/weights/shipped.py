"""The files that are part of the package, and whether they are whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
SUMS = PACKAGE / "models" / "SHA256SUMS"  # written by recipes/shipped_sums.py, in the form that `sha256sum -c` reads


def shipped_sums() -> dict[str, str]:
    """Return the sha256 that each shipped file must have, by its path inside the package."""
    rows = (line.split("  ", 1) for line in SUMS.read_text("utf-8").splitlines() if line)
    return {name: digest for digest, name in rows}


def shipped_state(name: str, digest: str) -> str:
    """Return "whole", "missing" or "damaged"."""
    path = PACKAGE / name
    if not path.is_file():
        return "missing"
    return "whole" if sha256_of(path) == digest else "damaged"


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
