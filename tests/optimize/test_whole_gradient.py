import pytest
import torch
from torch import Generator, nn

from reverie.critic.critic import Critic, Identity, Preprocessing
from reverie.errors import GradientError
from reverie.objective import Custom, channel, layer, total_variation
from reverie.optimize.gradient import Ascent, balanced
from reverie.optimize.transforms import Transforms


def test_without_jitter_it_is_the_gradient_of_the_score(small_critic, make_photo):
    images = make_photo(48, 70)
    score, gradient = Ascent(small_critic, layer("conv4"), Transforms(0)).gradient(images, Generator())
    leaf = images.clone().requires_grad_(True)
    total = small_critic(leaf, ["conv4"])["conv4"].square().mean() / 2
    (expected,) = torch.autograd.grad(total, leaf)
    assert score == pytest.approx(total.item(), rel=1e-5)
    assert torch.allclose(gradient, expected, rtol=1e-4, atol=1e-9)
    assert not images.requires_grad


def test_jitter_is_undone(small_critic, make_photo):
    images = make_photo(48, 70)
    ascent = Ascent(small_critic, layer("conv4"), Transforms(32))
    down, right = ascent.transforms.shift(Generator().manual_seed(5))
    assert down % 8
    assert right % 8
    _, gradient = ascent.gradient(images, Generator().manual_seed(5))
    rolled = torch.roll(images, (down, right), (-2, -1)).requires_grad_(True)
    (expected,) = torch.autograd.grad(small_critic(rolled, ["conv4"])["conv4"].square().mean() / 2, rolled)
    assert torch.allclose(gradient, torch.roll(expected, (-down, -right), (-2, -1)), rtol=1e-4, atol=1e-9)


def test_jitter_does_not_move_an_objective_that_wraps_around(make_photo):
    net = nn.Sequential(nn.Conv2d(3, 4, 1))
    pixelwise = Critic(net, Preprocessing((0, 0, 0), (1, 1, 1)), Identity("pixelwise", input_px=8))
    images = make_photo(20, 31)
    still, moved = (
        Ascent(pixelwise, layer("0"), Transforms(jitter)).gradient(images, Generator().manual_seed(2))
        for jitter in (0, 9)
    )
    assert moved[0] == pytest.approx(still[0], rel=1e-5)
    assert torch.allclose(moved[1], still[1], atol=1e-8)


def test_terms_of_a_balanced_objective_pull_equally_hard(small_critic, make_photo):
    images = make_photo(64, 64)
    objective = 1e5 * layer("conv1") + 3 * channel("conv4", 2) - 2 * total_variation()
    ascent = Ascent(small_critic, objective, Transforms(8))
    result = balanced(ascent, images, Generator().manual_seed(0))
    pulls = []
    for weight, term in result.terms():
        _, gradient = Ascent(small_critic, term, ascent.transforms).gradient(images, Generator().manual_seed(0))
        pulls.append(weight * gradient.abs().mean().item())
    assert pulls == pytest.approx([1e5, 3, -2], rel=1e-4)


def test_a_single_term_is_not_touched_and_a_flat_picture_has_no_roughness_to_balance(small_critic):
    flat = torch.full((1, 3, 64, 64), 0.5)
    single = layer("conv4")
    assert balanced(Ascent(small_critic, single), flat, Generator()) is single
    both = balanced(Ascent(small_critic, single - total_variation(), Transforms(0)), flat, Generator())
    assert both.terms()[1][0] == -1
    assert both.terms()[0][0] > 0
    assert both.terms()[0][0] != 1


@pytest.mark.parametrize("scale", [1e-21, 1e-35])
def test_tiny_gradients_are_gradients(small_critic, make_photo, scale):
    images = make_photo(32, 32)
    plain = Ascent(small_critic, layer("conv2"), Transforms(0)).gradient(images, Generator())[1]
    tiny = Ascent(small_critic, Custom(("conv2",), lambda a: layer("conv2")(a) * scale), Transforms(0))
    found = tiny.gradient(images, Generator())[1]
    assert torch.allclose(found.double() / scale, plain.double(), rtol=0.05, atol=float(plain.abs().max()) * 1e-3)


def test_what_never_reaches_the_picture_is_an_error_with_a_next_step(small_critic, make_photo):
    constant = Custom(("conv4",), lambda a: 0 * a["conv4"].sum((1, 2, 3)))
    with pytest.raises(GradientError, match=r"no gradient.*--layer"):
        Ascent(small_critic, constant).gradient(make_photo(32, 32), Generator())


def test_a_gradient_that_is_not_a_number_is_an_error(small_critic, make_photo):
    broken = Custom(("conv4",), lambda a: (a["conv4"].sum((1, 2, 3)) * 0 - 1).sqrt())
    with pytest.raises(GradientError, match="not a number"):
        Ascent(small_critic, broken).gradient(make_photo(32, 32), Generator())
