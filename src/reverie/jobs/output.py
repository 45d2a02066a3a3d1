"""What a work gives: pictures, films, meshes, networks, tables, pages, folders.

Each writes itself whole or not at all, with its job inside, and knows nothing of where it goes.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from reverie.errors import InputError, OutputError
from reverie.jobs.stored import JOB_FILE, holds_job, side_file
from reverie.media.suffixes import DEEP, FILMS_OFFERED, MESHES_WRITTEN, PICTURES_WRITTEN
from reverie.weights.atomic import write_bytes
from reverie.weights.file_names import fitted, part_prefix

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.jobs.job import Json
    from reverie.media.footage import Encoding, Footage
    from reverie.numerics.mesh import Mesh as Shape
    from reverie.weights.checkpoint import Description


class Output(Protocol):
    """One result.

    Attributes:
        label: "" for the main result; else what its name ends with, such as "latents".
        suffixes: of the formats it can be written in, the default first; none for a folder.
    """

    @property
    def label(self) -> str: ...
    @property
    def suffixes(self) -> tuple[str, ...]: ...

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Write it whole or not at all, with its job inside; return what the format could not hold.

        Raises:
            InputError: a format that it cannot be written in.
            OutputError: no folder, no permission, no space; nothing is left behind.
        """
        ...


@runtime_checkable
class Encodable(Protocol):
    """A result that can go through a pipe."""

    def encoded(self, suffix: str, record: Mapping[str, Json], quality: int) -> bytes:
        """Return the bytes that `Output.write` would write to a file with this suffix."""
        ...


@runtime_checkable
class Printable(Protocol):
    """A result that is read in the terminal where no place is named for it."""

    def printed(self, *, as_json: bool) -> str:
        """Return what goes to standard output."""
        ...


@dataclass(frozen=True, eq=False)
class Picture:
    """`rgb` ``[H, W, 3]`` and `alpha` ``[H, W]``, floats in [0, 1] or uint8; `bits` is 8 or 16."""

    rgb: np.ndarray
    alpha: np.ndarray | None = None
    bits: int = 8
    label: str = ""
    suffixes: tuple[str, ...] = PICTURES_WRITTEN

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Write it in the format of the suffix."""
        from reverie.media.write import write_picture

        write_picture(path, self.rgb, alpha=self.alpha, settings=record, bits=self._bits(path.suffix), quality=quality)
        return self.losses(path.suffix)

    def encoded(self, suffix: str, record: Mapping[str, Json], quality: int) -> bytes:
        """Return the bytes that `write` would write."""
        from reverie.media.write import encode_picture

        return encode_picture(
            f"picture{suffix}", self.rgb, alpha=self.alpha, settings=record, bits=self._bits(suffix), quality=quality
        )

    def losses(self, suffix: str) -> list[str]:
        """Return what the format cannot hold, one line each."""
        return losses(suffix, transparent=self.alpha is not None, bits=self.bits)

    def _bits(self, suffix: str) -> int:
        return self.bits if suffix.lower() in DEEP else 8


def losses(suffix: str, *, transparent: bool, bits: int) -> list[str]:
    """Return what a format of pictures cannot hold, one line each."""
    notes: list[str] = []
    if transparent and suffix.lower() in (".jpg", ".jpeg"):
        notes.append("JPEG has no transparency: the picture is laid on white; .png, .webp and .tif keep it")
    if bits == 16 and suffix.lower() not in DEEP:
        notes.append(f"{suffix} holds 8 bits a channel, the picture has 16; .png and .tif keep them")
    return notes


@dataclass(frozen=True, eq=False)
class Film:
    """Frames with their times and sound.

    Attributes:
        frames: gives the frames from the first on, ``[H, W, 3]`` uint8.
        footage: whose times and sound they have.
        encoding: codec, quality, whether the sound is taken over.
        written: called once it stands under its name.
    """

    frames: Callable[[], Iterator[np.ndarray]]
    footage: Footage
    encoding: Encoding
    written: Callable[[], None] = lambda: None
    label: str = ""
    suffixes: tuple[str, ...] = FILMS_OFFERED

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Put the frames together."""
        from reverie.media.footage import assemble

        notes = assemble(path, self.frames(), self.footage, self.encoding, record)
        self.written()
        return notes


