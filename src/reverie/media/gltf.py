"""Read glTF 2.0, as GLB or as JSON with its files beside: the triangles of its scene, where its nodes place them.

Source: Khronos Group 2021, "glTF 2.0 specification"; KHR_texture_transform, KHR_materials_unlit,
KHR_materials_pbrSpecularGlossiness, EXT_texture_webp.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from reverie.errors import MeshError
from reverie.media.gltf_data import Gltf, is_index, json_chunk, named, open_gltf, short, srgb_of
from reverie.media.gltf_material import Materials
from reverie.media.gltf_parts import Part, joined, placed_by, triangles_of
from reverie.media.mesh_file import MAX_TRIANGLES, Limit
from reverie.numerics.mesh import Mesh
from reverie.numerics.mesh_repair import repaired

MAX_NODES = 100_000
MAX_WAY = 64  # morph targets
UNDERSTOOD = (
    "KHR_texture_transform", "KHR_materials_unlit", "KHR_materials_pbrSpecularGlossiness", "KHR_mesh_quantization",
    "EXT_texture_webp",
)  # fmt: skip
COMPRESSED = {"KHR_draco_mesh_compression": "Draco", "EXT_meshopt_compression": "meshopt"}


def read_gltf(path: Path | str, max_triangles: int = MAX_TRIANGLES) -> Mesh:
    """Return the triangles of the default scene of a .glb or .gltf file.

    Raises:
        MeshError: damaged, compressed, of another version, too large, or without triangles.
    """
    source = Path(path)
    limit = Limit(source.name, max_triangles)
    file = open_gltf(source, 3 * max_triangles + 1000)
    _check_extensions(file)
    notes: list[str] = _left_out(file)
    materials, parts, count = Materials(file, notes), [], 0
    for node, matrix in _placed_nodes(file):
        for part in _parts(file, node, matrix, materials, notes):
            count += len(part.faces)
            limit.triangles(count)
            parts.append(part)
    if not parts:
        raise MeshError(f"'{source.name}' has no faces; expected triangles in its scene")
    return repaired(replace(joined(parts, materials), name=source.stem, notes=tuple(dict.fromkeys(notes))), source.name)


def named_files(path: Path) -> list[str]:
    """Return the names of buffers and pictures beside a .gltf file."""
    found = json_chunk(path)
    items = [item for kind in ("buffers", "images") if isinstance(found.get(kind), list) for item in found[kind]]
    uris = [named(item).get("uri") for item in items]
    return [uri for uri in uris if isinstance(uri, str) and not uri.startswith("data:")]


def _check_extensions(file: Gltf) -> None:
    required = file.json.get("extensionsRequired", [])
    for name, words in COMPRESSED.items():
        if isinstance(required, list) and name in required:
            raise MeshError(f"'{file.path.name}' is compressed with {words}, which is not read; save it without")


def _left_out(file: Gltf) -> list[str]:
    """Return a line for each kind of thing that is not read."""
    if is_ours(file):
        return []
    kinds = {"animations": "animations", "skins": "skins (the mesh is in its rest pose)", "cameras": "cameras"}
    found = [f"{words} were left out" for kind, words in kinds.items() if file.json.get(kind)]
    used = file.json.get("extensionsUsed", [])
    other = [short(name) for name in used if name not in UNDERSTOOD] if isinstance(used, list) else []
    if other:
        found.append(f"what these extensions say was left out: {', '.join(other[:5])}")
    scenes = file.json.get("scenes")
    if isinstance(scenes, list) and len(scenes) > 1:
        found.append(f"of {len(scenes)} scenes the default one was read")
    return found


def _placed_nodes(file: Gltf) -> Iterator[tuple[dict, np.ndarray]]:
    """Yield every node of the scene that has a mesh, and its ``[4, 4]`` matrix."""
    nodes = file.json.get("nodes", [])
    if not isinstance(nodes, list) or not nodes:
        return
    scene = named(file.entry("scenes", file.json.get("scene", 0))) if file.json.get("scenes") else {}
    roots = scene.get("nodes", list(range(len(nodes))) if not scene else [])
    if not scene:  # without scenes: every node that is nobody's child
        children = {c for node in nodes for c in _listed(file, named(node).get("children", []))}
        roots = [i for i in range(len(nodes)) if i not in children]
    seen: set[int] = set()
    stack = [(index, np.eye(4)) for index in reversed(_listed(file, roots))]
    while stack:
        index, above = stack.pop()
        node = file.entry("nodes", index)
        if index in seen or len(seen) > MAX_NODES:
            raise file.broken("its nodes form no tree")
        seen.add(index)
        matrix = above @ _matrix(file, node)
        if "mesh" in node:
            yield node, np.eye(4) if "skin" in node else matrix
        stack += [(child, matrix) for child in reversed(_listed(file, node.get("children", [])))]


def _listed(file: Gltf, value: object) -> list[int]:
    if not isinstance(value, list) or not all(is_index(item) for item in value):
        raise file.broken("a list of nodes makes no sense")
    return value


def _matrix(file: Gltf, node: dict) -> np.ndarray:
    """Return where a node stands in its parent."""
    if "matrix" in node:
        return _numbers(file, node["matrix"], 16).reshape(4, 4).T
    x, y, z, w = _numbers(file, node.get("rotation", [0, 0, 0, 1]), 4)
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    found = np.eye(4)
    found[:3, :3] = turn * _numbers(file, node.get("scale", [1, 1, 1]), 3)
    found[:3, 3] = _numbers(file, node.get("translation", [0, 0, 0]), 3)
    return found


def _numbers(file: Gltf, value: object, count: int) -> np.ndarray:
    try:
        found = np.array(value, np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise file.broken("a transform is no numbers") from error
    if found.shape != (count,) or not np.isfinite(found).all() or np.abs(found).max() > 1e30:
        raise file.broken("a transform makes no sense")
    return found


def _parts(file: Gltf, node: dict, matrix: np.ndarray, materials: Materials, notes: list[str]) -> Iterator[Part]:
    mesh = file.entry("meshes", node["mesh"])
    primitives = mesh.get("primitives")
    if not isinstance(primitives, list):
        raise file.broken("a mesh has no primitives")
    weights = node.get("weights", mesh.get("weights", []))
    for item in primitives:
        primitive = named(item)
        mode = primitive.get("mode", 4)
        if mode not in (4, 5, 6):
            notes.append("points and lines were left out")
            continue
        extensions = named(primitive.get("extensions"))
        if "KHR_draco_mesh_compression" in extensions:
            raise MeshError(f"'{file.path.name}' is compressed with Draco, which is not read; save it without")
        part = _part(file, primitive, mode, weights, materials, notes)
        yield placed_by(part, matrix)


def _part(
    file: Gltf, primitive: dict, mode: int, weights: object, materials: Materials, notes: list[str]
) -> Part:  # fmt: skip
    attributes = named(primitive.get("attributes"))
    if "POSITION" not in attributes:
        raise file.broken("a primitive has no positions")
    vertices = file.accessor(attributes["POSITION"], (3,)).astype(np.float64)
    count, slot = len(vertices), materials.slot(primitive.get("material"))
    way = _way(file, vertices, primitive.get("targets"))
    if not way:
        vertices = _shaped(file, vertices, primitive.get("targets"), weights, notes)
    index = np.arange(count)
    if "indices" in primitive:
        index = file.accessor(primitive["indices"], (1,))[:, 0].astype(np.int64)
    uv = normals = colors = None
    if f"TEXCOORD_{slot.channel}" in attributes:
        uv = slot.placed(_same(file, attributes[f"TEXCOORD_{slot.channel}"], (2,), count).astype(np.float64))
    if "COLOR_0" in attributes:
        colors = srgb_of(_same(file, attributes["COLOR_0"], (3, 4), count)[:, :3])
    if "NORMAL" in attributes and (way or not primitive.get("targets")):
        normals = _same(file, attributes["NORMAL"], (3,), count).astype(np.float64)
    return Part(vertices, triangles_of(index, mode), uv, colors, normals, slot, way)


def is_ours(file: Gltf) -> bool:
    """Tell whether Reverie wrote a file: its morph targets are then the way of the shape."""
    return "reverie" in named(named(file.json["asset"]).get("extras"))


def _way(file: Gltf, vertices: np.ndarray, targets: object) -> tuple[np.ndarray, ...]:
    """Return earlier places of the vertices, if the file is one of ours that has them."""
    if not is_ours(file) or not isinstance(targets, list):
        return ()
    shapes = [_same(file, named(target).get("POSITION"), (3,), len(vertices)) for target in targets[:MAX_WAY]]
    return tuple(vertices + shape.astype(np.float64) for shape in shapes)


def _same(file: Gltf, index: object, size: tuple[int, ...], count: int) -> np.ndarray:
    """Return values, one for each vertex."""
    found = file.accessor(index, size)
    if len(found) != count:
        raise file.broken(f"accessors[{short(index)}] has {len(found)} values for {count} vertices")
    return found


def _shaped(file: Gltf, vertices: np.ndarray, targets: object, weights: object, notes: list[str]) -> np.ndarray:
    """Return vertices with the morph targets that the file itself turns on."""
    if not isinstance(targets, list) or not targets:
        return vertices
    notes.append("morph targets were left out")
    for target, weight in zip(targets, weights if isinstance(weights, list) else [], strict=False):
        if isinstance(weight, (int, float)) and 0 < abs(weight) < 1e6 and "POSITION" in named(target):
            moved = _same(file, target["POSITION"], (3,), len(vertices)).astype(np.float64)
            vertices = vertices + weight * moved
    return vertices
