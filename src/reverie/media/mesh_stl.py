"""Read STL, both kinds: triangles and nothing else.

Source: 3D Systems 1989, "StereoLithography interface specification".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reverie.errors import MeshError
from reverie.media.mesh_file import MAX_TRIANGLES, Limit, check_file, read_bytes, text_lines
from reverie.numerics.mesh import Mesh
from reverie.numerics.mesh_repair import repaired

HEAD, TRIANGLE = 84, 50  # bytes


def read_stl(path: Path | str, max_triangles: int = MAX_TRIANGLES) -> Mesh:
    """Return the triangles of an STL file, as text or binary.

    Raises:
        MeshError: neither, cut short, too large, or a number that is none.
    """
    source = Path(path)
    limit = Limit(source.name, max_triangles)
    check_file(source)
    try:
        size = source.stat().st_size
        with source.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise MeshError(f"cannot read '{source.name}': {error.strerror or error}") from error
    promised = int.from_bytes(head[80:84], "little") if len(head) == HEAD else -1
    text = head.lstrip()[:5].lower() == b"solid"
    if text and size != HEAD + TRIANGLE * promised:
        places = _text(source, limit)
    else:
        limit.triangles(promised)
        if promised < 0 or size < HEAD + TRIANGLE * promised:
            raise MeshError(f"'{source.name}' is cut short or no STL file: {size:,} bytes, {promised:,} triangles")
        blob = read_bytes(source)
        rows = np.frombuffer(blob, [("n", "<f4", 3), ("p", "<f4", (3, 3)), ("a", "<u2")], promised, HEAD)
        places = rows["p"].astype(np.float64)
    faces = np.arange(3 * len(places)).reshape(-1, 3)
    return repaired(Mesh(places.reshape(-1, 3), faces, name=source.stem), source.name)


def _text(source: Path, limit: Limit) -> np.ndarray:
    corners: list[list[float]] = []
    for number, line in text_lines(source):
        word, *rest = line.split() or [""]
        if word.lower() != "vertex":
            continue
        try:
            x, y, z = (float(text) for text in rest)
        except ValueError as error:
            raise MeshError(f"'{source.name}', line {number}: cannot understand '{line.strip()[:60]}'") from error
        corners.append([x, y, z])
        limit.triangles(len(corners) // 3)
    if len(corners) % 3:
        raise MeshError(f"'{source.name}' is cut short: {len(corners)} corners, which are no whole triangles")
    return np.array(corners, np.float64).reshape(-1, 3, 3)
