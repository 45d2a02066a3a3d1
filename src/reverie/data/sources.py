"""Find what is to be worked on: files, patterns, folders and standard input, each with a name of its own.

A source's name is its path below the folder that was given, or its file name; seeds and outputs derive from it, so
neither depends on what else is in the list, nor on its order.
"""

from __future__ import annotations

import glob
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reverie.errors import InputError, PictureError
from reverie.media.moving import is_animated, is_video, may_be_animation
from reverie.media.suffixes import MESHES, PICTURES, VIDEOS

Kind = Literal["picture", "film", "mesh", "folder", "stdin"]

STDIN = "-"


@dataclass(frozen=True)
class Source:
    """One thing to work on.

    Attributes:
        path: where it lies; ``-`` for standard input.
        name: path below `root`, or the file name; forward slashes, Unicode NFC.
        kind: ``picture``, ``film``, ``mesh`` or ``stdin``.
        root: the folder that was given, if it came out of one.
    """

    path: Path
    name: str
    kind: Kind
    root: Path | None = None


@dataclass(frozen=True)
class Found:
    """What was found: the sources in order, whether they are many by the way they were named, and remarks."""

    sources: tuple[Source, ...]
    many: bool
    notes: tuple[str, ...] = ()


def kind_of(text: str | Path) -> Kind:
    """Tell what a source is: by its content where that says it, else by its suffix; a missing file by its suffix."""
    if str(text) == STDIN:
        return "stdin"
    path = Path(text)
    if path.is_dir():
        return "folder"
    if may_be_animation(path):
        return "film" if is_animated(path) else "picture"
    if is_video(path):
        return "film"
    return "film" if path.suffix.lower() in VIDEOS else "picture"


def find_sources(texts: Sequence[str], *, recursive: bool = False, leave_out: Path | None = None) -> Found:
    """Return all sources that paths, patterns and folders stand for, each once.

    Args:
        texts: as the user gave them; patterns (``*``, ``?``, ``[``, ``**``) are expanded unless a file has that name.
        recursive: go into subfolders of folders.
        leave_out: a folder that is not searched, since the outputs go there.

    Raises:
        InputError: a pattern or a folder without pictures, or standard input beside others.
    """
    if STDIN in texts:
        if len(texts) > 1:
            raise InputError("'-' (standard input) goes alone, without other sources")
        return Found((Source(Path(STDIN), "stdin", "stdin"),), many=False)
    found: list[Source] = []
    notes: list[str] = []
    many = len(texts) > 1
    for text in texts:
        path = Path(text)
        if path.is_dir():
            found += _of_folder(path, recursive, leave_out, notes)
            many = True
        elif not path.exists() and glob.has_magic(text):
            found += _of_pattern(text)
            many = True
        else:
            check_plain_file(path)
            found.append(Source(path, _normal(path.name), kind_of(path)))
    return Found(_each_once(found), many, tuple(notes))


def find_meshes(texts: Sequence[str], *, recursive: bool = False, leave_out: Path | None = None) -> Found:
    """Return all meshes that paths, patterns and folders stand for, each once; see `find_sources`.

    Raises:
        InputError: a pattern or a folder without meshes.
    """
    found: list[Source] = []
    notes: list[str] = []
    many = len(texts) > 1
    for text in texts:
        path = Path(text)
        if path.is_dir():
            paths, folders = _listed(path, recursive, None if leave_out is None else leave_out.resolve(), MESHES)
            paths = _plain(paths, notes)
            if folders and not recursive:
                notes.append(f"{folders} subfolders of '{path}' were left out; --recursive takes them along")
            if not paths:
                raise InputError(f"no meshes in the folder '{path}'; known: {', '.join(MESHES)}")
            found += [Source(p, _normal(p.relative_to(path).as_posix()), "mesh", path) for p in sorted(paths)]
            many = True
        elif not path.exists() and glob.has_magic(text):
            found += [Source(one.path, one.name, "mesh") for one in _of_pattern(text)]
            many = True
        else:
            check_plain_file(path)
            found.append(Source(path, _normal(path.name), "mesh"))
    return Found(_each_once(found), many, tuple(notes))


def check_plain_file(path: Path) -> None:
    """Refuse pipes and devices, which would be waited for, or read without end; what is missing passes.

    Raises:
        InputError: it is one.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(f"'{path}' is a pipe or a device; give a plain file, or '-' for standard input")


def _plain(paths: Sequence[Path], notes: list[str]) -> list[Path]:
    """Return the plain files; pipes, devices and links to nothing are named."""
    found = [path for path in paths if path.is_file()]
    odd = [path.name for path in paths if not path.is_file()]
    if odd:
        more = f" and {len(odd) - 3} more" if len(odd) > 3 else ""
        notes.append(f"no plain files, and left out: {', '.join(odd[:3])}{more}")
    return found


def _of_pattern(text: str) -> list[Source]:
    paths = sorted(Path(p) for p in glob.glob(text, recursive=True))  # noqa: PTH207 - Path's refuses absolute patterns
    files = [p for p in paths if p.is_file()]
    if not files:
        raise InputError(f"no file matches '{text}'")
    return [Source(p, _normal(p.name), kind_of(p)) for p in files]


def _of_folder(root: Path, recursive: bool, leave_out: Path | None, notes: list[str]) -> list[Source]:
    paths, folders = _listed(root, recursive, None if leave_out is None else leave_out.resolve())
    paths = _plain(paths, notes)
    found = [Source(p, _normal(p.relative_to(root).as_posix()), kind_of(p), root) for p in sorted(paths)]
    pictures = [source for source in found if source.kind == "picture"]
    if len(pictures) < len(found):
        notes.append(f"{len(found) - len(pictures)} films in '{root}' were left out; name them themselves")
    if folders and not recursive:
        notes.append(f"{folders} subfolders of '{root}' were left out; --recursive takes them along")
    if not pictures:
        hint = "; its subfolders are searched with --recursive" if folders and not recursive else ""
        if found:
            hint = "; it has films, which are not taken from folders: name them themselves" + hint
        raise InputError(f"no pictures in the folder '{root}'{hint}")
    return pictures


def _listed(
    folder: Path, recursive: bool, leave_out: Path | None, suffixes: Sequence[str] = (*PICTURES, *VIDEOS)
) -> tuple[list[Path], int]:
    """Return the files of a folder with these suffixes, and how many subfolders it has; hidden ones are passed over."""
    paths: list[Path] = []
    folders = 0
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise PictureError(f"the folder '{folder}' cannot be read: {error.strerror or error}") from error
    for entry in entries:
        if entry.name.startswith(".") or (entry.is_dir() and entry.resolve() == leave_out):
            continue
        if entry.is_dir():
            folders += 1
            if recursive and not entry.is_symlink():  # a link could lead round in a circle
                paths += _listed(entry, recursive, leave_out, suffixes)[0]
        elif entry.suffix.lower() in suffixes:
            paths.append(entry)
    return paths, folders


def _each_once(sources: Iterable[Source]) -> tuple[Source, ...]:
    kept: dict[Path, Source] = {}
    for source in sources:
        kept.setdefault(source.path.resolve(), source)
    return tuple(kept.values())


def _normal(name: str) -> str:
    """Return one spelling of a name: systems store accents joined or separate."""
    return unicodedata.normalize("NFC", name)
