"""Texts that users write: bounded, from plain files, YAML whose parts do not stand for each other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reverie.errors import InputError, ReverieError, printable
from reverie.jobs.plain_text import MOST_BYTES, load_yaml, read_text, short
from reverie.tools.keyframes.file import parse_keyframes, read_keyframes
from reverie.tools.latent_films.journey import parse_journey
from reverie.weights.file_names import LONGEST, fitted, part_prefix

LAUGHS = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))


def test_references_and_depth_are_refused() -> None:
    with pytest.raises(InputError, match=r"line 2: not valid YAML, references"):
        load_yaml(LAUGHS, "laughs.yaml")
    with pytest.raises(InputError, match=r"lie over 20 deep"):
        load_yaml("[" * 5000 + "]" * 5000, "deep.yaml")
    assert load_yaml("a: [1, {b: 2.5}]\nc: yes\n", "fine.yaml") == {"a": [1, {"b": 2.5}], "c": True}


@pytest.mark.parametrize(
    "text", ["a: 2024-99-99\n", "a: \x00", "a: !!python/object:os.system x", "a: [", "%YAML 9.9\n--- a"]
)
def test_whatever_is_no_yaml_gives_one_line(text: str) -> None:
    with pytest.raises(InputError) as caught:
        load_yaml(text, "a.yaml")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize("parse", [parse_keyframes, parse_journey])
@pytest.mark.parametrize(
    "text", [LAUGHS, f"keys: [{LAUGHS!r}]", "strength: {0s: [[[[1]]]]}", "keys: [{seed: " + "9" * 3000 + "}]"]
)
def test_errors_of_scripts_stay_short(parse, text: str) -> None:
    with pytest.raises(ReverieError) as caught:
        parse(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_only_plain_bounded_text_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffäö".encode())
    assert read_text(tmp_path / "a.txt", "the list") == "äö"
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large").write_bytes(b"x" * (MOST_BYTES + 1))
    for name, words in {
        "binary": "not a text file",
        "large": "more than",
        "none": "cannot read",
        ".": "is a folder",
    }.items():
        with pytest.raises(InputError, match=words):
            read_text(tmp_path / name, "the list")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_as_keyframes_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "keys.yaml")
    with pytest.raises(InputError, match="is a pipe or a device"):
        read_keyframes(tmp_path / "keys.yaml")


def test_what_is_shown_is_short_and_harmless() -> None:
    assert len(short("x" * 10_000)) < 100 and short(10**400) == "int" and short([1, 2]) == "list"
    assert printable("a\x1b]0;title\x07b\nc\udc80") == "a\\x1b]0;title\\x07b c\\udc80"
    assert str(ReverieError("cat\x1b[2J")) == "cat\\x1b[2J"
    assert len(str(ReverieError("y" * 100_000))) < 2000


@pytest.mark.parametrize("letter", ["x", "ü", "\N{CAT FACE}"])
def test_names_fit_the_file_system(tmp_path: Path, letter: str) -> None:
    stem = letter * (250 // len(letter.encode()))
    made = fitted(stem, "-dream.png")
    assert made.endswith("-dream.png") and len(made.encode()) <= LONGEST - 10
    (tmp_path / made).write_bytes(b"x")
    assert fitted(stem, "-dream.png") == made != fitted(stem + "y", "-dream.png")
    assert fitted("short", "-dream.png") == "short-dream.png"
    assert len(part_prefix(stem + ".png").encode()) < 150 and part_prefix("a.png") == ".a.png."
