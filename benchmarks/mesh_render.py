"""What does one picture of a mesh cost, with gradients: ours against DEODR 0.2.3, both from torch on a processor.

Scene: a bumpy ball of 5k and 20k triangles before a plain background, smooth normals, one lamp and even light. Ours:
a texture of 512 x 512 texels at all its resolutions, smooth outlines, gradients to texels and vertices. DEODR, whose
torch interface has no textures: colors of vertices, its smooth outlines, gradients to vertices and their colors.

    pip install deodr==0.2.3 trimesh
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from measure import arguments, gain, interleaved, load_now, report, summary, table, target
from torch import Tensor, nn

from reverie.canvas.mesh import MeshCanvas, Shape
from reverie.numerics.mesh import edges_of
from reverie.render.camera import Camera
from reverie.render.light import Light
from reverie.render.mips import plan_mips
from reverie.render.outline import EdgeTable
from reverie.render.surface import Surface

RINGS = {"5k": 36, "20k": 71}
SIDES = (256, 512)
FASTER = 4.0
CAMERA = Camera(30, 15, 3.0)


def ball(rings: int) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices and triangles of a bumpy ball, ``4 rings (rings - 1)`` of them, seen from outside."""
    theta, phi = np.linspace(0, np.pi, rings + 1)[1:-1], np.arange(2 * rings) * np.pi / rings
    t, p = (x.reshape(-1) for x in np.meshgrid(theta, phi, indexing="ij"))
    r = 0.85 * (1 + 0.1 * np.sin(3 * p) * np.sin(t) ** 3)
    shell = np.stack([r * np.sin(t) * np.cos(p), r * np.cos(t), r * np.sin(t) * np.sin(p)], 1)
    wide, north, south, faces = 2 * rings, len(shell), len(shell) + 1, []
    for j in range(wide):
        k = (j + 1) % wide
        faces += [(north, k, j), (south, (rings - 2) * wide + j, (rings - 2) * wide + k)]
        for i in range(rings - 2):
            a, b, c, d = i * wide + j, i * wide + k, (i + 1) * wide + j, (i + 1) * wide + k
            faces += [(a, b, c), (b, d, c)]
    return np.concatenate([shell, [[0, 0.85, 0], [0, -0.85, 0]]]), np.array(faces)


class Texture(nn.Module):
    """Plain texels."""

    def __init__(self) -> None:
        super().__init__()
        self.texels = nn.Parameter(torch.rand(1, 3, 512, 512, generator=torch.Generator().manual_seed(0)))

    def forward(self) -> Tensor:
        return self.texels


def ours(vertices: np.ndarray, faces: np.ndarray, side: int) -> Callable[[], object]:
    """Return one step: render, and gradients to texels and vertices."""
    edges, points = edges_of(faces), torch.from_numpy(vertices)
    table_of = EdgeTable(torch.from_numpy(edges.ends), torch.from_numpy(edges.opposite))
    uv = points[:, :2] / 2 + 0.5
    surface = Surface(points, torch.from_numpy(faces), uv, torch.from_numpy(faces), table_of)
    mips = plan_mips(torch.ones(512, 512, dtype=torch.bool), 6)
    shape = Shape(points, table_of.ends, 19.0)
    canvas = MeshCanvas(Texture(), surface, mips, (side, side), [CAMERA], shape)
    light = [Light(0.3, lamp=0.7, toward=(0.0, 0.6, 0.8))]
    parameters = list(canvas.parameters())
    goal = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(1))

    def step() -> object:
        score = (canvas.views(canvas.cameras, light).images - goal).square().sum()
        return torch.autograd.grad(score, parameters)

    return step


def deodr(vertices: np.ndarray, faces: np.ndarray, side: int) -> Callable[[], object]:
    """Return the same of DEODR."""
    from deodr.pytorch import CameraPytorch, ColoredTriMeshPytorch, Scene3DPytorch

    matrix = CAMERA.matrix((side, side)).numpy()
    focal = side / 2 / np.tan(np.radians(CAMERA.fov_deg) / 2)
    intrinsic = np.array([[focal, 0, side / 2], [0, focal, side / 2], [0, 0, 1]])
    extrinsic = np.linalg.inv(intrinsic) @ matrix
    camera = CameraPytorch(extrinsic=extrinsic, intrinsic=intrinsic, height=side, width=side)
    mesh = ColoredTriMeshPytorch(
        faces.astype(np.uint32), vertices=vertices, clockwise=False, colors=np.ones((len(vertices), 3))
    )
    scene = Scene3DPytorch()
    scene.set_mesh(mesh)
    scene.set_background_color(np.array([0.5, 0.5, 0.5]))
    scene.set_light(torch.tensor([0.0, -0.42, -0.56], dtype=torch.float64), torch.tensor(0.3, dtype=torch.float64))
    points = torch.tensor(vertices, requires_grad=True)
    colors = torch.rand(len(vertices), 3, dtype=torch.float64, requires_grad=True)
    goal = torch.rand(side, side, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def step() -> object:
        mesh.set_vertices(points)
        mesh.set_vertices_colors(colors)
        score = (scene.render(camera) - goal).square().sum()
        return torch.autograd.grad(score, [points, colors])

    return step


def main() -> None:
    """Measure, print, write."""
    options = arguments(__doc__, rounds=7).parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    load, results, lines, rows = load_now(), {}, [], []
    for name, rings in RINGS.items():
        vertices, faces = ball(rings)
        for side in SIDES:
            steps = {"reverie": ours(vertices, faces, side), "deodr": deodr(vertices, faces, side)}
            times = interleaved(steps, options.rounds, warmup=2)
            ratio = gain(times["deodr"]["cpu_s"], times["reverie"]["cpu_s"])
            found: dict[str, Any] = {
                "triangles": len(faces), "cpu_s": {n: summary(t["cpu_s"]) for n, t in times.items()},
                "wall_s": {n: summary(t["wall_s"]) for n, t in times.items()}, "times_as_fast": ratio,
            }  # fmt: skip
            results[f"{name} {side} px"] = found
            cpu = found["cpu_s"]
            rows.append(
                [f"{name} {side} px", *(f"{1000 * cpu[n]['min']:.1f}" for n in steps), f"{ratio['median']:.2f}"]
            )
            what = f"{len(faces)} triangles, {side} px: times as fast as DEODR (CPU, median of rounds)"
            lines.append(target(what, f">= {FASTER:g}", ratio["median"], ratio["median"] >= FASTER))
    table(["scene", "reverie ms", "deodr ms", "ratio"], rows)
    report("What does a picture of a mesh cost, with gradients?", vars(options) | {"output": None}, results, lines,
           options.output, load)  # fmt: skip


if __name__ == "__main__":
    main()
