"""Write GLB: one file with the triangles, materials, pictures, the way the shape came, and the job.

Source: Khronos Group 2021, "glTF 2.0 specification"; KHR_materials_unlit.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from reverie.media.gltf_data import BIN_CHUNK, JSON_CHUNK, MAGIC, linear_of
from reverie.media.mesh_corners import Corners, corners_of
from reverie.numerics.mesh import Material, Mesh, Placement, moved, placed
from reverie.numerics.mesh_normals import corner_normals

KEY = "reverie"  # in the extras of the asset
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
FLOAT, UNSIGNED_INT = 5126, 5125
CLAMP, REPEAT, LINEAR, LINEAR_MIPMAP_LINEAR = 33071, 10497, 9729, 9987
FAR = 100.0  # radii from the origin, beyond which single precision moves vertices visibly
WAY_S = 4.0  # how long the animation of the way takes
HOLD_S = 1.0  # how long its end stays


def encode_glb(mesh: Mesh, record: Mapping[str, Any] | None = None, way: Sequence[np.ndarray] = ()) -> bytes:
    """Return the bytes of a GLB file, the same for the same values.

    Args:
        mesh: in the units of the file.
        record: the job, put into the extras of the asset.
        way: ``[V, 3]`` earlier places of the vertices: morph targets, with an animation from the first to the mesh;
            the mesh's own if empty.
    """
    way = way or mesh.way
    out = _Out()
    scale = _placement(mesh)
    shapes = [mesh, *(moved(mesh, shape) for shape in way)]
    units = shapes if scale is None else [replace(s, vertices=scale.to_unit(s.vertices)) for s in shapes]
    owner, primitives = mesh.material_of_faces, []
    normals = [corner_normals(shape) for shape in units]
    for number in np.unique(owner).tolist():
        chosen = np.flatnonzero(owner == number)
        corners = corners_of(units[0], chosen, normals[0])
        primitives.append(_primitive(out, units, normals, corners, chosen, out.material(mesh.materials[number])))
    return out.encoded(_description(mesh, record, primitives, scale, len(way), out))


@dataclass
class _Out:
    """The binary chunk and the lists of the description while they grow."""

    body: bytearray = field(default_factory=bytearray)
    lists: dict[str, list[Any]] = field(default_factory=dict)
    extensions: set[str] = field(default_factory=set)

    def add(self, kind: str, entry: Any) -> int:
        """Append an entry to a list and return its index."""
        items = self.lists.setdefault(kind, [])
        items.append(entry)
        return len(items) - 1

    def view(self, blob: bytes, target: int | None = None) -> int:
        """Append bytes, at a multiple of four."""
        self.body += bytes(-len(self.body) % 4)
        entry: dict[str, Any] = {"buffer": 0, "byteOffset": len(self.body), "byteLength": len(blob)}
        if target is not None:
            entry["target"] = target
        self.body += blob
        return self.add("bufferViews", entry)

    def values(self, values: np.ndarray, target: int | None = ARRAY_BUFFER, *, bounds: bool = False) -> int:
        """Append numbers ``[N]`` or ``[N, K]`` as an accessor."""
        index = target == ELEMENT_ARRAY_BUFFER
        stored = np.ascontiguousarray(values, "<u4" if index else "<f4")
        width = 1 if stored.ndim == 1 else stored.shape[1]
        entry: dict[str, Any] = {
            "bufferView": self.view(stored.tobytes(), target), "componentType": UNSIGNED_INT if index else FLOAT,
            "count": len(stored), "type": "SCALAR" if width == 1 else f"VEC{width}",
        }  # fmt: skip
        if bounds:
            flat = stored.reshape(len(stored), width).astype(np.float64)
            entry |= {"min": flat.min(0).tolist(), "max": flat.max(0).tolist()}
        return self.add("accessors", entry)

    def material(self, material: Material) -> int:
        """Append a material: rough and without metal, so that light shows the colors as they are."""
        base: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": 1.0}
        base["baseColorFactor"] = [*linear_of(np.array(material.color)).round(6).tolist(), 1.0]
        if material.picture is not None:
            base["baseColorTexture"] = {"index": self._texture(material.picture, material.repeats)}
        entry: dict[str, Any] = {"name": material.name, "pbrMetallicRoughness": base, "doubleSided": True}
        if material.unlit:
            entry["extensions"] = {"KHR_materials_unlit": {}}
            self.extensions.add("KHR_materials_unlit")
        return self.add("materials", entry)

    def _texture(self, picture: np.ndarray, repeats: bool) -> int:
        from reverie.media.write import encode_picture

        image = self.add("images", {"bufferView": self.view(encode_picture("a.png", picture)), "mimeType": "image/png"})
        wrap = REPEAT if repeats else CLAMP
        sampler = {"magFilter": LINEAR, "minFilter": LINEAR_MIPMAP_LINEAR, "wrapS": wrap, "wrapT": wrap}
        return self.add("textures", {"source": image, "sampler": self.add("samplers", sampler)})

    def encoded(self, description: dict[str, Any]) -> bytes:
        """Return the whole file."""
        self.body += bytes(-len(self.body) % 4)
        text = json.dumps(description | self.lists, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-len(text) % 4)
        body = bytes(self.body)
        total = 12 + 8 + len(text) + 8 + len(body)
        return b"".join(
            (
                MAGIC, struct.pack("<II", 2, total), struct.pack("<II", len(text), JSON_CHUNK), text,
                struct.pack("<II", len(body), BIN_CHUNK), body,
            )
        )  # fmt: skip


def _placement(mesh: Mesh) -> Placement | None:
    """Return where the node must stand so that single precision is enough for its vertices; None if anywhere."""
    _, placement = placed(mesh)
    far = float(np.abs(placement.center).max()) > FAR * placement.radius
    return placement if far or not 1e-6 < placement.radius < 1e6 else None


def _primitive(
    out: _Out, shapes: Sequence[Mesh], normals: Sequence[np.ndarray], corners: Corners, chosen: np.ndarray,
    material: int,
) -> dict[str, Any]:  # fmt: skip
    mesh = shapes[0]
    base = mesh.vertices[corners.vertex].astype(np.float32)
    attributes = {"POSITION": out.values(base, bounds=True), "NORMAL": out.values(corners.normal)}
    if corners.uv is not None:
        attributes["TEXCOORD_0"] = out.values(np.stack([corners.uv[:, 0], 1 - corners.uv[:, 1]], 1))
    if mesh.colors is not None:
        attributes["COLOR_0"] = out.values(linear_of(mesh.colors[corners.vertex]))
    faces = out.values(corners.faces.reshape(-1), ELEMENT_ARRAY_BUFFER)
    found: dict[str, Any] = {"attributes": attributes, "indices": faces, "material": material, "mode": 4}
    targets = [
        {
            "POSITION": out.values(shape.vertices[corners.vertex].astype(np.float32) - base, bounds=True),
            "NORMAL": out.values(normal[chosen].reshape(-1, 3)[corners.first] - corners.normal),
        }
        for shape, normal in zip(shapes[1:], normals[1:], strict=True)
    ]
    return found | {"targets": targets} if targets else found


def _description(
    mesh: Mesh, record: Mapping[str, Any] | None, primitives: list[dict[str, Any]], scale: Placement | None, way: int,
    out: _Out,
) -> dict[str, Any]:  # fmt: skip
    node: dict[str, Any] = {"mesh": 0, "name": mesh.name}
    if scale is not None:
        node |= {"translation": list(scale.center), "scale": [scale.radius] * 3}
    surface: dict[str, Any] = {"name": mesh.name, "primitives": primitives}
    if way:
        surface |= {"weights": [0.0] * way, "extras": {"targetNames": [f"step {i + 1}" for i in range(way)]}}
        out.add("animations", _animation(out, way))
    asset: dict[str, Any] = {"version": "2.0", "generator": "Reverie"}
    if record is not None:
        asset["extras"] = {KEY: dict(record)}
    found: dict[str, Any] = {
        "asset": asset, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [node], "meshes": [surface],
        "buffers": [{"byteLength": len(out.body) + -len(out.body) % 4}],
    }  # fmt: skip
    if out.extensions:
        found["extensionsUsed"] = sorted(out.extensions)
    return found


def _animation(out: _Out, way: int) -> dict[str, Any]:
    """Return the animation that turns on one earlier shape after the other, then none, and stays there."""
    times = np.append(np.linspace(0, WAY_S, way + 1), WAY_S + HOLD_S)
    weights = np.zeros((way + 2, way))
    weights[:way] = np.eye(way)
    sampler = {
        "input": out.values(times, None, bounds=True), "output": out.values(weights.reshape(-1), None),
        "interpolation": "LINEAR",
    }  # fmt: skip
    channel = {"sampler": 0, "target": {"node": 0, "path": "weights"}}
    return {"name": "way", "samplers": [sampler], "channels": [channel]}
