"""Dead units wake up: a start without any gradient gets one that raises the unit."""

import pytest
import torch
from torch import Generator, nn
from torch.nn import functional as F

from reverie.canvas.pixels import PixelCanvas
from reverie.critic.critic import Critic, Identity, Preprocessing
from reverie.errors import GradientError
from reverie.objective import channel, layer
from reverie.optimize.ascend import ascend_canvas
from reverie.optimize.gradient import Ascent
from reverie.optimize.redirect import redirected_relu
from reverie.optimize.transforms import Transforms

STILL = Transforms(0)


class Functional(nn.Module):
    """Convolution, ReLU as a function, convolution; the units start far below zero."""

    def __init__(self, relu) -> None:
        super().__init__()
        self.conv, self.relu, self.head = nn.Conv2d(3, 4, 3), relu, nn.Conv2d(4, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.relu(self.conv(x)))


def dead_critic(relu=F.relu, bias: float = -5.0) -> Critic:
    torch.manual_seed(0)
    net = Functional(relu)
    with torch.no_grad():
        net.conv.bias.fill_(bias)
        net.head.weight.copy_(net.head.weight.abs())
    return Critic(net, Preprocessing((0, 0, 0), (1, 1, 1)), Identity("dead", input_px=16))


@pytest.mark.parametrize(
    "relu",
    [
        F.relu, F.relu_, torch.relu, torch.relu_, torch.Tensor.relu, torch.Tensor.relu_,
        nn.ReLU(), nn.ReLU(inplace=True),
    ],
)  # fmt: skip
def test_a_dead_start_gets_a_gradient_that_raises_the_unit(relu, make_photo):
    critic, images = dead_critic(relu), make_photo(12, 16)
    leaf = images.clone().requires_grad_(True)
    (plain,) = torch.autograd.grad(critic(leaf, ["head"])["head"].mean(), leaf)
    assert not plain.any()
    _, gradient = Ascent(critic, layer("head", "mean"), STILL).gradient(images, Generator())
    assert gradient.any()
    before, after = (
        critic(x, ["conv"])["conv"].mean() for x in (images, images + gradient / gradient.abs().mean() / 10)
    )
    assert after > before


def test_units_whose_rise_would_lower_the_score_stay_closed():
    x = torch.tensor([[-1.0, -2.0, -3.0]], requires_grad=True)
    with redirected_relu():
        score = (F.relu(x) * torch.tensor([2.0, -1.0, 0.0])).sum()
    (gradient,) = torch.autograd.grad(score, x)
    assert gradient.tolist() == [[2.0, 0.0, 0.0]]


def test_only_samples_whose_whole_gradient_is_blocked_are_redirected():
    x = torch.tensor([[-1.0, 2.0], [-1.0, -2.0]], requires_grad=True)
    with redirected_relu():
        score = F.relu(x).sum()
    (gradient,) = torch.autograd.grad(score, x)
    assert gradient.tolist() == [[0.0, 1.0], [1.0, 1.0]]


def test_outside_of_the_context_a_relu_is_a_relu_again():
    x = torch.tensor([[-1.0, -2.0]], requires_grad=True)
    with redirected_relu():
        pass
    (gradient,) = torch.autograd.grad(F.relu(x).sum(), x)
    assert not gradient.any()


def test_values_are_those_of_a_relu():
    x = torch.randn(2, 3, 4, 5)
    with redirected_relu():
        assert torch.equal(F.relu(x), x.clamp_min(0))
        assert torch.equal(nn.ReLU(inplace=True)(x.clone()), x.clamp_min(0))


def test_a_live_gradient_is_not_touched(make_photo):
    critic, images = dead_critic(bias=0.0), make_photo(12, 16)
    leaf = images.clone().requires_grad_(True)
    (plain,) = torch.autograd.grad(critic(leaf, ["head"])["head"].mean(), leaf)
    _, gradient = Ascent(critic, layer("head", "mean"), STILL).gradient(images, Generator())
    assert torch.allclose(gradient, plain, atol=1e-7)


def test_adam_on_a_canvas_wakes_dead_units_up(make_photo):
    critic = dead_critic(bias=-0.6)
    canvas = PixelCanvas(torch.full((1, 3, 12, 16), 0.5))
    before = critic(canvas().detach(), ["conv"])["conv"]
    assert before.max() < 0
    for _ in ascend_canvas(canvas, Ascent(critic, layer("head", "mean"), STILL), 8, 0.02, Generator()):
        pass
    assert critic(canvas().detach(), ["conv"])["conv"].mean() > before.mean()


@pytest.mark.parametrize("start", ["pixels", "canvas"])
def test_what_no_step_could_raise_is_an_error(start, make_photo):
    critic, images = dead_critic(), make_photo(12, 16)
    with torch.no_grad():
        critic.net.head.weight.neg_()  # every unit would lower the score
    ascent = Ascent(critic, channel("head", 0), STILL)
    with pytest.raises(GradientError, match="no gradient reaches"):
        if start == "pixels":
            ascent.gradient(images, Generator())
        else:
            next(ascend_canvas(PixelCanvas(images), ascent, 5, 0.05, Generator()))


@pytest.mark.parametrize("relu", [nn.ReLU6(), nn.ReLU6(inplace=True), F.relu6, lambda x: F.hardtanh(x, 0.0, 6.0)])
def test_a_relu_with_a_ceiling_is_woken_from_below_and_from_above(relu):
    x = torch.tensor([[-1.0, 8.0, -2.0, 9.0]], requires_grad=True)
    with redirected_relu():
        out = relu(x * 1)
        (gradient,) = torch.autograd.grad((out * torch.tensor([2.0, -3.0, -1.0, 5.0])).sum(), x)
    assert out.tolist() == [[0.0, 6.0, 0.0, 6.0]]
    assert gradient.tolist() == [[2.0, -3.0, 0.0, 0.0]]  # what would rise too low or fall too high moves
    lively = torch.tensor([[-1.0, 8.0, 3.0, 9.0]], requires_grad=True)
    with redirected_relu():
        (gradient,) = torch.autograd.grad(relu(lively * 1).sum(), lively)
    assert gradient.tolist() == [[0.0, 0.0, 1.0, 0.0]]


def test_a_symmetric_hardtanh_is_no_relu():
    x = torch.tensor([[-3.0, -0.5, 4.0]], requires_grad=True)
    with redirected_relu():
        out = F.hardtanh(x)
        (gradient,) = torch.autograd.grad(out.sum(), x)
    assert out.tolist() == [[-1.0, -0.5, 1.0]]
    assert gradient.tolist() == [[0.0, 1.0, 0.0]]
