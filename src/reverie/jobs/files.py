"""The fixed inputs of a job: fields of its settings that name files, recorded by name and sha256, found by both.

A file that a record names is looked for by its bare name beside the result, in the current folder and in folders that
the user gives, never anywhere else, and its content must be the recorded one before anybody decodes it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from reverie.errors import InputError
from reverie.jobs.given import sha256_of
from reverie.jobs.job import Input, Job, sections

MOST_LOOKED_AT = 2000  # files, for one that was renamed
MOST_BYTES = 16 << 30  # of a file whose content is compared


def named_files(config: object) -> Iterator[tuple[str, dataclasses.Field[object], str]]:
    """Yield role, field and path of every file that settings name."""
    for part in sections(config).values():
        for field in dataclasses.fields(part):  # type: ignore[arg-type]
            value = getattr(part, field.name)
            if field.metadata.get("runs_code") and names_code(value):
                yield field.name, field, value[: value.index(".py:") + len(".py")]
            if not field.metadata.get("file") or value is None:
                continue
            if isinstance(value, tuple):
                yield from ((f"{field.name} {i}", field, str(path)) for i, path in enumerate(value, start=1))
            elif value not in field.metadata.get("builtin", ()):
                yield field.name, field, str(value)


def recorded_files(config: object) -> dict[str, Input]:
    """Return name and sha256 of every file that settings name and that lies here, by role."""
    found: dict[str, Input] = {}
    for role, _, text in named_files(config):
        path = Path(text)
        if path.exists():
            found[role] = Input(path.name, sha256_of(path))
    return found


def without_folders(config: object) -> object:
    """Return settings as a record holds them: bare names, and what does not change the result at its default."""
    parts = {name: _bare_part(part) for name, part in sections(config).items()}
    if tuple(parts) == ("config",) and parts["config"].__class__ is config.__class__:
        return parts["config"]
    return dataclasses.replace(config, **parts)  # type: ignore[type-var]


def _bare_part(part: object) -> object:
    changed: dict[str, object] = {}
    for field in dataclasses.fields(part):  # type: ignore[arg-type]
        value = getattr(part, field.name)
        if not field.metadata.get("replay", True):
            changed[field.name] = field.default
        elif field.metadata.get("runs_code"):
            changed[field.name] = base_name(value) if names_code(value) else value
        elif field.metadata.get("file") and isinstance(value, tuple):
            changed[field.name] = tuple(base_name(str(text)) for text in value)
        elif field.metadata.get("file") and isinstance(value, str):
            changed[field.name] = base_name(value)
    return dataclasses.replace(part, **changed)  # type: ignore[type-var]


class Files:
    """Where the files of stored jobs are looked for.

    Args:
        made: the result that the job was found in; None for a job from elsewhere.
        folders: further folders, searched with all below them.
        given: role → a path that the user named himself, which wins.
    """

    def __init__(
        self, made: Path | None = None, folders: Iterable[Path] = (), given: Mapping[str, Path] | None = None
    ) -> None:
        self.made, self.folders, self.given = made, tuple(folders), dict(given or {})

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
                f"'{(chosen or candidates[0]).name}' is not the {role} that was used: its sha256 differs; "
                "give the folder that has it with --files"
            )
        for path in self._around():
            if _has(path, item.sha256):
                return path
        where = f"beside '{self.made}' nor here" if self.made is not None else "here"
        raise InputError(f"the {role} '{item.name}' is neither {where}; put it there, or give its folder with --files")

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


def found_config(job: Job, files: Files) -> object:
    """Return the settings of a stored job with the paths of its files, each found and checked.

    Raises:
        InputError: one is nowhere, or has another content.
    """
    parts: dict[str, object] = {}
    for name, part in sections(job.config).items():
        changed: dict[str, object] = {}
        for field in dataclasses.fields(part):  # type: ignore[arg-type]
            value = getattr(part, field.name)
            if field.metadata.get("runs_code"):
                _check_no_code(value)
            if not field.metadata.get("file") or value is None or value in field.metadata.get("builtin", ()):
                continue
            if isinstance(value, tuple):
                roles = [f"{field.name} {i}" for i in range(1, len(value) + 1)]
                changed[field.name] = tuple(
                    str(files.found(role, job.files[role])) if role in job.files else base_name(str(text))
                    for role, text in zip(roles, value, strict=True)
                )
            elif field.name in job.files:
                changed[field.name] = str(files.found(field.name, job.files[field.name]))
            else:
                changed[field.name] = base_name(str(value))
        parts[name] = dataclasses.replace(part, **changed)  # type: ignore[type-var]
    if tuple(parts) == ("config",) and parts["config"].__class__ is job.config.__class__:
        return parts["config"]
    return dataclasses.replace(job.config, **parts)  # type: ignore[type-var]


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


def base_name(path: str) -> str:
    """Return a file name without its folders, of either kind of slash."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _has(path: Path, sha256: str) -> bool:
    with suppress(OSError, InputError):
        if path.is_dir() or path.stat().st_size <= MOST_BYTES:
            return sha256_of(path) == sha256
    return False
