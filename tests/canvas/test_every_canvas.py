"""What every canvas must do; a new canvas joins by one line in `FROM_IMAGES` and `FROM_NOISE`."""

import pytest
import torch
from torch import Generator

from reverie.canvas.phase import PhaseCanvas
from reverie.canvas.pixels import PixelCanvas
from reverie.canvas.spectrum import MARGIN, SpectrumCanvas
from reverie.canvas.stack import StackCanvas
from reverie.numerics.resample import resize

FROM_IMAGES = {
    "phase": PhaseCanvas.from_images, "pixels": PixelCanvas, "spectrum": SpectrumCanvas.from_images,
    "stack": StackCanvas.from_images,
}  # fmt: skip
FROM_NOISE = {
    "phase": PhaseCanvas.noise, "pixels": PixelCanvas.noise, "spectrum": SpectrumCanvas.noise,
    "stack": StackCanvas.noise,
}  # fmt: skip
LEARNING_RATE = {"phase": 0.1, "pixels": 0.02, "spectrum": 0.1, "stack": 0.02}
SIZES = [(32, 32), (33, 47), (31, 48), (40, 25)]

pytestmark = pytest.mark.parametrize("name", sorted(FROM_IMAGES))


@pytest.mark.parametrize("size", SIZES)
def test_round_trip_of_a_photograph(name, size, make_photo):
    photo = make_photo(*size)
    kept = photo if name == "pixels" else photo.clamp(MARGIN, 1 - MARGIN)
    with torch.no_grad():
        images = FROM_IMAGES[name](photo)()
    assert images.shape == photo.shape
    assert torch.allclose(images, kept, atol=1e-5)


def start(name, photo):
    """Return a canvas of noise; the phase canvas, whose magnitude is fixed, gets the photograph's."""
    canvas = FROM_NOISE[name](tuple(photo.shape[-2:]), Generator().manual_seed(0))
    return (
        PhaseCanvas(canvas.phase, PhaseCanvas.from_images(photo).magnitude, canvas.size) if name == "phase" else canvas
    )


@pytest.mark.parametrize("size", SIZES[:2])
def test_fits_a_photograph_from_noise(name, size, make_photo):
    photo = make_photo(*size, seed=3).clamp(0.05, 0.95)
    canvas = start(name, photo)
    optimizer = torch.optim.Adam(canvas.parameters(), lr=LEARNING_RATE[name])
    for _ in range(200):
        error = (canvas() - photo).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    assert error.sqrt().item() < 0.03  # the photograph's own deviation is 0.19


@pytest.mark.parametrize("size", SIZES[:2])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(name, size):
    def made(seed):
        return FROM_NOISE[name](size, Generator().manual_seed(seed), batch=2)().detach()

    assert made(7).numpy().tobytes() == made(7).numpy().tobytes()
    assert not torch.equal(made(7), made(8))
    assert not torch.equal(made(7)[0], made(7)[1])


def test_noise_is_a_picture_in_range_of_the_wanted_size(name):
    canvas = FROM_NOISE[name]((21, 34), Generator().manual_seed(0), batch=3)
    images = canvas().detach()
    assert images.shape == (3, 3, 21, 34)
    assert images.dtype == torch.float32
    assert canvas.size == (21, 34)
    assert 0 <= float(images.min()) < float(images.max()) <= 1


@pytest.mark.parametrize("size", [(66, 90), (40, 50), (45, 61), (90, 66)])
def test_resized_keeps_the_picture(name, size, make_photo):
    photo = resize(make_photo(20, 24, seed=1), (45, 61)).clamp(0.05, 0.95)  # smooth: nothing that any size would lose
    canvas = FROM_IMAGES[name](photo).resized(size)
    images = canvas().detach()
    assert canvas.size == size
    assert images.shape[-2:] == size
    error = (images - resize(photo, size))[..., 6:-6, 6:-6].abs().mean()  # wrapping and clamping borders differ
    assert float(error) < 0.02


def test_every_pixel_reaches_a_parameter_and_nothing_else_is_trained(name, make_photo):
    canvas = FROM_IMAGES[name](make_photo(9, 14))
    (parameter,) = canvas.parameters()
    (gradient,) = torch.autograd.grad(canvas()[..., 4, 7].sum(), parameter)
    assert gradient.any()
    assert not torch.equal(gradient, torch.autograd.grad(canvas()[..., 7, 4].sum(), parameter)[0])


def test_the_source_is_copied(name, make_photo):
    photo = make_photo(12, 16)
    before = photo.clone()
    canvas = FROM_IMAGES[name](photo)
    with torch.no_grad():
        for parameter in canvas.parameters():
            parameter.add_(1)
    assert torch.equal(photo, before)
