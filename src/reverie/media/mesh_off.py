"""Read OFF as text: vertices, polygons, colors and texture coordinates of vertices.

Source: Phillips and others 1996, "Geomview manual", section "OFF files".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from reverie.errors import MeshError
from reverie.media.mesh_file import MAX_TRIANGLES, Limit, text_lines, unit_normals
from reverie.numerics.mesh import Mesh
from reverie.numerics.mesh_repair import check_index, repaired
from reverie.numerics.polygons import cut

HEAD = re.compile(r"(ST)?(C)?(N)?(4)?(n)?OFF\b")


def read_off(path: Path | str, max_triangles: int = MAX_TRIANGLES) -> Mesh:
    """Return the triangles of an OFF, COFF, NOFF, CNOFF or STOFF file.

    Raises:
        MeshError: another kind, cut short, too large, or a number that is none.
    """
    source = Path(path)
    limit = Limit(source.name, max_triangles)
    lines = _content(source)
    try:
        has = _kind(source, next(lines, ""))
        line = next(lines, "")
        count, polygons = (int(word) for word in line.split()[:2])
        if count < 0 or polygons < 0:
            raise ValueError
        limit.vertices(count)
        limit.triangles(polygons)
        rows = _rows(lines, count)
        lengths, corners, colored = _faces(lines, polygons, limit)
        flat = np.array(corners, np.int64)
    except (ValueError, IndexError, OverflowError) as error:
        raise MeshError(
            f"'{source.name}' is a damaged or unknown OFF file: a line is no numbers, or is missing"
        ) from error
    check_index(flat, len(rows), "vertex", source.name)
    faces = flat[cut(np.array(lengths, np.int64), rows[flat][:, :3])[0]]
    return repaired(_mesh(rows, faces, has, colored, source.stem), source.name)


def _content(source: Path) -> Iterator[str]:
    """Yield the lines without comments and without empty ones."""
    for _, line in text_lines(source):
        plain = line.partition("#")[0].strip()
        if plain:
            yield plain


def _kind(source: Path, first: str) -> tuple[bool, bool, bool]:
    """Return whether vertices have normals, colors and texture coordinates.

    Raises:
        MeshError: binary, of four or n dimensions, or no OFF file.
    """
    match = HEAD.match(first)
    if match is None or match[4] or match[5] or "BINARY" in first:
        raise MeshError(f"'{source.name}' is no OFF file that is read; expected OFF, COFF, NOFF or STOFF as text")
    return match[3] is not None, match[2] is not None, match[1] is not None


def _rows(lines: Iterator[str], count: int) -> np.ndarray:
    rows = [[float(word) for word in next(lines, "").split()[:12]] for _ in range(count)]
    if any(len(row) < 3 for row in rows):
        raise ValueError("too few coordinates")
    wide = min((len(row) for row in rows), default=3)
    return np.array([row[:wide] for row in rows], np.float64).reshape(-1, wide)


def _faces(lines: Iterator[str], count: int, limit: Limit) -> tuple[list[int], list[int], int]:
    """Return the lengths of the polygons, their corners in a row, and how many have a color of their own."""
    lengths: list[int] = []
    corners: list[int] = []
    colored = 0
    for _ in range(count):
        words = next(lines, "").split()
        length = int(words[0])
        polygon = [int(word) for word in words[1 : length + 1]]
        if length < 3 or len(polygon) < length:
            raise ValueError("a face of too few corners")
        colored += len(words) > length + 1
        lengths.append(length)
        corners += polygon
        limit.triangles(len(corners) - 2 * len(lengths))
    return lengths, corners, colored


def _mesh(rows: np.ndarray, faces: np.ndarray, has: tuple[bool, bool, bool], colored: int, name: str) -> Mesh:
    notes = [f"colors of {colored:,} polygons were left out"] if colored else []
    normals = colors = uv = None
    place = 3
    if has[0] and rows.shape[1] >= place + 3:
        normals, place = rows[:, place : place + 3], place + 3
    if has[1] and rows.shape[1] >= place + 3:
        colors = rows[:, place : place + 3]
        colors = np.nan_to_num(colors / 255 if colors.max(initial=0) > 1 else colors).clip(0, 1)
        place += 4 if rows.shape[1] - place - 2 * has[2] >= 4 else 3
    if has[2] and rows.shape[1] >= place + 2:
        uv = rows[:, place : place + 2]
    corner = None if normals is None else unit_normals(normals[faces])
    return Mesh(
        rows[:, :3], faces, uv, None if uv is None else faces, colors=colors, normals=corner, name=name,
        notes=tuple(notes),
    )  # fmt: skip
