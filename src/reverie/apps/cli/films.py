"""Where films leave the way of pictures: the one place that knows who dreams them."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reverie.apps.cli.tally import Tally
from reverie.data.sources import Source
from reverie.errors import InputError, ReverieError
from reverie.tools.dream_config import DreamConfig

MODULE = "reverie.apps.cli.dream_video"


def dream_film(source: Path, target: Path, config: DreamConfig, **options: Any) -> int:
    """Dream one film and return the exit code.

    Raises:
        InputError: this version dreams pictures only.
    """
    if importlib.util.find_spec(MODULE) is None:
        raise InputError(f"'{source}' is a film; expected a picture")
    return importlib.import_module(MODULE).run_video(source, target, config, **options)


def dream_films(pairs: Sequence[tuple[Source, Path]], config: DreamConfig, quality: int, tally: Tally) -> None:
    """Dream the films of a list, one after the other; each has its own progress."""
    for source, target in pairs:
        try:
            code = dream_film(source.path, target, config)
        except ReverieError as error:
            tally.fail(source.name, str(error), error.exit_code)
            continue
        if code:
            tally.fail(source.name, "the film was not finished", code)
        else:
            tally.made += 1
