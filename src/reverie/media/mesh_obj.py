"""Read Wavefront OBJ: vertices, texture coordinates, normals, colors, polygons, materials.

Source: Wavefront, "Object files (.obj)", Advanced Visualizer manual, appendix B1.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from reverie.errors import MeshError
from reverie.media.mesh_file import MAX_TRIANGLES, Limit, text_lines, unit_normals
from reverie.media.mesh_mtl import PLAIN, Library, read_materials
from reverie.numerics.mesh import Mesh
from reverie.numerics.mesh_repair import check_index, repaired
from reverie.numerics.polygons import cut

MAX_INDEX = 1 << 31
LEFT_OUT = {"l": "lines", "p": "points", "curv": "curves", "curv2": "curves", "surf": "free-form surfaces"}


@dataclass
class _Read:
    """What the lines so far have said; corners are (vertex, uv or -1, normal or -1), polygon by polygon."""

    vertices: list[list[float]] = field(default_factory=list)
    uv: list[list[float]] = field(default_factory=list)
    normals: list[list[float]] = field(default_factory=list)
    corners: list[tuple[int, int, int]] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    material: list[int] = field(default_factory=list)  # of each polygon
    triangles: int = 0
    used: dict[str, int] = field(default_factory=dict)
    libraries: list[str] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)
    known: dict[str, tuple[int, int, int]] = field(default_factory=dict)  # corners that do not count back
    current: int = 0


def read_obj(path: Path | str, max_triangles: int = MAX_TRIANGLES) -> Mesh:
    """Return the triangles of an OBJ file, polygons cut, vertices of equal position made one.

    Raises:
        MeshError: no such file, too large, no faces, a number that is none, or a face that points nowhere.
    """
    source = Path(path)
    limit, read = Limit(source.name, max_triangles), _Read()
    for number, line in text_lines(source):
        try:
            _take(read, line)
        except (ValueError, IndexError, OverflowError) as error:
            raise MeshError(f"'{source.name}', line {number}: cannot understand '{line.strip()[:60]}'") from error
        limit.triangles(read.triangles)
        limit.vertices(max(len(read.vertices), len(read.uv), len(read.normals)))
    if not read.corners:
        raise MeshError(f"'{source.name}' has no faces; expected an OBJ file with lines 'f 1 2 3'")
    library = read_materials(source, read.libraries)
    return repaired(_mesh(read, library, source), source.name)


def named_libraries(path: Path) -> list[str]:
    """Return the names of the MTL files that an OBJ file asks for."""
    read = _Read()
    for _, line in text_lines(path):
        if line.startswith("mtllib"):
            _take(read, line)
    return read.libraries


def _take(read: _Read, line: str) -> None:
    word, *rest = line.split() or [""]
    if word == "v":
        read.vertices.append(_numbers(rest, 3))
    elif word == "vt":
        read.uv.append([float(x) for x in (*rest, "0")[:2]])
    elif word == "vn":
        read.normals.append(_numbers(rest, 3)[:3])
    elif word == "f":
        _add(read, [read.known.get(text) or _corner(text, read) for text in rest])
    elif word == "usemtl":
        name = line.strip()[len("usemtl") :].strip()
        read.current = read.used.setdefault(name, len(read.used))
    elif word == "mtllib":
        read.libraries.append(line.strip()[len("mtllib") :].strip())
    elif word in LEFT_OUT:
        read.other[LEFT_OUT[word]] += 1


def _numbers(texts: list[str], least: int) -> list[float]:
    """Return three coordinates, and the three of a color behind them where there are six."""
    found = [float(x) for x in texts[:6]]
    if len(found) < least:
        raise ValueError("too few coordinates")
    return found if len(found) == 6 else found[:3]


def _corner(text: str, read: _Read) -> tuple[int, int, int]:
    """Return zero-based indices of ``v``, ``v/vt``, ``v//vn`` or ``v/vt/vn``; negative ones count back; -1 for none."""
    vertex, _, rest = text.partition("/")
    uv, _, normal = rest.partition("/")
    found = (
        _index(vertex, len(read.vertices)),
        _index(uv, len(read.uv)) if uv else -1,
        _index(normal, len(read.normals)) if normal else -1,
    )
    if "-" not in text:
        read.known[text] = found
    return found


def _index(text: str, count: int) -> int:
    number = int(text)
    found = count + number if number < 0 else number - 1
    if not 0 <= found < MAX_INDEX:
        raise IndexError(text)
    return found


def _add(read: _Read, polygon: list[tuple[int, int, int]]) -> None:
    if len(polygon) < 3:
        raise ValueError("a face of fewer than three corners")
    if not read.used:
        read.used[PLAIN] = 0
    read.corners += polygon
    read.lengths.append(len(polygon))
    read.material.append(read.current)
    read.triangles += len(polygon) - 2


def _mesh(read: _Read, library: Library, source: Path) -> Mesh:
    places = np.array([v[:3] for v in read.vertices], np.float64).reshape(-1, 3)
    corners = np.array(read.corners, np.int64).reshape(-1, 3)
    check_index(corners[:, 0], len(places), "vertex", source.name)
    triangles, polygon = cut(np.array(read.lengths), places[corners[:, 0]])
    index = corners[triangles]
    notes = [*library.notes, *(f"{count:,} {what} were left out" for what, count in read.other.items())]
    uv, face_uv = _texture_coordinates(read.uv, index[..., 1], notes)
    colored = bool(read.vertices) and all(len(v) == 6 for v in read.vertices)
    colors = np.array([v[3:] for v in read.vertices], np.float64) if colored else None
    if colors is not None and colors.max() > 1:  # some programs write bytes
        colors = colors / 255
    materials = tuple(library.material(found) for found in read.used)
    return Mesh(
        places, index[..., 0], uv, face_uv, materials, np.array(read.material, np.int64)[polygon],
        None if colors is None else np.nan_to_num(colors).clip(0, 1), _corner_normals(read.normals, index[..., 2]),
        source.stem, notes=tuple(notes),
    )  # fmt: skip


def _texture_coordinates(
    uv: list[list[float]], index: np.ndarray, notes: list[str]
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return values and indices; corners without any share one of their own in a corner of the picture."""
    missing = index < 0
    if not uv or missing.all():
        return None, None
    values = np.array(uv, np.float64).reshape(-1, 2)
    if missing.any():
        notes.append(f"{int(missing.any(1).sum()):,} triangles have no texture coordinates")
        values, index = np.concatenate([values, [[0.0, 0.0]]]), np.where(missing, len(values), index)
    return values, index


def _corner_normals(normals: list[list[float]], index: np.ndarray) -> np.ndarray | None:
    """Return ``[F, 3, 3]`` if every corner has one that points somewhere."""
    if not normals or (index < 0).any() or index.max() >= len(normals):
        return None
    return unit_normals(np.array(normals, np.float64)[index])
