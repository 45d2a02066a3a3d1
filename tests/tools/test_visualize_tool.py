from dataclasses import replace

import pytest
import torch
from torch import nn

from reverie.critic.critic import Critic, Identity, Preprocessing
from reverie.errors import InputError, LayerError
from reverie.numerics.fourier import frequencies, to_spectrum
from reverie.tools.visualize.config import PRIORS as NAMES
from reverie.tools.visualize.config import VisualizeConfig
from reverie.tools.visualize.drawing import Drawing, VisualizeStep, opacity, visualize_steps
from reverie.tools.visualize.priors import PRIORS
from reverie.tools.visualize.targets import find_targets
from reverie.tools.visualize.verify import look_at, same_class, verify

QUICK = {"steps": 3, "crops": 2, "size": 64}


def drawn(critic: Critic, verifier: Critic | None = None, **settings) -> tuple[list[Drawing], list[VisualizeStep]]:
    steps = list(visualize_steps(VisualizeConfig(**(QUICK | settings)), critic, verifier=verifier))
    return [s.drawing for s in steps if s.drawing is not None], steps


@pytest.fixture
def other_critic(make_critic) -> Critic:
    """Return another network that knows moss in the place of sunflowers."""
    critic = make_critic(seed=5)
    named = tuple("moss" if name == "sunflower" else name for name in critic.identity.classes)
    critic.identity = replace(critic.identity, classes=named)
    return critic


# -- targets ----------------------------------------------------------------------------------------------------------


def test_targets_come_in_the_order_they_are_named_and_only_once(small_critic):
    config = VisualizeConfig(class_name="church,sunflower,4", layer="conv2", channel=(3, 0), neuron=("mixed3:5:0:1",))
    found = find_targets(config, small_critic)
    assert [t.name for t in found] == ["church", "sunflower", "conv2:3", "conv2:0", "mixed3:5:0:1"]
    assert [t.class_index for t in found] == [4, 2, None, None, None]
    assert [t.centered for t in found] == [False] * 4 + [True]
    assert [t.file_name for t in found] == ["church", "sunflower", "conv2-3", "conv2-0", "mixed3-5-0-1"]


def test_all_classes_and_a_whole_layer(small_critic):
    found = find_targets(VisualizeConfig(class_name="all", layer="mixed3"), small_critic)
    assert [t.name for t in found] == [*small_critic.identity.classes, "mixed3"]


def test_each_target_can_be_named_alone_by_its_own_settings(small_critic):
    config = VisualizeConfig(class_name="all", layer="conv2", channel=(3,), neuron=("mixed3:5",))
    for target in find_targets(config, small_critic):
        (again,) = find_targets(VisualizeConfig(**dict(target.settings)), small_critic)
        assert again == target


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "nothing to draw"),
        ({"channel": (1,)}, "--layer"),
        ({"neuron": ("conv2",)}, "LAYER:CHANNEL"),
        ({"neuron": ("conv2:1:2:0",)}, "from 0 to 1"),
        ({"neuron": ("conv2:1:0.5",)}, "from 0 to 1"),
        ({"neuron": ("conv2:x",)}, "LAYER:CHANNEL"),
    ],
)
def test_what_cannot_be_drawn_is_said(small_critic, settings, message):
    with pytest.raises(InputError, match=message):
        find_targets(VisualizeConfig(**settings), small_critic)


@pytest.mark.parametrize("settings", [{"class_name": "dog"}, {"layer": "conv9"}, {"layer": "conv2", "channel": (12,)}])
def test_what_the_network_does_not_have_is_said(small_critic, settings):
    with pytest.raises(LayerError):
        find_targets(VisualizeConfig(**settings), small_critic)


# -- drawing ----------------------------------------------------------------------------------------------------------


def test_every_name_of_a_prior_has_its_prior():
    assert set(NAMES) == set(PRIORS)


