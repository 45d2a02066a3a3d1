import pytest
import torch
from torch import Generator

from reverie.canvas.pixels import PixelCanvas
from reverie.canvas.spectrum import SpectrumCanvas
from reverie.errors import GradientError
from reverie.numerics.gradient import NORMALIZATIONS, mean_abs_normalized
from reverie.objective import Custom, channel, layer, logit, neuron
from reverie.optimize.ascend import CanvasRule, StepRule, ascend_canvas, ascend_pixels
from reverie.optimize.gradient import Ascent
from reverie.optimize.redirect import redirected_relu
from reverie.optimize.tiles import plan_tiles
from reverie.optimize.transforms import Transforms

STILL = Transforms(0)


def test_a_step_goes_uphill_by_its_size_in_the_mean(small_critic, make_photo):
    photo = 0.3 + 0.4 * make_photo(48, 56)
    ascent, canvas = Ascent(small_critic, layer("conv4"), STILL), PixelCanvas(photo)
    score, gradient = ascent.gradient(photo, Generator())
    ((found, seconds),) = ascend_pixels(canvas, ascent, StepRule(0.01), 1, Generator())
    assert found == score
    assert seconds > 0
    moved = canvas().detach() - photo
    assert float(moved.abs().mean()) == pytest.approx(0.01, rel=1e-3)
    assert torch.allclose(moved, 0.01 * mean_abs_normalized(gradient), atol=1e-5)


@pytest.mark.parametrize("normalization", sorted(NORMALIZATIONS))
@pytest.mark.parametrize("objective", [layer("conv4"), channel("conv2", 3), logit(2)])
def test_the_score_rises(small_critic, make_photo, objective, normalization):
    canvas = PixelCanvas(make_photo(48, 56))
    ascent = Ascent(small_critic, objective, Transforms(4))
    scores = [
        s for s, _ in ascend_pixels(canvas, ascent, StepRule(0.01, normalization), 12, Generator().manual_seed(0))
    ]
    assert len(scores) == 12
    assert sum(scores[-3:]) / 3 > sum(scores[:3]) / 3
    assert scores[-1] > scores[0] + 0.1 * abs(scores[0])


def test_a_negative_weight_lowers(small_critic, make_photo):
    canvas, generator = PixelCanvas(make_photo(48, 56)), Generator().manual_seed(0)
    scores = [
        s for s, _ in ascend_pixels(canvas, Ascent(small_critic, -layer("conv4"), STILL), StepRule(), 6, generator)
    ]
    assert scores[-1] > scores[0]  # higher is better, and it is the layer's strength that fell
    assert -scores[-1] < -scores[0]


def test_pixels_stay_in_range_whatever_the_step(small_critic, make_photo):
    canvas = PixelCanvas(make_photo(32, 40))
    for _ in ascend_pixels(canvas, Ascent(small_critic, layer("conv2"), STILL), StepRule(0.7), 2, Generator()):
        assert float(canvas().detach().min()) == 0
        assert float(canvas().detach().max()) == 1


@pytest.mark.parametrize("normalization", sorted(NORMALIZATIONS))
@pytest.mark.parametrize("tiles", [(), plan_tiles((64, 72), 32, 48, 8)])
def test_outside_of_a_mask_every_bit_stays(small_critic, make_photo, normalization, tiles):
    photo, mask = make_photo(64, 72), torch.zeros(1, 1, 64, 72)
    mask[..., 10:30, 20:50] = 1
    mask[..., 30:34, 20:50] = 0.5
    canvas, rule = PixelCanvas(photo), StepRule(0.02, normalization)
    ascent = Ascent(small_critic, layer("conv4"), Transforms(8))
    for _ in ascend_pixels(canvas, ascent, rule, 3, Generator().manual_seed(0), tiles=tiles, mask=mask):
        pass
    outside = (mask == 0).expand_as(photo)
    assert torch.equal(canvas()[outside], photo[outside])
    moved = (canvas().detach() - photo).abs()
    assert float(moved[..., 10:30, 20:50].mean()) > 0.005
    assert float(moved[..., 10:30, 20:50].mean()) > float(moved[..., 30:34, 20:50].mean()) > 0


def test_the_same_seed_gives_the_same_bytes(small_critic, make_photo):
    def run(seed):
        canvas = PixelCanvas(make_photo(48, 56))
        for _ in ascend_pixels(
            canvas, Ascent(small_critic, layer("conv4")), StepRule(), 3, Generator().manual_seed(seed)
        ):
            pass
        return canvas().detach()

    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))


@pytest.mark.parametrize("size", [1e-21, 1e-35])
def test_a_tiny_gradient_still_takes_a_full_step(small_critic, make_photo, size):
    photo = 0.3 + 0.4 * make_photo(32, 40)
    tiny = Custom(("conv2",), lambda a: size * layer("conv2")(a))
    canvas = PixelCanvas(photo)
    list(ascend_pixels(canvas, Ascent(small_critic, tiny, STILL), StepRule(0.01), 1, Generator()))
    assert float((canvas().detach() - photo).abs().mean()) == pytest.approx(0.01, rel=0.01)


# -- Adam on any canvas -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [PixelCanvas.noise, SpectrumCanvas.noise])
def test_adam_raises_the_score_of_any_canvas(small_critic, kind):
    canvas = kind((48, 40), Generator().manual_seed(0))
    ascent = Ascent(small_critic, logit(1), Transforms(4, scale=0.05, rotate_deg=4, noise=0.01))
    moments = list(ascend_canvas(canvas, ascent, 30, 0.05, Generator().manual_seed(0)))
    assert len(moments) == 30
    assert max(moments[-1][0], moments[-2][0]) > moments[0][0] + 0.5


