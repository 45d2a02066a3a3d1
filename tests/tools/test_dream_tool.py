import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.errors import GradientError, InputError, LayerError
from reverie.optimize.ascend import Step
from reverie.settings import parse_settings, to_record
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream_steps.ascent import dream_steps, plan_dream, seed_for

QUICK = {"octaves": 2, "steps": 2, "jitter": 8}


def dreamt(image: Tensor | None, critic: Critic, mask: Tensor | None = None, **settings) -> tuple[Tensor, list[Step]]:
    """Run a dream to its end; returns the result and the steps, whose images are only valid while they are current."""
    steps, result = [], torch.empty(0)
    for step in dream_steps(image, DreamConfig(**(QUICK | settings)), critic=critic, mask=mask):
        steps.append(step)
        result = step.images.clone()
    return result, steps


# -- what is kept -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"iterations": 3}, {"canvas": "spectrum"}, {"layer": ("conv4", "conv1:2")}])
@pytest.mark.parametrize("size", [(131, 203), (201, 90)])
def test_no_steps_give_the_picture_back_bit_for_bit(small_critic, make_photo, size, settings):
    photo = make_photo(*size)
    result, steps = dreamt(photo, small_critic, octaves=4, steps=0, **settings)
    assert torch.equal(result, photo)
    assert [(s.index, s.total) for s in steps] == [(0, 0)]


def test_the_photos_own_detail_survives_the_coarse_octaves(small_critic, make_photo):
    photo = make_photo(120, 150)
    photo[..., 40:44, 40:44] = 1 - photo[..., 40:44, 40:44].round()  # details that no coarse octave can hold
    result, _ = dreamt(photo, small_critic, octaves=3, octave_scale=1.8, steps=1, step_size=0.001)
    assert float((result - photo).abs().mean()) < 0.004  # resizing the whole picture up again would lose 0.03


def test_octaves_are_those_of_the_naive_loop(small_critic, make_photo):
    photo = make_photo(140, 181)
    result, _ = dreamt(photo, small_critic, octaves=3, octave_scale=1.4, steps=2, step_size=0.02, jitter=0)
    detail = torch.zeros(1, 3, 71, 92)
    for size in [(71, 92), (100, 129), (140, 181)]:
        base = F.interpolate(photo, size, mode="bicubic", antialias=True).clamp(0, 1) if size != (140, 181) else photo
        x = (base + F.interpolate(detail, size, mode="bicubic", antialias=True)).clamp(0, 1)
        for _ in range(2):
            leaf = x.clone().requires_grad_(True)
            (g,) = torch.autograd.grad(small_critic(leaf, ["conv4"])["conv4"].square().mean(), leaf)
            x = (x + 0.02 * g / g.abs().mean()).clamp(0, 1)
        detail = x - base
    assert torch.allclose(result, x, atol=1e-4)


def test_the_source_and_the_mask_are_left_alone(small_critic, make_photo):
    photo, mask = make_photo(80, 90), torch.rand(1, 1, 80, 90)
    before = photo.clone(), mask.clone()
    dreamt(photo, small_critic, mask)
    assert torch.equal(photo, before[0])
    assert torch.equal(mask, before[1])


@pytest.mark.parametrize("tile", [None, 64])
def test_outside_of_the_mask_every_bit_stays_through_octaves_and_iterations(small_critic, make_photo, tile):
    photo, mask = make_photo(121, 150), torch.zeros(1, 1, 121, 150)
    mask[..., 30:80, 50:101] = 1
    mask[..., 80:90, 50:101] = 0.3
    result, _ = dreamt(photo, small_critic, mask, octaves=3, steps=3, iterations=2, tile=tile)
    outside = (mask == 0).expand_as(photo)
    assert torch.equal(result[outside], photo[outside])
    assert float((result - photo)[..., 30:80, 50:101].abs().mean()) > 0.01


# -- what is reproducible ---------------------------------------------------------------------------------------------


