import torch
from torch.nn import functional as F

from reverie.numerics.mirror import mirrored, mirrored_places


def test_it_is_torchs_reflection_where_that_is_possible():
    image = torch.rand(2, 3, 7, 9, generator=torch.Generator().manual_seed(0))
    assert torch.equal(mirrored(image, 2, 3, 5, 1), F.pad(image, (5, 1, 2, 3), mode="reflect"))


def test_it_goes_back_and_forth_as_often_as_needed():
    assert mirrored_places(3, 5, 4).tolist() == [1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]
    assert mirrored_places(1, 2, 2).tolist() == [0, 0, 0, 0, 0]
