from fractions import Fraction

import pytest

from reverie.errors import InputError
from reverie.tools.films.loop_config import ANCHOR_AT_REST, LoopConfig, parse_fps, plan_film


@pytest.mark.parametrize("pan", ["0.01,-0.02/s", "0.01 -0.02", "0.01, -0.02"])
@pytest.mark.parametrize(("zoom", "rotate"), [("1.04/s", "5/s"), ("1.04", " 5 ")])
def test_rates_are_per_second_with_or_without_saying_so(zoom, rotate, pan):
    film = plan_film(LoopConfig(zoom=zoom, rotate=rotate, pan=pan))
    assert (film.zoom, film.rotate_deg, film.pan) == (1.04, 5, (0.01, -0.02))


def test_length_and_rate_are_exact():
    film = plan_film(LoopConfig(seconds=10, fps="30000/1001"))
    assert film.rate == Fraction(30000, 1001)
    assert film.frames == 300
    assert film.length_s == pytest.approx(10.01)
    assert plan_film(LoopConfig()).frames == 8 * 24


def test_the_seam_is_a_share_of_the_film_and_only_of_seamless_ones():
    assert plan_film(LoopConfig(seconds=5, fps="10", seamless=True, seam=0.3)).seam_frames == 15
    assert plan_film(LoopConfig(seconds=0.3, fps="10", seamless=True, seam=0.05)).seam_frames == 2
    assert plan_film(LoopConfig(seconds=5, seam=0.3)).seam_frames == 0


def test_the_picture_repeats_where_the_view_wanders_and_comes_back_where_it_rests():
    assert plan_film(LoopConfig(pan="0.1,0/s")).border == "wrap"
    assert plan_film(LoopConfig(zoom="1.1/s")).border == "reflect"
    assert plan_film(LoopConfig(), {"pan": ()}).border == "wrap"
    assert plan_film(LoopConfig(pan="0.1,0", border="reflect")).border == "reflect"
    assert plan_film(LoopConfig()).anchor == ANCHOR_AT_REST
    assert plan_film(LoopConfig(), {"layer": ()}).anchor == ANCHOR_AT_REST
    assert plan_film(LoopConfig(), {"zoom": ()}).anchor == 0
    assert plan_film(LoopConfig(rotate="1/s")).anchor == 0
    assert plan_film(LoopConfig(rotate="1/s", anchor=0.3)).anchor == 0.3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"zoom": "1.04x"}, "--zoom must be a number per second, such as 1.04/s; got '1.04x'"),
        ({"zoom": "nan"}, "--zoom must be a number"),
        ({"zoom": "0"}, "--zoom must be between 0.01 and 100"),
        ({"zoom": "-2/s"}, "--zoom must be between"),
        ({"rotate": "much"}, "--rotate must be a number per second, such as 5/s"),
        ({"pan": "1"}, "--pan must be two shares per second"),
        ({"pan": "1,2,3"}, "--pan must be two shares"),
        ({"pan": "a,b"}, "--pan must be two shares"),
        ({"fps": "0"}, "--fps must look like 24"),
        ({"fps": "1/0"}, "--fps must look like 24"),
        ({"fps": "fast"}, "--fps must look like 24"),
        ({"seconds": 0.01}, "are 0 frames"),
        ({"seconds": 0}, "--seconds must be greater than 0"),
        ({"seconds": 1e9}, "expected 2 to 1,000,000"),
        ({"border": "black"}, "--border must be one of"),
        ({"anchor": 1.5}, "--anchor must be at most 1"),
    ],
)
def test_what_is_not_understood_is_refused_in_one_line(settings, words):
    with pytest.raises(InputError) as caught:
        plan_film(LoopConfig(**settings))
    assert words in str(caught.value)


def test_frame_rates_are_fractions():
    assert parse_fps("23.976") == Fraction(2997, 125)
    assert parse_fps("24000/1001") == Fraction(24000, 1001)
