import torch
from torch import Generator

from reverie.objective import channel, layer
from reverie.optimize.ensemble import Ensemble
from reverie.optimize.gradient import Ascent
from reverie.optimize.transforms import Transforms

STILL = Transforms(jitter_px=0)


def test_scores_and_gradients_are_weighted_sums(small_critic, make_photo):
    photo = make_photo(40, 48)
    one, two = Ascent(small_critic, layer("conv2"), STILL), Ascent(small_critic, channel("mixed3", 1), STILL)
    (a, up), (b, more) = (x.slope(photo, Generator()) for x in (one, two))
    score, uphill = Ensemble(((0.5, one), (2.0, two))).slope(photo, Generator())
    assert abs(score - (0.5 * a + 2 * b)) < 1e-6
    assert torch.allclose(uphill, 0.5 * up + 2 * more, atol=1e-7)


def test_views_of_one_network_after_the_other_are_drawn_from_the_same_generator(small_critic, make_photo):
    photo, noisy = make_photo(40, 48), Transforms(jitter_px=3, noise=0.1)
    one, two = (Ascent(small_critic, layer(name), noisy) for name in ("conv2", "mixed3"))
    generator = Generator().manual_seed(3)
    expected = one.slope(photo, generator)[1] + two.slope(photo, generator)[1]
    found = Ensemble(((1.0, one), (1.0, two))).slope(photo, Generator().manual_seed(3))[1]
    assert torch.allclose(found, expected, atol=1e-7)