def even_footage(path: Path, size: tuple[int, int], frames: int, rate: Fraction) -> Footage:
    """Return the times of a film without a source: all frames equally long, no sound."""
    from reverie.media.footage import Footage

    return Footage(path, size, frames, rate, (1 / rate,), 0, False, False, (), None)


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles with their look, in the units of the file they came from.

    Attributes:
        mesh: what is written.
        way: ``[V, 3]`` earlier places of its vertices, first to last, which GLB plays; the mesh's own if empty.
    """

    mesh: Shape
    way: tuple[np.ndarray, ...] = ()
    label: str = ""
    suffixes: tuple[str, ...] = MESHES_WRITTEN

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Write it in the format of the suffix; the job stands inside a GLB, beside all others."""
        from reverie.media.mesh_write import encode_mesh

        check_parts_of_mesh(path)
        files, notes = encode_mesh(path, self.mesh, record, self.way)
        if path.suffix.lower() != ".glb":
            write_bytes(side_file(path), _job_bytes(record))
        for file, blob in files.items():
            write_bytes(file, blob)
        return notes


def check_parts_of_mesh(path: Path) -> None:
    """Refuse to replace what stands where an OBJ puts its materials, and belongs to no earlier one.

    Raises:
        InputError: names the file.
    """
    library = path.with_suffix(".mtl")
    if path.suffix.lower() == ".obj" and library.exists() and not side_file(path).is_file():
        raise InputError(f"'{library}' exists and is no part of an earlier '{path.name}'; name another place with -o")


