"""The rasterizer, interpolation, sampling and outlines against each other, closed forms and finite differences."""

import pytest
import torch
from shapes import sphere, table

from reverie.render.camera import Camera, project
from reverie.render.interpolate import interpolate, interpolate_torch
from reverie.render.outline import find_crossings
from reverie.render.raster import raster
from reverie.render.sample import sample, sample_torch

CAMERAS = [Camera(30, 20, 3.2), Camera(200, -40, 1.6), Camera(10, 5, 0.9)]  # the last stands inside the bumpy ball


@pytest.mark.parametrize("camera", CAMERAS)
def test_backends_agree(camera):
    vertices, faces = sphere(20, bumps=0.2)
    points = project(vertices, camera.matrix((120, 90)))
    one, depth_one = raster(points, faces, (120, 90), camera.near, "numba")
    two, depth_two = raster(points, faces, (120, 90), camera.near, "torch")
    assert (one >= 0).float().mean() > 0.2
    assert (one == two).float().mean() >= 0.999
    assert torch.allclose(depth_one, depth_two, rtol=1e-5, atol=1e-6)


def test_the_disc_of_a_ball_has_its_area_and_no_holes():
    vertices, faces = sphere(60)
    size = (200, 200)
    camera = Camera(0, 0, 3.2)
    triangle, inverse = raster(project(vertices, camera.matrix(size)), faces, size, camera.near)
    focal = camera.matrix(size)[0, 0]
    radius_px = float(focal) / (3.2**2 - 1) ** 0.5
    assert (triangle >= 0).sum().item() == pytest.approx(torch.pi * radius_px**2, rel=0.01)
    assert 1 / inverse[100, 100].item() == pytest.approx(2.2, rel=0.01)  # the ball's nearest point
    rows = torch.arange(200)[:, None] + 0.5 - 100
    inner = rows.square() + rows.T.square() < (radius_px - 2) ** 2
    assert (triangle[inner] >= 0).all()


def test_a_floor_that_runs_behind_the_camera_is_cut_at_the_near_plane():
    vertices = torch.tensor([[-50.0, -1, -50], [50, -1, -50], [50, -1, 50], [-50, -1, 50]], dtype=torch.float64)
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    camera = Camera(0, 0, 3.0)
    size = (64, 64)
    points = project(vertices, camera.matrix(size))
    assert (points[:, 2] < 0).any()
    for backend in ("numba", "torch"):
        triangle, _ = raster(points, faces, size, camera.near, backend)
        assert (triangle[34:] >= 0).all()  # below the horizon, up to the camera's feet
        assert (triangle[:32] < 0).all()
    place = interpolate(points, faces, triangle, vertices, faces)
    assert torch.allclose(place[34:, :, 1], torch.full((30, 64), -1.0, dtype=torch.float64))
    back = project(place[34:].reshape(-1, 3), camera.matrix(size))
    columns = (back[:, 0] / back[:, 2]).view(30, 64)
    assert torch.allclose(columns, (torch.arange(64) + 0.5).double().expand(30, 64), atol=1e-6)


