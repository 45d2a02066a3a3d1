"""What does one picture of a mesh cost, with gradients: ours against DEODR 0.2.3 on a processor.

Scene: a bumpy ball of 5k and 20k triangles before a plain background, smooth normals, one lamp and even light, smooth
outlines, a texture of 512 x 512 texels; gradients to texels and vertices; two pictures a step, as `mesh style` and
`mesh dream` make them. Ours: correct in perspective, the texture at all its resolutions, light per pixel. DEODR's
gradients are only there without perspective and it has one resolution and light per vertex; its torch interface has no
textures, so the textured scene goes through its own functions of numpy. Beside it stand colors of vertices from torch.
Ours and the textured DEODR are both given the slope of the squared difference from a fixed picture.

Twice: with one thread (CPU seconds) and with two (wall seconds; DEODR always works in one).

    pip install --no-deps --target deodr deodr==0.2.3 trimesh
    OMP_WAIT_POLICY=passive PYTHONPATH=deodr python benchmarks/mesh_render.py
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from measure import arguments, gain, interleaved, load_now, report, summary, table, target
from torch import Tensor, nn

from reverie.canvas.mesh import MeshCanvas
from reverie.numerics.mesh import edges_of
from reverie.render.camera import Camera
from reverie.render.light import Light
from reverie.render.mips import plan_mips
from reverie.render.outline import EdgeTable
from reverie.render.surface import Surface

RINGS = {"5k": 36, "20k": 71}
SIDES = (256, 512)
FASTER = 4.0
CAMERAS = (Camera(30, 15, 3.0), Camera(200, 35, 3.0))


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


class Free(nn.Module):
    """Plain vertices."""

    def __init__(self, vertices: Tensor) -> None:
        super().__init__()
        self.places = nn.Parameter(vertices.float())

    def forward(self) -> Tensor:
        return self.places


def ours(vertices: np.ndarray, faces: np.ndarray, side: int) -> Callable[[], object]:
    """Return one step: render, and gradients to texels and vertices."""
    edges, points = edges_of(faces), torch.from_numpy(vertices)
    table_of = EdgeTable(torch.from_numpy(edges.ends), torch.from_numpy(edges.opposite))
    uv = points[:, :2] / 2 + 0.5
    surface = Surface(points, torch.from_numpy(faces), uv, torch.from_numpy(faces), table_of)
    mips = plan_mips(torch.ones(512, 512, dtype=torch.bool), 6)
    canvas = MeshCanvas(Texture(), surface, mips, (side, side), CAMERAS, Free(points))  # type: ignore[arg-type]
    lights = [Light(0.3, lamp=0.7, toward=(0.0, 0.6, 0.8))] * len(CAMERAS)
    parameters = list(canvas.parameters())
    goal = torch.rand(side, side, 3, generator=torch.Generator().manual_seed(1)).permute(2, 0, 1)

    def step() -> object:
        images = canvas.views(canvas.cameras, lights).images
        return torch.autograd.grad(images, parameters, 2 * (images.detach() - goal))

    return step


def lens_of(camera: Camera, side: int) -> dict[str, Any]:
    """Return a camera as DEODR takes it."""
    matrix = camera.matrix((side, side)).numpy()
    focal = side / 2 / np.tan(np.radians(camera.fov_deg) / 2)
    intrinsic = np.array([[focal, 0, side / 2], [0, focal, side / 2], [0, 0, 1]])
    return {"extrinsic": np.linalg.inv(intrinsic) @ matrix, "intrinsic": intrinsic, "height": side, "width": side}


def deodr_textured(vertices: np.ndarray, faces: np.ndarray, side: int) -> Callable[[], object]:
    """Return the same of DEODR: its functions of numpy, forward and backward."""
    from deodr.differentiable_renderer import Camera as Lens
    from deodr.differentiable_renderer import Scene3D
    from deodr.triangulated_mesh import ColoredTriMesh

    lenses = [Lens(**lens_of(camera, side)) for camera in CAMERAS]
    texels = Texture().texels.detach()[0].permute(1, 2, 0).double().contiguous().numpy()
    uv = vertices[:, :2] / 2 + 0.5
    places = np.stack([uv[:, 0] * 512 - 0.5, (1 - uv[:, 1]) * 512 - 0.5], 1).clip(0, 510.9)
    corners = faces.astype(np.uint32)
    mesh = ColoredTriMesh(
        corners, vertices=vertices.copy(), clockwise=False, faces_uv=corners, uv=places, texture=texels
    )
    scene = Scene3D()
    scene.set_mesh(mesh)
    scene.set_background_color(np.array([0.5, 0.5, 0.5]))
    scene.set_light((0.0, -0.42, -0.56), 0.3)
    goal = np.random.default_rng(1).random((side, side, 3))

    def picture(lens: Any) -> object:
        mesh.set_vertices(vertices)
        image = scene.render(lens)
        scene._render_2d_backward(2 * (image - goal))
        flat = scene.scene_2d
        scene.compute_vertices_luminosity_backward(flat.shade_b)
        mesh._vertices_b = lens.project_points_backward(flat.ij_b, store_backward=scene.store_backward_current)
        mesh.compute_vertex_normals_backward(scene.vertex_normals_b)
        return flat.texture_b, mesh._vertices_b

    return lambda: [picture(lens) for lens in lenses]


def deodr_colors(vertices: np.ndarray, faces: np.ndarray, side: int) -> Callable[[], object]:
    """Return DEODR from torch: colors of vertices in place of the texture."""
    from deodr.pytorch import CameraPytorch, ColoredTriMeshPytorch, Scene3DPytorch

    lenses = [CameraPytorch(**lens_of(camera, side)) for camera in CAMERAS]
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

    def picture(lens: Any) -> object:
        mesh.set_vertices(points)
        mesh.set_vertices_colors(colors)
        score = (scene.render(lens) - goal).square().sum()
        return torch.autograd.grad(score, [points, colors])

    return lambda: [picture(lens) for lens in lenses]


def main() -> None:
    """Measure, print, write."""
    options = arguments(__doc__, rounds=7).parse_args()
    warnings.simplefilter("ignore")
    load, results, lines, rows = load_now(), {}, [], []
    for name, rings in RINGS.items():
        vertices, faces = ball(rings)
        for side in SIDES:
            makers = {"reverie": ours, "deodr": deodr_textured, "deodr colors": deodr_colors}
            steps = {who: maker(vertices, faces, side) for who, maker in makers.items()}
            found: dict[str, Any] = {"triangles": len(faces), "pictures": len(CAMERAS)}
            for threads, clock in ((1, "cpu_s"), (2, "wall_s")):
                torch.set_num_threads(threads)
                times = {who: each[clock] for who, each in interleaved(steps, options.rounds, warmup=2).items()}
                ratios = {who: gain(times[who], times["reverie"]) for who in makers if who != "reverie"}
                found[f"{threads} threads, {clock}"] = {who: summary(t) for who, t in times.items()} | {
                    f"times as fast as {who}": ratio for who, ratio in ratios.items()
                }
                each_ms = [f"{1000 * min(times[who]) / len(CAMERAS):.1f}" for who in makers]
                ratio = ratios["deodr"]["median"]
                rows.append([f"{name} {side} px, {threads} threads", *each_ms, f"{ratio:.2f}"])
                what = f"{len(faces)} triangles, {side} px, {threads} threads: times as fast as DEODR ({clock})"
                lines.append(target(what, f">= {FASTER:g}", ratio, ratio >= FASTER))
            results[f"{name} {side} px"] = found
    table(["scene", "reverie ms a picture", "deodr, textured", "deodr, colors of vertices", "ratio"], rows)
    report("What does a picture of a mesh cost, with gradients?", vars(options) | {"output": None}, results, lines,
           options.output, load)  # fmt: skip


if __name__ == "__main__":
    main()