def test_a_masked_spectrum_is_dreamt_inside_and_kept_outside(small_critic, make_photo):
    photo = make_photo(64, 80)
    mask = torch.zeros(1, 1, 64, 80)
    mask[..., 40:] = 1
    result, _ = dreamt(photo, small_critic, canvas="spectrum", steps=3, octaves=2, mask=mask)
    assert torch.equal(result[..., :40], photo[..., :40])
    assert (result - photo)[..., 40:].abs().mean() > 0.005


def test_a_spectrum_from_a_photo_leaves_the_photo_recognizable(small_critic, make_photo):
    photo = make_photo(96, 128)
    result, _ = dreamt(photo, small_critic, canvas="spectrum", steps=10, octaves=4)
    correlation = torch.corrcoef(torch.stack([photo.flatten(), result.flatten()]))[0, 1]
    assert correlation > 0.7
    assert (result - photo).abs().mean() > 0.01


@pytest.mark.parametrize("canvas", ["pixels", "spectrum"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(small_critic, make_photo, canvas):
    one, two, other = (
        dreamt(make_photo(70, 81), small_critic, seed=seed, canvas=canvas, octaves=1)[0] for seed in (5, 5, 6)
    )
    assert one.numpy().tobytes() == two.numpy().tobytes()
    assert not torch.equal(one, other)


def test_seeds_for_files_depend_on_their_names_alone():
    assert seed_for(3, "a.png") == seed_for(3, "a.png")
    assert len({seed_for(seed, name) for seed in range(5) for name in ("a.png", "b.png")}) == 10
    assert 0 <= seed_for(0, "a.png") < 2**63


def test_settings_survive_json():
    config = DreamConfig(layer=("conv4:0.5", "conv1"), channel=(3, 4), seed=9, tile=64)
    assert parse_settings(DreamConfig, to_record(config), "the settings") == config


# -- what is raised ---------------------------------------------------------------------------------------------------


def strength(critic: Critic, image: Tensor, name: str, channel: int | None = None) -> float:
    found = critic(image, [name])[name]
    return float((found if channel is None else found[:, channel]).square().mean())


@pytest.mark.parametrize("normalize", ["mean-abs", "std", "laplacian"])
@pytest.mark.parametrize("size", [(91, 130), (130, 91)])
def test_a_dream_raises_its_layer_on_pictures_of_any_shape(small_critic, make_photo, size, normalize):
    photo = make_photo(*size)
    result, steps = dreamt(photo, small_critic, steps=4, normalize=normalize)
    assert result.shape == photo.shape
    assert 0 <= float(result.min()) <= float(result.max()) <= 1
    assert strength(small_critic, result, "conv4") > 1.2 * strength(small_critic, photo, "conv4")
    assert len(steps) == 8


def test_a_channel_is_raised_more_than_the_others(small_critic, make_photo):
    photo = make_photo(80, 90)
    result, _ = dreamt(photo, small_critic, layer=("conv2",), channel=(7,), steps=6)
    gains = [
        strength(small_critic, result, "conv2", c) / (strength(small_critic, photo, "conv2", c) + 1e-6)
        for c in range(12)
    ]
    assert gains[7] == max(gains)


def test_weights_of_layers_mean_what_they_say(small_critic, make_photo):
    photo = make_photo(80, 90)

    def gain(*layers):
        result, _ = dreamt(photo, small_critic, layer=layers, steps=5, octaves=1)
        return [strength(small_critic, result, n) / strength(small_critic, photo, n) for n in ("conv1", "conv4")]

    early, late = gain("conv1:10", "conv4:0.1"), gain("conv1:0.1", "conv4:10")
    assert early[0] > late[0]
    assert late[1] > early[1]
    only = dreamt(photo, small_critic, layer=("conv4",), steps=3)[0]
    scaled = dreamt(photo, small_critic, layer=("conv4:1000",), steps=3)[0]
    assert torch.allclose(only, scaled, atol=1e-3)  # one layer alone: its weight changes nothing


def test_a_class_is_raised_by_name_through_the_linear_head(small_critic, make_photo):
    photo = make_photo(80, 90)
    result, steps = dreamt(photo, small_critic, class_name="sunflower", steps=6, jitter=0, octaves=1)
    before, after = small_critic.logits(photo)[0], small_critic.logits(result)[0]
    assert after[2] > before[2] + 1
    assert int((after - before).argmax()) == 2
    bias = float(small_critic.net.logits.bias[2])
    assert steps[0].score + bias == pytest.approx(float(before[2]), abs=1e-4)  # the score is the logit up to its bias


def test_a_class_without_a_linear_head_is_raised_by_its_logit(make_critic, make_photo):
    critic = make_critic()
    object.__setattr__(critic.identity, "pooled", "")
    photo = make_photo(80, 90)
    result, steps = dreamt(photo, critic, class_name="2", steps=6, jitter=0, octaves=1)
    assert critic.logits(result)[0, 2] > critic.logits(photo)[0, 2] + 1
    assert steps[0].score == pytest.approx(float(critic.logits(photo)[0, 2]), abs=1e-4)


@pytest.mark.real
def test_a_dream_from_noise_makes_the_embedded_network_believe_in_its_class():
    critic = open_critic(device="cpu", precision="fp32")
    index = critic.class_index("goldfish")
    result, steps = dreamt(None, critic, class_name="goldfish", size=64, octaves=1, steps=6)
    assert result.shape == (1, 3, 64, 64)
    assert len(steps) == 36
    assert steps[-1].score > steps[0].score + 5
    assert int(critic.logits(result).argmax()) == index


def test_a_dream_from_noise_in_pixels(small_critic):
    result, steps = dreamt(None, small_critic, canvas="pixels", size=96)
    assert result.shape == (1, 3, 96, 96)
    assert steps[-1].score > 0


def test_smoothness_lowers_total_variation(small_critic, make_photo):
    def roughness(smooth):
        result, _ = dreamt(make_photo(80, 90), small_critic, smooth=smooth, steps=5)
        return float(result.diff(dim=-1).square().mean())

    assert roughness(1.0) < 0.8 * roughness(0.0)


def test_iterations_dream_on_the_result_of_the_last(small_critic, make_photo):
    photo = make_photo(92, 100)
    once, _ = dreamt(photo, small_critic)
    twice, steps = dreamt(photo, small_critic, iterations=2)
    assert [s.index for s in steps] == list(range(1, 9))
    assert strength(small_critic, twice, "conv4") > strength(small_critic, once, "conv4")


def test_tiles_dream_nearly_the_same_picture(small_critic, make_photo):
    photo = make_photo(97, 331)
    whole, _ = dreamt(photo, small_critic)
    tiled, _ = dreamt(photo, small_critic, tile=96)
    assert not torch.equal(whole, photo)
    assert float((tiled - whole).norm() / (whole - photo).norm()) < 0.02


# -- what a step says -------------------------------------------------------------------------------------------------


def test_steps_say_where_they_are(small_critic, make_photo):
    config = DreamConfig(octaves=3, octave_scale=1.5, steps=2, jitter=4, layer=("conv2",))
    seen = []
    for step in dream_steps(make_photo(150, 201), config, critic=small_critic):
        assert tuple(step.images.shape) == (1, 3, *step.size)
        assert step.seconds > 0
        seen.append((step.index, step.total, step.octave, step.octaves, step.size))
    sizes = [(67, 89), (100, 134), (150, 201)]
    assert seen == [(i + 1, 6, i // 2 + 1, 3, sizes[i // 2]) for i in range(6)]


def test_a_stopped_dream_leaves_a_whole_picture(small_critic, make_photo):
    steps = dream_steps(make_photo(80, 90), DreamConfig(**QUICK), critic=small_critic)
    next(steps)
    kept = next(steps).images.clone()
    steps.close()
    assert torch.isfinite(kept).all()


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"layer": ("conv9",)}, LayerError, "nearest: conv"),
        ({"layer": ("conv4:much",)}, InputError, "NAME:WEIGHT"),
        ({"layer": ("conv4:nan",)}, InputError, "NAME:WEIGHT"),
        ({"layer": ("conv4",), "channel": (3, 16)}, LayerError, "channels 0 to 15; got 16"),
        ({"layer": ("conv4",), "channel": (-1,)}, LayerError, "got -1"),
        ({"layer": ("conv4", "conv1"), "channel": (1,)}, InputError, "one --layer"),
        ({"class_name": "sunflwer"}, LayerError, "nearest: sunflower"),
        ({"class_name": "5"}, LayerError, "0 to 4"),
        ({"steps": -1}, InputError, "--steps must be at least 0"),
        ({"octave_scale": 1.0}, InputError, "--octave-scale must be greater than 1"),
        ({"objective": "l3"}, InputError, "--objective must be one of"),
        ({"step_size": float("nan")}, InputError, "--step-size must be a number"),
        ({"tile": 64, "jitter_rotate": 5.0}, InputError, "rotation"),
        ({"tile": 64, "layer": ("logits",)}, InputError, "whole picture"),
    ],
)
def test_bad_settings_are_one_line(small_critic, make_photo, settings, kind, words):
    with pytest.raises(kind) as error:
        dreamt(make_photo(80, 120), small_critic, **settings)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_the_logit_of_a_deep_head_cannot_be_tiled(make_critic, make_photo):
    critic = make_critic()
    object.__setattr__(critic.identity, "pooled", "")
    with pytest.raises(InputError, match="whole picture"):
        dreamt(make_photo(80, 120), critic, class_name="2", tile=64)


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (200, 1), (3, 90)])
def test_a_picture_too_small_for_the_network_is_refused_with_the_size_it_needs(small_critic, make_photo, size):
    with pytest.raises(InputError, match=f"{size[1]} x {size[0]} px is too small.*at least.*--size"):
        dreamt(torch.rand(1, 3, *size), small_critic)


