"""The fixed inputs of a job: fields of its settings that name files, recorded by name and sha256, found by both.

A file that a record names is looked for by its bare name beside the result, in the current folder and in folders that
the user gives, never anywhere else, and its content must be the recorded one before anybody decodes it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.errors import InputError
from reverie.jobs.given import sha256_of
from reverie.jobs.job import NETWORKS, Input, Job, is_library_name, sections
from reverie.settings import fields_of, flag_of
from reverie.weights.in_folder import network_in

if TYPE_CHECKING:
    from reverie.jobs.tool import AnyTool

MOST_LOOKED_AT = 2000  # files, for one that was renamed
HELD = "{"  # with which a setting begins that holds what a file held, in place of its name
MOST_BYTES = 16 << 30  # of a file whose content is compared
MOST_SEARCHED_BYTES = 8 << 30  # of all files that are looked into for one that was renamed
GIVEN = ("input", "model", "weights", "mask")  # roles that the command line names files for


def named_files(config: object) -> Iterator[tuple[str, str]]:
    """Yield role and path of every file that settings name."""
    found: list[tuple[str, str]] = []

    def noted(role: str, path: str) -> str:
        found.append((role, path))
        return path

    for part in sections(config).values():
        for field in fields_of(part):
            value = getattr(part, field.name)
            if field.metadata.get("runs_code") and names_code(value):
                noted(field.name, value[: value.index(".py:") + len(".py")])
        with_paths(part, noted)
    yield from found


def with_paths(part: object, change: Callable[[str, str], str]) -> object:
    """Return a section of settings with every file it names replaced; `change` gets its role and the path there now."""
    changed: dict[str, object] = {}
    for field in fields_of(part):
        value, name, inside = getattr(part, field.name), field.name, field.metadata.get("inside")
        if value is None or not (inside or field.metadata.get("file")) or value in field.metadata.get("builtin", ()):
            continue
        if isinstance(value, str) and value.startswith(HELD):
            continue
        texts = [str(text) for text in (value if isinstance(value, tuple) else (value,))]
        if inside:
            found = [inside(text, lambda kind, path, to=f"{name} {n}": change(f"{to} {kind}".rstrip(), path))
                     for n, text in enumerate(texts, 1)]  # fmt: skip
        else:
            roles = [f"{name} {n}" for n in range(1, len(texts) + 1)] if isinstance(value, tuple) else [name]
            found = [text if _is_words(field, text) else _with_path(role, text, change)
                     for role, text in zip(roles, texts, strict=True)]  # fmt: skip
        changed[name] = tuple(found) if isinstance(value, tuple) else found[0]
    return dataclasses.replace(part, **changed) if changed else part  # type: ignore[type-var]


def _is_words(field: dataclasses.Field[Any], text: str) -> bool:
    ends = field.metadata.get("files_end")
    return ends is not None and Path(text).suffix.lower() not in ends


def _with_path(role: str, text: str, change: Callable[[str, str], str]) -> str:
    """Change the file in a text, which may name one entry of it, as FILE#NAME."""
    path, mark, entry = text.rpartition("#")
    if mark and Path(path).suffix.lower() in NETWORKS:
        return f"{change(role, path)}#{entry}"
    return change(role, text)


def recorded_files(config: object, *, networks: bool = True) -> dict[str, Input]:
    """Return name and sha256 of every file that settings name and that lies here, by role.

    `networks` is whether those are among them; else they stand in a record as its model alone.
    """
    found, left_out = {}, set() if networks else network_roles(config)
    for role, text in named_files(config):
        path = Path(text)
        if role not in left_out and path.exists():
            found[role] = Input(path.name, sha256_of(path))
    return found


def picture_role(config: object, role: str) -> bool:
    """Tell whether a role is a picture's, not a network's or a text's."""
    fields = [field for part in sections(config).values() for field in fields_of(part)]
    pictures = {
        field.name for field in fields if field.metadata.get("file") == "picture" or field.metadata.get("inside")
    }
    return role.partition(" ")[0] in pictures


