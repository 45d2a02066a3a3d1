"""Read Wavefront OBJ: vertices, texture coordinates, polygons. Materials are not read yet.

Source: Wavefront, "Object files (.obj)", Advanced Visualizer manual, appendix B1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reverie.errors import MeshError
from reverie.numerics.mesh import Mesh, welded

MAX_BYTES = 1 << 30
MAX_FACES = 2_000_000
MAX_INDEX = 1 << 31


def read_obj(path: Path | str) -> Mesh:
    """Return the triangles of an OBJ file, polygons cut into fans, vertices of equal position made one.

    Raises:
        MeshError: no such file, too large, no faces, a number that is none, or a face that points nowhere.
    """
    source = Path(path)
    try:
        if source.stat().st_size > MAX_BYTES:
            raise MeshError(f"'{source.name}' has more than {MAX_BYTES >> 20} MB; reduce the mesh first")
        lines = source.read_text("utf-8", errors="replace").replace("\\\n", " ").split("\n")
    except OSError as error:
        raise MeshError(f"cannot read '{source.name}': {error.strerror or error}") from error
    return welded(_parsed(lines, source.name))


def _parsed(lines: list[str], name: str) -> Mesh:
    vertices: list[list[float]] = []
    uv: list[list[float]] = []
    corners: list[tuple[int, int]] = []
    for number, line in enumerate(lines, 1):
        word, *rest = line.split() or [""]
        try:
            if word == "v":
                vertices.append([float(x) for x in rest[:3]])
            elif word == "vt":
                uv.append([float(x) for x in (*rest, "0")[:2]])
            elif word == "f":
                _add_fan(corners, [_corner(text, len(vertices), len(uv)) for text in rest])
        except (ValueError, IndexError) as error:
            raise MeshError(f"'{name}', line {number}: cannot understand '{line.strip()[:60]}'") from error
        if len(corners) > 3 * MAX_FACES:
            raise MeshError(f"'{name}' has more than {MAX_FACES:,} triangles; reduce the mesh first")
    return _checked(vertices, uv, corners, name)


def _corner(text: str, vertices: int, uv: int) -> tuple[int, int]:
    """Return zero-based (vertex, uv or -1) of ``v``, ``v/vt``, ``v//vn`` or ``v/vt/vn``; negative ones count back."""
    parts = text.split("/")
    return _index(parts[0], vertices), _index(parts[1], uv) if len(parts) > 1 and parts[1] else -1


def _index(text: str, count: int) -> int:
    number = int(text)
    found = count + number if number < 0 else number - 1
    if not 0 <= found < MAX_INDEX:
        raise IndexError(text)
    return found


def _add_fan(corners: list[tuple[int, int]], polygon: list[tuple[int, int]]) -> None:
    if len(polygon) < 3:
        raise ValueError("a face of fewer than three corners")
    for i in range(1, len(polygon) - 1):
        corners += [polygon[0], polygon[i], polygon[i + 1]]


def _checked(vertices: list[list[float]], uv: list[list[float]], corners: list[tuple[int, int]], name: str) -> Mesh:
    if not corners:
        raise MeshError(f"'{name}' has no faces; expected an OBJ file with lines 'f 1 2 3'")
    if any(len(v) != 3 for v in vertices):
        raise MeshError(f"'{name}' has a vertex of fewer than three coordinates")
    places = np.array(vertices, np.float64).reshape(-1, 3)
    index = np.array(corners, np.int64).reshape(-1, 3, 2)
    if not np.isfinite(places).all():
        raise MeshError(f"'{name}' has coordinates that are infinite or not a number; repair the mesh first")
    if index[..., 0].max() >= len(places):
        raise MeshError(f"'{name}' has a face with vertex {index[..., 0].max() + 1}; there are {len(places)}")
    whole = bool(uv) and bool((index[..., 1] >= 0).all())
    if whole and index[..., 1].max() >= len(uv):
        raise MeshError(f"'{name}' has a face with texture coordinate {index[..., 1].max() + 1}; there are {len(uv)}")
    notes = () if whole or not uv else ("some faces have no texture coordinates; all were left out",)
    flat = np.array(uv, np.float64).reshape(-1, 2)
    if whole and not np.isfinite(flat).all():
        raise MeshError(f"'{name}' has texture coordinates that are infinite or not a number; repair the mesh first")
    return Mesh(places, index[..., 0], flat if whole else None, index[..., 1] if whole else None, notes=notes)