@pytest.mark.parametrize("prior", NAMES)
@pytest.mark.parametrize(
    "what", [{"class_name": "church"}, {"layer": "conv4", "channel": (2,)}, {"neuron": ("mixed3:5",)}]
)
def test_the_score_rises_under_every_prior(small_critic, prior, what):
    (drawing,), steps = drawn(small_critic, prior=prior, steps=12, **what)
    scores = [s.score for s in steps]
    assert sum(scores[-3:]) > sum(scores[:3])
    assert drawing.images.shape == (1, 3, 64, 64)
    assert 0 <= float(drawing.images.min()) < float(drawing.images.max()) <= 1
    assert [s.index for s in steps] == list(range(1, 13))


@pytest.mark.parametrize("size", [(48, 80), (81, 50)])
def test_pictures_need_not_be_square(small_critic, size):
    for prior in ("stack", "maco"):
        (drawing,), _ = drawn(small_critic, prior=prior, class_name="church", size=size[0], width=size[1])
        assert drawing.images.shape == (1, 3, *size)
        assert drawing.attention.shape == (1, *size)


def test_a_picture_depends_on_its_target_and_seed_alone(small_critic):
    together, _ = drawn(small_critic, class_name="church,sunflower", seed=3)
    (alone,), _ = drawn(small_critic, class_name="sunflower", seed=3)
    (other,), _ = drawn(small_critic, class_name="sunflower", seed=4)
    assert torch.equal(together[1].images, alone.images)
    assert not torch.equal(alone.images, other.images)


def test_the_best_seed_is_kept_and_can_be_drawn_without_the_others(small_critic):
    (best,), steps = drawn(small_critic, class_name="church", best_of=4, seed=10)
    alone = [drawn(small_critic, class_name="church", seed=s)[0][0] for s in range(10, 14)]
    assert best.score == max(a.score for a in alone)
    assert torch.equal(best.images, next(a for a in alone if a.seed == best.seed).images)
    assert [(s.run, s.index) for s in steps] == [(r, i) for r in range(1, 5) for i in range(1, 4)]


def test_pictures_of_a_batch_differ_more_with_diversity(small_critic):
    def alike(diversity):
        (drawing,), _ = drawn(small_critic, layer="conv2", channel=(1,), batch=3, diversity=diversity, steps=15)
        a = small_critic(drawing.images, ["conv2"])["conv2"].flatten(2)
        grams = nn.functional.normalize((a @ a.mT).flatten(1))
        return float((grams @ grams.T).sum() - 3)

    assert alike(30.0) < alike(0.0)


def test_the_bn_prior_brings_statistics_closer(small_critic):
    from reverie.objective import bn_statistics

    distance = bn_statistics(small_critic.norms)

    def far(prior):
        (drawing,), _ = drawn(small_critic, layer="conv4", prior=prior, steps=15)
        return float(distance(small_critic(drawing.images, distance.layers))[0])

    assert far("bn") < 0.8 * far("stack")


def test_a_network_without_batchnorm_has_no_bn_prior():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    critic = Critic(net, Preprocessing((0, 0, 0), (1, 1, 1)), Identity("x", ("a", "b"), logits_path="4"))
    with pytest.raises(InputError, match="no BatchNorm"):
        drawn(critic, class_name="a", prior="bn")


@pytest.mark.slow
def test_two_networks_draw_a_class_together_and_features_are_drawn_by_the_first_alone(small_critic, other_critic):
    (alone,), _ = drawn(small_critic, class_name="church", steps=12)
    steps = list(visualize_steps(VisualizeConfig(**QUICK, class_name="church"), small_critic, ensemble=other_critic))
    both = next(s.drawing for s in steps if s.drawing is not None)
    assert not torch.equal(alone.images, both.images)
    config = VisualizeConfig(**(QUICK | {"steps": 12}), class_name="church")
    steps = list(visualize_steps(config, small_critic, ensemble=other_critic))
    (made,) = [s.drawing for s in steps if s.drawing is not None]
    index = other_critic.class_index("church")
    found = [float(look_at(d.images, other_critic)[0, index]) for d in (alone, made)]
    assert found[1] > found[0]  # the second network was asked
    features = [
        next(s.drawing for s in visualize_steps(VisualizeConfig(**QUICK, layer="conv2"), small_critic, ensemble=e)
             if s.drawing is not None) for e in (None, other_critic)
    ]  # fmt: skip
    assert torch.equal(features[0].images, features[1].images)


