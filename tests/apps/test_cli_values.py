"""Values on the command line: numbers, percent, times, lists, ranges, sizes, layers with channels, seeds by words."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, get_type_hints

import pytest

from reverie.apps.cli.synonyms import COMMANDS, option_for
from reverie.apps.cli.values import converter_of, with_owners
from reverie.errors import InputError
from reverie.settings import px_of, setting
from reverie.tools.registry import TOOLS


@dataclass(frozen=True)
class Settings:
    steps: int = setting(1, "whole")
    strength: float = setting(1.0, "number")
    layer: tuple[str, ...] = setting((), "names")
    channel: tuple[int, ...] = setting((), "numbers", of="layer")
    group: tuple[str, ...] = setting((), "texts", whole=True)
    class_name: str | None = setting(None, "text", joined=True)
    size: int | str | None = setting(None, "px", own_px=True)
    seed: int = setting(0, "seed")


FIELDS = {field.name: field for field in dataclasses.fields(Settings)}


def read(name: str, *texts: str) -> Any:
    convert = converter_of(FIELDS[name], get_type_hints(Settings)[name])
    assert convert is not None
    return convert(None, [SimpleNamespace(value=text) for text in texts])


@pytest.mark.parametrize(
    ("name", "texts", "value"),
    [
        ("steps", ["40"], 40),
        ("strength", ["30%"], 0.3),
        ("strength", ["1:30"], 90.0),
        ("strength", ["0:01:30.5"], 90.5),
        ("layer", ["a,b"], ("a", "b")),
        ("layer", ["a", "b"], ("a", "b")),
        ("layer", ["a:30%,b=0.7"], ("a:0.3", "b:0.7")),
        ("channel", ["3-5,9"], (3, 4, 5, 9)),
        ("channel", ["3", "4"], (3, 4)),
        ("group", ["mask=a.png,layer=b"], ("mask=a.png,layer=b",)),
        ("class_name", ["dog", "cat"], "dog,cat"),
        ("size", ["640"], 640),
        ("size", ["2x"], "2x"),
        ("seed", ["7"], 7),
        ("seed", ["each"], "each"),
    ],
)
def test_values(name: str, texts: list[str], value: object) -> None:
    assert read(name, *texts) == pytest.approx(value) if isinstance(value, float) else read(name, *texts) == value


def test_random_seeds_differ_and_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = {read("seed", "random"), read("seed", "-1"), read("seed", "random")}
    assert len(drawn) == 3 and min(drawn) > 0
    said = capsys.readouterr().err
    assert all(f"--seed {seed} was drawn" in said for seed in drawn)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("steps", "1.5", "--steps must be a whole number; got '1.5'"),
        ("strength", "much", "--strength must be a number; got 'much'"),
        ("strength", "1,2", "several side by side: --sheet strength=1,2"),
        ("channel", "5-3", "--channel takes ranges such as 3-5; got '5-3'"),
        ("seed", "often", "'random', or 'each' for a folder; got 'often'"),
    ],
)
def test_what_is_no_value(name: str, text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        read(name, text)
    assert message in str(error.value)


def test_channels_bring_their_layer() -> None:
    assert with_owners(FIELDS, {"channel": read("channel", "mixed4c:3-4")}) == {
        "channel": (3, 4), "layer": ("mixed4c",),
    }  # fmt: skip
    same = {"channel": read("channel", "mixed4c:3"), "layer": ("mixed4c",)}
    assert with_owners(FIELDS, same)["channel"] == (3,)
    with pytest.raises(InputError, match="--channel goes with one --layer"):
        with_owners(FIELDS, {"channel": read("channel", "mixed4c:3"), "layer": ("mixed5a",)})


def test_sizes_by_the_pictures_own() -> None:
    assert [px_of(value, 200) for value in (640, "2x", "50%", "0.5x")] == [640, 400, 100, 100]
    with pytest.raises(InputError, match=r"--size is the longer side, and the shape stays: --size 640; got '640x480'"):
        px_of("640x480", 200)
    with pytest.raises(InputError, match="2x or 50% of the picture's own; got 'large'"):
        px_of("large", 200)


def test_words_of_other_programs_lead_to_ours() -> None:
    known = {"--strength", "--steps", "--mask", "--output", "--start", "--like"}
    assert option_for("--intensity", known) == "--strength"
    assert option_for("--iter_n", known) == "--steps"
    assert option_for("--alpha", known, "0.5") == "--strength"
    assert option_for("--alpha", known, "cut.png") == "--mask"
    assert option_for("--from", known, "0:10") == "--start"
    assert option_for("--from", known, "old.png") == "--like"
    assert option_for("--nonsense", known) is None
    first = {name.split(" ")[0] for name in TOOLS} | {
        "studio",
        "replay",
        "info",
        "models",
        "jobs",
        "train",
        "classify",
        "wall",
    }
    assert {command.split(" ")[0] for command in COMMANDS.values()} <= first
