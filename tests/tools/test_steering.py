"""Steering a dream: what is asked for happens at the next step, is recorded, and can be made again to the bit."""

from __future__ import annotations

import threading
import time

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.api import Steering
from reverie.errors import GradientError, InputError
from reverie.jobs.job import MOST_CHANGES, Change
from reverie.jobs.run import Run
from reverie.jobs.steps import Steps
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.tool import DREAM
from reverie.tools.dream_steps.ascent import dream_steps, open_steered, plan_dream
from reverie.tools.dream_steps.objective import build_ascent

QUICK = {"octaves": 2, "steps": 3, "jitter": 8}
LATER = {2: ("strength", 2.5), 3: ("layer", "conv2", "conv1:0.3"), 5: ("strength", 0.5)}


def script(changes, stop_after=None) -> Steering:
    return Steering([Change(step, values) for step, values in changes], stop_after)


class Once:
    """Prepared for one work that is there already."""

    notes = ()

    def __init__(self, work) -> None:
        self._work = work

    def work(self, given, seed, *, scratch=None):
        return self._work


def opened(image, critic, steering=None, mask=None, **settings) -> Run:
    config = DreamConfig(**(QUICK | settings))
    ascent = build_ascent(config, critic)
    plan = plan_dream(None if image is None else (image.shape[-2], image.shape[-1]), config, critic, ascent)
    steered = open_steered(config, critic, plan, ascent)
    steps = dream_steps(image, config, critic=critic, mask=mask, plan=plan, steered=steered, ascent=ascent)
    return Run(DREAM, Once(Steps(steps, list, control=steered.control)), config, None, controls=steering)


def made(run: Run) -> list[list]:
    return [[change.step, dict(change.values)] for change in run.changes]


def dreamt(image, critic, steering=None, mask=None, asks=None, **settings) -> tuple[Tensor, int, list]:
    """Run a dream, asking for changes after the steps named in `asks`; returns the last picture, its step, changes."""
    result, index = torch.empty(0), 0
    run = opened(image, critic, steering, mask, **settings)
    for step in run:
        result, index = step.whole().clone(), step.index
        for name, *values in [asks[index]] if asks and index in asks else []:
            getattr(steering, name)(*values)
    return result, index, made(run)


def test_a_dream_that_could_be_steered_but_is_not_has_the_same_bytes(small_critic, make_photo):
    photo, steering = make_photo(90, 110), Steering()
    steered, _, changes = dreamt(photo, small_critic, steering)
    assert torch.equal(steered, dreamt(photo, small_critic)[0])
    assert changes == []


@pytest.mark.parametrize("canvas", ["pixels", "spectrum"])
def test_strength_is_a_factor_on_the_step_size(small_critic, make_photo, canvas):
    photo, steering = make_photo(90, 110), Steering()
    steering.strength(2)
    twice, _, changes = dreamt(photo, small_critic, steering, canvas=canvas)
    plain, _, _ = dreamt(photo, small_critic, canvas=canvas)
    assert float((twice - photo).abs().mean()) > 1.3 * float((plain - photo).abs().mean())
    if canvas == "pixels":
        assert torch.equal(twice, dreamt(photo, small_critic, step_size=0.018)[0])
    assert changes == [[1, {"strength": 2.0}]]


def test_another_layer_is_raised_from_the_next_step_on(small_critic, make_photo):
    photo, steering = make_photo(90, 110), Steering()
    steering.layer("conv2")
    steered, _, changes = dreamt(photo, small_critic, steering)
    assert torch.equal(steered, dreamt(photo, small_critic, layer=("conv2",))[0])
    assert changes == [[1, {"layer": ["conv2"], "tile": 0}]]


def test_a_layer_replaces_a_class_and_channels(small_critic, make_photo):
    photo, steering = make_photo(90, 110), Steering()
    steering.layer("conv1")
    result, _, _ = dreamt(photo, small_critic, steering, class_name="sunflower")
    assert torch.equal(result, dreamt(photo, small_critic, layer=("conv1",))[0])


@pytest.mark.parametrize(
    "settings",
    [
        {}, {"iterations": 2}, {"canvas": "spectrum"}, {"tile": 64, "octaves": 1, "steps": 6},
        {"jitter_noise": 0.05, "class_name": "church"},
    ],
)  # fmt: skip
def test_a_replay_of_the_changes_gives_the_same_bytes(small_critic, make_photo, settings):
    photo, steering = make_photo(90, 140), Steering()
    mask = torch.ones(1, 1, 90, 140)
    mask[..., :20] = 0
    steered, last, changes = dreamt(photo, small_critic, steering, mask, LATER, **settings)
    assert [step for step, _ in changes] == [3, 4, 6]
    replayed, _, again = dreamt(photo, small_critic, script(changes), mask, **settings)
    assert replayed.numpy().tobytes() == steered.numpy().tobytes()
    assert again == changes
    assert not torch.equal(steered, dreamt(photo, small_critic, None, mask, **settings)[0])
    assert last == 6 * settings.get("iterations", 1)


def test_a_stopped_dream_can_be_made_again(small_critic, make_photo):
    photo, steering = make_photo(90, 110), Steering()
    stopped, last, changes = dreamt(photo, small_critic, steering, asks={1: ("strength", 3.0), 2: ("stop",)})
    assert (last, stopped.shape) == (2, photo.shape)
    replayed, last, _ = dreamt(photo, small_critic, script(changes, stop_after=2))
    assert last == 2
    assert torch.equal(replayed, stopped)


