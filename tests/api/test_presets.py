"""Presets from Python: the same as on the command line, and the usual one where none is named."""

from __future__ import annotations

import numpy as np
import pytest

import reverie
from reverie.errors import InputError
from reverie.jobs.presets import preset_of
from reverie.settings import to_record
from reverie.tools.registry import find_tool

GREY = np.full((48, 48, 3), 128, np.uint8)


def test_a_preset_gives_its_settings_and_what_is_given_beside_it_wins():
    tool = find_tool("visualize")
    clear = reverie.run_tool("visualize", class_name="goldfish", size=32, steps=1).run.config
    classic = reverie.run_tool("visualize", class_name="goldfish", size=32, steps=1, preset="classic", crops=2)
    assert {name: getattr(clear, name) for name in tool.presets["clear"][1]} == tool.presets["clear"][1]
    assert (classic.run.config.ensemble, classic.run.config.crops) == (None, 2)  # type: ignore[attr-defined]


def test_dreams_and_styles_take_presets_by_name():
    config = reverie.dream(GREY, preset="creatures", octaves=1).config
    look = {**find_tool("dream").presets["creatures"][1], "octaves": 1}
    assert {name: to_record(config)[name] for name in look} == look
    draft = find_tool("style").presets["draft"][1]
    styled = to_record(reverie.style(GREY, GREY, preset="draft").config)
    assert {name: styled[name] for name in draft} == draft


def test_an_unknown_preset_is_named():
    with pytest.raises(InputError, match="clear, classic"):
        reverie.run_tool("visualize", class_name="goldfish", preset="misty")


def test_nothing_is_usual_without_an_input():
    assert preset_of(find_tool("dream"), None, {}, usual=False) == {}