def test_interpolation_is_exact_in_perspective_and_its_gradients_are_those_of_torch():
    vertices, faces = sphere(6)
    camera, size = Camera(20, 30, 2.6), (24, 24)
    points = project(vertices, camera.matrix(size)).requires_grad_()
    triangle, _ = raster(points, faces, size, camera.near)
    values = torch.randn(len(vertices), 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    values.requires_grad_()
    weight = torch.randn(*size, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = [f(points, faces, triangle, values, faces) for f in (interpolate, interpolate_torch)]
    assert torch.allclose(found[0], found[1])
    slopes = [torch.autograd.grad((image * weight).sum(), [points, values]) for image in found]
    for fused, plain in zip(*slopes, strict=True):
        assert plain.any()
        assert torch.allclose(fused, plain, atol=1e-9)


def test_interpolation_passes_gradcheck():
    points = torch.tensor([[1.0, 1.5, 1], [16.0, 4.0, 2], [4.0, 10.0, 1.1]], dtype=torch.float64, requires_grad=True)
    faces = torch.tensor([[0, 1, 2]])
    triangle, _ = raster(points, faces, (10, 10), 0.1)
    values = torch.rand(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert (triangle >= 0).any()
    assert torch.autograd.gradcheck(lambda p, v: interpolate(p, faces, triangle, v, faces), (points, values))


@pytest.mark.slow
def test_sampling_passes_gradcheck_and_equals_torch():
    generator = torch.Generator().manual_seed(0)
    sizes = ((8, 6), (4, 3))
    texels = torch.rand(8 * 6 + 4 * 3, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    uv = torch.rand(20, 2, dtype=torch.float64, generator=generator, requires_grad=True)
    level = torch.rand(20, dtype=torch.float64, generator=generator)
    assert torch.allclose(sample(texels, sizes, uv, level), sample_torch(texels, sizes, uv, level))
    assert torch.autograd.gradcheck(lambda t, p: sample(t, sizes, p, level), (texels, uv))


def test_the_first_row_of_a_texture_is_its_top():
    texels = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])  # red green / blue white
    corners = torch.tensor([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
    assert torch.equal(sample(texels, ((2, 2),), corners, torch.zeros(4)), texels)


def shaded(vertices, faces, edges, camera, size, smooth=True):
    """Return a lit ball of two colors before a sloped ground, with a mask as fourth channel."""
    points = project(vertices, camera.matrix(size))
    triangle, inverse = raster(points, faces, size, camera.near)
    seen = (triangle >= 0).to(vertices)[..., None]
    ground = torch.linspace(0, 0.4, size[1]).to(vertices).expand(size)[..., None]
    color = torch.full((len(vertices), 3), 0.8).to(vertices)
    found = interpolate(points, faces, triangle, color, faces)
    image = torch.cat([found * seen + ground * (1 - seen), seen], -1)
    return find_crossings(points, edges, triangle, inverse, camera.near).smooth(image) if smooth else image


MOVES = {
    "shift": lambda v: torch.tensor([1.0, 0.3, 0]).to(v).expand_as(v),
    "scale": lambda v: v,
    "warp": lambda v: torch.stack([torch.sin(3 * v[:, 1]), torch.cos(2 * v[:, 0]), 0 * v[:, 2]], 1),
}


@pytest.mark.parametrize("move", sorted(MOVES))
@pytest.mark.slow
def test_outline_gradients_are_those_of_a_supersampled_render(move):
    vertices, faces = sphere(40, bumps=0.12)
    edges, camera, side, fine = table(faces), Camera(25, 20, 3.4), 256, 8
    way = MOVES[move](vertices)
    ramp = torch.linspace(0.2, 1, side, dtype=torch.float64)
    weight = (ramp[:, None] * ramp[None, :] ** 2)[..., None]
    free = vertices.clone().requires_grad_()
    (slope,) = torch.autograd.grad((shaded(free, faces, edges, camera, (side, side)) * weight).sum(), free)

    def truth(step):
        big = shaded(vertices + step * way, faces, edges, camera, (side * fine, side * fine), smooth=False)
        small = torch.nn.functional.avg_pool2d(big.permute(2, 0, 1), fine).permute(1, 2, 0)
        return (small * weight).sum().item()

    step = 4e-3
    expected = (truth(step) - truth(-step)) / (2 * step)
    assert (slope * way).sum().item() == pytest.approx(expected, rel=0.05)


def test_smooth_outlines_are_nearer_to_a_supersampled_picture():
    vertices, faces = sphere(40, bumps=0.12)
    edges, camera, side = table(faces), Camera(25, 20, 3.4), 128
    big = shaded(vertices, faces, edges, camera, (side * 8, side * 8), smooth=False)
    truth = torch.nn.functional.avg_pool2d(big.permute(2, 0, 1), 8).permute(1, 2, 0)[..., 3]
    hard, smooth = (shaded(vertices, faces, edges, camera, (side, side), s)[..., 3] for s in (False, True))
    assert (smooth - truth).abs().sum() < 0.25 * (hard - truth).abs().sum()
