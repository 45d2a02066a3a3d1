"""Regions as text: read, written back, renamed, and refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from reverie.errors import InputError
from reverie.tools.style.named import StyleRegion


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mask=a.png,style=b.jpg", StyleRegion(mask="a.png", style=("b.jpg",))),
        ("mask=a.png,style=b.jpg:2+c.png,strength=0.25", StyleRegion("a.png", None, ("b.jpg:2", "c.png"), None, 0.25)),
        ("outside=a.png,keep=1", StyleRegion(outside="a.png", keep=True)),
        ("mask=a.png,keep=no,strength=0", StyleRegion(mask="a.png", strength=0.0)),
        (" mask = a.png , style = b.jpg ", StyleRegion(mask="a.png", style=("b.jpg",))),
        ("mask=a, b.png,style=c,d.jpg", StyleRegion(mask="a, b.png", style=("c,d.jpg",))),
        ("mask=a=b.png,style=c.jpg", StyleRegion(mask="a=b.png", style=("c.jpg",))),
        (
            "mask=a.png,style=b.jpg,style-mask=m.png,soften=3",
            StyleRegion(mask="a.png", style=("b.jpg",), style_mask="m.png", soften_px=3.0),
        ),
    ],
)
def test_regions_are_read_and_written(text: str, expected: StyleRegion) -> None:
    region = StyleRegion.parse(text)
    assert region == expected
    assert StyleRegion.parse(str(region)) == region


def test_several_regions_keep_their_order() -> None:
    found = [StyleRegion.parse(text) for text in ("mask=a.png,keep=1", "mask=b.png,style=c.jpg")]
    assert [region.mask for region in found] == ["a.png", "b.png"]


def test_files_can_be_renamed_by_what_they_are_for() -> None:
    region = StyleRegion.parse("outside=x/a.png,style=x/b.jpg+x/c.jpg,soften=2")
    roles = []

    def rename(role: str, path: str) -> str:
        roles.append(role)
        return Path(path).name

    assert str(region.with_files(rename)) == "outside=a.png,style=b.jpg+c.jpg,soften=2.0"
    assert sorted(roles) == ["mask", "style 1", "style 2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must look like"),
        ("mask", "must look like"),
        ("mask=", "must look like"),
        ("masc=a.png,style=b.jpg", "mask"),
        ("mask=a.png,mask=b.png,keep=1", "there twice"),
        ("style=b.jpg", "mask or outside"),
        ("mask=a.png,outside=b.png,keep=1", "mask or outside"),
        ("mask=a.png", "say what happens"),
        ("mask=a.png,keep=0", "say what happens"),
        ("mask=a.png,keep=1,style=b.jpg", "mean nothing"),
        ("mask=a.png,keep=1,strength=0.5", "mean nothing"),
        ("mask=a.png,keep=maybe", "keep must be 1 or 0"),
        ("mask=a.png,strength=2", "from 0 to 1"),
        ("mask=a.png,strength=-0.1", "from 0 to 1"),
        ("mask=a.png,strength=nan", "from 0 to 1"),
        ("mask=a.png,strength=much", "from 0 to 1"),
        ("mask=a.png,keep=1,soften=-1", "soften must be"),
        ("mask=a.png,style=b.jpg+c.jpg,style-mask=m.png", "one style"),
        ("mask=a.png,style=b.jpg+", "empty"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        StyleRegion.parse(text)
    assert "\n" not in str(caught.value)


def test_a_comma_before_a_word_that_is_no_key_belongs_to_the_value_and_a_wrong_key_is_named() -> None:
    with pytest.raises(InputError, match="strength"):
        StyleRegion.parse("mask=a.png,style=b.jpg,strenght=0.5")
    with pytest.raises(InputError, match="no key called 'bogus'"):
        StyleRegion.parse("mask=a.png,style=b.jpg,bogus=2")
    assert StyleRegion.parse("mask=a.png,style=b,bogus=2.jpg:3").style == ("b,bogus=2.jpg:3",)