def network_roles(config: object) -> set[str]:
    """Return the roles of the networks that settings name."""
    fields = [field for part in sections(config).values() for field in fields_of(part)]
    return {field.name for field in fields if field.metadata.get("file") == "network"}


def with_networks(config: object) -> object:
    """Return settings in which the folder of a training stands for the network in it."""
    parts = {name: _networks_of(part) for name, part in sections(config).items()}
    return config if parts == sections(config) else with_parts(config, parts)


def _networks_of(part: object) -> object:
    changed: dict[str, object] = {}
    for field in fields_of(part):
        value = getattr(part, field.name)
        if not isinstance(value, str) or value in field.metadata.get("builtin", ()):
            continue
        if field.metadata.get("file") == "network" and Path(value).is_dir():
            changed[field.name] = str(network_in(Path(value)))
    return dataclasses.replace(part, **changed) if changed else part  # type: ignore[type-var]


def without_folders(config: object) -> object:
    """Return settings as a record holds them: bare names, and what does not change the result at its default."""
    return with_parts(config, {name: _bare_part(part) for name, part in sections(config).items()})


def with_parts(config: object, parts: Mapping[str, object]) -> object:
    """Return settings with these sections in the places of their own."""
    if tuple(parts) == ("config",) and parts["config"].__class__ is config.__class__:
        return parts["config"]
    return dataclasses.replace(config, **parts)  # type: ignore[type-var]


def _bare_part(part: object) -> object:
    changed: dict[str, object] = {}
    for field in fields_of(part):
        value = getattr(part, field.name)
        if not field.metadata.get("replay", True):
            changed[field.name] = field.default
        elif field.metadata.get("runs_code") and names_code(value):
            changed[field.name] = base_name(value)
    return with_paths(dataclasses.replace(part, **changed), lambda _, path: base_name(path))  # type: ignore[type-var]


class Files:
    """Where the files of stored jobs are looked for.

    Args:
        made: the result that the job was found in; None for a job from elsewhere.
        folders: further folders, searched with all below them; None where the user cannot name any.
        given: role → a path that the user named himself, which wins.
    """

    def __init__(
        self, made: Path | None = None, folders: Iterable[Path] | None = None, given: Mapping[str, Path] | None = None
    ) -> None:
        self.made, self.folders, self._asks_for_folders = made, tuple(folders or ()), folders is not None
        self.given = {role: network_in(path) for role, path in (given or {}).items()}

    def found(self, role: str, item: Input) -> Path:
        """Return the file of a role.

        Raises:
            InputError: it is nowhere, or what has its name has another content.
        """
        chosen = self.given.get(role)
        candidates = [chosen] if chosen is not None else [*self._named(item.name)]
        for path in candidates:
            if path.exists() and _has(path, item.sha256):
                return path
        if chosen is not None or any(path.exists() for path in candidates):
            raise InputError(
                f"'{(chosen or candidates[0]).name}' is not the {role_in_words(role)} that was used: its sha256 "
                f"differs; {self._way_out(role)}"
            )
        left = MOST_SEARCHED_BYTES
        for path in self._around():
            size = _size(path)
            if size > left:
                continue
            left -= size
            if _has(path, item.sha256):
                return path
        where = f"beside '{self.made}' nor here" if self.made is not None else "here"
        raise InputError(f"the {role_in_words(role)} '{item.name}' is neither {where}; {self._way_out(role)}")

    def _way_out(self, role: str) -> str:
        ways = ["put it there"]
        ways += [f"give it with --{role}"] if role in GIVEN else []
        ways += ["give the folder that has it with --files"] if self._asks_for_folders else []
        return f"{', '.join(ways[:-1])}, or {ways[-1]}" if len(ways) > 1 else ways[0]

    def _named(self, name: str) -> Iterator[Path]:
        bare = base_name(name)
        places = [] if self.made is None else [self.made.parent / bare]
        places.append(Path(bare))
        places += (path for folder in self.folders for path in sorted(folder.rglob("*")) if path.name == bare)
        yield from (p for p in places if p.exists() and not (self.made is not None and p.samefile(self.made)))

    def _around(self) -> Iterator[Path]:
        beside = [] if self.made is None else sorted(p for p in self.made.parent.iterdir() if p.is_file())
        below = sorted(p for folder in self.folders for p in folder.rglob("*") if p.is_file())
        yield from [*beside, *below][:MOST_LOOKED_AT]


