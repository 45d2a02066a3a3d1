import math

import numpy as np
import pytest
import torch

from reverie.numerics.similarity import psnr, ssim


def pair(height: int = 24, width: int = 31) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(2, 3, height, width, generator=generator)
    return image, (image + 0.1 * torch.randn(image.shape, generator=generator)).clamp(0, 1)


def test_psnr_of_a_known_error():
    image = torch.full((1, 1, 8, 8), 0.5)
    assert psnr(image, image + 0.1).item() == pytest.approx(20, abs=1e-5)
    assert psnr(image, image).item() == 100


def test_ssim_is_a_plain_loop_over_windows():
    images, targets = pair()
    line = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    a, b = images[0, 1].double().numpy(), targets[0, 1].double().numpy()
    values = []
    for row in range(a.shape[0] - 10):
        for column in range(a.shape[1] - 10):
            x, y = a[row : row + 11, column : column + 11], b[row : row + 11, column : column + 11]
            mx, my = (window * x).sum(), (window * y).sum()
            vx, vy, cov = ((window * p).sum() for p in ((x - mx) ** 2, (y - my) ** 2, (x - mx) * (y - my)))
            light = (2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4)
            values.append(light * (2 * cov + 9e-4) / (vx + vy + 9e-4))
    assert ssim(images[:1, 1:2], targets[:1, 1:2]).item() == pytest.approx(np.mean(values), abs=1e-9)


def test_ssim_of_equal_and_of_constant_pictures():
    images, _ = pair()
    assert ssim(images, images).tolist() == pytest.approx([1, 1])
    black, grey = torch.zeros(1, 1, 16, 16), torch.full((1, 1, 16, 16), 0.5)
    assert ssim(black, grey).item() == pytest.approx(1e-4 / (0.25 + 1e-4))


def test_small_pictures_have_a_score_too():
    assert math.isclose(ssim(torch.ones(1, 1, 1, 3), torch.ones(1, 1, 1, 3)).item(), 1)
