import math

import cv2
import numpy as np
import pytest
import torch

from reverie.errors import InputError
from reverie.numerics.color_filters import kuwahara, median, posterize, random_convolution
from reverie.numerics.edge_filters import sobel
from reverie.numerics.filters import FILTER_NAMES, FILTERS, named_filter
from reverie.numerics.kernels import blurred, correlated, gaussian_radius
from reverie.numerics.mirror import mirrored


def picture(height: int = 37, width: int = 53, channels: int = 3, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    rough = torch.rand(1, channels, height // 4 + 1, width // 4 + 1, generator=generator)
    return torch.nn.functional.interpolate(rough, (height, width), mode="bilinear")


def as_rows(images: torch.Tensor) -> np.ndarray:
    return images[0].permute(1, 2, 0).double().numpy()


def test_sobel_is_that_of_opencv_with_a_binomial_blur():
    image = picture()
    grey = cv2.cvtColor(as_rows(image).astype(np.float32), cv2.COLOR_RGB2GRAY)
    smooth = cv2.GaussianBlur(grey, (3, 3), 0)
    x, y = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    expected = np.clip(np.hypot(x, y), 0, 1)
    assert np.abs(as_rows(sobel(image))[..., 0] - expected).max() < 1e-3


@pytest.mark.parametrize("sigma", [0.5, 0.85, 1.15, 3.25])
def test_gaussian_blur_is_that_of_opencv(sigma: float):
    image, side = picture(), 2 * gaussian_radius(sigma) + 1
    expected = cv2.GaussianBlur(as_rows(image), (side, side), sigma)
    assert np.abs(as_rows(blurred(image, sigma)) - expected).max() < 1e-6


def test_a_blur_changes_continuously_with_its_deviation():
    image = picture()
    for sigma in (0.85, 1.15, 2.0):
        assert (blurred(image, sigma + 1e-4) - blurred(image, sigma - 1e-4)).abs().max() < 1e-3


@pytest.mark.parametrize("name", ["scharr", "laplacian", "dog", "emboss"])
def test_a_flat_picture_has_no_edges(name: str):
    flat = torch.full((1, 3, 20, 30), 0.4)
    value = {"dog": 0.5, "emboss": 0.4}.get(name, 0.0)
    assert torch.allclose(FILTERS[name].apply(flat), torch.tensor(value), atol=1e-5)


def test_scharr_measures_a_slope_of_any_direction_alike():
    rows, columns = torch.meshgrid(torch.arange(40.0), torch.arange(40.0), indexing="ij")
    found = []
    for degrees in (0, 17, 45, 80):
        angle = math.radians(degrees)
        ramp = 0.5 + 0.01 * ((columns - 20) * math.cos(angle) + (rows - 20) * math.sin(angle))
        found.append(FILTERS["scharr"].apply(ramp[None, None])[0, 0, 20, 20].item())
    assert max(found) - min(found) < 1e-5


def test_laplacian_of_a_parabola_is_its_curvature():
    columns = torch.arange(-20.0, 21.0)
    parabola = (0.001 * columns.square()).expand(1, 1, 41, 41)
    assert torch.allclose(FILTERS["laplacian"].apply(parabola)[0, 0, 20, 10:30], torch.tensor(0.002), atol=1e-5)


@pytest.mark.parametrize("radius", [1, 2])
def test_median_is_that_of_opencv(radius: int):
    image = picture()
    bytes_ = (as_rows(image) * 255).astype(np.uint8)
    wide = cv2.copyMakeBorder(bytes_, 4, 4, 4, 4, cv2.BORDER_REFLECT_101)
    expected = cv2.medianBlur(wide, 2 * radius + 1)[4:-4, 4:-4]
    found = median(torch.from_numpy(bytes_).permute(2, 0, 1)[None].float() / 255, radius)
    assert np.array_equal(np.rint(as_rows(found) * 255).astype(np.uint8), expected)


def test_bilateral_is_a_plain_loop():
    image, sigma, contrast = picture(11, 13), 1.0, 0.2
    found = FILTERS["bilateral"].apply(image, sigma=sigma, contrast=contrast)
    wide, pixels = as_rows(mirrored(image, 2, 2, 2, 2)), as_rows(image)
    for row, column in [(0, 0), (5, 6), (10, 12), (3, 11)]:
        total, weights = np.zeros(3), 0.0
        for r in range(-2, 3):
            for c in range(-2, 3):
                there = wide[row + 2 + r, column + 2 + c]
                apart = ((there - pixels[row, column]) ** 2).sum()
                weight = math.exp(-(r * r + c * c) / (2 * sigma**2) - apart / (2 * contrast**2))
                total, weights = total + weight * there, weights + weight
        assert np.allclose(found[0, :, row, column].numpy(), total / weights, atol=1e-5)


def test_kuwahara_keeps_a_step_sharp_and_takes_its_noise():
    generator = torch.Generator().manual_seed(3)
    step = torch.zeros(1, 1, 30, 40)
    step[..., 20:] = 0.8
    noisy = step + 0.1 + 0.05 * (torch.rand(step.shape, generator=generator) - 0.5)
    found = kuwahara(noisy, 3)
    assert (found - step - 0.1).abs().max() < 0.02


def test_posterize_leaves_that_many_values():
    assert posterize(picture(), 5).unique().tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1])


def test_random_convolutions_follow_from_their_seed():
    image = picture()
    assert torch.equal(random_convolution(image, 7), random_convolution(image, 7))
    assert (random_convolution(image, 7) - random_convolution(image, 8)).abs().mean() > 0.01


@pytest.mark.parametrize("name", FILTER_NAMES)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (17, 9)])
def test_every_filter_keeps_any_size_and_stays_in_range(name: str, size: tuple[int, int]):
    chosen, image = named_filter(name, seed=1), torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    found = chosen.apply(image, **chosen.settings({}))
    assert found.shape == (2, chosen.channels or 3, *size)
    assert found.isfinite().all()
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize("name", ["sobel", "gaussian", "bilateral", "kuwahara", "median", "xdog"])
def test_a_filter_of_a_window_is_the_window_of_the_filter(name: str):
    chosen, image = named_filter(name), picture(60, 70)
    whole, window = chosen.apply(image), chosen.apply(image[..., 10:50, 15:65])
    assert torch.allclose(whole[..., 22:38, 27:53], window[..., 12:28, 12:38], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("sobel", {"sgima": 1.0}, "no parameter of the filter sobel called 'sgima'; nearest: sigma"),
        ("sobel", {"sigma": 9.0}, "sigma of the filter sobel must be from 0.3 to 5; got 9"),
        ("emboss", {"sigma": 1.0}, "the filter emboss has no parameters; got 'sigma'"),
    ],
)
def test_parameters_are_checked(name: str, given: dict[str, float], message: str):
    with pytest.raises(InputError, match=message):
        named_filter(name).settings(given)


def test_an_unknown_filter_names_the_nearest():
    with pytest.raises(InputError, match="no filter called 'sobl'; nearest: sobel"):
        named_filter("sobl")


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (3, 3), (11, 11)])
@pytest.mark.parametrize("size", [(16, 20), (3, 2)])
def test_borders_are_the_same_whoever_mirrors_them(shape: tuple[int, int], size: tuple[int, int]):
    draw = torch.Generator().manual_seed(0)
    images, kernel = torch.rand(2, 3, *size, generator=draw), torch.rand(shape, generator=draw)
    with_slopes = images.clone().requires_grad_()  # mirrored by index, as small pictures are
    assert torch.equal(correlated(images, kernel), correlated(with_slopes, kernel).detach())
