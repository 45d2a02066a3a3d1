"""Recipes: YAML files that hold the settings of a configuration by name."""

from __future__ import annotations

import dataclasses
import typing
from pathlib import Path
from typing import Any

from reverie.errors import InputError, unknown_name

KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def read_recipe(recipe: str, cls: type) -> dict[str, object]:
    """Return the settings of a recipe for the configuration class `cls`; their names may have dashes.

    Raises:
        InputError: no file, no YAML, a name that `cls` does not have, or a value of another kind.
    """
    loaded = _load(recipe)
    kinds = typing.get_type_hints(cls)
    known = [field.name for field in dataclasses.fields(cls)]
    settings = {}
    for key, value in loaded.items():
        name = str(key).replace("-", "_")
        if name not in known:
            raise InputError(f"{unknown_name('setting', str(key), known)}; the recipe '{recipe}' has it")
        settings[name] = _typed(value, kinds[name], f"'{key}' in the recipe '{recipe}'")
    return settings


def _load(recipe: str) -> dict[Any, Any]:
    from reverie.jobs.plain_text import load_yaml, read_text

    path = Path(recipe)
    if not path.exists():
        raise InputError(f"no recipe at '{recipe}'; expected a YAML file of settings")
    loaded = load_yaml(read_text(path, "the recipe"), recipe) or {}
    if not isinstance(loaded, dict):
        raise InputError(f"'{recipe}' must hold settings by name, one a line, such as 'epochs: 20'")
    return loaded


def _typed(value: Any, kind: Any, what: str) -> Any:
    """Return a value in the type of its field; YAML reads 1e-3 as text and 20 as a whole number.

    Raises:
        InputError: it is of another kind.
    """
    options = typing.get_args(kind) or (kind,)
    if value is None and type(None) in options:
        return None
    expected = next(option for option in options if option is not type(None))
    if expected is float and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            pass
    elif type(value) is expected:
        return value
    from reverie.jobs.plain_text import short

    raise InputError(f"{what} must be {KINDS.get(expected, 'of another kind')}; got '{short(value)}'")
