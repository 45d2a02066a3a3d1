"""The rasterizer for CUDA, in the interpreter of triton on a processor, against the others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="triton is not installed")

SCRIPT = """
import torch
from shapes import sphere
from reverie.render.camera import Camera, project
from reverie.render.raster import raster

vertices, faces = sphere(5, bumps=0.2)
for camera in (Camera(30, 20, 3.2), Camera(10, 5, 0.9)):
    points = project(vertices, camera.matrix((24, 20)))
    one, inverse = raster(points, faces, (24, 20), camera.near, "triton")
    other, depth = raster(points, faces, (24, 20), camera.near, "torch")
    assert (one >= 0).any()
    assert (one == other).float().mean() >= 0.999
    assert torch.allclose(inverse, depth, rtol=1e-5, atol=1e-6)
"""


@pytest.mark.slow
def test_triton_sees_what_torch_sees():
    known = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=Path(__file__).parent,
        env=known,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
