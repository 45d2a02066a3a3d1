"""What does one picture of a mesh cost, with gradients: ours beside Mitsuba 3, which traces rays through LLVM.

Scene, cameras and texture of `mesh_render.py`; gradients to texels and vertices, outlines included. Mitsuba: diffuse,
one directional lamp and even light, 4 samples a pixel (`direct_projective`, with noise; without guiding, since its
octree did not end within minutes). The lights are not quite the same: even light leaves its hollows darker. Both are
given the slope of the squared difference from a fixed picture. Where Mitsuba or its LLVM is missing, one line says so.

One thread each, CPU seconds.

    pip install --no-deps --target mitsuba mitsuba==3.9.1 drjit
    DRJIT_LIBLLVM_PATH=libLLVM.so.19.1 PYTHONPATH=mitsuba python benchmarks/mesh_mitsuba.py
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from measure import arguments, gain, interleaved, load_now, report, summary, table
from mesh_render import CAMERAS, RINGS, SIDES, Texture, ball, ours

from reverie.render.camera import Camera

SAMPLES = 4
VARIANT = "llvm_ad_rgb"


def opened() -> Any:
    """Return Mitsuba, or None where it is missing."""
    if "DRJIT_LIBLLVM_PATH" not in os.environ:  # the one that it finds by itself may end the process
        return None
    try:
        import drjit
        import mitsuba

        mitsuba.set_variant(VARIANT)
        mitsuba.set_log_level(mitsuba.LogLevel.Error)
    except ImportError:
        return None
    drjit.set_thread_count(1)
    return mitsuba


def scene_of(mi: Any, vertices: np.ndarray, faces: np.ndarray) -> Any:
    """Return the ball with its texture under a lamp and even light."""
    texels = Texture().texels.detach()[0].permute(1, 2, 0).contiguous().numpy()
    bitmap = {"type": "bitmap", "bitmap": mi.Bitmap(texels), "raw": True, "filter_type": "bilinear"}
    properties = mi.Properties()
    properties["surface"] = mi.load_dict({"type": "twosided", "bsdf": {"type": "diffuse", "reflectance": bitmap}})
    mesh = mi.Mesh("ball", len(vertices), len(faces), properties, has_vertex_normals=True, has_vertex_texcoords=True)
    parameters = mi.traverse(mesh)
    parameters["faces"] = mi.UInt32(faces.astype(np.uint32).reshape(-1))
    parameters["vertex_positions"] = mi.Float(vertices.astype(np.float32).reshape(-1))
    parameters["vertex_texcoords"] = mi.Float((vertices[:, :2] / 2 + 0.5).astype(np.float32).reshape(-1))
    parameters.update()
    mesh.recompute_vertex_normals()
    lamp = {"type": "directional", "direction": [0, -0.6, -0.8], "irradiance": {"type": "rgb", "value": 0.7 * np.pi}}
    even = {"type": "constant", "radiance": {"type": "rgb", "value": 0.3}}
    return mi.load_dict({"type": "scene", "ball": mesh, "lamp": lamp, "even": even})


def lens_of(mi: Any, camera: Camera, side: int) -> Any:
    """Return a camera as Mitsuba takes it."""
    place = mi.ScalarTransform4f().look_at(camera.eye().tolist(), list(camera.target), [0, 1, 0])
    film = {"type": "hdrfilm", "width": side, "height": side, "rfilter": {"type": "box"}, "pixel_format": "rgb"}
    return mi.load_dict({"type": "perspective", "fov": camera.fov_deg, "to_world": place, "film": film,
                         "sampler": {"type": "independent", "sample_count": SAMPLES}})  # fmt: skip


def theirs(mi: Any, vertices: np.ndarray, faces: np.ndarray, side: int) -> Callable[[], object]:
    """Return one step of Mitsuba: render, and gradients to texels and vertices."""
    import drjit as dr

    scene, lenses = scene_of(mi, vertices, faces), [lens_of(mi, camera, side) for camera in CAMERAS]
    integrator = mi.load_dict({"type": "direct_projective", "guiding": "none", "sppi": 0})
    parameters = mi.traverse(scene)
    names = [name for name in parameters.keys() if name.endswith(("vertex_positions", "reflectance.data"))]  # noqa: SIM118
    goal = mi.TensorXf(np.random.default_rng(1).random((side, side, 3), dtype=np.float32))

    def picture(lens: Any) -> object:
        for name in names:
            dr.disable_grad(parameters[name])  # or slopes of all rounds are added up
            dr.enable_grad(parameters[name])
        parameters.update()
        image = mi.render(scene, parameters, sensor=lens, integrator=integrator, spp=SAMPLES)
        dr.backward(dr.sum(dr.square(image - goal), axis=None))
        return [np.array(dr.grad(parameters[name])) for name in names]

    return lambda: [picture(lens) for lens in lenses]


def main() -> None:
    """Measure, print, write."""
    options = arguments(__doc__, rounds=3).parse_args()
    mi = opened()
    if mi is None:
        raise SystemExit("skipped: mitsuba is not installed, or DRJIT_LIBLLVM_PATH does not name an LLVM (15 or newer)")
    torch.set_num_threads(1)
    load, results, rows = load_now(), {}, []
    for name, rings in RINGS.items():
        vertices, faces = ball(rings)
        for side in SIDES:
            steps = {"reverie": ours(vertices, faces, side), "mitsuba": theirs(mi, vertices, faces, side)}
            times = {who: each["cpu_s"] for who, each in interleaved(steps, options.rounds, warmup=1).items()}
            ratio = gain(times["mitsuba"], times["reverie"])
            results[f"{name} {side} px"] = {who: summary(found) for who, found in times.items()} | {
                "triangles": len(faces), "pictures": len(CAMERAS), "times as fast as mitsuba": ratio
            }  # fmt: skip
            each_ms = [f"{1000 * min(found) / len(CAMERAS):.1f}" for found in times.values()]
            rows.append([f"{name} {side} px", *each_ms, f"{ratio['median']:.1f}"])
    table(["scene", "reverie, CPU ms a picture", f"mitsuba, {SAMPLES} samples", "ratio"], rows)
    versions = vars(options) | {"output": None, "mitsuba": mi.__version__, "samples": SAMPLES, "threads": 1}
    report("What does a picture of a mesh cost beside Mitsuba 3?", versions, results, [], options.output, load)


if __name__ == "__main__":
    main()
