"""Texture coordinates are kept where one can paint on them, and made where one cannot."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from shapes import sphere

from reverie.errors import MeshError
from reverie.numerics.mesh import Mesh, edges_of
from reverie.render.bake import filled, texel_map
from reverie.render.texture_quality import seam_difference, seen_fraction
from reverie.render.unwrap import fit_to_paint, why_not


def ball(rings=10) -> Mesh:
    vertices, faces = sphere(rings)
    return Mesh(vertices.numpy(), faces.numpy())


def quad(uv) -> Mesh:
    vertices = np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    return Mesh(vertices, faces, np.array(uv, float), faces)


def test_a_ball_is_unfolded_without_overlap_and_texels_lie_on_it():
    mesh, notes = fit_to_paint(ball())
    assert why_not(mesh) is None
    assert "no texture coordinates" in notes[0]
    uv, face_uv = torch.from_numpy(mesh.uv), torch.from_numpy(mesh.face_uv)
    found = texel_map(uv, face_uv, (256, 256))
    places = found.values(torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.faces))[found.covered]
    assert found.covered.float().mean() > 0.4
    assert (places.norm(dim=1) - 1).abs().max() < 0.05  # the middle of a flat triangle lies within the ball


def test_good_coordinates_are_kept():
    mesh = quad([[0, 0], [1, 0], [1, 1], [0, 1]])
    assert fit_to_paint(mesh) == (mesh, ())
    assert fit_to_paint(mesh, always_new=True)[1]


def test_mirrored_and_far_coordinates_are_not():
    mirrored = quad([[0, 0], [1, 0], [1, 1], [1, 0]])  # both triangles on the same half
    assert "several places" in why_not(mirrored)
    far = quad([[0, 0], [8, 0], [8, 8], [0, 8]])
    assert "beyond" in why_not(far)
    assert why_not(fit_to_paint(far)[0]) is None


def test_a_layout_that_reaches_a_little_beyond_is_shrunk():
    mesh, notes = fit_to_paint(quad([[-0.1, 0], [0.9, 0], [0.9, 1], [-0.1, 1]]))
    assert mesh.uv.min() >= 0
    assert mesh.uv.max() <= 1
    assert "shrunk" in notes[0]


def test_meshes_too_large_to_unfold_are_refused(monkeypatch):
    monkeypatch.setattr("reverie.render.unwrap.MANY_FACES", 10)
    with pytest.raises(MeshError, match="can be unfolded here"):
        fit_to_paint(ball(4))


def test_seams_of_a_color_of_space_do_not_show_and_those_of_noise_do():
    mesh, _ = fit_to_paint(ball())
    edges = edges_of(mesh.faces)
    uv, face_uv = torch.from_numpy(mesh.uv), torch.from_numpy(mesh.face_uv)
    found = texel_map(uv, face_uv, (256, 256))
    places = found.values(torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.faces)).float()
    smooth = filled((places * 0.4 + 0.5).permute(2, 0, 1)[None], found.covered)
    noise = torch.rand(smooth.shape, generator=torch.Generator().manual_seed(0))
    assert seam_difference(smooth, mesh.uv, mesh.faces, mesh.face_uv, edges) < 0.005
    assert seam_difference(noise, mesh.uv, mesh.faces, mesh.face_uv, edges) > 0.1
    whole = replace(mesh, uv=mesh.vertices[:, :2], face_uv=mesh.faces)
    assert seam_difference(noise, whole.uv, whole.faces, whole.face_uv, edges) == 0


def test_one_camera_sees_less_than_half_of_a_ball_and_two_opposite_ones_twice_that():
    from reverie.render.camera import Camera

    vertices, faces = sphere(24)
    places = torch.randn(4000, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    places = places / places.norm(dim=1, keepdim=True)
    one = seen_fraction(places, vertices, faces, [Camera(0, 0, 4)], (256, 256))
    two = seen_fraction(places, vertices, faces, [Camera(0, 0, 4), Camera(180, 0, 4)], (256, 256))
    assert one == pytest.approx((1 - 1 / 4) / 2, abs=0.03)  # the cap that is seen from distance d: (1 - 1 / d) / 2
    assert two == pytest.approx(2 * one, abs=0.02)


def test_both_footprints_agree():
    from reverie.render.camera import Camera, project
    from reverie.render.footprint import footprint, footprint_torch
    from reverie.render.raster import raster

    vertices, faces = sphere(12)
    camera, size = Camera(20, 10, 3), (48, 64)
    points = project(vertices, camera.matrix(size))
    triangle, _ = raster(points, faces, size, camera.near)
    arguments = (points, faces, triangle, vertices[:, :2] / 2 + 0.5, faces)
    assert torch.allclose(footprint(*arguments), footprint_torch(*arguments), rtol=1e-5)
