"""A small mesh with everything, and the same written by hand in several formats."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np

from reverie.media.mesh_write import encode_mesh
from reverie.numerics.mesh import Material, Mesh

# a pyramid: quad at the bottom, as two triangles
VERTICES = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1], [0.5, 2, 0.5]], float)
FACES = np.array([[0, 1, 2], [0, 2, 3], [1, 0, 4], [2, 1, 4], [3, 2, 4], [0, 3, 4]])


def card(height: int = 6, width: int = 4) -> np.ndarray:
    """Return a picture that no turn or mirror leaves as it is: red, green, blue, yellow from the upper left."""
    picture = np.full((height, width, 3), 128, np.uint8)
    picture[: height // 2, : width // 2] = (255, 0, 0)
    picture[: height // 2, width // 2 :] = (0, 255, 0)
    picture[height // 2 :, : width // 2] = (0, 0, 255)
    picture[height // 2 :, width // 2 :] = (255, 255, 0)
    return picture


def pyramid() -> Mesh:
    """Return it with two materials, one with a picture, and seams in its texture coordinates."""
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0.5, 0.25], [0.25, 0.75]])
    face_uv = np.array([[0, 1, 2], [0, 2, 3], [0, 1, 4], [1, 2, 4], [2, 3, 5], [3, 0, 5]])
    materials = (Material("plain", (0.2, 0.4, 0.9)), Material("card", (1.0, 1.0, 1.0), card(), repeats=False))
    return Mesh(VERTICES, FACES, uv, face_uv, materials, np.array([0, 0, 1, 1, 1, 1]))


def write(path: Path, mesh: Mesh, **how: Any) -> Path:
    files, _ = encode_mesh(path, mesh, **how)
    for file, blob in files.items():
        file.write_bytes(blob)
    return path


def corner_values(mesh: Mesh, values: np.ndarray | None, index: np.ndarray | None) -> np.ndarray:
    """Return the values at the corners of all triangles, in an order that no format changes."""
    places = mesh.vertices[mesh.faces].reshape(-1, 3)
    assert values is not None
    assert index is not None
    rows = np.concatenate([places, values[index].reshape(len(places), -1)], 1).round(5) + 0.0
    return rows[np.lexsort(rows.T)]


def gltf(folder: Path, changes: dict[str, Any] | None = None, name: str = "a.gltf", **node: Any) -> Path:
    """Write one triangle as glTF, the buffer inside as a data URI; `changes` replace entries of the description."""
    places = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4")
    blob = places.tobytes() + np.array([0, 1, 2, 2], "<u2").tobytes()
    description: dict[str, Any] = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0, **node}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "buffers": [{"byteLength": len(blob), "uri": f"data:;base64,{base64.b64encode(blob).decode()}"}],
        "bufferViews": [
            {"buffer": 0, "byteLength": 36}, {"buffer": 0, "byteOffset": 36, "byteLength": 8},
        ],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5123, "count": 3, "type": "SCALAR"},
        ],
    }  # fmt: skip
    (folder / name).write_text(json.dumps(description | (changes or {})))
    return folder / name
