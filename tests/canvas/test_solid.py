"""A solid texture: one color per place, whatever the layout and the size of the texture."""

import torch
from torch import Generator

from reverie.canvas.solid import SolidCanvas, bounded, lattice_sizes


def canvas(side=16, finest=16, seed=0, base=0.5):
    """Return a canvas whose texels lie on the square z = 0.3 from -0.9 to 0.9."""
    line = (torch.arange(side) + 0.5) / side * 1.8 - 0.9
    places = torch.stack([line.expand(side, side), line[:, None].expand(side, side), torch.full((side, side), 0.3)], -1)
    covered = torch.ones(side, side, dtype=torch.bool)
    return SolidCanvas(places, covered, torch.full((1, 3, side, side), base), finest), places, covered


def filled_in(found, seed=0):
    with torch.no_grad():
        found.values.normal_(0, 0.2, generator=Generator().manual_seed(seed))
    return found


def test_begins_as_the_base_exactly():
    found, _, _ = canvas(base=0.25)
    assert torch.equal(found(), torch.full((1, 3, 16, 16), 0.25))


def test_two_texels_of_one_place_have_one_color():
    found, places, covered = canvas()
    places = places.clone()
    places[3, 4] = places[12, 9]
    found = filled_in(SolidCanvas(places, covered, torch.full((1, 3, 16, 16), 0.5), 16))
    with torch.no_grad():
        image = found()
    assert torch.allclose(image[..., 3, 4], image[..., 12, 9], atol=1e-6)
    assert image.std() > 0.01


def test_a_texture_of_another_size_shows_the_same_block():
    found = filled_in(canvas(16)[0])
    _, places, covered = canvas(32)
    with torch.no_grad():
        large = found.moved_to(places, covered, torch.full((1, 3, 32, 32), 0.5))()
        small = found()
    error = torch.nn.functional.avg_pool2d(large, 2) - small
    assert error.std() < 0.2 * small.std()  # the mean of four places is not the middle one's color, quite


def test_fits_a_smooth_picture_and_leaves_unused_texels_alone():
    found, places, covered = canvas(32, 32)
    covered = covered.clone()
    covered[:4] = False
    found = SolidCanvas(places, covered, torch.full((1, 3, 32, 32), 0.5), 32)
    wanted = 0.5 + 0.3 * torch.sin(4 * places[..., 0]) * torch.cos(3 * places[..., 1])
    optimizer = torch.optim.Adam(found.parameters(), lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        ((found() - wanted) * covered).square().sum().backward()
        optimizer.step()
    with torch.no_grad():
        image = found()
    assert (image - wanted)[..., 4:, :].abs().mean() < 0.01
    assert torch.equal(image[..., :4, :], torch.full((1, 3, 4, 32), 0.5))


def test_what_is_white_can_become_dark_again():
    x = torch.tensor([1.2, 1.2, -0.2, -0.2, 0.5], requires_grad=True)
    (uphill,) = torch.autograd.grad((bounded(x) * torch.tensor([1.0, -1, 1, -1, 1])).sum(), x)
    assert uphill.tolist() == [0, -1, 1, 0, 1]


def test_lattices_double():
    assert lattice_sizes(32) == [4, 8, 16, 32]
