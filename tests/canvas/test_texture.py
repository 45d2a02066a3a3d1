"""A texture on a quad, seen straight on, is the texture; and it can be learned from pictures of the mesh."""

import torch
from torch import Generator

from reverie.canvas.mesh import MeshCanvas
from reverie.canvas.pixels import PixelCanvas
from reverie.numerics.mesh import edges_of
from reverie.render.camera import Camera
from reverie.render.mips import plan_mips
from reverie.render.outline import EdgeTable
from reverie.render.surface import Surface


def quad() -> Surface:
    """Return the square from -1 to 1 that faces +z, its texture upright."""
    vertices = torch.tensor([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], dtype=torch.float64)
    uv = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]], dtype=torch.float64)
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    edges = edges_of(faces.numpy())
    return Surface(vertices, faces, uv, faces, EdgeTable(*map(torch.from_numpy, (edges.ends, edges.opposite))))


def canvas(inner, size, levels=3) -> MeshCanvas:
    covered = torch.ones(inner.size, dtype=torch.bool)  # the square fills its texture
    camera = Camera(0, 0, 2.0, fov_deg=53.130102354)  # the square fills the picture exactly: tan(fov / 2) = 1 / 2
    return MeshCanvas(inner, quad(), plan_mips(covered, levels), size, [camera])


def test_seen_straight_on_the_picture_is_the_texture(make_photo):
    photo = make_photo(32, 32)
    with torch.no_grad():
        images = canvas(PixelCanvas(photo), (32, 32))()
    assert (images - photo)[..., 1:-1, 1:-1].abs().max() < 1e-4


def test_from_farther_away_the_picture_is_the_mean_of_texels(make_photo):
    photo = make_photo(64, 64)
    with torch.no_grad():
        images = canvas(PixelCanvas(photo), (16, 16))()
    assert (images - torch.nn.functional.avg_pool2d(photo, 4))[..., 1:-1, 1:-1].abs().max() < 1e-4


def test_learns_a_texture_from_oblique_pictures(make_photo):
    photo = make_photo(32, 32).clamp(0.05, 0.95)
    views = [Camera(a, e, 3.2) for a, e in ((0, 0), (-30, 20), (35, -25), (10, 30))]
    with torch.no_grad():
        seen = canvas(PixelCanvas(photo), (64, 64), 1)(views)
    learned = canvas(PixelCanvas.noise((32, 32), Generator().manual_seed(0)), (64, 64), 1)
    optimizer = torch.optim.Adam(learned.parameters(), lr=0.03)
    for _ in range(120):
        optimizer.zero_grad()
        (learned(views) - seen).square().sum().backward()
        optimizer.step()
    held_out = [Camera(-15, -10, 3.0)]
    with torch.no_grad():
        error = learned(held_out) - canvas(PixelCanvas(photo), (64, 64), 1)(held_out)
    assert error.square().mean().sqrt() < 0.01
