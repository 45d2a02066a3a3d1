import pytest
import torch

from reverie.optimize.frame import MARGIN_PX, Frame

CASES = [
    ((40, 50), (False, False), (0, 0)),
    ((40, 50), (False, False), (3, 10)),
    ((34, 33), (False, False), (13, 15)),
    ((40, 50), (True, False), (5, 7)),
    ((40, 50), (True, True), (5, 7)),
    ((1, 60), (False, False), (3, 3)),
]


def random(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(len(shape)), dtype=torch.float64)


@pytest.mark.parametrize(("size", "wrap", "shift"), CASES)
def test_folding_is_the_adjoint_of_framing(size, wrap, shift) -> None:
    frame, images = Frame(size, wrap, shift), random(1, 3, *size)
    framed = frame.put(images)
    other = torch.rand(framed.shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    assert (framed * other).sum().item() == pytest.approx((images * frame.fold(other)).sum().item(), rel=1e-12)


@pytest.mark.parametrize(("size", "wrap", "shift"), CASES)
def test_the_size_of_the_frame_does_not_depend_on_the_shift(size, wrap, shift) -> None:
    images = random(1, 3, *size)
    assert Frame(size, wrap, shift).put(images).shape == Frame(size, wrap).put(images).shape


def test_a_shift_moves_the_picture_on_the_grid() -> None:
    images = random(1, 3, 40, 50)
    framed = Frame((40, 50), (False, False), (3, 10)).put(images)
    top, left = MARGIN_PX + 3, MARGIN_PX + 10
    assert torch.equal(framed[..., top : top + 40, left : left + 50], images)
    assert torch.equal(framed[..., top - 1, left : left + 50], images[..., 1, :])