def test_the_images_of_a_step_are_those_after_it(small_critic):
    canvas = SpectrumCanvas.noise((32, 40), Generator().manual_seed(0))
    start = canvas().detach()
    for _, _, images in ascend_canvas(canvas, Ascent(small_critic, layer("conv4"), STILL), 3, 0.05, Generator()):
        assert torch.equal(images, canvas().detach())
        assert not torch.equal(images, start)
        assert not images.requires_grad


def test_a_score_that_is_not_a_number_stops_with_a_sentence(small_critic):
    broken = Custom(("conv4",), lambda a: a["conv4"].sum((1, 2, 3)) * float("nan"))
    with pytest.raises(GradientError, match="not a number"):
        next(ascend_canvas(PixelCanvas(torch.rand(1, 3, 32, 32)), Ascent(small_critic, broken), 1, 0.05, Generator()))


def test_an_annealed_rate_falls_along_half_a_cosine_to_almost_nothing():
    rule = CanvasRule(0.4, anneal=True)
    rates = [rule.rate(i, 10) for i in range(10)]
    assert rates[0] == 0.4
    assert rates[5] == pytest.approx(0.2)
    assert rates == sorted(rates, reverse=True)
    assert rates[9] < 0.02
    assert {CanvasRule(0.4).rate(i, 10) for i in range(10)} == {0.4}


@pytest.mark.parametrize("rule", [CanvasRule(0.05, "nadam"), CanvasRule(0.05, "adam", (0.5, 0.9), anneal=True)])
def test_a_rule_is_the_optimizer_of_torch_with_its_settings(small_critic, rule):
    ascent, start = Ascent(small_critic, channel("conv2", 3), STILL), Generator().manual_seed(0)
    canvas = SpectrumCanvas.noise((32, 32), start)
    mirror = SpectrumCanvas.noise((32, 32), Generator().manual_seed(0))
    kind = {"nadam": torch.optim.NAdam, "adam": torch.optim.Adam}[rule.method]
    optimizer = kind(mirror.parameters(), lr=rule.lr, betas=rule.betas)
    *_, (_, _, images) = ascend_canvas(canvas, ascent, 4, rule, Generator().manual_seed(0))
    for number in range(4):
        optimizer.param_groups[0]["lr"] = rule.rate(number, 4)
        optimizer.zero_grad()
        (-ascent.objective(small_critic(mirror(), ["conv2"])).sum()).backward()
        optimizer.step()
    assert torch.allclose(images, mirror().detach(), atol=1e-4)


def test_attention_is_the_sum_of_the_gradients_magnitudes(small_critic):
    canvas = SpectrumCanvas.noise((40, 48), Generator().manual_seed(0), batch=2)
    ascent = Ascent(small_critic, neuron("conv2", 3, 0.2, 0.2), STILL)
    attention, images, expected = torch.zeros(2, 1, 40, 48), canvas().detach(), torch.zeros(2, 1, 40, 48)
    for _, _, after in ascend_canvas(canvas, ascent, 3, 0.05, Generator(), attention=attention):
        leaf = images.requires_grad_(True)
        with redirected_relu():  # as in the first steps of every ascent
            score = ascent.objective(small_critic(leaf, ["conv2"])).sum()
        (gradient,) = torch.autograd.grad(score, leaf)
        expected += gradient.abs().sum(1, keepdim=True)
        images = after.clone()
    assert torch.allclose(attention, expected, rtol=1e-3, atol=1e-6)
    assert float(attention[..., 20:, 24:].sum()) == 0  # far from the neuron


def test_pixels_as_a_canvas_stay_in_range(small_critic, make_photo):
    canvas = PixelCanvas(make_photo(32, 32))
    for _, _, images in ascend_canvas(canvas, Ascent(small_critic, layer("conv2"), STILL), 3, 0.6, Generator()):
        assert float(images.min()) >= 0
        assert float(images.max()) <= 1


class Latent(torch.nn.Module):
    """A fixed linear generator: four numbers, within [-1, 1], make a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.z = torch.nn.Parameter(torch.zeros(1, 4))
        self.register_buffer("basis", torch.randn(4, 3, 48, 48, generator=Generator().manual_seed(0)))

    def forward(self, view: object = None) -> torch.Tensor:
        return 0.5 + 0.1 * torch.einsum("bk,kchw->bchw", self.z, self.basis)

    @torch.no_grad()
    def clip_(self) -> None:
        self.z.clamp_(-1, 1)


def test_a_canvas_of_another_kind_reaches_its_optimum_within_its_bounds(small_critic):
    canvas, wanted = Latent(), torch.tensor([[0.5, -3.0, 0.25, 3.0]])
    target = 0.5 + 0.1 * torch.einsum("bk,kchw->bchw", wanted.clamp(-1, 1), canvas.basis)
    away = Custom(("image",), lambda acts: -(acts["image"] - target).square().mean((1, 2, 3)))
    beyond = Custom(("image",), lambda acts: -(acts["image"] - (2 * target - 0.5)).square().mean((1, 2, 3)))
    still = Transforms(0)
    for objective, best in ((away, wanted.clamp(-1, 1)), (beyond, (2 * wanted.clamp(-1, 1)).clamp(-1, 1))):
        list(ascend_canvas(canvas, Ascent(small_critic, objective, still), 150, 0.05, Generator().manual_seed(0)))
        assert torch.allclose(canvas.z, best, atol=0.05)  # the basis is not quite orthogonal
