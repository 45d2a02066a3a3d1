"""What comes out of `mesh fit`: the mesh with the way to it, its quality, and guides beside what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from reverie.jobs.job import Json
from reverie.jobs.output import Mesh, Output, Picture, Table
from reverie.media.sheet import contact_sheet
from reverie.render.bake import filled
from reverie.tools.mesh.model import as_picture
from reverie.tools.mesh.result import final_mesh, quality
from reverie.tools.mesh_fit.work import Fit

SHOWN = 6  # guides on the sheet
BLACK = (0.0, 0.0, 0.0)


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
    canvas = fit.colored() if colored else None
    given, made, grades = [], [], fit.overlaps()[:SHOWN]
    for guide, camera in list(zip(fit.guides, fit.cameras, strict=True))[:SHOWN]:
        given.append(guide.colors * guide.mask if colored else guide.mask.expand(3, -1, -1))
        with torch.no_grad():
            seen = fit.seen(camera) if canvas is None else canvas.views([camera], backgrounds=[BLACK]).images[0]
        made.append(seen.expand(3, -1, -1))
    captions = [guide.name for guide in fit.guides[:SHOWN]] + [f"overlap {100 * grade:.1f} %" for grade in grades]
    tiles = [as_picture(image[None]) for image in (*given, *made)]
    side = min(224, fit.config.size)
    sheet = contact_sheet(tiles, columns=len(given), tile_px=side, captions=captions)
    return Picture(sheet, label="views", suffixes=(".jpg", ".png"))
