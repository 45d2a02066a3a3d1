import pytest
import torch

from reverie.objective import total_variation


def rough(image: torch.Tensor, beta: float) -> torch.Tensor:
    return total_variation(beta)({"image": image})


def test_a_constant_has_none_and_a_slope_has_its_square():
    assert float(rough(torch.full((1, 3, 8, 9), 0.7), 2)) == 0
    slope = (0.1 * torch.arange(10.0)).expand(1, 3, 8, 10)
    assert float(rough(slope, 2)) == pytest.approx(0.01 * (7 * 9) / (8 * 10), rel=1e-5)
    assert float(rough(slope.mT, 2)) == pytest.approx(float(rough(slope, 2)), rel=1e-5)


@pytest.mark.parametrize("beta", [1.0, 2.0, 3.0])
def test_it_is_the_papers_sum_over_pixels(beta):
    image = torch.rand(2, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    expected = torch.zeros(2)
    for y in range(4):
        for x in range(5):
            here = image[:, :, y, x]
            squares = (image[:, :, y, x + 1] - here) ** 2 + (image[:, :, y + 1, x] - here) ** 2
            expected += (squares ** (beta / 2)).mean(1)
    assert torch.allclose(rough(image, beta), expected / 30, rtol=1e-3)


@pytest.mark.parametrize("beta", [1.0, 2.0])
def test_its_gradient_is_that_of_finite_differences(beta):
    image = torch.rand(1, 2, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: rough(x, beta), image)


def test_the_gradient_of_a_flat_picture_is_finite_for_sharp_edges_too():
    image = torch.full((1, 3, 5, 5), 0.5, requires_grad=True)
    (gradient,) = torch.autograd.grad(rough(image, 1.0).sum(), image)
    assert torch.isfinite(gradient).all()
