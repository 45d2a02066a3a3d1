"""The `Work` of a mesh that is raised step by step."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Generator

from reverie.jobs.output import Mesh, Output, Table
from reverie.jobs.steps import Steps
from reverie.jobs.work import Chosen, Plan
from reverie.render.compiled import compile_notes
from reverie.render.light import LIGHTS
from reverie.tools.mesh.ascent import MeshAscent
from reverie.tools.mesh.result import before_and_after, final_mesh, final_texture, quality


def ascent_work(ascent: MeshAscent, chosen: Chosen, more: Sequence[str]) -> Steps:
    """Return the work: its steps, and mesh, quality and views as its results; `more` are lines for people."""
    model, config = ascent.model, ascent.config
    light = LIGHTS[config.lamp](Generator().manual_seed(0))

    def outputs() -> list[Output]:
        texture = final_texture(model, ascent.texture, config.texture_size, ascent.free) if ascent.paints else None
        vertices = None if ascent.shape is None else ascent.shape().detach()
        way = tuple(model.placement.to_file(step.double().numpy()) for step in ascent.way)
        row = quality(model, texture, vertices, ascent.pool)
        if ascent.guard is not None:
            notes.extend(note for note in ascent.guard.notes if note not in notes)
        return [
            Mesh(final_mesh(model, texture, vertices, unlit=config.lamp == "unlit"), way),
            Table([row], label="quality"),
            before_and_after(
                model, ascent.canvas.texture, ascent.shape, light, ascent.canvas.fuses, ascent.canvas.turns
            ),
        ]

    notes = [*model.notes, *more, *compile_notes(moves=ascent.shape is not None)]
    weight = sum(stage.steps * (stage.size_px / config.size) ** 2 for stage in ascent.stages)
    decisions = {
        "triangles": len(model.mesh.faces), "texture": config.texture_size, "size": config.size,
        "steps": config.steps, "views": config.views,
    }  # fmt: skip
    summary = f"{len(model.mesh.faces):,} triangles, {config.size} px"
    return Steps(ascent.steps(), outputs, plan=Plan(decisions, weight, summary), chosen=chosen, notes=notes)
