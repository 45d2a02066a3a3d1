"""Settings that come out of a drawing: its network is looked for where a user would look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reverie.jobs.files import base_name

FILES = ("model", "weights")


def with_files(made: Path, record: dict[str, Any], given: dict[str, str | None]) -> dict[str, Any]:
    """Return the settings of a record with the files that they name, beside the drawing or in the current folder."""
    config = record["config"]
    found = {name: _beside(made, config[name]) for name in FILES if config.get(name)}
    return config | found | {name: value for name, value in given.items() if value}


def _beside(made: Path, name: str) -> str:
    bare = base_name(name)
    return next((str(path) for path in (made.parent / bare, Path(bare)) if path.is_file()), name)
