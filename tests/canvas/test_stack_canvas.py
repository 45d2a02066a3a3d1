import itertools

import pytest
import torch
from torch import Generator
from torch.nn import functional as F

from reverie.canvas.stack import RATIO, TILT, StackCanvas, stack_sizes
from reverie.numerics.color import correlation_matrix


@pytest.mark.parametrize("size", [(64, 64), (33, 47), (20, 90), (1, 1), (2, 3)])
def test_sizes_rise_from_a_pixel_to_the_picture(size):
    sizes = stack_sizes(size)
    assert sizes[-1] == size
    assert min(sizes[0]) == 1
    assert len(set(sizes)) == len(sizes)
    for small, large in itertools.pairwise(sizes):
        assert small[0] <= large[0] and small[1] <= large[1]
        assert min(large) / min(small) <= RATIO + 0.6  # rounding of 1.41 to 1 and 2


def test_forward_is_the_sum_of_the_enlarged_resolutions():
    size = (12, 17)
    canvas = StackCanvas.noise(size, Generator().manual_seed(0), batch=2)
    sizes, total, at = stack_sizes(size), torch.zeros(2, 3, *size), 0
    for number, (height, width) in enumerate(sizes):
        count = 3 * height * width
        part = canvas.stack.detach()[:, at : at + count].reshape(2, 3, height, width)
        for larger in sizes[number + 1 :]:
            part = F.interpolate(part, larger, mode="bilinear", align_corners=False)
        total += (12 / min(height, width)) ** TILT * part
        at += count
    assert at == canvas.stack.shape[1]
    expected = torch.sigmoid(torch.einsum("rc,bchw->brhw", correlation_matrix(), total))
    assert torch.allclose(canvas().detach(), expected, atol=1e-5)


def test_a_photograph_is_taken_apart_coarse_first(make_photo):
    photo = 0.3 + 0.4 * F.interpolate(make_photo(4, 4, seed=2), (32, 32), mode="bicubic").clamp(0, 1)
    canvas = StackCanvas.from_images(photo)
    parts = canvas.stack.detach().split([3 * h * w for h, w in stack_sizes((32, 32))], dim=1)
    assert float(parts[-1].square().mean()) < 0.1 * float(canvas._sum().detach().square().mean())


def test_one_step_reaches_every_scale():
    canvas = StackCanvas.noise((32, 32), Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(canvas()[..., 16, 16].sum(), canvas.stack)
    parts = gradient.split([3 * h * w for h, w in stack_sizes((32, 32))], dim=1)
    assert all(part.any() for part in parts)
