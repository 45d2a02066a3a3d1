"""Settings that come out of a picture: files named in them are looked for where a user would look."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from reverie.errors import InputError
from reverie.tools.groups import parse_group

FILES = ("model", "weights", "mask", "guide", "target_from")


def beside(made: Path, name: str | None) -> str | None:
    """Return a file of that name beside the picture or in the current folder, or the name as it is."""
    if not name:
        return None
    found = next((p for p in (made.parent / name, Path(name)) if p.is_file()), None)
    return str(found) if found else name


def with_files(
    made: Path, record: dict[str, Any], overrides: dict[str, str | None], folders: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the settings of a record with the files that they name; an override wins over what is recorded.

    A file is looked for beside the picture, in the current folder, and in and below the given folders; of several with
    its name the one with the recorded content is taken.

    Raises:
        InputError: a picture that was used is nowhere.
    """
    config, known = record["config"], record.get("files", {})
    places = [Path(folder) for folder in folders]

    def found(role: str, name: str) -> str:
        return overrides.get(role) or _found(made, role, name, known.get(role, {}).get("sha256"), places)

    files = {name: found(name, config[name]) for name in FILES if config.get(name)}
    groups = [
        str(parse_group(text).with_files(lambda kind, name, number=number: found(f"group {number} {kind}", name)))
        for number, text in enumerate(config.get("group", ()), start=1)
    ]
    return config | files | ({"group": groups} if groups else {}) | {k: v for k, v in overrides.items() if v}


def check_files(files: dict[str, dict[str, str]], recorded: dict[str, dict[str, str]]) -> None:
    """Refuse files other than those that a picture was made with.

    Raises:
        InputError: the content of one differs.
    """
    for role, about in recorded.items():
        if role in files and files[role]["sha256"] != about["sha256"]:
            raise InputError(
                f"'{files[role]['name']}' is not the {role_name(role)} that was used: its sha256 differs; "
                "give the folder that has it with --files"
            )


def role_name(role: str) -> str:
    """Return what a file is used for, in words."""
    return "artwork" if role == "target_from" else role


def _found(made: Path, role: str, name: str, sha256: str | None, folders: list[Path]) -> str:
    below = (path for folder in folders for path in sorted(folder.rglob("*")) if path.name == name)
    paths = [path for path in (made.parent / name, Path(name), *below) if path.is_file()]
    if sha256 and not paths:
        raise InputError(f"the {role_name(role)} '{name}' is neither beside '{made}' nor here; give it or its folder")
    same = [path for path in paths if sha256 and hashlib.sha256(path.read_bytes()).hexdigest() == sha256]
    return str((same or paths or [name])[0])


def files_of(config: Any) -> dict[str, Path]:
    """Return the files that decide a dream besides its picture: by name of the setting, where they lie here."""
    from reverie.weights.catalogue import CATALOGUE
    from reverie.weights.embedded import embedded_path
    from reverie.weights.fetch import cached

    files = {name: Path(path) for name in ("mask", "guide") if (path := getattr(config, name))}
    for number, text in enumerate(config.group, start=1):
        group = parse_group(text)
        parts = {"mask": group.mask or group.outside, "guide": group.guide}
        files |= {f"group {number} {kind}": Path(path) for kind, path in parts.items() if path}
    if config.target_from and Path(config.target_from).is_file():
        files["target_from"] = Path(config.target_from)
    if config.weights and Path(config.weights).is_file():
        return files | {"model": Path(config.weights)}
    if config.model == "embedded":
        return files | {"model": embedded_path()}
    if Path(config.model).is_file():
        return files | {"model": Path(config.model)}
    architecture = config.model.removesuffix("-caffe")
    fetched = cached(architecture) if architecture in CATALOGUE and not config.weights else None
    return files | ({"model": fetched} if fetched else {})
