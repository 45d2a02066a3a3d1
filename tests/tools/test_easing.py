import itertools

import pytest

from reverie.tools.keyframes.easing import EASINGS


@pytest.mark.parametrize("name", EASINGS)
def test_every_curve_starts_at_zero_ends_at_one_and_never_falls(name):
    curve = EASINGS[name]
    values = [curve(i / 200) for i in range(201)]
    assert values[0] == 0
    assert values[-1] == pytest.approx(1)
    assert all(after >= before for before, after in itertools.pairwise(values))


@pytest.mark.parametrize("name", ["linear", "smooth", "ease-in-out", "cubic"])
def test_symmetric_curves_are_half_way_in_the_middle(name):
    curve = EASINGS[name]
    assert curve(0.5) == pytest.approx(0.5)
    assert all(curve(t) + curve(1 - t) == pytest.approx(1) for t in (0.1, 0.25, 0.4))


@pytest.mark.parametrize(("slow", "fast"), [("ease-in", "ease-out"), ("cubic-in", "cubic-out")])
def test_in_is_out_run_backwards(slow, fast):
    assert all(EASINGS[slow](t) == pytest.approx(1 - EASINGS[fast](1 - t)) for t in (0.1, 0.5, 0.7))
    assert EASINGS[slow](0.1) < 0.05 < EASINGS[fast](0.1)


def test_smooth_stands_still_at_both_ends_and_cubic_is_steeper():
    assert EASINGS["smooth"](0.001) < 1e-5
    assert 1 - EASINGS["smooth"](0.999) < 1e-5
    assert EASINGS["cubic"](0.1) < EASINGS["smooth"](0.1)


def test_hold_waits_for_the_key():
    assert [EASINGS["hold"](t) for t in (0, 0.5, 0.999, 1)] == [0, 0, 0, 1]
