from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from torch import Generator, Tensor

from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.errors import InputError
from reverie.objective import Objective
from reverie.optimize.gradient import Ascent, balanced
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream_film.ascent import FilmAscent
from reverie.tools.dream_film.keyed import mix_at, settings_at
from reverie.tools.dream_steps.ascent import dream_steps
from reverie.tools.dream_steps.objective import build_objective
from reverie.tools.keyframes.file import parse_keyframes
from reverie.tools.keyframes.keyframes import Timeline

MORPH = "layer: {0: conv1, 1s: conv4}"


def timeline(text: str) -> Timeline:
    return parse_keyframes(text).timeline(1, Fraction(10))


def objective_at(text: str, config: DreamConfig, time_s: float, critic: Critic) -> Objective:
    """Return what a film of one second raises at a moment."""
    raised = FilmAscent(config, critic, keyframes=parse_keyframes(text), length_s=1, rate=Fraction(10))
    found = raised.at(raised.settings(config, time_s), time_s)
    assert isinstance(found, Ascent)
    return found.objective


# -- settings ---------------------------------------------------------------------------------------------------------


def test_numbers_change_and_the_rest_stays():
    line = timeline("steps: {0: 1, 1s: 5}\nstep_size: {0: 0.01, 1s: 0.03}\nzoom: {0: 1.1}")
    config = DreamConfig(octaves=2, seed=7, layer=("conv2",))
    found = settings_at(line, config, 0.5)
    assert found.step_size == pytest.approx(0.02)
    assert replace(found, step_size=config.step_size) == replace(config, steps=3)
    assert settings_at(Timeline({}), config, 0.5) == config


def test_strength_multiplies_the_step_and_none_of_it_stops_the_dream():
    line = timeline("strength: {0: 0, 1s: 2}")
    config = DreamConfig(step_size=0.01, steps=4)
    assert settings_at(line, config, 0.75).step_size == pytest.approx(0.015)
    assert settings_at(line, config, 0.75).steps == 4
    assert settings_at(line, config, 0).steps == 0
    assert settings_at(timeline("strength: {0: 100}"), DreamConfig(step_size=0.5), 0).step_size == 1


def test_without_any_weight_nothing_is_dreamt():
    line = timeline("layer: {0: {conv1: 0}, 1s: {conv1: 1}}")
    assert settings_at(line, DreamConfig(), 0).steps == 0
    assert settings_at(line, DreamConfig(), 0.1).steps == DreamConfig().steps


# -- what is raised ---------------------------------------------------------------------------------------------------


def names(objective: Objective) -> dict[str, float]:
    return {"+".join(term.layers): weight for weight, term in objective.terms()}


def test_layers_and_classes_blend_and_options_hold_where_nothing_is_keyed(small_critic):
    line = timeline("layer: {0: conv1, 1s: {conv2: 2}}\nclass: {0: {sunflower: 1}, 1s: {church: 1}}")
    assert mix_at(line, DreamConfig(), 0.25) == ({"conv1": 0.75, "conv2": 0.5}, {"sunflower": 0.75, "church": 0.25})
    assert mix_at(timeline("class: {0: church}"), DreamConfig(layer=("conv1:2",)), 0) == ({"conv1": 2}, {"church": 1})
    assert mix_at(timeline("layer: {0: conv1}"), DreamConfig(class_name="4"), 0) == ({"conv1": 1}, {"4": 1})
    found = objective_at(MORPH, DreamConfig(smooth=0.1), 0.25, small_critic)
    assert names(found) == pytest.approx({"conv1": 0.75, "conv4": 0.25, "image": -0.1})


def test_without_keys_for_it_the_objective_is_that_of_the_settings(small_critic):
    config = DreamConfig(layer=("conv2:3", "conv4"))
    assert objective_at("zoom: {0: 2}", config, 0, small_critic) == build_objective(config, small_critic)


def test_smoothness_can_be_keyed(small_critic):
    line = "smooth: {0: 0, 1s: 1}"
    assert names(objective_at(line, DreamConfig(), 0.5, small_critic)) == {"conv4": 1.0, "image": -0.5}


def test_half_and_half_are_halves_of_the_gradient(small_critic, make_photo):
    photo = make_photo(70, 90)
    blend = balanced(Ascent(small_critic, objective_at(MORPH, DreamConfig(), 0.5, small_critic)), photo,
                     Generator().manual_seed(0))  # fmt: skip
    sizes = {}
    for weight, term in blend.terms():
        gradient = Ascent(small_critic, weight * term).gradient(photo, Generator().manual_seed(0))[1]
        sizes["+".join(term.layers)] = float(gradient.abs().mean())
    assert sizes == pytest.approx({"conv1": 0.5, "conv4": 0.5}, rel=1e-3)
    raw = [float(Ascent(small_critic, build_objective(DreamConfig(layer=(n,)), small_critic))
                 .gradient(photo, Generator().manual_seed(0))[1].abs().mean()) for n in ("conv1", "conv4")]  # fmt: skip
    assert max(raw) > 2 * min(raw)  # left alone, one of them would rule


def gains(critic: Critic, photo: Tensor, objective: Objective) -> list[float]:
    config, result = DreamConfig(octaves=1, steps=5), photo
    for step in dream_steps(photo, config, critic=critic, objective=objective):
        result = step.images
    return [float(critic(result, [n])[n].square().mean()) for n in ("conv2", "mixed5b")]


def test_in_the_middle_of_a_morph_both_layers_are_about_half_way(make_photo):
    critic = open_critic(device="cpu", precision="fp32")
    photo = torch.nn.functional.avg_pool2d(make_photo(64, 80, 3), 3, 1, 1)
    line = "layer: {0: conv2, 1s: mixed5b}"
    first, middle, last = (gains(critic, photo, objective_at(line, DreamConfig(), t, critic)) for t in (0, 0.5, 1))
    early = (middle[0] - last[0]) / (first[0] - last[0])
    late = (middle[1] - first[1]) / (last[1] - first[1])
    assert 0.3 < early < 0.85
    assert 0.3 < late < 0.85


# -- names ------------------------------------------------------------------------------------------------------------


def test_all_names_are_checked_and_together_plan_the_memory(small_critic):
    config = DreamConfig()
    raised = FilmAscent(config, small_critic, keyframes=parse_keyframes(MORPH + "\nclass: {0: church}"))
    assert raised.everything(config).layers == {"conv1", "conv4"}
    assert FilmAscent(config, small_critic, keyframes=parse_keyframes("zoom: {0: 1}")).everything(config).layers == {
        "conv4"
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("layer:\n  0: conv1\n  1s: {conv9: 1}", "'keyframes' line 3: no layer called 'conv9'; nearest: conv"),
        ("class: {0: sunflwer}", "line 1: no class called 'sunflwer'; nearest: sunflower"),
    ],
)
def test_names_the_network_does_not_have_are_refused_with_their_line(small_critic, text, words):
    with pytest.raises(InputError) as caught:
        FilmAscent(DreamConfig(), small_critic, keyframes=parse_keyframes(text))
    assert words in str(caught.value)