def test_a_second_network_without_the_class_is_refused_before_anything_is_drawn(small_critic, other_critic):
    config = VisualizeConfig(**QUICK, class_name="sunflower")
    with pytest.raises(InputError, match=r"ensemble .* no class 'sunflower'"):
        next(visualize_steps(config, small_critic, ensemble=other_critic))


def test_nothing_is_drawn_above_the_cut(small_critic):
    (drawing,), _ = drawn(small_critic, class_name="church", cut=0.25, prior="pixel")
    power = to_spectrum(drawing.images).abs()
    assert float(power[..., frequencies(64, 64) > 0.34].max()) < 0.02  # but for what is clipped at 0 and 1


# -- judging ----------------------------------------------------------------------------------------------------------


def test_a_verdict_is_what_the_network_says_of_the_whole_picture(small_critic, make_photo):
    (target,) = find_targets(VisualizeConfig(class_name="church"), small_critic)
    images = torch.cat([make_photo(100, 100, s) for s in range(3)])
    verdicts = verify(images, target, small_critic)
    probabilities = look_at(images, small_critic).softmax(1)
    for verdict, row in zip(verdicts, probabilities, strict=True):
        assert verdict.probability == pytest.approx(float(row[4]), abs=1e-5)
        assert verdict.rank == 1 + int((row > row[4]).sum())
    assert verdicts == verify(images, target, small_critic)


def test_a_verifier_judges_by_its_own_class_of_that_name(small_critic, make_critic, make_photo):
    second = make_critic(seed=5)
    renamed = Critic(
        second.net, second.preprocessing, Identity("b", ("church", "Red Fox"), input_px=64, logits_path="logits")
    )  # fmt: skip
    assert same_class(small_critic, 4, renamed) == 0
    assert same_class(small_critic, 3, renamed) == 1
    with pytest.raises(InputError, match="sunflower"):
        same_class(small_critic, 2, renamed)
    (target,) = find_targets(VisualizeConfig(class_name="church"), small_critic)
    image = make_photo(64, 64)
    (verdict,) = verify(image, target, small_critic, second)
    assert verdict.probability == pytest.approx(float(second.logits(image).softmax(1)[0, 4]), abs=1e-4)


def test_features_are_judged_by_views_that_their_making_never_saw(small_critic, make_photo):
    (target,) = find_targets(VisualizeConfig(layer="mixed3"), small_critic)
    weak, strong = verify(torch.cat([0.3 * make_photo(64, 64), make_photo(64, 64)]), target, small_critic)
    assert weak.score != strong.score
    assert weak.probability is None
    with pytest.raises(InputError, match="classes only"):
        verify(make_photo(64, 64), target, small_critic, small_critic)
    config = VisualizeConfig(**QUICK, class_name="church", layer="conv2")
    steps = visualize_steps(config, small_critic, verifier=small_critic)
    with pytest.raises(InputError, match="classes only"):
        next(steps)  # before anything is drawn


# -- alpha ------------------------------------------------------------------------------------------------------------


def test_opacity_follows_attention_and_a_fifth_is_fully_opaque():
    rows = torch.linspace(0, 1, 100)[:, None].expand(100, 100)
    alpha = opacity(torch.stack([rows, 7 * rows]))
    assert torch.allclose(alpha[0], alpha[1], atol=1e-5)  # no unit
    assert float(alpha.max()) == 1
    assert float((alpha[0] >= 1 - 1e-4).float().mean()) == pytest.approx(0.2, abs=0.03)
    assert float(alpha[0, 40].mean()) == pytest.approx(0.5, abs=0.03)


def test_a_neuron_in_a_corner_leaves_the_rest_transparent(small_critic):
    (drawing,), _ = drawn(small_critic, neuron=("conv2:1:0.1:0.1",), prior="maco", size=80)
    alpha = opacity(drawing.attention)[0]
    assert float(alpha[:16, :16].mean()) > 0.5
    assert float(alpha[40:, 40:].max()) < 0.01
