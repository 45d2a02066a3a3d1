"""A mesh made ready to be worked on: in the unit sphere, with a texture that one can paint on, and the way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reverie.errors import MeshError
from reverie.media.image import Picture
from reverie.numerics.mesh import GREY, Material, Mesh, Placement, edges_of, placed
from reverie.numerics.subdivide import mean_edge, subdivided
from reverie.render.bake import TexelMap, filled, texel_map
from reverie.render.camera import MARGIN
from reverie.render.mips import MipPlan, plan_mips
from reverie.render.outline import EdgeTable
from reverie.render.sample import sample
from reverie.render.surface import Surface
from reverie.render.unwrap import fit_to_paint

LEVELS = 6  # resolutions of a texture
LEAST_PX = 128  # at which something of a surface must be on its texture


@dataclass(frozen=True, eq=False)
class Model:
    """One mesh to work on.

    Attributes:
        mesh: in the unit sphere, with texture coordinates in which no texel stands for two places.
        source: as it was in its file.
        placement: the way back.
        surface: of `mesh`, as tensors.
        notes: what was done on the way here.
    """

    mesh: Mesh
    source: Mesh
    placement: Placement
    surface: Surface
    notes: tuple[str, ...]

    def texels(self, side_px: int) -> TexelMap:
        """Return what lies at each texel of a square texture."""
        return texel_map(self.surface.uv, self.surface.face_uv, (side_px, side_px))

    def mips(self, texels: TexelMap) -> MipPlan:
        """Return the resolutions of such a texture."""
        return plan_mips(texels.covered, LEVELS)

    def positions(self, texels: TexelMap) -> Tensor:
        """Return ``[T, U, 3]``, where each texel lies in the unit sphere."""
        return texels.values(self.surface.vertices, self.surface.faces).float()

    def look(self, texels: TexelMap) -> Tensor:
        """Return the file's own look, ``[1, 3, T, U]`` sRGB, used texels only filled."""
        rgb = _own_colors(self.source, self.mesh.faces, texels)
        return filled(rgb.permute(2, 0, 1)[None], texels.covered)


def open_model(source: Mesh, always_unfold: bool = False) -> Model:
    """Return a mesh ready to be worked on.

    Raises:
        MeshError: it cannot be unfolded, or it is too small to be seen.
    """
    unit, placement = placed(source)
    mesh, notes = fit_to_paint(unit, always_unfold)
    assert mesh.uv is not None and mesh.face_uv is not None
    edges = edges_of(mesh.faces)
    surface = Surface(
        torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.faces), torch.from_numpy(mesh.uv),
        torch.from_numpy(mesh.face_uv), EdgeTable(torch.from_numpy(edges.ends), torch.from_numpy(edges.opposite)),
    )  # fmt: skip
    model = Model(mesh, source, placement, surface, (*source.notes, *notes))
    if not model.texels(LEAST_PX).covered.any():
        raise MeshError(
            "the surface is too small to be seen: parts lie very far from each other, or one vertex far from the rest; "
            "take away what lies far off first"
        )
    return model


def as_picture(texture: Tensor) -> np.ndarray:
    """Return ``[T, U, 3]`` uint8 of ``[1, 3, T, U]``."""
    return (texture[0].detach().clamp(0, 1).permute(1, 2, 0) * 255).round().byte().cpu().numpy()


def _own_colors(source: Mesh, faces: np.ndarray, texels: TexelMap) -> Tensor:
    """Return ``[T, U, 3]`` colors that the file gives the place of each texel."""
    material = torch.from_numpy(source.material_of_faces)
    own = torch.where(texels.covered, material[texels.triangle.long().clamp_min(0)], -1)
    rgb = torch.full((*texels.size, 3), GREY[0])
    uv = None
    if source.uv is not None and source.face_uv is not None:
        uv = texels.values(torch.from_numpy(source.uv), torch.from_numpy(source.face_uv))
    for number, one in enumerate(source.materials):
        here = own == number
        rgb[here] = _material_colors(one, None if uv is None else uv[here], int(here.sum()))
    if source.colors is not None:
        tint = texels.values(torch.from_numpy(source.colors).double(), torch.from_numpy(faces))
        rgb = torch.where(texels.covered[..., None], rgb * tint.float() / _tinted(source), rgb)
    return rgb.clamp(0, 1)


def _tinted(source: Mesh) -> float:
    """Return what vertex colors replace: the grey of a mesh that says nothing else."""
    plain = all(m.picture is None and m.color == GREY for m in source.materials)
    return GREY[0] if plain else 1.0


def _material_colors(material: Material, uv: Tensor | None, count: int) -> Tensor:
    color = torch.tensor(material.color).float()
    if material.picture is None or uv is None:
        return color.expand(count, 3)
    picture = torch.from_numpy(np.ascontiguousarray(material.picture)).float() / 255
    height, width = picture.shape[:2]
    inside = uv - uv.floor() if (uv.min() < 0 or uv.max() > 1) else uv  # pictures repeat
    return color * sample(picture.reshape(-1, 3), [(height, width)], inside.float(), torch.zeros(count))


COARSE_PX, MOST_FACES = 10.0, 40_000  # triangles with longer sides are cut up, up to that many


def fine_enough(mesh: Mesh, size_px: int) -> tuple[Mesh, tuple[str, ...]]:
    """Return the mesh with triangles whose sides are short in pictures of a size, and what was done."""
    edge_px = mean_edge(mesh.vertices, mesh.faces) / placed(mesh)[1].radius * size_px / 2 / MARGIN
    before = len(mesh.faces)
    while edge_px > COARSE_PX and 4 * len(mesh.faces) <= MOST_FACES:
        mesh, edge_px = subdivided(mesh), edge_px / 2
    if len(mesh.faces) == before:
        return mesh, ()
    return mesh, (f"triangles were cut up, from {before:,} to {len(mesh.faces):,}, so that the shape can bend",)


def colors_of(picture: Picture) -> Tensor:
    """Return ``[1, 3, H, W]`` float32 in [0, 1]; what is transparent keeps its color."""
    return torch.from_numpy(np.ascontiguousarray(picture.rgb)).permute(2, 0, 1)[None].float()
