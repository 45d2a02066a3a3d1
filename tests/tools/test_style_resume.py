"""Style transfers that go on from a state: bit for bit, or larger."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image
from style_case import texture, work

from reverie.api.styling import Styling
from reverie.critic.critic import Critic
from reverie.errors import InputError


@pytest.mark.slow
def test_a_stopped_run_goes_on_bit_for_bit(files, critic: Critic, tmp_path) -> None:
    whole = work(files, critic).array()
    for stop in (3, 6, 9):
        stopped = work(files, critic)
        for step in stopped:
            if step.index == stop:
                break
        state = stopped.keep_state(tmp_path / "a.reverie")
        config = dataclasses.replace(stopped.config)
        again = Styling(files / "0.png", config, critic, resume=state)
        assert np.array_equal(again.array(), whole), stop
        assert again.last is not None and again.last.index == again.last.total


@pytest.mark.slow
def test_a_preview_grows_with_the_same_composition(files, critic: Critic, tmp_path) -> None:
    preview = work(files, critic, init="noise", steps=12)
    small = preview.array()
    state = preview.keep_state(tmp_path / "a.reverie")
    config = dataclasses.replace(preview.config, size=96)
    large = Styling(files / "0.png", config, critic, resume=state)
    assert [max(s.size) for s in large.plan.scales] == [68, 96]
    picture = large.array()
    shrunk = torch.nn.functional.interpolate(
        torch.from_numpy(picture).permute(2, 0, 1)[None], (64, 64), mode="bicubic", antialias=True
    )
    other = work(files, critic, init="noise", steps=12, seed=9).array()
    near = np.abs(shrunk[0].permute(1, 2, 0).numpy() - small).mean()
    assert near < 0.5 * np.abs(other - small).mean()
    with pytest.raises(InputError, match="larger --size"):
        Styling(files / "0.png", dataclasses.replace(preview.config, size=48), critic, resume=state)


@pytest.mark.slow
def test_a_seamless_preview_grows_though_its_size_was_rounded(files, critic: Critic, tmp_path) -> None:
    Image.fromarray((texture(90, 4)[:60] * 255).astype(np.uint8)).save(files / "wide.png")  # 3 : 2, 64 x 43 px
    state = tmp_path / "a.reverie"
    preview = work(files, critic, "wide.png", seamless="both", steps=2)
    assert preview.array().shape[:2] == (40, 64) and any("so that it repeats" in note for note in preview.notes)
    preview.keep_state(state)
    large = Styling(files / "wide.png", dataclasses.replace(preview.config, size=120, steps=2), critic, resume=state)
    assert large.array().shape[:2] == (80, 120)
    for seamless in ("none", "x"):
        with pytest.raises(InputError, match="stylized with --seamless both; go on with the same"):
            changed = dataclasses.replace(preview.config, size=120, seamless=seamless)
            Styling(files / "wide.png", changed, critic, resume=state)


def test_a_state_of_other_steps_says_what_it_was_begun_with(files, critic: Critic, tmp_path) -> None:
    begun = work(files, critic, steps=9)
    next(step for step in begun if step.octave == 2)
    state = begun.keep_state(tmp_path / "a.reverie")
    with pytest.raises(InputError, match=r"64 px already; ask for a larger --size, or, to .* give --steps 9$"):
        Styling(files / "0.png", dataclasses.replace(begun.config, steps=7), critic, resume=state)
