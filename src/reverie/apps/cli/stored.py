"""Settings that come out of a picture: files named in them are looked for where a user would look."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.data.folder import SUFFIXES
from reverie.errors import InputError
from reverie.tools.dream_config import DreamConfig
from reverie.tools.groups import parse_group

if TYPE_CHECKING:
    from reverie.tools.finished import Wanted

MOST_LOOKED_AT = 2000  # pictures, for one that was renamed
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
        return overrides.get(role) or find_file(made, role, name, known.get(role, {}).get("sha256"), places)

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
    if role == "target_from":
        return "artwork"
    region = re.fullmatch(r"(region|group) (\d+) (.*)", role)
    if region:
        return f"{region[3].rstrip(' 0123456789')} of {region[1]} {region[2]}"
    return role.rstrip(" 0123456789")


def find_file(made: Path, role: str, name: str, sha256: str | None, folders: list[Path]) -> str:
    """Return a file of that name beside the picture, here, or in folders; of several the one with that content.

    A picture that was renamed is known by its content, beside the one that was made and in the folders.

    Raises:
        InputError: there is none, and one was used.
    """
    below = (path for folder in folders for path in sorted(folder.rglob("*")) if path.name == name)
    paths = [path for path in (made.parent / name, Path(name), *below) if path.is_file()]
    if sha256 and not paths:
        paths = _renamed(made, sha256, folders)
    if sha256 and not paths:
        raise InputError(
            f"the {role_name(role)} '{name}' is neither beside '{made}' nor here; "
            "put it there, or give reverie replay its folder with --files"
        )
    same = [path for path in paths if sha256 and hashlib.sha256(path.read_bytes()).hexdigest() == sha256]
    return str((same or paths or [name])[0])


def _renamed(made: Path, sha256: str, folders: list[Path]) -> list[Path]:
    """Return pictures of that content beside another and in folders, whatever their names."""
    around = (*made.parent.iterdir(), *(path for folder in folders for path in folder.rglob("*")))
    pictures = sorted({path for path in around if path.suffix.lower() in SUFFIXES and path.is_file()})
    for path in pictures[:MOST_LOOKED_AT]:
        with suppress(OSError):
            if hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
                return [path]
    return []


def wanted(config: DreamConfig, source: Path | None, quality: int, piped: tuple[str, str] | None = None) -> Wanted:
    """Return what the dream of a picture would carry, with every file named as a result names it.

    Raises:
        InputError: a group that cannot be read, or a folder without artworks.
    """
    from reverie.tools.finished import Wanted

    groups = tuple(str(parse_group(text).with_files(lambda _, path: Path(path).name)) for text in config.group)
    files = files_of(config)
    if config.target_from:
        from reverie.tools.references import pick_target

        name = piped[0] if piped else source.name if source is not None else ""
        files["target_from"] = pick_target(config.target_from, config.target_class, config.seed, name)
        config = replace(config, target_from=files["target_from"].name, target_class=None)
    return Wanted("dream", replace(config, group=groups), source, quality, files, piped)


def files_of(config: DreamConfig) -> dict[str, Path]:
    """Return the files that decide a dream besides its picture: by name of the setting, where they lie here."""
    files = {name: Path(path) for name in ("mask", "guide") if (path := getattr(config, name))}
    for number, text in enumerate(config.group, start=1):
        group = parse_group(text)
        parts = {"mask": group.mask or group.outside, "guide": group.guide}
        files |= {f"group {number} {kind}": Path(path) for kind, path in parts.items() if path}
    return files | model_file(config)


def model_file(config: Any) -> dict[str, Path]:
    """Return the file that the network of a tool's settings comes from, if it lies here, as ``model``."""
    from reverie.weights.network_file import network_file

    found = network_file(config.model, config.weights)
    return {} if found is None else {"model": found}
