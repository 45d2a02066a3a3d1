"""Write meshes: GLB holds everything in one file; OBJ, PLY and STL what they can, and say what they cannot."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reverie.errors import InputError
from reverie.media.mesh_corners import corners_of
from reverie.numerics.mesh import Mesh, face_normals, turned

SUFFIXES = (".glb", ".obj", ".ply", ".stl")
STL_HEAD = b"Reverie".ljust(80)


def encode_mesh(
    path: Path, mesh: Mesh, record: Mapping[str, Any] | None = None, way: Sequence[np.ndarray] = ()
) -> tuple[dict[Path, bytes], list[str]]:
    """Return the bytes of the files that a mesh of this name is made of, the main one last, and what they cannot hold.

    Raises:
        InputError: a format that is not written.
    """
    suffix = path.suffix.lower()
    notes = ["only .glb keeps the way of the shape"] if (len(way) or mesh.way) and suffix != ".glb" else []
    if suffix == ".glb":
        from reverie.media.gltf_write import encode_glb

        return {path: encode_glb(mesh, record, way)}, notes
    if suffix == ".obj":
        return _obj(path, mesh), notes
    if suffix == ".ply":
        return {path: _ply(mesh, notes)}, notes
    if suffix == ".stl":
        notes.append("STL holds the shape alone; .glb and .obj keep colors and pictures")
        return {path: _stl(mesh)}, notes
    raise InputError(f"cannot write '{path}': known here: {', '.join(SUFFIXES)}")


def _obj(path: Path, mesh: Mesh) -> dict[Path, bytes]:
    """Return an OBJ file, and its MTL and PNG files unless colors of vertices say all.

    A picture takes no name of another file: only those that the MTL of an earlier result names are replaced.
    """
    from reverie.media.write import encode_picture

    used = np.unique(mesh.material_of_faces).tolist()
    names = _material_names([mesh.materials[i].name for i in used])
    library = path.with_suffix(".mtl")
    own = library.read_text("utf-8", "replace").splitlines() if library.is_file() else []
    files: dict[Path, bytes] = {}
    mtl: list[str] = []
    for name, number in zip(names, used, strict=True):
        material = mesh.materials[number]
        mtl += [f"newmtl {name}", "Ka 0 0 0", "Kd {:.6g} {:.6g} {:.6g}".format(*material.color), "Ks 0 0 0"]
        mtl.append("illum 0" if material.unlit else "illum 1")
        if material.picture is not None:
            numbers = itertools.count(len(files) + 1)
            places = (path.with_name(f"{path.stem}{'' if n == 1 else f'-{n}'}.png") for n in numbers)
            picture = next(p for p in places if p not in files and (not p.exists() or _names(own, p.name)))
            files[picture] = encode_picture(picture.name, material.picture)
            mtl.append(f"map_Kd {'' if material.repeats else '-clamp on '}{picture.name}")
        mtl.append("")
    files[library] = "\n".join(mtl).encode()
    files[path] = _obj_text(mesh, library.name, dict(zip(used, names, strict=True))).encode()
    return files


def _names(library: Sequence[str], picture: str) -> bool:
    """Tell whether the lines of an MTL name a picture."""
    return any(line.startswith("map_Kd ") and line.endswith(f" {picture}") for line in library)


def _material_names(names: Sequence[str]) -> list[str]:
    """Return names of one word each, all different."""
    found: list[str] = []
    for name in names:
        plain = "_".join(name.split()) or "material"
        found.append(plain if plain not in found else f"{plain}_{len(found) + 1}")
    return found


def _obj_text(mesh: Mesh, library: str, names: Mapping[int, str]) -> str:
    corners = corners_of(mesh)
    places = turned(mesh.vertices, mesh.up, back=True)
    normals = turned(corners.normal, mesh.up, back=True)
    columns = places if mesh.colors is None else np.concatenate([places, mesh.colors], 1)
    lines = [f"mtllib {library}", f"o {'_'.join(mesh.name.split()) or 'mesh'}"]
    lines += [f"v {' '.join(f'{x:.9g}' for x in row)}" for row in columns.tolist()]
    if mesh.uv is not None:
        lines += [f"vt {u:.9g} {v:.9g}" for u, v in mesh.uv.tolist()]
    lines += [f"vn {x:.5f} {y:.5f} {z:.5f}" for x, y, z in normals.tolist()]
    for number, chosen in _by_material(mesh):
        lines.append(f"usemtl {names[number]}")
        columns = [mesh.faces, corners.faces] if mesh.face_uv is None else [mesh.faces, mesh.face_uv, corners.faces]
        rows = np.stack([column[chosen] + 1 for column in columns], 2).reshape(len(chosen), -1).tolist()
        form = "f " + " ".join(["{}//{}" if mesh.face_uv is None else "{}/{}/{}"] * 3)
        lines += [form.format(*row) for row in rows]
    return "\n".join(lines) + "\n"


def _by_material(mesh: Mesh) -> list[tuple[int, np.ndarray]]:
    """Return the faces ``[K]`` of each material that has any."""
    owner = mesh.material_of_faces
    return [(number, np.flatnonzero(owner == number)) for number in np.unique(owner).tolist()]


def _ply(mesh: Mesh, notes: list[str]) -> bytes:
    """Return a binary PLY file with a color for every vertex."""
    colors = vertex_colors(mesh)
    if any(material.picture is not None for material in mesh.materials):
        notes.append("PLY holds one color for each vertex, taken from the picture; .glb and .obj keep the picture")
    rows = np.zeros(len(mesh.vertices), [("p", "<f4", 3), ("c", "u1", 3)])
    rows["p"] = turned(mesh.vertices, mesh.up, back=True)
    rows["c"] = np.round(colors * 255)
    faces = np.zeros(len(mesh.faces), [("n", "u1"), ("v", "<i4", 3)])
    faces["n"], faces["v"] = 3, mesh.faces
    head = [
        "ply", "format binary_little_endian 1.0", "comment Reverie", f"element vertex {len(rows)}",
        *(f"property float {axis}" for axis in "xyz"), *(f"property uchar {c}" for c in ("red", "green", "blue")),
        f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header", "",
    ]  # fmt: skip
    return "\n".join(head).encode() + rows.tobytes() + faces.tobytes()


def vertex_colors(mesh: Mesh) -> np.ndarray:
    """Return ``[V, 3]`` sRGB of the vertices: color of the material, times its picture there, times their own color.

    A vertex of several corners has the mean of them.
    """
    colors = np.array([material.color for material in mesh.materials])[mesh.material_of_faces]
    corners = np.repeat(colors[:, None], 3, 1)
    for number, material in enumerate(mesh.materials):
        own = mesh.material_of_faces == number
        if material.picture is not None and mesh.uv is not None and mesh.face_uv is not None:
            corners[own] *= _texels(material.picture, mesh.uv[mesh.face_uv[own]], material.repeats)
    vertex, flat = mesh.faces.reshape(-1), corners.reshape(-1, 3)
    total = np.stack([np.bincount(vertex, flat[:, i], len(mesh.vertices)) for i in range(3)], 1)
    mean = total / np.bincount(vertex, minlength=len(mesh.vertices)).clip(1)[:, None]
    return (mean if mesh.colors is None else mean * mesh.colors).clip(0, 1)


def _texels(picture: np.ndarray, uv: np.ndarray, repeats: bool) -> np.ndarray:
    """Return ``[..., 3]`` in [0, 1], the texel nearest to each texture coordinate."""
    height, width = picture.shape[:2]
    inside = uv - np.floor(uv) if repeats else uv
    column = np.floor(inside[..., 0] * width).astype(np.int64).clip(0, width - 1)
    row = np.floor((1 - inside[..., 1]) * height).astype(np.int64).clip(0, height - 1)
    return picture[row, column] / 255


def _stl(mesh: Mesh) -> bytes:
    """Return a binary STL file, z up, as printers expect and as `read_mesh` takes it."""
    places = turned(mesh.vertices, "z", back=True)
    rows = np.zeros(len(mesh.faces), [("n", "<f4", 3), ("p", "<f4", (3, 3)), ("a", "<u2")])
    normal = face_normals(places, mesh.faces)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    rows["n"], rows["p"] = normal / np.where(length > 0, length, 1), places[mesh.faces]
    return STL_HEAD + np.uint32(len(rows)).tobytes() + rows.tobytes()
