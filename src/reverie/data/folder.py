"""Find the pictures and classes of a dataset: one folder per class, plain or inside a zip.

Understood layouts: ``class/picture``; ``train/class/picture`` beside ``val/`` (or ``valid/``, ``validation/``,
``test/``); either of them below one outer folder. Without a validation folder the files are split by a seed.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import threading
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from reverie.data.public import NAMES
from reverie.errors import DataError, PictureError, unknown_name
from reverie.media.budget import reading_budget
from reverie.media.suffixes import PICTURES

TRAINING = ("train", "training")
HELD_OUT = ("val", "valid", "validation", "test")
NAMED = 5  # folders in a note
MAX_MEMBER_BYTES = 512 * 2**20
AT_ONCE = 8  # pictures of a dataset that may be in memory together, each in its thread


@dataclass(frozen=True)
class Item:
    """One picture: its path inside the dataset and the index of its class."""

    path: str
    label: int


class Archive:
    """Open a picture of a dataset by its relative path, from a folder or a zip; safe to share between threads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._zip = zipfile.ZipFile(root) if root.is_file() else None
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Return all file paths, relative, with forward slashes, sorted."""
        if self._zip is not None:
            return sorted({info.filename for info in self._zip.infolist() if not info.is_dir()})
        return sorted(path.relative_to(self.root).as_posix() for path in files_below(self.root))

    def read(self, name: str) -> bytes:
        """Return the bytes of one file.

        Raises:
            PictureError: missing, damaged, encrypted, or too large when unpacked.
        """
        try:
            most = int(min(MAX_MEMBER_BYTES, reading_budget() / AT_ONCE))
            if self._zip is None:
                with (self.root / name).open("rb") as file:
                    blob = file.read(most + 1)
                if len(blob) > most:
                    raise PictureError(
                        f"'{self.place(name)}' has more than {most >> 20} MiB, too many for one of many pictures"
                    )
                return blob
            with self._lock:
                if self._zip.getinfo(name).file_size > most:
                    raise PictureError(f"'{self.place(name)}' unpacks to more than {most >> 20} MiB")
                return self._zip.read(name)
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, KeyError) as error:
            raise PictureError(f"'{self.place(name)}' cannot be read ({error})") from error

    def start(self, name: str, count: int) -> bytes:
        """Return the first bytes of one file, at most `count`.

        Raises:
            PictureError: missing, damaged or encrypted.
        """
        try:
            if self._zip is None:
                with (self.root / name).open("rb") as file:
                    return file.read(count)
            with self._lock, self._zip.open(name) as member:
                return member.read(count)
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, KeyError) as error:
            raise PictureError(f"'{self.place(name)}' cannot be read ({error})") from error

    def stamp(self, name: str) -> str:
        """Return what changes when a file is replaced: checksum and size in a zip, size and time in a folder."""
        if self._zip is not None:
            info = self._zip.getinfo(name)
            return f"{info.CRC:08x}-{info.file_size}"
        try:
            status = (self.root / name).stat()
        except OSError:
            return ""
        return f"{status.st_mtime_ns}-{status.st_size}"

    def open(self, name: str) -> io.BytesIO:
        """Return one file as a seekable stream."""
        return io.BytesIO(self.read(name))

    def place(self, name: str) -> str:
        """Return where a file lies, for messages: with the folder or zip that the user named."""
        return f"{self.root}/{name}"


def files_below(root: Path) -> list[Path]:
    """Return all files below a folder, those in linked folders too; each folder is entered once on a way down."""
    found: list[Path] = []
    for here, folders, names in os.walk(root, followlinks=True):
        place = Path(here)
        above = {parent.resolve() for parent in (place, *place.parents)}
        folders[:] = [
            name for name in folders if not (place / name).is_symlink() or (place / name).resolve() not in above
        ]
        found += [path for path in (place / name for name in names) if path.is_file()]
    return found


@dataclass(frozen=True)
class PictureFolder:
    """A dataset: its classes and its pictures, divided into training and validation.

    `explicit_split` tells whether the division came with the data; `digest` identifies the list of files; `notes` say
    what was left out.
    """

    archive: Archive
    classes: tuple[str, ...]
    train: tuple[Item, ...]
    val: tuple[Item, ...]
    explicit_split: bool
    digest: str
    val_archive: Archive
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.archive.root.name


def require_dataset(path: Path, expected: str = "a folder of class folders, or a zip of one") -> None:
    """Raise `DataError` if there is no folder or zip at `path`; a glance, before anything that takes time."""
    if not path.exists() and str(path) in NAMES:
        raise DataError(
            f"the public collection '{path}' is not here; fetch it first, which takes the network: "
            f"reverie gather public {path} -o {path}"
        )
    if not path.exists():
        raise DataError(f"no dataset at '{path}'; expected {expected}")
    if path.is_file() and not zipfile.is_zipfile(path):
        raise DataError(f"'{path}' is neither a folder nor a zip; expected {expected}")


def open_folder(path: Path, *, val: Path | None = None, val_share: float = 0.1, seed: int = 0) -> PictureFolder:
    """Scan a dataset.

    `val` is a second dataset to validate on, with the same classes. Without it, and without a validation folder in
    the data, `val_share` of each class (at least one picture of every class with two or more) is held out.

    Raises:
        DataError: missing, not a folder or zip, or fewer than one class folder with pictures.
    """
    archive = _open_archive(path)
    groups = _group(archive.names())
    train_split = next((s for s in TRAINING if s in groups), None)
    held_split = next((s for s in HELD_OUT if s in groups), None)
    val_archive = archive
    if val is not None:
        val_archive = _open_archive(val)
        classes, train, held = _with_validation(
            groups[train_split] if train_split else _single(groups, path), val_archive
        )
    elif train_split and held_split:
        classes = tuple(sorted(groups[train_split]))
        train = _items(groups[train_split], classes)
        held = _items({c: f for c, f in groups[held_split].items() if c in classes}, classes)
    else:
        folder = groups[train_split] if train_split else _single(groups, path)
        classes = tuple(sorted(folder))
        train, held = _split(_items(folder, classes), val_share, seed)
    if not classes or not train:
        raise DataError(f"'{path}' holds no class folders with pictures; expected {path.name}/CLASS/picture.jpg")
    explicit = val is not None or bool(train_split and held_split)
    notes = _left_out(groups, train_split) if train_split else ()
    return PictureFolder(archive, classes, train, held, explicit, _digest(train + held), val_archive, notes)


def _left_out(groups: dict[str, dict[str, list[str]]], split: str) -> tuple[str, ...]:
    """Say which class folders beside the one of the training pictures are not used."""
    beside = sorted(groups.get("", {}))
    if not beside:
        return ()
    count = sum(map(len, groups[""].values()))
    named = ", ".join(beside[:NAMED]) + (f" and {len(beside) - NAMED} more" if len(beside) > NAMED else "")
    left_out = f"left out beside it: {count} pictures in {named}"
    return (f"only the classes in '{split}/' are learned; {left_out}. Rename '{split}' to learn those",)


def _with_validation(
    folder: dict[str, list[str]], archive: Archive
) -> tuple[tuple[str, ...], tuple[Item, ...], tuple[Item, ...]]:
    """Return classes, training items, and the items of a second dataset; its unknown classes are refused."""
    classes = tuple(sorted(folder))
    groups = _group(archive.names())
    split = next((s for s in HELD_OUT if s in groups), None)
    held = groups[split] if split else _single(groups, archive.root)
    unknown = sorted(set(held) - set(classes))
    if unknown:
        raise DataError(f"{unknown_name('class', unknown[0], classes)} in the training data; '{archive.root}' has it")
    return classes, _items(folder, classes), _items(held, classes)


def _open_archive(path: Path) -> Archive:
    require_dataset(path)
    return Archive(path)


def _group(names: list[str]) -> dict[str, dict[str, list[str]]]:
    """Return split -> class -> files; the split is '' where pictures lie in plain class folders."""
    pictures = [n for n in names if _is_picture(n)]
    outer = _outer(pictures)
    return _assign([(PurePosixPath(n.removeprefix(outer)), PurePosixPath(n)) for n in pictures])


def _outer(pictures: list[str]) -> str:
    """Return the one folder around everything, with its slash, as zips often have it; empty where there is none."""
    paths = [PurePosixPath(n).parts for n in pictures]
    if not paths or any(len(p) < 3 or p[0] != paths[0][0] for p in paths) or paths[0][0].lower() in TRAINING:
        return ""
    return f"{paths[0][0]}/"


def _digest(items: tuple[Item, ...]) -> str:
    """Hash the list of labelled files; a zip of a folder has the digest of the folder."""
    outer = _outer([i.path for i in items])
    return hashlib.sha256("\n".join(f"{i.label} {i.path.removeprefix(outer)}" for i in items).encode()).hexdigest()


def _is_picture(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return not hidden and PurePosixPath(name).suffix.lower() in PICTURES


def _assign(pairs: list[tuple[PurePosixPath, PurePosixPath]]) -> dict[str, dict[str, list[str]]]:
    groups: dict[str, dict[str, list[str]]] = {}
    splits = {*TRAINING, *HELD_OUT}
    for shown, stored in pairs:
        if len(shown.parts) < 2:
            continue
        has_split = shown.parts[0].lower() in splits and len(shown.parts) > 2
        split = shown.parts[0].lower() if has_split else ""
        name = shown.parts[1] if has_split else shown.parts[0]
        groups.setdefault(split, {}).setdefault(name, []).append(str(stored))
    return groups


def _single(groups: dict[str, dict[str, list[str]]], path: Path) -> dict[str, list[str]]:
    if "" in groups:
        return groups[""]
    if groups:
        return next(iter(groups.values()))
    raise DataError(f"'{path}' holds no class folders with pictures; expected {path.name}/CLASS/picture.jpg")


def _items(folder: dict[str, list[str]], classes: tuple[str, ...]) -> tuple[Item, ...]:
    index = {name: i for i, name in enumerate(classes)}
    return tuple(Item(f, index[c]) for c in sorted(folder) for f in sorted(folder[c]))


def _split(items: tuple[Item, ...], share: float, seed: int) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    by_class: dict[int, list[Item]] = {}
    for item in items:
        by_class.setdefault(item.label, []).append(item)
    train: list[Item] = []
    held: list[Item] = []
    for label, group in sorted(by_class.items()):
        random.Random(f"{seed}/{label}").shuffle(group)
        count = min(len(group) - 1, max(1, round(len(group) * share))) if share > 0 else 0
        held += group[:count]
        train += group[count:]
    return tuple(sorted(train, key=lambda i: i.path)), tuple(sorted(held, key=lambda i: i.path))
