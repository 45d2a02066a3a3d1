"""Journeys edited like film: each edit moves what it should and nothing else; the same frames are not drawn again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from cyclopts import App

from reverie.apps.cli.tool_command import command_for
from reverie.errors import InputError
from reverie.media.audio import wav_bytes
from reverie.tools.latent_films.journey import parse_journey
from reverie.tools.latent_films.kept import KeptFrameFolder
from reverie.tools.latent_films.paths import local_spline
from reverie.tools.latent_timeline.timeline import Timeline
from reverie.tools.registry import find_tool

TEXT = """
fps: 10
keys:
  - {seed: 1, duration: 2s}
  - {seed: 2, hold: 500ms, duration: 15f}
  - {seed: 3, duration: 4s}
fine:
  - {seed: 9, duration: 3s}
  - {seed: 8, duration: 5s}
truncation: {0s: 0.5, 3s: 1, 7s: 0.6 smooth}
directions: {"0": {1s: 0, 6s: 2}}
"""


def timeline(text: str = TEXT, folder: Path = Path()) -> Timeline:
    return Timeline(yaml.safe_load(text), folder)


def starts(made: Timeline) -> list[float]:
    return [round(s, 4) for s in parse_journey(made.text()).keys.starts_s]


def test_nothing_done_is_the_same_journey():
    made, was = parse_journey(timeline().text()), parse_journey(TEXT)
    assert made.keys.starts_s == pytest.approx(was.keys.starts_s)
    for time_s in (0.3, 2.2, 3.9, 7.5):
        assert made.keys.at(time_s)[0] == was.keys.at(time_s)[0]
        assert made.truncation.at(time_s) == pytest.approx(was.truncation.at(time_s))


def test_without_an_edit_keys_are_listed_and_nothing_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(TEXT)
    app = App(result_action="return_value")
    app.default(command_for(find_tool("latent timeline"), find_tool))
    assert app(["a.yaml"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["key", "1:", "0.00", "s", "seed", "1,", "2", "s"],
        ["key", "2:", "2.00", "s", "seed", "2,", "1.5", "s,", "held", "0.5", "s"],
        ["key", "3:", "4.00", "s", "seed", "3,", "4", "s"],
        ["end:", "8.00", "s"],  # it loops
    ]
    assert app(["a.yaml", "--json"]) == 0
    assert [key["start_s"] for key in json.loads(capsys.readouterr().out)] == [0, 2, 4]
    assert list(Path().iterdir()) == [Path("a.yaml")]
    assert app(["a.yaml", "-o", "same.yaml"]) == 0
    assert app(["a.yaml", "--do", "trim 1s 3s"]) == 0
    assert sorted(Path().glob("*.yaml")) == [Path("a-edited.yaml"), Path("a.yaml"), Path("same.yaml")]


@pytest.mark.parametrize(
    ("edit", "wanted"),
    [
        ("insert 1s seed=7", [0, 1, 2, 4, 8]),
        ("insert 1s seed=7 duration=3s", [0, 1, 4, 6, 10]),
        ("insert 5s seed=7 class=rose", [0, 2, 4, 5, 8]),
        ("remove 2", [0, 4, 8]),
        ("remove 1", [0, 2, 6]),
        ("ripple 1 +1s", [0, 3, 5, 9]),
        ("ripple 3 -500ms", [0, 2, 4, 7.5]),
        ("roll 2 -0.5s", [0, 1.5, 4 - 0.5 + 0.5, 8]),
        ("hold 2 2s", [0, 2, 5.5, 9.5]),
        ("move 3 1", [0, 4, 6, 8]),
        ("stretch 2", [0, 4, 8, 16]),
    ],
)
def test_keys_stand_where_the_edit_puts_them(edit, wanted):
    made = timeline()
    made.do(edit)
    assert starts(made) == pytest.approx(wanted)


def test_a_ripple_moves_the_other_tracks_behind_it_and_a_roll_none():
    rippled, rolled = timeline(), timeline()
    rippled.do("ripple 1 +1s")
    rolled.do("roll 2 +0.5s")
    journey = parse_journey(rippled.text())
    assert [time for time, _, _ in journey.truncation.keys] == [0, 4, 8]
    assert [time for time, _, _ in journey.directions["0"].keys] == [1, 7]
    assert journey.groups["fine"].starts_s == pytest.approx((0, 4, 9))
    assert [time for time, _, _ in parse_journey(rolled.text()).truncation.keys] == [0, 3, 7]


def test_a_part_is_shown_and_a_part_that_is_none_is_refused():
    made = timeline()
    made.do("trim 1s 4s")
    assert parse_journey(made.text()).part_s == (1.0, 4.0)
    made.do("trim 1s 40s")
    with pytest.raises(InputError, match="no part of a journey"):
        parse_journey(made.text())


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ("inset 1s seed=2", "nearest: insert"),
        (" ", "no edit called"),
        ("insert 2.2s seed=7", "or one is held"),
        ("insert 1s", "expected 'insert"),
        ("ripple 9 +1s", "number of a key, 1 to 3"),
        ("ripple 1 -9s", "cannot be 9 s shorter"),
        ("roll 1 +1s", "first key"),
        ("roll 2 +9s", "pass its neighbor"),
        ("stretch big", "expected 'stretch"),
        ("beats none.wav", "no sound at"),
    ],
)
def test_mistakes_are_named(edit, words):
    with pytest.raises(InputError, match=words):
        timeline().do(edit)


def test_keys_come_on_the_beats_of_a_song(tmp_path):
    rate, t = 48_000, np.arange(9 * 48_000) / 48_000
    song = np.zeros_like(t)
    for beat in np.arange(0.5, 9, 0.5):
        since = np.maximum(t - beat, 0)
        song += (t >= beat) * np.exp(-since * 18) * np.sin(2 * np.pi * 60 * since) * 0.6
    (tmp_path / "song.wav").write_bytes(wav_bytes(np.stack([song, song], 1), rate))
    made = timeline(TEXT.replace("2s}", "2.2s}", 1), tmp_path)
    made.do("beats song.wav")
    found = starts(made)
    assert found[1:3] == pytest.approx([2.0, 4.0], abs=0.06) or found[1:3] == pytest.approx([2.0, 4.5], abs=0.06)
    assert "audio: song.wav" in made.text()
    moved, was = parse_journey(made.text()), parse_journey(TEXT.replace("2s}", "2.2s}", 1))
    assert moved.groups["fine"].length_s == pytest.approx(found[-1] + was.groups["fine"].length_s - 8.2, abs=1e-3)
    assert moved.groups["fine"].starts_s[1] == pytest.approx(np.interp(3, [0, 2.2, 4.2, 8.2], found), abs=1e-3)
    assert moved.truncation.at(found[2]) == pytest.approx(was.truncation.at(4.2), abs=1e-3)


def test_a_key_of_a_local_path_changes_only_what_is_near():
    points = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    other = points.clone()
    other[3] += 1
    one, two = local_spline(points, closed=True), local_spline(other, closed=True)
    for number in range(80):
        same = torch.allclose(one(number / 80), two(number / 80))
        assert same == ((number % 10 == 0 and number != 30) or not 10 < number < 50)
    assert torch.allclose(one(3 / 8), points[3], atol=1e-6)


def test_frames_are_kept_by_what_they_were_drawn_from(tmp_path):
    ws, frame = torch.randn(4, 6), np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    first = KeptFrameFolder(tmp_path / "frames", ("network", False, 8))
    assert first.get(ws, "const") is None
    first.put(ws, "const", frame)
    again = KeptFrameFolder(tmp_path / "frames", ("network", False, 8))
    assert np.array_equal(again.get(ws, "const"), frame)
    assert again.get(ws, "none") is None
    assert again.get(ws + 1e-6, "const") is None
    assert KeptFrameFolder(tmp_path / "frames", ("other", False, 8)).get(ws, "const") is None
    assert again.get(ws, [torch.zeros(2)]) is None
    assert "1 of 4" in again.note
    assert first.get(ws, "const") is not None  # shown again in one film: it was not there before
    assert "0 of 2" in first.note
