"""Read PLY: text and both binaries; polygons, colors, texture coordinates of vertices or of corners.

Source: Turk 1994, "The PLY polygon file format".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from reverie.errors import MeshError
from reverie.media.mesh_file import MAX_LINE_BYTES, MAX_TRIANGLES, Limit, Textures, beside, check_file, unit_normals
from reverie.numerics.mesh import GREY, Material, Mesh
from reverie.numerics.mesh_repair import check_index, repaired
from reverie.numerics.polygons import cut

MAX_HEADER_LINES = 1000
MAX_CORNERS = 1 << 16  # of one polygon
ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
INDICES = ("vertex_indices", "vertex_index")
UVS = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"))


@dataclass(frozen=True)
class _Property:
    name: str
    kind: str
    counted: str | None = None  # type of the length of a list


@dataclass
class _Element:
    name: str
    count: int
    properties: list[_Property] = field(default_factory=list)


@dataclass
class _Head:
    order: str
    elements: list[_Element]
    texture: str | None


@dataclass(frozen=True, eq=False)
class _Table:
    """What an element holds: numbers by name, and lists by name as lengths and all their values in a row."""

    numbers: dict[str, np.ndarray]
    lists: dict[str, tuple[np.ndarray, np.ndarray]]


def read_ply(path: Path | str, max_triangles: int = MAX_TRIANGLES) -> Mesh:
    """Return the triangles of a PLY file.

    Raises:
        MeshError: damaged, cut short, too large, or without faces.
    """
    source = Path(path)
    limit = Limit(source.name, max_triangles)
    check_file(source)
    try:
        with source.open("rb") as file:
            head = _head(file, source.name)
            tables = {element.name: _table(file, head, element, limit) for element in head.elements}
    except OSError as error:
        raise MeshError(f"cannot read '{source.name}': {error.strerror or error}") from error
    except (ValueError, IndexError, KeyError, OverflowError) as error:
        raise MeshError(f"'{source.name}' is a damaged PLY file, or cut short") from error
    return repaired(_mesh(source, head, tables, limit), source.name)


def _head(file: BinaryIO, name: str) -> _Head:
    if file.readline(100).strip() != b"ply":
        raise MeshError(f"'{name}' is no PLY file: it does not begin with 'ply'")
    found = _Head("?", [], None)
    for _ in range(MAX_HEADER_LINES):
        line = file.readline(MAX_LINE_BYTES)
        words = line.decode("utf-8", errors="replace").split()
        if not line:
            break
        if words[:1] == ["end_header"]:
            if found.order == "?":
                raise MeshError(f"'{name}' is a PLY file of an unknown format; text and both binaries are read")
            return found
        _take(found, words)
    raise MeshError(f"'{name}' is a damaged PLY file: its header does not end")


def _take(head: _Head, words: list[str]) -> None:
    """Take one line of the header.

    Raises:
        KeyError, IndexError, ValueError: it makes no sense.
    """
    if words[:1] == ["format"]:
        head.order = ORDERS[words[1]]
    elif words[:1] == ["element"]:
        count = int(words[2])
        if count < 0 or any(element.name == words[1] for element in head.elements):
            raise ValueError(words[1])
        head.elements.append(_Element(words[1], count))
    elif words[:2] == ["property", "list"]:
        head.elements[-1].properties.append(_Property(words[4], TYPES[words[3]], TYPES[words[2]]))
    elif words[:1] == ["property"]:
        head.elements[-1].properties.append(_Property(words[2], TYPES[words[1]]))
    elif words[:2] == ["comment", "TextureFile"]:
        head.texture = " ".join(words[2:])


def _table(file: BinaryIO, head: _Head, element: _Element, limit: Limit) -> _Table:
    if element.name == "face":
        limit.triangles(element.count)
    else:
        limit.vertices(element.count)
    if not element.properties:
        return _Table({}, {})
    if head.order == "":
        return _of_rows(element, _text_rows(file, element))
    if all(p.counted is None for p in element.properties):
        dtype = np.dtype([(f"f{i}", head.order + p.kind) for i, p in enumerate(element.properties)])
        rows = np.frombuffer(_exactly(file, element.count * dtype.itemsize), dtype)
        return _Table({p.name: rows[f"f{i}"] for i, p in enumerate(element.properties)}, {})
    return _even(file, head.order, element) or _of_rows(element, _binary_rows(file, head.order, element, limit))


def _exactly(file: BinaryIO, count: int) -> bytes:
    blob = file.read(count)
    if len(blob) < count:
        raise ValueError("cut short")
    return blob


def _even(file: BinaryIO, order: str, element: _Element) -> _Table | None:
    """Return a table whose lists are all as long as the first row's, the most common case; None if they are not."""
    start = file.tell()
    lengths: list[int] = []
    if element.count:
        for p in element.properties:
            if p.counted is None:
                file.seek(np.dtype(p.kind).itemsize, 1)
                continue
            lengths.append(int(np.frombuffer(_exactly(file, np.dtype(p.counted).itemsize), order + p.counted)[0]))
            if not 0 <= lengths[-1] <= MAX_CORNERS:
                raise ValueError("a list of senseless length")
            file.seek(lengths[-1] * np.dtype(p.kind).itemsize, 1)
    file.seek(start)
    left = iter(lengths)
    fields: list[tuple[str, str] | tuple[str, str, int]] = []
    for i, p in enumerate(element.properties):
        if p.counted is not None:
            fields += [(f"n{i}", order + p.counted), (f"f{i}", order + p.kind, next(left, 0))]
        else:
            fields.append((f"f{i}", order + p.kind))
    dtype = np.dtype(fields)
    blob = file.read(element.count * dtype.itemsize)
    rows = np.frombuffer(blob[: len(blob) // max(dtype.itemsize, 1) * dtype.itemsize], dtype)
    counted = [i for i, p in enumerate(element.properties) if p.counted is not None]
    if len(rows) < element.count or any((rows[f"n{i}"] != n).any() for i, n in zip(counted, lengths, strict=False)):
        file.seek(start)
        return None
    lists = {element.properties[i].name: (rows[f"n{i}"].astype(np.int64), rows[f"f{i}"].reshape(-1)) for i in counted}
    numbers = {p.name: rows[f"f{i}"] for i, p in enumerate(element.properties) if p.counted is None}
    return _Table(numbers, lists)


def _binary_rows(file: BinaryIO, order: str, element: _Element, limit: Limit) -> Iterator[list[np.ndarray]]:
    corners = 0
    for _ in range(element.count):
        row: list[np.ndarray] = []
        for p in element.properties:
            count = 1
            if p.counted is not None:
                count = int(np.frombuffer(_exactly(file, np.dtype(p.counted).itemsize), order + p.counted)[0])
                if not 0 <= count <= MAX_CORNERS:
                    raise ValueError("a list of senseless length")
            row.append(np.frombuffer(_exactly(file, count * np.dtype(p.kind).itemsize), order + p.kind))
            corners += count
        if element.name == "face":
            limit.triangles(corners // 16)  # lists of texture coordinates are up to seven numbers a corner
        yield row


def _text_rows(file: BinaryIO, element: _Element) -> Iterator[list[np.ndarray]]:
    for _ in range(element.count):
        words = file.readline(MAX_LINE_BYTES).split()
        place, row = 0, []
        for p in element.properties:
            count = 1
            if p.counted is not None:
                count, place = int(words[place]), place + 1
            if count < 0 or place + count > len(words):
                raise ValueError("a line is too short")
            row.append(np.array(words[place : place + count], np.float64))
            place += count
        yield row


def _of_rows(element: _Element, rows: Iterator[list[np.ndarray]]) -> _Table:
    columns = list(zip(*rows, strict=True)) if element.count else [()] * len(element.properties)
    numbers: dict[str, np.ndarray] = {}
    lists: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for p, column in zip(element.properties, columns, strict=True):
        values = np.concatenate(column) if column else np.zeros(0)
        if p.counted is None:
            numbers[p.name] = values
        else:
            lists[p.name] = (np.array([len(item) for item in column], np.int64), values)
    return _Table(numbers, lists)


def _mesh(source: Path, head: _Head, tables: dict[str, _Table], limit: Limit) -> Mesh:
    vertex, face = tables.get("vertex", _Table({}, {})), tables.get("face", _Table({}, {}))
    notes = [f"'{e.name}' was left out" for e in head.elements if e.name not in ("vertex", "face") and e.count]
    index = next((face.lists[name] for name in INDICES if name in face.lists), None)
    if index is None or not len(index[1]):
        raise MeshError(f"'{source.name}' has no faces; expected triangles or polygons")
    places = _columns(vertex, ("x", "y", "z"))
    if places is None:
        raise MeshError(f"'{source.name}' has vertices without x, y and z")
    limit.triangles(int((index[0] - 2).clip(0).sum()))
    if not (np.abs(index[1].astype(np.float64)) < 1 << 40).all():
        raise MeshError(f"'{source.name}' has a face with a vertex that is no number")
    values = index[1].astype(np.int64)
    check_index(values, len(places), "vertex", source.name)
    corner, _ = cut(index[0], places[values])
    uv, face_uv = _texture_coordinates(vertex, face, corner, values[corner], len(places))
    colors = _columns(vertex, ("red", "green", "blue"))
    if colors is not None:
        whole = vertex.numbers["red"].dtype.kind in "iu" or colors.max(initial=0) > 1
        colors = np.nan_to_num(colors / 255 if whole else colors).clip(0, 1)
    normals, found = _columns(vertex, ("nx", "ny", "nz")), values[corner]
    return Mesh(
        places, found, uv, face_uv, (_material(source, head.texture, colors is not None, notes),), None, colors,
        None if normals is None else unit_normals(normals[found]), source.stem, notes=tuple(notes),
    )  # fmt: skip


def _columns(table: _Table, names: tuple[str, ...]) -> np.ndarray | None:
    if any(name not in table.numbers for name in names):
        return None
    return np.stack([table.numbers[name].astype(np.float64) for name in names], 1)


def _texture_coordinates(
    vertex: _Table, face: _Table, corner: np.ndarray, faces: np.ndarray, count: int
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return texture coordinates of the corners if the faces have them, else of the vertices."""
    lengths, values = face.lists.get("texcoord", (None, None))
    index = next((face.lists[name] for name in INDICES if name in face.lists), None)
    if lengths is not None and values is not None and index is not None and (lengths == 2 * index[0]).all():
        return values.astype(np.float64).reshape(-1, 2), corner
    for names in UVS:
        found = _columns(vertex, names)
        if found is not None:
            return found, faces
    return None, None


def _material(source: Path, texture: str | None, colored: bool, notes: list[str]) -> Material:
    if texture is None:
        return Material(color=(1.0, 1.0, 1.0) if colored else GREY)
    picture, why = Textures().read(texture, beside(source, texture), texture)
    if why:
        notes.append(why)
    return Material(color=GREY if picture is None else (1.0, 1.0, 1.0), picture=picture)
