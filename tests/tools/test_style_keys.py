"""What keyframes say about the styles of a film."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from reverie.errors import InputError
from reverie.tools.keyframes.file import read_keyframes
from reverie.tools.style_film.keys import READERS, StyleKeys, known_as, parse_style_keys, shares_at


def keys(text: str = "", names: tuple[str, ...] = ("a.png", "b.png"), **how: bool) -> StyleKeys:
    """Five frames at 2 frames per second: frame 4 is at 2 s, the film ends at 2.5 s."""
    return StyleKeys(parse_style_keys(text, "k.yaml") if text else None, names=names, total=5, rate=Fraction(2), **how)


def test_shares_of_styles_on_the_way() -> None:
    assert shares_at(0, 5, 3) == [1, 0, 0] and shares_at(2, 5, 3) == [0, 1, 0] and shares_at(4, 5, 3) == [0, 0, 1]
    assert shares_at(1, 5, 3) == [0.5, 0.5, 0]
    assert shares_at(0, 1, 2) == [1, 0]
    assert all(sum(shares_at(n, 30, 4)) == pytest.approx(1) for n in range(30))


def test_nothing_changes_without_keys() -> None:
    assert not keys().changes and keys().weights(3) is None and keys().strength(3) is None
    assert keys("strength: {0: 1}").changes and keys("strength: {0: 1}").weights(0) is None
    assert keys(interpolate=True).changes
    assert [keys(interpolate=True).weights(n) for n in (0, 2, 4)] == [[1, 0], [0.5, 0.5], [0, 1]]


def test_weights_and_strength_between_keys() -> None:
    made = keys("style: {0: a, 2s: b}\nstrength: {0: 0.2, 4f: 1.0}")
    assert [made.weights(n) for n in (0, 1, 4)] == [[1, 0], [0.75, 0.25], [0, 1]]
    assert made.strength(2) == pytest.approx(0.6) and made.strength(1) == pytest.approx(0.4)
    eased = keys("ease: smooth\nstyle: {0: a, 2s: b}")
    assert eased.weights(2) == pytest.approx([0.5, 0.5]) and eased.weights(1)[1] < 0.25  # type: ignore[index]


def test_names_and_numbers_that_a_style_goes_by() -> None:
    assert known_as(["x/a.png", "b.png"]) == {"1": 0, "2": 1, "a": 0, "b": 1, "x/a.png": 0, "b.png": 1}
    assert known_as(["a.png", "a.jpg"]) == {"1": 0, "2": 1, "a.png": 0, "a.jpg": 1}
    assert known_as(["a.png", "a.png"]) == {"1": 0, "2": 1}
    assert known_as(["2.png", "3.png"]) == {"1": 0, "2": 0, "3": 1, "2.png": 0, "3.png": 1}
    assert keys("style: {0: {a: 1, a.png: 2, 2: 1}}").weights(0) == [3, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("style: {0: c.png}", "'k.yaml' line 1: no style called 'c.png'"),
        ("style: {0: {a: 0}}", "no style has a weight above zero"),
        ("style: {0: {a: -1}}", "expected 0 to"),
        ("strength: {0: 1.5}", "expected 0 to 1; got 1.5"),
        ("strength:\n  0: much", "'k.yaml' line 2, strength: expected a number"),
        ("zoom: {0: 2}", "no parameter called 'zoom'"),
        ("strength: {0: 1, 0s: 0.5}", "there is another key at 0 s"),
        ("", "holds no keys|expected parameters"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "k.yaml").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        StyleKeys(read_keyframes(tmp_path / "k.yaml", READERS), names=("a.png", "b.png"), total=5, rate=Fraction(2))
    assert "\n" not in str(caught.value)


def test_styles_change_in_one_way_only() -> None:
    with pytest.raises(InputError, match="'style' does not go with --interpolate"):
        keys("style: {0: a}", interpolate=True)
    with pytest.raises(InputError, match="no style outside regions"):
        keys("style: {0: a}", names=())
