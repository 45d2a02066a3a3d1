"""What comes out of `mesh fit`: the mesh with the way to it, its quality, and guides beside what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from reverie.jobs.job import Json
from reverie.jobs.output import Mesh, Output, Picture, Table
from reverie.media.sheet import contact_sheet
from reverie.render.bake import filled
from reverie.tools.mesh.fit_work import Fit
from reverie.tools.mesh.model import as_picture
from reverie.tools.mesh.result import final_mesh, quality

SHOWN = 6  # guides on the sheet


def fit_outputs(fit: Fit) -> Sequence[Output]:
    """Return mesh, quality and sheet."""
    model, vertices = fit.model, fit.vertices()
    texture = None
    if fit.texture is not None:
        texels = model.texels(fit.config.texture_size)
        surface = replace(model.surface, vertices=vertices.double())
        places = texels.values(surface.vertices, surface.faces).float()
        scale = max(1.0, float(places.abs().max()))
        with torch.no_grad():
            texture = filled(fit.texture.moved_to(places / scale, texels.covered, model.look(texels))(), texels.covered)
    mesh = final_mesh(model, texture, None if fit.config.fixed_shape else vertices, unlit=texture is not None)
    way = tuple(model.placement.to_file(step.double().numpy()) for step in fit.way)
    row = quality(model, texture, None if fit.config.fixed_shape else vertices, fit.cameras)
    ious: list[Json] = [round(value, 4) for value in fit.overlaps()]
    row |= {"iou": round(sum(fit.overlaps()) / len(fit.guides), 4), "iou_of_guides": ious}
    return [Mesh(mesh, way), Table([row], label="quality"), _sheet(fit, texture is not None)]


def _sheet(fit: Fit, colored: bool) -> Picture:
    tiles, captions = [], []
    canvas = fit.colored() if colored else None
    for guide, camera, value in list(zip(fit.guides, fit.cameras, fit.overlaps(), strict=True))[:SHOWN]:
        shown = guide.colors * guide.mask if colored else guide.mask.expand(3, -1, -1)
        with torch.no_grad():
            if canvas is not None:
                made = canvas.views([camera], backgrounds=[(0.0, 0.0, 0.0)]).images[0]
            else:
                made = fit._mask(fit.vertices(), camera).expand(3, -1, -1)
        tiles += [as_picture(shown[None]), as_picture(made[None])]
        captions += [guide.name, f"overlap {100 * value:.1f} %"]
    side = min(256, fit.config.size)
    return Picture(
        contact_sheet(tiles, columns=2, tile_px=side, captions=captions), label="views", suffixes=(".jpg", ".png")
    )
