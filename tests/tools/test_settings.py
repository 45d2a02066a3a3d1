"""Configurations from programs: types are checked, single values become tuples."""

from __future__ import annotations

import pytest

from reverie.errors import InputError
from reverie.settings import check_settings, with_tuples
from reverie.tools.dream.config import DreamConfig


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"steps": "3"}, "--steps must be a whole number; got '3'"),
        ({"steps": 3.0}, "--steps must be a whole number; got 3.0"),
        ({"steps": True}, "--steps must be a whole number; got True"),
        ({"size": 1.5}, "--size must be a whole number or a text or None; got 1.5"),
        ({"step_size": "0.1"}, "--step-size must be a number"),
        ({"layer": "mixed5a"}, "--layer must be a tuple, each item a text"),
        ({"channel": ("1",)}, "--channel must be a tuple, each item a whole number"),
        ({"model": None}, "--model must be a text; got None"),
        ({"normalize": 3}, "--normalize must be a text"),
    ],
)
def test_values_of_another_type_are_refused(given, words):
    with pytest.raises(InputError) as caught:
        check_settings(DreamConfig(**given))
    assert words in str(caught.value)


def test_whole_numbers_are_numbers():
    check_settings(DreamConfig(step_size=1, size=None))


@pytest.mark.parametrize("layer", ["mixed5a", ["mixed5a"], ("mixed5a",)])
def test_single_values_and_lists_become_tuples(layer):
    config = with_tuples(DreamConfig(layer=layer, channel=3))
    assert config == DreamConfig(layer=("mixed5a",), channel=(3,))
