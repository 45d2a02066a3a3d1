"""Every style score on batches: two views of one canvas, and a fixed linear generator, both raised to their optimum."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor, nn

from quick_values import quick_values
from reverie.critic.critic import Critic
from reverie.numerics.moment_sums import moment_sums
from reverie.objective import layer
from reverie.objective.base import BASE, Objective
from reverie.objective.content import Content
from reverie.objective.moment_scores import MOMENT_SCORES
from reverie.objective.moments import mean_moments
from reverie.objective.nearest import Nearest
from reverie.objective.relaxed_emd import RelaxedMover, SampledMoments, moments_of
from reverie.objective.sampler import Sampler
from reverie.objective.self_similarity import SelfSimilarity
from reverie.objective.sliced import Sliced
from reverie.objective.summed import Place, with_draws
from reverie.optimize.ascend import CanvasRule, ascend_canvas
from reverie.optimize.gradient import Ascent
from reverie.optimize.transforms import Transforms

LAYER, PLACES = "mixed3", 160
STILL = Transforms(0)
SAMPLED = ("sliced", "relaxed", "sampled-moments", "nearest")
SCORES = (*MOMENT_SCORES, *SAMPLED)


class Latent(nn.Module):
    """A fixed linear generator: each row of `z` makes a picture."""

    def __init__(self, z: Tensor) -> None:
        super().__init__()
        self.z = nn.Parameter(z.clone())
        noise = torch.randn(4, 3, 6, 6, generator=Generator().manual_seed(3))
        self.basis = nn.functional.interpolate(noise, (48, 48), mode="bicubic")

    def forward(self, view: object = None) -> Tensor:
        return 0.5 + 0.1 * torch.einsum("bk,kchw->bchw", self.z, self.basis)


class TwoCameras(nn.Module):
    """One wide picture, seen as its left and its right half."""

    def __init__(self, pixels: Tensor) -> None:
        super().__init__()
        self.pixels = nn.Parameter(pixels.clone())

    def forward(self, view: object = None) -> Tensor:
        return torch.cat(self.pixels.chunk(2, 3))

    @torch.no_grad()
    def clip_(self) -> None:
        self.pixels.clamp_(0, 1)


@torch.no_grad()
def score_of(name: str, critic: Critic, style: Tensor) -> Objective:
    """Return a style score whose target is a picture."""
    seen = critic(style, [LAYER])[LAYER]
    if name in MOMENT_SCORES:
        return MOMENT_SCORES[name](LAYER, mean_moments(moment_sums(seen)))
    sampler = Sampler((LAYER,), PLACES)
    size = (seen.shape[-2], seen.shape[-1])
    rows = sampler.drawn(Generator().manual_seed(1)).features({LAYER: seen}, {LAYER: Place(0, 0, size)})
    kinds: dict[str, Callable[[], Objective]] = {
        "sliced": lambda: Sliced(sampler, rows.double()), "relaxed": lambda: RelaxedMover(sampler, rows),
        "sampled-moments": lambda: SampledMoments(sampler, moments_of(rows)),
        "nearest": lambda: Nearest(sampler, rows),
    }  # fmt: skip
    return kinds[name]()


@pytest.mark.parametrize("name", [*SCORES, "content", "self-similarity"])
def test_each_picture_of_a_batch_has_the_score_that_it_has_alone(small_critic, make_photo, name):
    images, base = torch.cat([make_photo(48, 48, seed) for seed in (1, 2, 3)]), make_photo(48, 48, 4)
    kept = {"content": lambda: Content(LAYER), "self-similarity": lambda: SelfSimilarity(Sampler((LAYER,), PLACES))}
    objective = kept[name]() if name in kept else score_of(name, small_critic, base)
    objective = with_draws(objective, Generator().manual_seed(0), {})
    seen = small_critic(torch.cat([images, base]), [LAYER])[LAYER]
    together = objective({LAYER: seen[:3], BASE + LAYER: seen[3:]})
    alone = [objective({LAYER: seen[i : i + 1], BASE + LAYER: seen[3:]})[0] for i in range(3)]
    assert together.shape == (3,)
    assert torch.allclose(together, torch.stack(alone), rtol=1e-6)
    assert len({round(float(x), 9) for x in together}) == 3  # none stands for the others


def climbed(critic: Critic, canvas: nn.Module, objective: Objective, lr: float, steps: int) -> tuple[float, float]:
    """Return the mean score of the first and of the last steps."""
    ascent, rule = Ascent(critic, objective, STILL), CanvasRule(lr, anneal=True)
    scores = [s for s, _, _ in ascend_canvas(canvas, ascent, steps, rule, Generator().manual_seed(0))]
    return sum(scores[:2]) / 2, sum(scores[-5:]) / 5


def least(name: str, critic: Critic, style: Tensor) -> float:
    """Return the score of the style's own picture: what drawn places leave."""
    objective = with_draws(score_of(name, critic, style), Generator().manual_seed(5), {})
    return float(objective(critic(style, [LAYER])).sum())


@pytest.mark.parametrize("name", quick_values(SCORES, SCORES[::4]))
def test_two_cameras_take_on_a_style(small_critic, make_photo, name):
    style = make_photo(48, 48, 7)
    canvas = TwoCameras(0.5 + 0.02 * torch.randn(1, 3, 48, 96, generator=Generator().manual_seed(2)))
    first, last = climbed(small_critic, canvas, score_of(name, small_critic, style), 0.03, 60)
    assert last > first + 0.8 * (2 * least(name, small_critic, style) - first)
    seen = small_critic(canvas().detach(), [LAYER])
    both = with_draws(score_of(name, small_critic, style), Generator().manual_seed(6), {})(seen)
    assert both.max() - both.min() < 0.3 * abs(first)  # neither side was left behind


@pytest.mark.parametrize("name", quick_values(SCORES, SCORES[::4]))
def test_latents_take_on_the_style_of_another_latent(small_critic, name):
    wanted = torch.tensor([[1.5, -1.0, 0.8, 1.2]])
    style = Latent(wanted)().detach()
    canvas = Latent(torch.tensor([[0.6, -0.4, 0.3, 0.5], [0.4, -0.2, 0.6, 0.2]]))
    first, last = climbed(small_critic, canvas, score_of(name, small_critic, style), 0.1, 80)
    assert last > first + 0.8 * (2 * least(name, small_critic, style) - first)


def test_places_are_drawn_anew_at_every_step_and_alike_for_a_seed(small_critic, make_photo):
    images = make_photo(48, 48)
    ascent = Ascent(small_critic, score_of("nearest", small_critic, make_photo(48, 48, 7)), STILL)
    draws, again = Generator().manual_seed(0), Generator().manual_seed(0)
    first, second = (ascent.slope(images, draws)[0] for _ in range(2))
    assert first != second
    assert [ascent.slope(images, again)[0] for _ in range(2)] == [first, second]


def test_scores_without_draws_take_nothing_from_the_generator(small_critic, make_photo):
    generator = Generator().manual_seed(0)
    Ascent(small_critic, layer("conv4") + score_of("gram", small_critic, make_photo(48, 48)), STILL).slope(
        make_photo(48, 48, 2), generator
    )
    assert torch.equal(generator.get_state(), Generator().manual_seed(0).get_state())
