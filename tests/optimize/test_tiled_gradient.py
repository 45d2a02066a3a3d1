"""A picture in tiles has the gradient of the picture in one piece: within 1 %, and within 2 % at the seams."""

import pytest
import torch
from torch import Generator, Tensor

from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.errors import InputError
from reverie.models.classifier import STAGES, Stage
from reverie.objective import channel, direction, layer, logit, neuron, total_variation
from reverie.optimize.gradient import Ascent
from reverie.optimize.tiles import plan_tiles
from reverie.optimize.transforms import Transforms

BAND_PX = 16
SEED = 3


def measured(ascent: Ascent, images: Tensor, tile: int, halo: int | None = None) -> tuple[float, float]:
    """Return the relative error of the tiled gradient over all pixels, and the worst one in a band along a seam."""
    names, size = sorted(ascent.objective.layers), (images.shape[-2], images.shape[-1])
    tiles = plan_tiles(size, tile, ascent.critic.halo(names) if halo is None else halo, ascent.critic.stride(names))
    assert len(tiles) > 2
    assert all(t.window_right - t.window_left < size[1] for t in tiles)  # no tile sees everything
    _, whole = ascent.gradient(images, Generator().manual_seed(SEED))
    _, tiled = ascent.gradient(images, Generator().manual_seed(SEED), tiles)
    down, right = ascent.transforms.shift(Generator().manual_seed(SEED))
    bands = []
    for dim, shift, seams in ((-1, right, {t.left for t in tiles}), (-2, down, {t.top for t in tiles})):
        for seam in seams - {0}:
            places = torch.arange(seam - BAND_PX // 2, seam + BAND_PX // 2) - shift
            places %= images.shape[dim]
            near, right_one = tiled.index_select(dim, places), whole.index_select(dim, places)
            bands.append(float((near - right_one).norm() / right_one.norm()))
    return float((tiled - whole).norm() / whole.norm()), max(bands)


@pytest.fixture(scope="module")
def critics(make_critic):
    narrow = tuple(Stage(s.name, s.kind, 16, s.pool, s.stride) for s in STAGES["vgg"])
    return {
        "small": make_critic(),
        "vgg": make_critic(narrow),
        "embedded": open_critic(device="cpu", precision="fp32"),
        "resnet18": open_critic("resnet18", "random", device="cpu", precision="fp32"),
        "squeezenet1_1": open_critic("squeezenet1_1", "random", device="cpu", precision="fp32"),
    }


@pytest.mark.parametrize("jitter", [0, 32])
@pytest.mark.parametrize(
    ("name", "layers", "size", "tile"),
    [
        ("small", "conv4", (65, 331), 96),
        ("small", "mixed3", (131, 150), 48),
        ("vgg", "conv4_3", (64, 449), 96),
        ("vgg", "conv5_2", (64, 601), 128),
        ("embedded", "", (64, 769), 128),
        ("resnet18", "layer2", (64, 601), 128),
        ("squeezenet1_1", "fire3", (97, 203), 64),
        ("squeezenet1_1", "fire8", (64, 605), 128),
    ],
)
def test_tiles_agree_with_the_whole(critics, make_photo, name, layers, size, tile, jitter):
    critic: Critic = critics[name]
    ascent = Ascent(critic, layer(layers or critic.identity.default_layers[0]), Transforms(jitter))
    total, band = measured(ascent, make_photo(*size), tile)
    assert total < 0.01
    assert band < 0.02


@pytest.mark.parametrize(
    "objective",
    [
        layer("mixed3", "mean"), layer("conv4", "l1"), channel("conv4", *range(6)),
        direction("conv4", torch.arange(16.0) - 6, 2),
        layer("conv2") + 3 * layer("conv4") - 0.1 * total_variation(), total_variation(1.0),
    ],
)  # fmt: skip
def test_every_local_objective_agrees(small_critic, make_photo, objective):
    total, band = measured(Ascent(small_critic, objective, Transforms(8)), make_photo(65, 331), 96)
    assert total < 0.01
    assert band < 0.02


def test_the_class_direction_of_a_linear_head_agrees(small_critic, make_photo):
    objective = direction(*small_critic.class_direction(2), power=0)
    total, band = measured(Ascent(small_critic, objective, Transforms(8)), make_photo(65, 331), 96)
    assert total < 0.01
    assert band < 0.02


def test_without_a_halo_or_off_the_grid_they_would_not_agree(small_critic, make_photo):
    ascent, images = Ascent(small_critic, layer("conv4"), Transforms(0)), make_photo(64, 330)
    assert measured(ascent, images, 96, halo=0)[0] > 0.05
    _, whole = ascent.gradient(images, Generator())
    _, shifted = ascent.gradient(images, Generator(), plan_tiles((64, 330), 97, 48, 1))
    assert float((shifted - whole).norm() / whole.norm()) > 0.05


def test_the_score_of_the_tiles_is_near_that_of_the_whole(small_critic, make_photo):
    ascent, images = Ascent(small_critic, layer("conv4", "mean"), Transforms(0)), make_photo(64, 330)
    whole, _ = ascent.gradient(images, Generator())
    tiled, _ = ascent.gradient(images, Generator(), plan_tiles((64, 330), 96, 48, 8))
    assert tiled == pytest.approx(whole, rel=0.1)


def test_tiles_outside_of_a_mask_are_not_computed(small_critic, make_photo):
    images, tiles = make_photo(64, 320), plan_tiles((64, 320), 64, 48, 8)
    mask = torch.zeros(1, 1, 64, 320)
    mask[..., 200:210] = 1  # inside the fourth tile only
    seen: list[str] = []
    handle = small_critic.net.stages.conv1.register_forward_pre_hook(lambda _m, x: seen.append(x[0].device.type))
    ascent = Ascent(small_critic, layer("conv4"), Transforms(0))
    _, part = ascent.gradient(images, Generator(), tiles, mask)
    calls = seen.count("cpu")  # passes on the meta device only ask for sizes
    _, all_of_it = ascent.gradient(images, Generator(), tiles)
    handle.remove()
    assert (calls, seen.count("cpu") - calls) == (1, 5)
    assert torch.equal(part[..., 192:256], all_of_it[..., 192:256])
    assert not part[..., :192].any()
    assert not part[..., 256:].any()


@pytest.mark.parametrize("objective", [logit(1), neuron("conv4", 2), layer("conv4") + logit(0), layer("logits")])
def test_objectives_of_the_whole_picture_refuse_tiles_with_a_reason(small_critic, make_photo, objective):
    with pytest.raises(InputError, match="whole picture"):
        Ascent(small_critic, objective).gradient(make_photo(64, 128), Generator(), plan_tiles((64, 128), 64, 0, 8))


def test_views_that_resample_refuse_tiles_with_a_reason(small_critic, make_photo):
    ascent = Ascent(small_critic, layer("conv4"), Transforms(0, rotate_deg=5))
    with pytest.raises(InputError, match="rotation"):
        ascent.gradient(make_photo(64, 128), Generator(), plan_tiles((64, 128), 64, 48, 8))
