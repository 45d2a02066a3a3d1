"""Read meshes of any common format into one value; what was repaired or left out stands in its notes."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from reverie.errors import MeshError
from reverie.media.mesh_file import MAX_TRIANGLES, beside
from reverie.numerics.mesh import Mesh, turned

Up = Literal["auto", "y", "z"]
READERS: dict[str, str] = {
    ".obj": "reverie.media.mesh_obj:read_obj",
    ".glb": "reverie.media.gltf:read_gltf",
    ".gltf": "reverie.media.gltf:read_gltf",
    ".ply": "reverie.media.mesh_ply:read_ply",
    ".stl": "reverie.media.mesh_stl:read_stl",
    ".off": "reverie.media.mesh_off:read_off",
}
Z_UP = (".stl",)  # what prints lies on a table: by convention z points up


def read_mesh(path: Path | str, *, max_triangles: int = MAX_TRIANGLES, up: Up = "auto") -> Mesh:
    """Return the triangles of a mesh with their look, y up.

    Polygons are cut into triangles, vertices of equal position made one, triangles without area left out. Pictures
    are read from the mesh's own folder and those below it only.

    Args:
        path: .obj, .glb, .gltf, .ply, .stl or .off.
        max_triangles: more are refused.
        up: the axis that is up in the file; auto is z for STL and y for all others.

    Raises:
        MeshError: in one line, why it cannot be used.
    """
    source = Path(path)
    suffix = source.suffix.lower()
    if suffix not in READERS:
        raise MeshError(f"'{source.name}' is no mesh of a known format; known: {', '.join(READERS)}")
    module, _, name = READERS[suffix].partition(":")
    reader: Callable[[Path, int], Mesh] = getattr(importlib.import_module(module), name)
    try:
        mesh = reader(source, max_triangles)
    except MemoryError as error:
        raise MeshError(f"'{source.name}' does not fit into memory; reduce the mesh first") from error
    axis: Literal["y", "z"] = "z" if up == "z" or (up == "auto" and suffix in Z_UP) else "y"
    if axis == "y":
        return mesh
    normals = None if mesh.normals is None else turned(mesh.normals, axis)
    way = tuple(turned(shape, axis) for shape in mesh.way)
    return replace(mesh, vertices=turned(mesh.vertices, axis), normals=normals, way=way, up=axis)


def companions(path: Path) -> list[Path]:
    """Return the files that a mesh is made of besides its own: materials, pictures, buffers; in a fixed order.

    Files that are missing, or that lie outside the mesh's folder, are none of them.
    """
    suffix, names = path.suffix.lower(), []
    try:
        if suffix == ".obj":
            return _of_obj(path)
        if suffix == ".gltf":
            from reverie.media.gltf import named_files

            names = named_files(path)
    except MeshError:
        return []  # whoever reads it says what is wrong
    found = (beside(path, name, encoded=True) for name in names)
    return list(dict.fromkeys(file for file in found if file is not None))


def _of_obj(path: Path) -> list[Path]:
    from reverie.media.mesh_mtl import named_pictures
    from reverie.media.mesh_obj import named_libraries

    found: dict[Path, None] = {}
    for name in named_libraries(path):
        library = beside(path, name)
        if library is None:
            continue
        found[library] = None
        found |= {p: None for picture in named_pictures(library) if (p := beside(library, picture)) is not None}
    return list(found)