def test_a_layer_that_cannot_be_raised_is_refused_and_changes_nothing(make_critic, make_photo):
    critic, photo = make_critic(), make_photo(90, 110)
    with torch.no_grad():
        for parameter in critic.net.stages.conv4.parameters():
            parameter.zero_()
    plain, _, _ = dreamt(photo, critic, layer=("conv2",))
    for name, words in (("conv9", "nearest: conv"), ("conv4", "no gradient"), ("conv2:x", "NAME:WEIGHT")):
        steering = Steering()
        asks = {2: ("layer", "conv1", name)} if words != "no gradient" else {2: ("layer", name)}
        result, last, changes = dreamt(photo, critic, steering, asks=asks, layer=("conv2",))
        assert last == 6
        assert words in steering.notice
        assert changes == []
        assert torch.equal(result, plain)
    with pytest.raises(GradientError):  # in a replay there is nobody to tell
        dreamt(photo, critic, script([[2, {"layer": ["conv4"]}]]), layer=("conv2",))


def test_a_paused_dream_waits_and_goes_on_as_if_nothing_had_been(small_critic, make_photo):
    photo, steering = make_photo(60, 70), Steering()
    steps = iter(opened(photo, small_critic, steering))
    next(steps)
    steering.pause()
    found: list[int] = []
    worker = threading.Thread(target=lambda: found.append(next(steps).index))
    worker.start()
    time.sleep(0.3)
    assert (steering.paused, found) == (True, [])
    steering.resume()
    worker.join(20)
    assert found == [2]
    for step in steps:
        last = step
    assert torch.equal(last.images, dreamt(photo, small_critic)[0])


def test_a_paused_dream_can_be_stopped(small_critic, make_photo):
    steering = Steering()
    steering.pause()
    threading.Timer(0.2, steering.stop).start()
    assert list(opened(make_photo(60, 70), small_critic, steering)) == []
    assert steering.stopped and not steering.paused


@pytest.mark.parametrize("factor", [0, -1, 1e9, float("nan"), float("inf"), "2", True, None])
def test_a_strength_that_is_no_factor_is_refused(factor):
    with pytest.raises(InputError, match=r"from 0\.01 to 100"):
        Steering().strength(factor)


def test_the_latest_of_several_requests_counts_and_their_number_is_bounded():
    steering = Steering()
    steering.strength(2)
    steering.strength(3)
    assert steering.wanted == {"strength": 3.0}
    assert steering.take(1) == [{"strength": 3.0}]
    assert steering.take(2) == []
    for _ in range(MOST_CHANGES):
        steering.applied({"strength": 1.0})
    with pytest.raises(InputError, match="400 times"):
        steering.strength(1)
    with pytest.raises(InputError, match="must be a name"):
        steering.layer("")


# -- the picture at its final size ------------------------------------------------------------------------------------


def test_before_the_last_octave_the_whole_picture_is_the_source_with_the_detail_enlarged(small_critic, make_photo):
    photo = make_photo(140, 181)
    config = DreamConfig(octaves=3, steps=2, iterations=2, jitter=4)
    source, done = photo, 0
    for step in dream_steps(photo, config, critic=small_critic):
        base = F.interpolate(source, step.size, mode="bicubic", antialias=True).clamp(0, 1)
        base = source if step.octave == 3 else base
        detail = F.interpolate(step.images - base, (140, 181), mode="bicubic", antialias=True)
        assert torch.allclose(step.whole(), (source + detail).clamp(0, 1), atol=1e-5)
        done += 1
        if done == 6:
            source = step.images.clone()
    assert done == 12


def test_outside_of_the_mask_an_unfinished_picture_keeps_every_bit(small_critic, make_photo):
    photo, mask = make_photo(121, 150), torch.zeros(1, 1, 121, 150)
    mask[..., 30:80, 50:101] = 1
    for step in dream_steps(photo, DreamConfig(octaves=3, steps=1), critic=small_critic, mask=mask):
        outside = (mask == 0).expand_as(photo)
        assert torch.equal(step.whole()[outside], photo[outside])


# -- blending with the original ---------------------------------------------------------------------------------------


def test_blend_mixes_its_share_of_the_original_into_every_iteration(small_critic, make_photo):
    photo, quiet = make_photo(90, 110), {"jitter": 0}
    expected = photo
    for _ in range(3):
        expected = torch.lerp(dreamt(expected, small_critic, **quiet)[0], photo, 0.3)
    found, last, _ = dreamt(photo, small_critic, iterations=3, blend=0.3, **quiet)
    assert last == 18
    assert torch.equal(found, expected)


@pytest.mark.parametrize("canvas", ["pixels", "spectrum"])
def test_the_ends_of_blend_are_the_dream_and_the_original(small_critic, make_photo, canvas):
    photo = make_photo(90, 110)
    assert torch.equal(dreamt(photo, small_critic, canvas=canvas, blend=1.0)[0], photo)
    none, half = (dreamt(photo, small_critic, canvas=canvas, blend=blend)[0] for blend in (0.0, 0.5))
    assert torch.allclose(half, (none + photo) / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("blend", "words"), [(1.1, "at most 1"), (-0.1, "at least 0"), (0.5, "--blend needs a picture")]
)
def test_blend_is_a_share_and_needs_an_original(small_critic, blend, words):
    with pytest.raises(InputError, match=words):
        dreamt(None, small_critic, blend=blend)
