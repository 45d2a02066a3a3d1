import itertools
import math
from fractions import Fraction

import pytest

from reverie.errors import InputError
from reverie.tools.keyframes.file import parse_keyframes
from reverie.tools.keyframes.keyframes import Timeline, between

RATE = Fraction(24)


def timeline(text: str, length_s: float | None = 8, *, closed: bool = False) -> Timeline:
    return parse_keyframes(text).timeline(length_s, RATE, closed=closed)


def one(text: str, time_s: float, *, closed: bool = False, length_s: float | None = 8):
    (value,) = timeline(text, length_s, closed=closed).at(time_s).values()
    return value


# -- values between keys ----------------------------------------------------------------------------------------------


def test_seconds_frames_and_percent_are_the_same_moments():
    for moment in ("2", "2s", "2.0", "48f", "25%", "2 s"):
        assert one(f"rotate: {{0: 0, '{moment}': 8}}", 1) == pytest.approx(4)
        assert one(f"rotate: {{0: 0, '{moment}': 8}}", 2) == 8


def test_before_the_first_key_and_after_the_last_their_values_hold():
    text = "rotate: {2s: 5, 4s: 9}"
    assert [one(text, t) for t in (0, 2, 3, 4, 100)] == [5, 5, 7, 9, 9]


def test_easing_belongs_to_the_way_to_a_key():
    text = "ease: smooth\nrotate:\n  0: 0\n  1s: 1\n  2s: 2 linear\n  3s: {value: 3, ease: hold}\n"
    assert one(text, 0.25) == pytest.approx(3 * 0.25**2 - 2 * 0.25**3)
    assert one(text, 1.25) == pytest.approx(1.25)
    assert one(text, 2.99) == 2
    assert one(text, 3) == 3


def test_zoom_goes_by_ratios_and_other_numbers_by_differences():
    assert one("zoom: {0: 0.5/s, 2s: 2/s}", 1) == pytest.approx(1)
    assert one("strength: {0: 0.5, 2s: 2}", 1) == pytest.approx(1.25)


def test_whole_numbers_stay_whole():
    values = [one("steps: {0: 1, 2s: 4}", t / 10) for t in range(21)]
    assert values == sorted(values)
    assert set(values) == {1, 2, 3, 4}


def test_pans_are_pairs():
    for form in ("'0.2, -0.4'", "[0.2, -0.4]", "0.2 -0.4/s", "{value: [0.2, -0.4], ease: linear}"):
        assert one(f"pan: {{0: 0 0, 2s: {form}}}", 1) == pytest.approx((0.1, -0.2))


def test_layers_morph_by_their_weights():
    text = "layer:\n  0: mixed4c\n  50%: {mixed5a: 1, conv2: 0.5}\n"
    assert one(text, 0) == {"mixed4c": 1}
    assert one(text, 1) == pytest.approx({"mixed4c": 0.75, "mixed5a": 0.25, "conv2": 0.125})
    assert one(text, 4) == {"mixed5a": 1, "conv2": 0.5}


def test_classes_may_have_spaces_and_an_easing():
    text = "class:\n  0: tabby cat\n  2s: {sunflower: 2, ease: smooth}\n  4s: grey whale hold\n"
    assert one(text, 0) == {"tabby cat": 1}
    assert one(text, 1) == pytest.approx({"tabby cat": 0.5, "sunflower": 1})
    assert one(text, 3.9) == {"sunflower": 2}
    assert one(text, 4) == {"grey whale": 1}


def test_between_is_exact_at_both_ends():
    assert between(0.1, 0.7, 0) == 0.1
    assert between(0.1, 0.7, 1) == 0.7
    assert between(1.1, 1.3, 1, ratio=True) == 1.3


def test_keys_may_stand_in_any_order():
    assert one("rotate: {4s: 4, 0: 0, 2s: 0}", 3) == pytest.approx(2)


# -- loops ------------------------------------------------------------------------------------------------------------


def test_in_a_loop_the_last_key_leads_to_the_first():
    text = "rotate: {1s: 0, 3s: 6}"
    assert one(text, 3, closed=True) == 6
    assert one(text, 6, closed=True) == pytest.approx(3)  # from 6 at 3 s to 0 at 9 s, which is 1 s of the next lap
    assert one(text, 0, closed=True) == pytest.approx(1)
    assert one(text, 8, closed=True) == pytest.approx(one(text, 0, closed=True))


def test_a_loop_is_continuous_everywhere_its_seam_included():
    text = "zoom:\n  0: 1/s\n  30%: 1.5 smooth\n  100%: 1 cubic\nrotate: {2s: -4, 5s: 10 smooth}\n"
    line = timeline(text, closed=True)
    values = [line.at(8 * i / 4000) for i in range(-200, 4200)]
    for name in ("zoom", "rotate"):
        jumps = [abs(b[name] - a[name]) for a, b in itertools.pairwise(values)]
        assert max(jumps) < 0.02
    assert line.at(-0.5) == pytest.approx(line.at(7.5))


def test_a_key_at_the_end_of_a_loop_is_one_at_its_beginning():
    assert one("rotate: {4s: 0, 100%: 8}", 0, closed=True) == 8
    assert one("rotate: {4s: 0, 100%: 8}", 2, closed=True) == pytest.approx(4)
    assert one("rotate: {0: 3}", 5, closed=True) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rotate: {0: 1, 100%: 2}", "does not close"),
        ("rotate: {0: 1, 9s: 2}", "behind the end of the loop at 8 s"),
    ],
)
def test_loops_that_do_not_close_are_refused(text, words):
    with pytest.raises(InputError, match=words):
        timeline(text, closed=True)


# -- what is refused --------------------------------------------------------------------------------------------------


def test_two_keys_at_one_moment_are_refused_whatever_their_units():
    with pytest.raises(InputError, match=r"line 3: there is another key at 2 s, 'keyframes' line 2"):
        timeline("rotate:\n  2s: 1\n  48f: 2\n")


def test_percent_needs_a_length():
    assert math.isclose(one("rotate: {0: 0, 2s: 4}", 1, length_s=None), 2)
    with pytest.raises(InputError, match="known length"):
        timeline("rotate: {50%: 4}", None)
