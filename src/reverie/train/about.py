"""What the file of a trained network says of its training, the same for all trainers."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

from reverie.jobs.files import base_name, names_code, with_paths
from reverie.settings import to_record
from reverie.version import __version__
from reverie.weights.checkpoint import Description


def portable(config: Any) -> dict[str, Any]:
    """Return settings as plain JSON, without the folders of this machine."""
    record = to_record(with_paths(config, lambda _, path: base_name(path)))
    return {name: base_name(value) if names_code(value) else value for name, value in record.items()}


def dated(description: Description, config: Any, **spent: int) -> Description:
    """Return a description with settings, day and version of the training; `spent` joins the settings."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return replace(description, recipe=portable(config) | spent, date=today, version=__version__)
