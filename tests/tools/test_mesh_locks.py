"""Parts of a mesh that are locked stay where they are."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "render"))
from shapes import sphere, table

from reverie.canvas.mesh import Shape
from reverie.errors import InputError
from reverie.numerics.mesh import Material, Mesh
from reverie.tools.mesh.held import held_vertices, read_locks


def ball() -> Mesh:
    vertices, faces = (part.numpy() for part in sphere(6))
    right = (vertices[faces].mean(1)[:, 0] > 0).astype(np.int64)
    uv = vertices[:, :2] / 2 + 0.5
    return Mesh(
        vertices, faces, uv=uv, face_uv=faces, face_material=right, materials=(Material("left"), Material("right"))
    )


def test_a_material_is_held():
    mesh = ball()
    held = held_vertices(mesh, read_locks(["material=right"]))
    assert (held[mesh.vertices[:, 0] > 0.3] == 1).all()
    assert (held[mesh.vertices[:, 0] < -0.3] == 0).all()
    with pytest.raises(InputError, match="--lock"):
        held_vertices(mesh, read_locks(["material=rihgt"]))
    assert held_vertices(mesh, ()) is None


def test_a_mask_is_held(tmp_path):
    white = np.zeros((64, 64), np.uint8)
    white[:32] = 255  # the upper half of the picture, where v is large
    Image.fromarray(white).save(tmp_path / "top.png")
    mesh = ball()
    held = held_vertices(mesh, read_locks([f"mask={tmp_path / 'top.png'}"]))
    assert (held[mesh.vertices[:, 1] > 0.2] == 1).all()
    assert (held[mesh.vertices[:, 1] < -0.2] == 0).all()
    with pytest.raises(InputError, match="has none"):
        held_vertices(replace(mesh, uv=None, face_uv=None), read_locks([f"mask={tmp_path / 'top.png'}"]))
    with pytest.raises(InputError, match="one of them"):
        read_locks(["material=a,mask=b.png"])


@pytest.mark.parametrize("reach", [None, 0.1])
def test_held_vertices_stay(reach):
    vertices, faces = sphere(6)
    held = (vertices[:, 0] > 0).float()
    shape = Shape(vertices, table(faces).ends, 4.0, reach=reach, held=held)
    with torch.no_grad():
        shape.moved.add_(torch.randn(shape.moved.shape, generator=torch.Generator().manual_seed(0)))
        way = (shape() - vertices).norm(dim=1)
        assert way[held == 1].max() < 1e-6
        assert way[held == 0].max() > 0.02
        assert torch.allclose(shape.restaged(1.0)(), shape(), atol=1e-5)
