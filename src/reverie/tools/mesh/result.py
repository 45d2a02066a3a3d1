"""What comes out of a mesh tool: the mesh in the units of its file, its quality, and views before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from reverie.canvas.mesh import MeshCanvas
from reverie.canvas.pixels import PixelCanvas
from reverie.canvas.solid import SolidCanvas
from reverie.jobs.job import Json
from reverie.jobs.output import Picture
from reverie.media.sheet import contact_sheet
from reverie.numerics.mesh import Mesh, edges_of, moved, textured
from reverie.numerics.mesh_quality import folded_fraction, sliver_fraction
from reverie.numerics.resample import resize
from reverie.render.bake import filled
from reverie.render.camera import Camera, fitting_distance, turntable
from reverie.render.light import Light
from reverie.render.texture_quality import seam_difference, seen_fraction, texel_difference
from reverie.tools.mesh.model import Model, as_picture

SHOWN_PX = 224
QUALITY_PX = 256


def final_texture(model: Model, texture: nn.Module, side_px: int, free: Tensor | None = None) -> Tensor:
    """Return ``[1, 3, T, U]`` at the size of the result, its unused texels filled; the file's look where not free."""
    texels = model.texels(side_px)
    base = model.look(texels)
    with torch.no_grad():
        if isinstance(texture, SolidCanvas):
            found = texture.moved_to(model.positions(texels), texels.covered, base)()
        else:
            found = resize(texture(), texels.size).clamp(0, 1)
        if free is not None:
            found = base + resize(free[None, None], texels.size).clamp(0, 1) * (found - base)
    return filled(found, texels.covered)


def final_mesh(model: Model, texture: Tensor | None, vertices: Tensor | None, unlit: bool) -> Mesh:
    """Return the mesh in the units of its file; without a texture it keeps its own look."""
    mesh = model.source if texture is None else replace(model.mesh, vertices=model.source.vertices)
    if texture is not None:
        assert mesh.uv is not None and mesh.face_uv is not None
        mesh = textured(mesh, mesh.uv, mesh.face_uv, as_picture(texture), unlit=unlit)
    if vertices is None:
        return mesh
    return moved(mesh, model.placement.to_file(vertices.detach().double().numpy()))


def quality(
    model: Model, texture: Tensor | None, vertices: Tensor | None, cameras: Sequence[Camera]
) -> dict[str, Json]:
    """Return numbers of what was made: texels seen, seams, folds, slivers, how far vertices moved."""
    mesh = model.mesh
    edges = edges_of(mesh.faces)
    found: dict[str, Json] = {"vertices": len(mesh.vertices), "triangles": len(mesh.faces)}
    if texture is not None:
        assert mesh.uv is not None and mesh.face_uv is not None
        texels = model.texels(QUALITY_PX)
        places = model.positions(texels)[texels.covered]
        size = (QUALITY_PX, QUALITY_PX)
        found |= {
            "texture_used": round(float(texels.covered.double().mean()), 4),
            "texture_seen": round(seen_fraction(places, model.surface.vertices, model.surface.faces, cameras, size), 4),
            "seam_difference": round(seam_difference(texture, mesh.uv, mesh.faces, mesh.face_uv, edges), 4),
            "texel_difference": round(texel_difference(texture, model.texels(texture.shape[-1]).covered), 4),
        }
    places = mesh.vertices if vertices is None else vertices.detach().double().numpy()
    found["folds"] = round(folded_fraction(places, mesh.faces, edges), 5)
    found["slivers"] = round(sliver_fraction(places, mesh.faces), 5)
    if vertices is not None:
        found["moved"] = round(float(np.linalg.norm(places - mesh.vertices, axis=1).mean()), 4)
    return found


SIX = (*turntable(4, 15, start_deg=30), Camera(30, 75, fitting_distance(40.0)), Camera(30, -75, fitting_distance(40.0)))
NAMES = ("30°", "120°", "210°", "300°", "above", "below")


def before_and_after(
    model: Model, texture: nn.Module, shape: nn.Module | None, light: Light, fuses: bool = True, turns: bool = True
) -> Picture:
    """Return a sheet of six sides, before in the first row and after below; `fuses` and `turns` as in `MeshCanvas`."""
    texels = model.texels(512)
    mips, size = model.mips(texels), (SHOWN_PX, SHOWN_PX)
    old = MeshCanvas(PixelCanvas(model.look(texels)), model.surface, mips, size, turns=turns)
    with torch.no_grad():
        shown = texture()
        after = PixelCanvas(resize(filled(shown, model.texels(shown.shape[-1]).covered), texels.size))
        new = MeshCanvas(after, model.surface, mips, size, shape=shape, fuses=fuses, turns=turns)  # type: ignore[arg-type]
        rows = [canvas.views(SIX, [light] * len(SIX)).images for canvas in (old, new)]
    tiles = [as_picture(image[None]) for row in rows for image in row]
    captions = [f"before {name}" for name in NAMES] + [f"after {name}" for name in NAMES]
    sheet = contact_sheet(tiles, columns=len(SIX), tile_px=SHOWN_PX, captions=captions)
    return Picture(sheet, label="views", suffixes=(".jpg", ".png"))
