"""How well, and how quickly, does a mesh take on silhouettes?

The teapot of Kato et al. 2018 is brought to a rectangle, seen from one side, in 300 steps. A ball of 5k triangles is
brought to a bunny from twelve silhouettes; twelve other views, halfway between, were not asked for. Compared with the
same loop on bare vertices (Adam, no smoothing), which is what most examples of differentiable rendering do.

    python benchmarks/mesh_fit.py FOLDER      # with teapot_kato.obj and bunny_kato.obj
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import arguments, load_now, report, table, target
from mesh_render import ball
from torch import Tensor

from reverie.media.mesh import read_mesh
from reverie.numerics.mesh import Mesh, edges_of
from reverie.numerics.mesh_quality import folded_fraction
from reverie.render.camera import Camera, fitting_distance
from reverie.render.silhouette import silhouette
from reverie.tools.mesh.config import MeshFitConfig
from reverie.tools.mesh.model import Model, open_model
from reverie.tools.mesh_fit.find_camera import overlap, pyramid_distance
from reverie.tools.mesh_fit.guides import Guide
from reverie.tools.mesh_fit.work import Fit

SIDE = 256
SIZE = (SIDE, SIDE)


def seen(model: Model, vertices: Tensor, camera: Camera) -> Tensor:
    """Return the silhouette ``[1, S, S]``."""
    surface = model.surface
    return silhouette(vertices, surface.faces, surface.edges, camera.matrix(SIZE), SIZE, camera.near)


def fitted(model: Model, guides: Sequence[Tensor], cameras: Sequence[Camera], steps: int) -> tuple[Tensor, dict]:
    """Return vertices after the tool's own loop, and the times."""
    config = MeshFitConfig(guide=("",) * len(guides), size=SIDE, steps=steps)
    fit = Fit(model, config, [Guide(str(i), g, g.expand(3, -1, -1)) for i, g in enumerate(guides)], cameras, 0)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in fit.steps():
        pass
    return fit.vertices(), {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


def bare(model: Model, guides: Sequence[Tensor], cameras: Sequence[Camera], steps: int) -> tuple[Tensor, dict]:
    """Return the same of bare vertices and Adam."""
    vertices = model.surface.vertices.float().clone().requires_grad_()
    optimizer, generator = torch.optim.Adam([vertices], lr=0.003), torch.Generator().manual_seed(0)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(steps):
        chosen = torch.randperm(len(guides), generator=generator)[:2].tolist()
        optimizer.zero_grad()
        found = torch.stack([seen(model, vertices, cameras[i]) for i in chosen])
        pyramid_distance(found, torch.stack([guides[i] for i in chosen])).backward()
        optimizer.step()
    return vertices.detach(), {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


def graded(model: Model, vertices: Tensor, guides: Sequence[Tensor], cameras: Sequence[Camera]) -> float:
    """Return the mean overlap."""
    with torch.no_grad():
        pairs = zip(guides, cameras, strict=True)
        return float(np.mean([overlap(seen(model, vertices, camera), guide) for guide, camera in pairs]))


def folds(model: Model, vertices: Tensor) -> float:
    """Return the fraction of folded edges."""
    return folded_fraction(vertices.double().numpy(), model.mesh.faces, edges_of(model.mesh.faces))


def teapot(folder: Path) -> dict[str, Any]:
    """Teapot to rectangle."""
    model = open_model(read_mesh(folder / "teapot_kato.obj"))
    camera, goal = Camera(0, 0, fitting_distance(40.0)), torch.zeros(1, SIDE, SIDE)
    goal[:, 76:180, 40:216] = 1
    result: dict[str, Any] = {"before": {"iou": graded(model, model.surface.vertices.float(), [goal], [camera])}}
    for name, run in (("reverie", fitted), ("bare vertices", bare)):
        vertices, times = run(model, [goal], [camera], 300)
        result[name] = {"iou": graded(model, vertices, [goal], [camera]), "folds": folds(model, vertices)} | times
    return result


def bunny(folder: Path) -> dict[str, Any]:
    """Ball to bunny."""
    wanted = open_model(read_mesh(folder / "bunny_kato.obj"))
    around = [Camera(30 * i, (-20, 5, 35)[i % 3], fitting_distance(40.0)) for i in range(12)]
    between = [Camera(30 * i + 15, (15, 40, -10)[i % 3], fitting_distance(40.0)) for i in range(12)]
    with torch.no_grad():
        guides, unseen = ([seen(wanted, wanted.surface.vertices.float(), c) for c in cs] for cs in (around, between))
    model = open_model(Mesh(*ball(36)))
    result: dict[str, Any] = {}
    for name, run in (("reverie", fitted), ("bare vertices", bare)):
        vertices, times = run(model, guides, around, 1200)
        result[name] = {
            "iou": graded(model, vertices, guides, around), "iou_held_out": graded(model, vertices, unseen, between),
            "folds": folds(model, vertices),
        } | times  # fmt: skip
    return result


def main() -> None:
    """Measure, print, write."""
    parser = arguments(__doc__)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    load = load_now()
    results = {"teapot": teapot(options.folder), "bunny": bunny(options.folder)}
    pot, hare = results["teapot"]["reverie"], results["bunny"]["reverie"]
    keys, none = ("iou", "iou_held_out", "folds", "cpu_s"), float("nan")
    rows = [
        [f"{scene}, {name}", *(f"{found.get(key, none):.4f}" for key in keys)]
        for scene, each in results.items() for name, found in each.items()
    ]  # fmt: skip
    table(["", "IoU", "held out", "folds", "CPU s"], rows)
    lines = [
        target("teapot to rectangle, 300 steps: IoU", ">= 0.995", pot["iou"], pot["iou"] >= 0.995),
        target("teapot to rectangle: CPU seconds", "< 5", pot["cpu_s"], pot["cpu_s"] < 5),
        target("ball to bunny: held-out IoU", ">= 0.98", hare["iou_held_out"], hare["iou_held_out"] >= 0.98),
        target("ball to bunny: folded edges", "<= 0.01", hare["folds"], hare["folds"] <= 0.01),
        target("ball to bunny: CPU seconds", "< 30", hare["cpu_s"], hare["cpu_s"] < 30),
    ]
    settings = {"side_px": SIDE, "steps": [300, 1200]}
    report("How well does a mesh take on silhouettes?", settings, results, lines, options.output, load)


if __name__ == "__main__":
    main()