@dataclass(frozen=True, eq=False)
class Network:
    """Weights by name and what they are; the job stands in the description's recipe.

    Attributes:
        written: called once it stands under its name.
    """

    state: Mapping[str, Tensor]
    description: Description
    label: str = ""
    suffixes: tuple[str, ...] = (".safetensors",)
    written: Callable[[], None] = lambda: None

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Write it as safetensors."""
        from dataclasses import replace

        from reverie.weights.checkpoint import save_model

        _check_suffix(path, self.suffixes)
        save_model(path, dict(self.state), replace(self.description, recipe=self.description.recipe | {"job": record}))
        self.written()
        return ()


@dataclass(frozen=True)
class Table:
    """Rows of named values, written as JSON with the job beside them, or as CSV with the job in a side file.

    Attributes:
        rows: values by name.
        lines: the same for people, as a terminal prints it; the rows as JSON if empty.
        whole: what ``--json`` prints, if it is more than the rows.
        written: called once it stands under its name.
    """

    rows: Sequence[Mapping[str, Json]]
    lines: Sequence[str] = ()
    whole: Mapping[str, Json] | None = None
    label: str = ""
    suffixes: tuple[str, ...] = (".json", ".csv")
    written: Callable[[], None] = lambda: None

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Write all rows."""
        _check_suffix(path, self.suffixes)
        if path.suffix.lower() == ".json":
            rows = [dict(row) for row in self.rows]
            write_bytes(path, (json.dumps({"job": record, "rows": rows}, ensure_ascii=False, indent=1) + "\n").encode())
        else:
            write_bytes(side_file(path), _job_bytes(record))
            write_bytes(path, self._csv().encode())
        self.written()
        return ()

    def printed(self, *, as_json: bool) -> str:
        """Return what goes to standard output."""
        if self.lines and not as_json:
            return "\n".join(self.lines)
        return json.dumps(self.whole or [dict(row) for row in self.rows], ensure_ascii=False, indent=2)

    def _csv(self) -> str:
        import csv

        names = list(dict.fromkeys(name for row in self.rows for name in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue()


@dataclass(frozen=True)
class Page:
    """One HTML file that needs nothing else."""

    text: str
    label: str = ""
    suffixes: tuple[str, ...] = (".html",)

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Write the page with the job in a block of data."""
        _check_suffix(path, self.suffixes)
        inside = json.dumps(record, ensure_ascii=False).replace("<", "\\u003c")
        block = f'<script type="application/json" id="reverie-job">{inside}</script>'
        head, mark, rest = self.text.rpartition("</body>")
        write_bytes(path, (f"{head}{block}\n{mark}{rest}" if mark else self.text + block).encode())
        return ()


@dataclass(frozen=True, eq=False)
class Folder:
    """Several files below one folder: results that belong together, each written by `fill` into a new folder.

    Attributes:
        fill: writes everything into the folder it is given, which is empty.
        written: called once it stands under its name.
    """

    fill: Callable[[Path], None]
    label: str = ""
    suffixes: tuple[str, ...] = field(default=())
    written: Callable[[], None] = lambda: None

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Fill a folder beside, then give it its name; an own older folder is exchanged, a foreign one never."""
        if path.exists() and not holds_job(path) and (not path.is_dir() or any(path.iterdir())):
            raise OutputError(f"cannot write '{path}': what is there was not made by Reverie")
        try:
            part = Path(tempfile.mkdtemp(dir=path.parent, prefix=part_prefix(path.name), suffix=".part"))
        except OSError as error:
            raise OutputError(f"cannot write '{path}': {error.strerror or error}") from error
        try:
            self.fill(part)
            (part / JOB_FILE).write_bytes(_job_bytes(record))
            part.chmod(0o755)
            if path.exists():
                old = Path(tempfile.mkdtemp(dir=path.parent, prefix=part_prefix(path.name), suffix=".part"))
                path.replace(old)
                part.replace(path)
                shutil.rmtree(old, ignore_errors=True)
            else:
                part.replace(path)
        except OSError as error:
            raise OutputError(f"cannot write '{path}': {error.strerror or error}") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
        self.written()
        return ()


@dataclass(frozen=True, eq=False)
class Bytes:
    """A file whose format another room makes: a mesh, an audio file, an archive. The job stands in a side file.

    Attributes:
        encode: gives the bytes for a suffix and the record, which it may put inside.
        inside: whether it does, so that no side file is needed.
    """

    encode: Callable[[str, Mapping[str, Json]], bytes]
    suffixes: tuple[str, ...]
    label: str = ""
    inside: bool = False

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Write it in the format of the suffix."""
        _check_suffix(path, self.suffixes)
        blob = self.encode(path.suffix.lower(), record)
        if not self.inside:
            write_bytes(side_file(path), _job_bytes(record))
        write_bytes(path, blob)
        return ()


def _job_bytes(record: Mapping[str, Json]) -> bytes:
    return (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()


def _check_suffix(path: Path, suffixes: tuple[str, ...]) -> None:
    if path.suffix.lower() not in suffixes:
        raise InputError(f"cannot write '{path}': known here: {', '.join(suffixes)}")


def for_format(outputs: Sequence[Output], path: Path) -> Sequence[Output]:
    """Return the results that a name asks for: all, or where the main one has no such format, the one that has."""
    suffix = path.suffix.lower()
    if not outputs or not outputs[0].suffixes or suffix in outputs[0].suffixes:
        return outputs
    return next(([output] for output in outputs if suffix in output.suffixes), outputs)


def labelled(path: Path, output: Output) -> Path:
    """Return the place of a result beside the main one; without a label it differs by its suffix alone."""
    suffix = output.suffixes[0] if output.suffixes else ""
    if not output.label:
        return path.with_suffix(suffix)
    return path.with_name(fitted(path.stem, f"-{output.label}{suffix}"))
