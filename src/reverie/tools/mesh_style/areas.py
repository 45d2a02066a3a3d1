"""Regions of a mesh as masks on its texture, and the pictures of their styles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.errors import InputError, unknown_name
from reverie.media.image import Picture, read_picture
from reverie.render.bake import TexelMap
from reverie.render.sample import sample
from reverie.tools.mesh.model import Model, colors_of
from reverie.tools.mesh_style.regions import MeshRegion


@dataclass(frozen=True, eq=False)
class Area:
    """A part of a mesh.

    Attributes:
        mask: ``[T, U]`` in [0, 1] on the texture.
        styles: ``[1, 3, H, W]`` each; none where the original stays.
        strength: from 0 to 1.
    """

    mask: Tensor
    styles: tuple[Tensor, ...]
    strength: float


@dataclass(frozen=True, eq=False)
class RegionPictures:
    """A region and its files."""

    region: MeshRegion
    mask: Picture | None
    styles: tuple[Tensor, ...]


def read_regions(texts: Sequence[str]) -> tuple[RegionPictures, ...]:
    """Return all regions with their files.

    Raises:
        InputError: one cannot be read.
    """
    found = []
    for text in texts:
        region = MeshRegion.parse(text)
        mask = None if region.mask is None else read_picture(region.mask)
        found.append(RegionPictures(region, mask, tuple(colors_of(read_picture(path)) for path in region.style)))
    return tuple(found)


def areas_of(
    model: Model, texels: TexelMap, regions: Sequence[RegionPictures], styles: tuple[Tensor, ...], strength: float
) -> tuple[Area, ...]:
    """Return the parts of a mesh, the rest of it last; where several lie, the first counts.

    Raises:
        InputError: a material that the mesh does not have, or a mask without texture coordinates.
    """
    left, areas = texels.covered.float(), []
    for one in regions:
        mask = _mask(model, texels, one) * left
        left = left - mask
        own = () if one.region.keep else one.styles or styles
        areas.append(Area(mask, own, strength if one.region.strength is None else one.region.strength))
    areas.append(Area(left, styles, strength))
    return tuple(area for area in areas if area.mask.sum() > 0)


def free_part(areas: Sequence[Area]) -> Tensor | None:
    """Return ``[T, U]``, where a texture may change; None if everywhere."""
    if all(area.styles for area in areas):
        return None
    return torch.stack([area.mask * bool(area.styles) for area in areas]).sum(0)


def _mask(model: Model, texels: TexelMap, one: RegionPictures) -> Tensor:
    if one.region.material is not None:
        names = [material.name for material in model.source.materials]
        if one.region.material not in names:
            raise InputError(f"--region: {unknown_name('material', one.region.material, names)}")
        owner = torch.from_numpy(model.source.material_of_faces)[texels.triangle.long().clamp_min(0)]
        wanted = torch.tensor([name == one.region.material for name in names])
        return (wanted[owner] & texels.covered).float()
    source = model.source
    if source.uv is None or source.face_uv is None or one.mask is None:
        raise InputError("--region: a mask is a picture on the file's texture coordinates; this mesh has none")
    uv = texels.values(torch.from_numpy(source.uv), torch.from_numpy(source.face_uv))[texels.covered].float()
    white = colors_of(one.mask).mean(1)[0]
    if one.mask.alpha is not None:
        white = white * torch.from_numpy(one.mask.alpha)
    size = (white.shape[0], white.shape[1])
    mask = torch.zeros(texels.size)
    mask[texels.covered] = sample(white.reshape(-1, 1).contiguous(), [size], uv - uv.floor(), torch.zeros(len(uv)))[
        :, 0
    ]
    return mask
