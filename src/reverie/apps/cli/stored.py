"""Settings that come out of a picture: file names in them are looked for where a user would look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

FILES = ("model", "weights", "mask")


def beside(made: Path, name: str | None) -> str | None:
    """Return a file of that name beside the picture or in the current folder, or the name as it is."""
    if not name:
        return None
    found = next((p for p in (made.parent / name, Path(name)) if p.is_file()), None)
    return str(found) if found else name


def with_files(made: Path, config: dict[str, Any], overrides: dict[str, str | None]) -> dict[str, Any]:
    """Return stored settings with the files that they name; an override wins over what is stored."""
    return config | {name: overrides.get(name) or beside(made, config.get(name)) for name in FILES}


def files_of(config: Any) -> dict[str, Path]:
    """Return the files that decide a dream besides its picture: by name of the setting, where they lie here."""
    from reverie.weights.catalogue import CATALOGUE
    from reverie.weights.embedded import embedded_path
    from reverie.weights.fetch import cached

    files = {"mask": Path(config.mask)} if config.mask else {}
    if config.weights and Path(config.weights).is_file():
        return files | {"model": Path(config.weights)}
    if config.model == "embedded":
        return files | {"model": embedded_path()}
    if Path(config.model).is_file():
        return files | {"model": Path(config.model)}
    architecture = config.model.removesuffix("-caffe")
    fetched = cached(architecture) if architecture in CATALOGUE and not config.weights else None
    return files | ({"model": fetched} if fetched else {})
