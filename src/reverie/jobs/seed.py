"""Seeds of single files among many."""

from __future__ import annotations

import hashlib


def seed_for(seed: int, name: str) -> int:
    """Return a seed for one file of many, so that results do not depend on order."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode("utf-8", "surrogateescape")).digest()[:7], "big")
