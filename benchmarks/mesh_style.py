"""What does a step of styling a mesh cost, how much of it is the renderer's, and do unseen views take on the style?

The shipped dragon, 7,896 triangles, in the style of a picture: two views of 256 px a step, the embedded network. The
renderer's part is measured apart: the same views and their gradients to the texture, from a given slope of the
pictures. Style distance is the tool's own score on twelve cameras that were not asked for, relative to the start.

    python benchmarks/mesh_style.py PAINTING.jpg
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from measure import arguments, load_now, report, summary, table, target

from reverie.critic.open import open_critic
from reverie.media.image import read_picture
from reverie.media.mesh import read_mesh
from reverie.render.camera import turntable
from reverie.tools.mesh.ascent import MeshAscent, working_side
from reverie.tools.mesh.config import MeshStyleConfig
from reverie.tools.mesh.model import colors_of, open_model
from reverie.tools.mesh_dream.tool import EXAMPLE
from reverie.tools.mesh_style.areas import areas_of
from reverie.tools.mesh_style.goal import StyleGoal

MOST_RENDERER = 0.25
HELD_OUT = turntable(6, 5, start_deg=17) + turntable(6, 40, start_deg=47)


def renderer_s(ascent: MeshAscent, rounds: int) -> list[float]:
    """Return CPU seconds of two views and their gradient to the texture."""
    slope, times = torch.randn(2, 3, 256, 256, generator=torch.Generator().manual_seed(0)), []
    ascent.canvas.size = (256, 256)
    for number in range(rounds + 3):
        cameras = ascent.pool[2 * (number % 8) : 2 * (number % 8) + 2]
        ascent.canvas.views(cameras)  # a run works out each camera once
        began = time.process_time()
        images = ascent.canvas.views(cameras).images
        torch.autograd.grad((images * slope).sum(), list(ascent.texture.parameters()))
        times.append(time.process_time() - began)
    return times[3:]


def style_distance(goal: StyleGoal, ascent: MeshAscent) -> float:
    """Return how far twelve other views are from the style; 1 at the start, by how the terms were divided."""
    with torch.no_grad():
        views = ascent.canvas.views(HELD_OUT, backgrounds=[goal.ground] * len(HELD_OUT))
        seen = goal.critic(views.images, goal.names)
        found = goal._moments(seen, goal._parts(HELD_OUT, views.masks), goal._terms)
        return -sum(term.weight * term.score.finish(m).item() for term, m in zip(goal._terms, found, strict=True))


def main() -> None:
    """Measure, print, write."""
    parser = arguments(__doc__, steps=120)
    parser.add_argument("painting", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    load, critic = load_now(), open_critic(device="cpu", precision="fp32")
    config = MeshStyleConfig(style=("painting",), steps=options.steps, strength=0.8)
    model = open_model(read_mesh(EXAMPLE))
    styles = (colors_of(read_picture(options.painting)),)
    goal = StyleGoal(config, critic, areas_of(model, model.texels(working_side(config)), (), styles, config.strength))
    ascent = MeshAscent(model, config, goal, 0)
    times, start, began = [], None, time.process_time()
    for progress in ascent.steps():
        if ascent.canvas.size == (256, 256):
            if start is None:  # terms are divided anew at each size, by what they are at the mesh as it was
                before = MeshAscent(model, config, goal, 0)
                start = style_distance(goal, before)
            elif progress.done % 2:
                times.append(time.process_time() - began)
        began = time.process_time()
    assert start is not None
    end, part = style_distance(goal, ascent), renderer_s(ascent, 12)
    fraction = min(part) / min(times)
    results: dict[str, Any] = {
        "step_cpu_s": summary(times), "renderer_cpu_s": summary(part), "renderer_fraction": round(fraction, 3),
        "style_distance_held_out": {"start": round(start, 4), "end": round(end, 4), "ratio": round(end / start, 4)},
    }  # fmt: skip
    table(
        ["step CPU s", "renderer CPU s", "fraction", "style distance of other views"],
        [[f"{min(times):.3f}", f"{min(part):.3f}", f"{fraction:.2f}", f"{end / start:.3f} of the start"]],
    )
    lines = [
        target("fraction of a step spent in the renderer", f"< {MOST_RENDERER}", fraction, fraction < MOST_RENDERER)
    ]
    settings = {"steps": options.steps, "views": 2, "size_px": 256, "triangles": len(model.mesh.faces)}
    report("What does a step of styling a mesh cost?", settings, results, lines, options.output, load)


if __name__ == "__main__":
    main()