def role_in_words(role: str) -> str:
    """Return what a file is used for: "guide", "mask of group 1", "style"."""
    inside = re.fullmatch(r"(\w+) (\d+) (.+)", role)
    if inside:
        return f"{inside[3].rstrip(' 0123456789')} of {inside[1]} {inside[2]}"
    return {"target_from": "artwork"}.get(role, role.rstrip(" 0123456789").replace("_", " "))


def found_config(job: Job, files: Files) -> object:
    """Return the settings of a stored job with the paths of its files, each found and checked.

    Raises:
        InputError: one is nowhere, or has another content.
    """
    networks = network_roles(job.config)

    def found(role: str, name: str) -> str:
        item, bare = job.files.get(role), base_name(name)
        if item is None and role in networks and job.model is not None and Path(bare).suffix.lower() in NETWORKS:
            item = Input(bare, job.model.sha256)
        given = "model" if role in networks and role not in files.given else role
        if item is not None:
            return str(files.found(given, item))
        if role in files.given:
            return str(files.given[role])
        if role in networks and Path(bare).suffix.lower() not in NETWORKS:
            return bare  # a name of a network, not of a file
        raise InputError(
            f"the record names '{bare}' as {role_in_words(role)}, but not its sha256, without which nothing is opened; "
            f"give it yourself{f' with --{given}' if given in GIVEN else ' and leave the record out'}"
        )

    parts: dict[str, object] = {}
    for name, part in sections(job.config).items():
        for field in fields_of(part):
            if field.metadata.get("runs_code"):
                _check_no_code(getattr(part, field.name))
            _check_user_only(field, getattr(part, field.name))
        parts[name] = with_paths(part, found)
    return with_parts(job.config, parts)


def names_code(value: object) -> bool:
    """Tell whether a setting is FILE.py:FUNCTION."""
    return isinstance(value, str) and ".py:" in value


def _check_no_code(value: object) -> None:
    """Refuse to run what a record names: it may come from a stranger, with the file beside it.

    Raises:
        InputError: it names a function.
    """
    if names_code(value):
        raise InputError(
            f"this was made with a function of somebody's own, '{base_name(str(value))}'; a file cannot ask for it to "
            "be run: look at it, and give it yourself"
        )


def _check_user_only(field: dataclasses.Field[object], value: object) -> None:
    """Refuse what a record may not ask for, such as to send requests to an address of its choice.

    Raises:
        InputError: it does.
    """
    text = field.metadata.get("user_only")
    if text is not None and value != field.default and text in str(value):
        raise InputError(f"a file cannot ask for {flag_of(field)} {str(value)[:80]}; give it yourself if you want it")


def base_name(path: str) -> str:
    """Return a file name without its folders, of either kind of slash; timm/NAME is a name and stays as it is."""
    return path if is_library_name(path) else path.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _has(path: Path, sha256: str) -> bool:
    with suppress(OSError, InputError):
        if path.is_dir() or path.stat().st_size <= MOST_BYTES:
            return sha256_of(path) == sha256
    return False


def input_notes(config: object) -> list[str]:
    """Return what will be left out of the pictures that settings name, as their headers say."""
    from reverie.media.image import picture_notes

    paths = dict.fromkeys(Path(text) for role, text in named_files(config) if picture_role(config, role))
    return [note for path in paths if path.is_file() for note in picture_notes(path)]


def fixed_files(tool: AnyTool, config: object) -> dict[str, Input]:
    """Return the files that a job of these settings records besides its network."""
    return recorded_files(config, networks=tool.network is None)
