"""Say where results go: beside a picture or mirrored into a folder, and never two of them to one place."""

from __future__ import annotations

import contextlib
import os
import time
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from reverie.data.sources import Source
from reverie.errors import InputError
from reverie.media.suffixes import FILMS_OFFERED
from reverie.weights.file_names import fitted, part_prefix

LEFTOVER_S = 60.0


def plan_targets(
    sources: Sequence[Source], output: Path | None, suffix: str, ending: str
) -> tuple[tuple[Source, Path], ...]:
    """Return every source with its own target.

    Into a folder, `a/photo.jpg` goes to `OUTPUT/a/photo.png`; without one, pictures of a folder go to `FOLDER-ENDING`,
    and single pictures to `photo-ENDING.png` beside them. Names that would meet, also on systems that do not
    distinguish capitals, get the picture's own suffix: `photo-jpg.png`.

    Raises:
        InputError: the output folder is the folder of the sources.
    """
    wanted = [_target(source, output, suffix, ending) for source in sources]
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for index, target in enumerate(wanted):
        groups[_key(target)].append(index)
    taken = {key for key, members in groups.items() if len(members) == 1}
    for members in groups.values():
        if len(members) == 1:
            continue
        for index in sorted(members, key=lambda i: str(sources[i].path)):
            wanted[index] = _free(wanted[index], sources[index].path.suffix, taken)
            taken.add(_key(wanted[index]))
    return tuple(zip(sources, wanted, strict=True))


def output_folder(sources: Sequence[Source], output: str | None) -> Path | None:
    """Return the folder that several results go to, if one was named.

    Raises:
        InputError: `output` is standard output or a file, or is spelled like one.
    """
    if output is None:
        return None
    if output == "-":
        raise InputError("standard output takes one picture; several need a folder: -o FOLDER")
    folder = Path(output)
    if folder.is_file() or (folder.suffix and not folder.is_dir() and not output.endswith(("/", "\\"))):
        raise InputError(f"{len(sources)} sources need a folder for their results; '{output}' looks like a file")
    return folder


def remove_leftovers(targets: Sequence[Path]) -> None:
    """Remove what a killed run left half-written beside its targets; parts younger than a minute may be alive."""
    oldest = time.time() - LEFTOVER_S
    names: defaultdict[Path, list[str]] = defaultdict(list)
    for target in targets:
        names[target.parent].append(part_prefix(target.name))
    for folder, starts in names.items():
        for part in folder.glob(".*.part"):
            with contextlib.suppress(OSError):
                if part.name.startswith(tuple(starts)) and part.stat().st_mtime < oldest:
                    part.unlink()


def _target(source: Source, output: Path | None, suffix: str, ending: str) -> Path:
    stem = source.path.stem
    if source.kind == "film":
        suffix = source.path.suffix.lower() if source.path.suffix.lower() in FILMS_OFFERED else FILMS_OFFERED[0]
    if source.root is None:
        beside = output is None or _same(output, source.path.parent)
        return (output or source.path.parent) / fitted(stem, f"{'-' + ending if beside else ''}{suffix}")
    below = PurePosixPath(source.path.relative_to(source.root).as_posix()).parent
    if output is None:
        root = source.root.resolve()
        if not root.name:
            raise InputError(f"no folder can stand beside '{source.root}'; name one with -o FOLDER")
        return _as_named(root.with_name(f"{root.name}-{ending}"), source.root) / below / fitted(stem, suffix)
    if _same(output, source.root):
        raise InputError(f"the output folder '{output}' is the folder of the inputs; name another with -o")
    return output / below / fitted(stem, suffix)


def _as_named(folder: Path, given: Path) -> Path:
    """Return a folder as seen from here, where the folder beside it was named so."""
    return folder if given.is_absolute() else Path(os.path.relpath(folder))


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _key(path: Path) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()


def _free(target: Path, own: str, taken: set[str]) -> Path:
    """Return the target with its picture's suffix in its name, and a number where that is taken too."""
    stem = f"{target.stem}-{own.lstrip('.').lower()}" if own else target.stem
    candidate, number = target.with_name(fitted(stem, target.suffix)), 2
    while _key(candidate) in taken:
        candidate, number = target.with_name(fitted(stem, f"-{number}{target.suffix}")), number + 1
    return candidate
