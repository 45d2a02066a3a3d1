"""States of style transfers on disk: all of it comes back, and what is no state is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Generator

from reverie.errors import InputError, OutputError
from reverie.optimize.warm_adam import Average, WarmAdam
from reverie.tools.style_steps.plan import Scale, StylePlan
from reverie.tools.style_steps.state import FORMAT, KEY, grown, load_state, restored, same_run, save_state
from reverie.tools.style_steps.steps import StyleState

PLAN = StylePlan((Scale((12, 16), 5), Scale((17, 23), 4)), 0.0, 0.0)
ABOUT = {
    "format": FORMAT, "scale": 0, "step": 1, "index": 1, "scores": [0.5], "sizes": [[12, 16]], "steps": [5],
    "record": {},
}  # fmt: skip


def state(generator: Generator) -> StyleState:
    pixels = torch.rand(1, 3, 17, 23, generator=generator)
    adam, average = WarmAdam(0.02), Average(0.9)
    for _ in range(3):
        adam.step(pixels, torch.randn(pixels.shape, generator=generator))
        average.add(pixels)
    return StyleState(1, 3, 8, pixels, adam, average, [-1.0, -0.5, -0.1])


def test_everything_comes_back(generator, tmp_path: Path) -> None:
    before = state(generator)
    save_state(tmp_path / "a.reverie", before, {"tool": "style"}, PLAN)
    tensors, about = load_state(tmp_path / "a.reverie")
    after = restored(tensors, about, 0.02, 0.9)
    assert (after.scale, after.step, after.index, after.scores) == (1, 3, 8, before.scores)
    assert torch.equal(after.pixels, before.pixels) and torch.equal(after.shown(), before.shown())
    assert about["record"] == {"tool": "style"} and same_run(about, PLAN)
    gradient = torch.randn(before.pixels.shape, generator=generator)
    for one in (before, after):
        one.adam.step(one.pixels, gradient)
        one.average.add(one.pixels)
    assert torch.equal(after.pixels, before.pixels) and torch.equal(after.shown(), before.shown())


def test_a_state_without_optimizer_comes_back_too(tmp_path: Path) -> None:
    save_state(tmp_path / "a.reverie", StyleState(pixels=torch.zeros(1, 3, 12, 16)), {}, PLAN)
    after = restored(*load_state(tmp_path / "a.reverie"), 0.02, 0.9)
    assert after.adam is None and after.average is None and after.pixels.shape == (1, 3, 12, 16)


def test_other_sizes_or_steps_are_another_run(generator, tmp_path: Path) -> None:
    save_state(tmp_path / "a.reverie", state(generator), {}, PLAN)
    about = load_state(tmp_path / "a.reverie")[1]
    assert not same_run(about, StylePlan(PLAN.scales[1:], 0.0, 0.0))
    assert not same_run(about, StylePlan((Scale((12, 16), 5), Scale((17, 23), 3)), 0.0, 0.0))


def test_a_grown_state_starts_anew_with_the_averaged_picture(generator) -> None:
    before = state(generator)
    slope = torch.linspace(0, 1, 23).expand(1, 3, 17, 23).contiguous()
    before.average = Average(0.9)
    before.average.add(slope)
    shown = before.shown().clone()
    after = grown(before, (34, 46))
    assert (after.scale, after.step, after.index, after.scores) == (0, 0, 0, [])
    assert after.pixels.shape == (1, 3, 34, 46) and after.adam.first.shape == (1, 3, 34, 46)
    small = torch.nn.functional.interpolate(after.pixels, (17, 23), mode="bicubic", antialias=True)
    assert (small - shown).abs().mean() < 0.05


def test_nothing_is_left_where_it_cannot_be_written(generator, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        save_state(tmp_path / "nowhere" / "a.reverie", state(generator), {}, PLAN)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("blob", [b"", b"no state", b"\x00" * 64, b"\xff" * 8])
def test_files_of_another_kind_are_refused(tmp_path: Path, blob: bytes) -> None:
    (tmp_path / "a.reverie").write_bytes(blob)
    with pytest.raises(InputError, match="no state of a style transfer"):
        load_state(tmp_path / "a.reverie")


def test_missing_and_cut_files_and_folders_are_refused(generator, tmp_path: Path) -> None:
    for path in (tmp_path / "gone.reverie", tmp_path):
        with pytest.raises(InputError, match="there is no state"):
            load_state(path)
    path = tmp_path / "a.reverie"
    save_state(path, state(generator), {}, PLAN)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="no state of a style transfer"):
        load_state(path)


@pytest.mark.parametrize(
    "change",
    [
        {"format": FORMAT + 1},
        {"format": None},
        {"sizes": None},
        {"steps": 3},
        {"scores": ["a"]},
        {"scores": None},
        {"scale": 7},
        {"scale": -1},
        {"step": "1"},
        {"index": None},
    ],
)
def test_states_that_do_not_say_all_are_refused(tmp_path: Path, change: dict) -> None:
    about = {k: v for k, v in (ABOUT | change).items() if v is not None}
    save_file({"pixels": torch.zeros(1, 3, 12, 16)}, tmp_path / "a.reverie", {KEY: json.dumps(about)})
    with pytest.raises(InputError, match="that this version can read"):
        load_state(tmp_path / "a.reverie")


@pytest.mark.parametrize(
    "tensors",
    [
        {"average": torch.zeros(1, 3, 12, 16)},
        {"pixels": torch.zeros(3, 12, 16)},
        {"pixels": torch.zeros(1, 3, 17, 23)},
        {"pixels": torch.zeros(1, 1, 12, 16)},
        {"pixels": torch.zeros(1, 3, 12, 16), "average": torch.zeros(1, 3, 12, 17)},
        {"pixels": torch.zeros(1, 3, 12, 16), "adam_first": torch.zeros(1, 3, 12, 16)},
        {"pixels": torch.zeros(1, 3, 12, 16), "average": torch.zeros(1, 3, 12, 16)},
        {"pixels": torch.zeros(1, 3, 12, 16, dtype=torch.int32)},
        {"pixels": torch.full((1, 3, 12, 16), float("nan"))},
    ],
)
def test_states_whose_pictures_do_not_fit_are_refused(tmp_path: Path, tensors: dict) -> None:
    save_file(tensors, tmp_path / "a.reverie", {KEY: json.dumps(ABOUT)})
    with pytest.raises(InputError, match="that this version can read"):
        load_state(tmp_path / "a.reverie")
