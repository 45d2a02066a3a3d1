import pytest
import torch
from torch import Tensor

from quick_values import quick_values
from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.errors import InputError
from reverie.objective import layer, logit, total_variation
from reverie.objective.base import Objective, Sum
from reverie.objective.nearest import Nearest
from reverie.objective.relaxed_emd import PaletteMover, RelaxedMover, SampledMoments, moments_of
from reverie.objective.sampler import Sampler
from reverie.objective.self_similarity import SelfSimilarity
from reverie.objective.sliced import Sliced
from reverie.optimize.two_pass import TwoPass
from tile_case import Distance, Products


@pytest.fixture(autouse=True)
def embedded_small(small: None) -> None:
    """What is exact is so whatever the weights and the channels."""


def exact_critic(model: str) -> Critic:
    critic = open_critic(model, None if model == "embedded" else "random", device="cpu", precision="fp32")
    critic.net.double()
    critic.dtype = torch.float64
    return critic


def picture(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


CASES = {
    "embedded": ("mixed3a", "mixed4a", 64, (141, 173)),
    "squeezenet1_1": ("fire3", "fire5", 48, (96, 144)),
    "vgg11": ("relu1_1", "relu3_2", 40, (64, 101)),
}


@pytest.mark.parametrize("model", quick_values(CASES, ("embedded", "squeezenet1_1")))
def test_tiles_give_the_gradient_of_the_whole(model: str) -> None:
    shallow, deep, tile, size = CASES[model]
    critic = exact_critic(model)
    objective = (
        Products(shallow) + 0.3 * Products(deep) + 2.0 * Distance(deep) + 0.1 * layer(shallow) - total_variation()
    )
    work = TwoPass(critic, objective, picture(*size, seed=1))
    images = picture(*size)
    whole = work.scored(images, torch.Generator().manual_seed(0))
    tiles = work.tiles(size, tile)
    assert len(tiles) > 3
    pieces = work.scored(images, torch.Generator().manual_seed(0), tiles)
    assert (pieces.gradient - whole.gradient).norm() < 1e-12 * whole.gradient.norm()
    assert pieces.score == pytest.approx(whole.score, rel=1e-9)
    assert pieces.values == pytest.approx(whole.values, rel=1e-9)
    assert work.values(images, torch.Generator().manual_seed(0), tiles) == pytest.approx(whole.values, rel=1e-9)


@pytest.mark.slow
def test_tiles_give_the_gradient_of_scores_of_drawn_places() -> None:
    random, critic = torch.Generator().manual_seed(5), exact_critic("embedded")
    near, far = (critic.layer(name).channels for name in ("mixed3a", "mixed4a"))
    target = torch.rand(90, near + far, generator=random, dtype=torch.float64)
    weights = (torch.rand(1, 1, 9, 7, generator=random) - 0.4).clamp(min=0)
    both = Sampler(("mixed3a", "mixed4a"), 200, scales=(2.0, 0.5))
    some = Sampler(("mixed3a", "mixed4a"), 120, weights)
    terms: tuple[Objective, ...] = (
        Sliced(Sampler(("mixed3a",), 150, weights, softmax=True), target[:, :near]),
        RelaxedMover(both, target),
        SampledMoments(both, moments_of(target)),
        PaletteMover(Sampler(("image",), 120, weights), target[:, :3]),
        SelfSimilarity(both, torch.float64),
        Nearest(some, target, 0.3),
    )
    objective = Sum(tuple((1.0, term) for term in terms))
    work = TwoPass(critic, objective, picture(141, 109, seed=1), shifts=((3, 10), (6, 1)))
    images, tiles = picture(141, 109), work.tiles((141, 109), 64)
    whole = work.scored(images, torch.Generator().manual_seed(0))
    pieces = work.scored(images, torch.Generator().manual_seed(0), tiles)
    assert len(tiles) > 3
    assert (pieces.gradient - whole.gradient).norm() < 1e-11 * whole.gradient.norm()
    assert pieces.values == pytest.approx(whole.values, rel=1e-10)
    other = work.values(images, torch.Generator().manual_seed(2))
    assert not any(a == b for a, b in zip(other, whole.values, strict=True))


@pytest.mark.slow
def test_several_critics_share_the_tiles_of_a_picture() -> None:
    """As several devices would; a second network of equal weights takes about half of the windows."""
    critic, images = exact_critic("embedded"), picture(141, 173)
    objective = Products("mixed3a") + 2.0 * Distance("mixed4a") + 0.1 * layer("mixed3a")
    work = TwoPass(critic, objective, picture(141, 173, seed=1))
    tiles = work.tiles((141, 173), 64)
    alone = work.scored(images, torch.Generator().manual_seed(0), tiles)
    other, seen = exact_critic("embedded"), []
    other.net.register_forward_pre_hook(lambda *_: seen.append(1))
    critic.replicas = (other,)
    together = work.scored(images, torch.Generator().manual_seed(0), tiles)
    assert seen
    assert torch.equal(together.gradient, alone.gradient)
    assert together.values == alone.values


@pytest.mark.slow
def test_a_halo_that_is_one_step_too_small_is_not_exact() -> None:
    critic = exact_critic("vgg11")
    work = TwoPass(critic, Products("relu3_2"))
    images = picture(96, 96)
    whole = work.scored(images, torch.Generator().manual_seed(0)).gradient
    field = critic.field(["relu3_2"])
    from reverie.optimize.tiles import exact_tiles

    stride = critic.stride(["relu3_2"])
    before, after = (-(-px // stride) * stride for px in (field.before_px, field.after_px))
    small = exact_tiles((96, 96), 48, before - stride, after - stride, stride)
    found = work.scored(images, torch.Generator().manual_seed(0), small).gradient
    assert (found - whole).norm() > 1e-6 * whole.norm()


@pytest.mark.parametrize("tile", [0, 32])
def test_a_picture_that_repeats_has_no_border(tile: int) -> None:
    critic = exact_critic("embedded")
    work = TwoPass(critic, Products("mixed3a"), wrap=(True, True))
    images = picture(64, 96)
    tiles = work.tiles((64, 96), tile)
    here = work.scored(images, torch.Generator().manual_seed(0), tiles)
    moved = work.scored(images.roll((16, 32), (2, 3)), torch.Generator().manual_seed(0), tiles)
    assert moved.score == pytest.approx(here.score, rel=1e-10)
    assert (moved.gradient.roll((-16, -32), (2, 3)) - here.gradient).norm() < 1e-10 * here.gradient.norm()


def test_gradients_are_those_of_the_score() -> None:
    critic = exact_critic("embedded")
    work = TwoPass(critic, Products("mixed3a") - 0.5 * total_variation())
    images, direction = picture(40, 40), picture(40, 40, seed=3) - 0.5
    slope = (work.scored(images, torch.Generator()).gradient * direction).sum().item()
    high, low = (work.scored(images + step * direction, torch.Generator()).score for step in (1e-5, -1e-5))
    assert (high - low) / 2e-5 == pytest.approx(slope, rel=1e-2)  # kinks of ReLUs lie between the two


def test_scores_of_whole_pictures_are_refused() -> None:
    with pytest.raises(InputError, match="whole picture"):
        TwoPass(exact_critic("embedded"), Products("mixed3a") + logit(3)).check()