def test_a_dead_network_says_so(make_critic, make_photo):
    critic = make_critic()
    with torch.no_grad():
        for parameter in critic.net.stages.conv1.parameters():
            parameter.zero_()
    with pytest.raises(GradientError, match="no gradient"):
        dreamt(make_photo(80, 90), critic)


# -- plans ------------------------------------------------------------------------------------------------------------


def test_octaves_stop_above_the_floor_and_steps_are_counted_before_the_start(small_critic):
    plan = plan_dream((150, 201), DreamConfig(octaves=10, steps=3, octave_scale=1.4, iterations=2), small_critic)
    assert plan.sizes == ((77, 103), (107, 144), (150, 201))
    assert plan.steps == 3 * 3 * 2
    assert plan.layers == ("conv4",)
    assert plan.canvas == "pixels"
    assert plan.tiles((150, 201)) == ()
    assert plan_dream((40, 50), DreamConfig(), small_critic).sizes == ((40, 50),)


def test_no_size_is_worked_twice(small_critic):
    sizes = plan_dream((150, 201), DreamConfig(octaves=6, octave_scale=1.001), small_critic).sizes
    assert len(set(sizes)) == len(sizes) < 6


def test_a_given_size_is_the_longer_side(small_critic):
    assert plan_dream((300, 600), DreamConfig(size=200), small_critic).size == (100, 200)
    assert plan_dream(None, DreamConfig(size=96), small_critic).size == (96, 96)
    assert plan_dream(None, DreamConfig(), small_critic).canvas == "spectrum"


def test_tiles_follow_the_setting_or_the_memory(small_critic):
    plan = plan_dream((500, 700), DreamConfig(tile=128), small_critic)
    assert (plan.tile_px, plan.align_px, plan.halo_px) == (128, 8, small_critic.halo(["conv4"]))
    assert len(plan.tiles((500, 700))) == 4 * 6
    assert plan.tiles((100, 128)) == ()
    assert plan_dream((500, 700), DreamConfig(max_memory="64GB"), small_critic).tile_px == 0
    with pytest.raises(InputError, match="too little"):
        plan_dream((500, 700), DreamConfig(max_memory="1MB"), small_critic)
