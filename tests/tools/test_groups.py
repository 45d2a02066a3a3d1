import pytest

from reverie.errors import InputError
from reverie.tools.dream.config import DreamConfig, Group
from reverie.tools.dream.rules import alone, parse_groups


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("mask=sky.png,layer=mixed4c,strength=1", Group(mask="sky.png", layer=("mixed4c",))),
        (
            "outside=a b.png, class=tabby cat , strength=0.25",
            Group(outside="a b.png", class_name="tabby cat", strength=0.25),
        ),
        ("layer=mixed4c+mixed5a:0.5,soften=12", Group(layer=("mixed4c", "mixed5a:0.5"), soften_px=12.0)),
        ("layer=mixed4c,channel=3+17", Group(layer=("mixed4c",), channel=(3, 17))),
        ("mask=m.png,guide=f.jpg,guide-form=cosine", Group(mask="m.png", guide="f.jpg", guide_form="cosine")),
        ("guide=f.jpg,guide-size=96", Group(guide="f.jpg", guide_size=96)),
        ("mask=m.png,guide-class=lion", Group(mask="m.png", guide_class="lion")),
        ("mask=/a,b/x=1,y.png,layer=l", Group(mask="/a,b/x=1,y.png", layer=("l",))),
        ("mask=C:\\photos\\sky.png,class=5", Group(mask="C:\\photos\\sky.png", class_name="5")),
        ("strength=2", Group(strength=2.0)),
    ],
)
def test_groups_are_read_and_written(text, group):
    assert Group.parse(text) == group
    assert Group.parse(str(group)) == group


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must look like mask="),
        ("sky.png", "'sky.png' in it does not"),
        ("mask=,layer=a", "must look like"),
        ("mask=a.png,layer", "a.png,layer"),
        ("mosk=a.png", "no key called 'mosk'; nearest: mask"),
        ("layer=a,layer=b", "twice; join several by +"),
        ("mask=a.png,outside=b.png", "mask or outside, not both"),
        ("layer=a,strength=much", "strength must be a number above 0"),
        ("layer=a,strength=0", "strength must be"),
        ("layer=a,strength=nan", "strength must be"),
        ("layer=a,soften=-1", "soften must be pixels"),
        ("layer=a,guide-size=big", "guide-size must be a whole number of pixels"),
        ("layer=a,channel=x", "channel must be whole numbers"),
    ],
)
def test_what_cannot_be_read_is_one_line(text, words):
    if words == "a.png,layer":  # no key follows the comma, so it belongs to the file name
        assert Group.parse(text).mask == "a.png,layer"
        return
    with pytest.raises(InputError) as error:
        Group.parse(text)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_group_alone_is_a_dream_with_the_other_settings():
    config = DreamConfig(group=("mask=m.png,guide=f.jpg,guide-form=channels",), steps=3, objective="mean")
    (group,) = parse_groups(config)
    own = alone(group, config)
    assert (own.guide, own.guide_form, own.group, own.steps, own.objective) == (
        "f.jpg",
        "channels",
        (),
        3,
        "mean",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("class=lion,layer=mixed4c", "--layer does not go with --class"),
        ("guide=a.jpg,guide-class=lion", "--guide does not go with"),
        ("layer=a,guide-form=cosine", "--guide-form goes with --guide"),
        ("guide=a.jpg,guide-form=nearest", "--guide-form must be one of"),
    ],
)
def test_contradictions_inside_a_group_name_the_group(text, words):
    with pytest.raises(InputError, match="--group '") as error:
        parse_groups(DreamConfig(group=(text,)))
    assert words in str(error.value)


def test_file_names_can_be_replaced():
    group = Group.parse("outside=/x/m.png,guide=/y/f.jpg,strength=2")
    seen = group.with_files(lambda kind, path: f"{kind}:{path[3:]}")
    assert (seen.outside, seen.guide, seen.mask, seen.strength) == ("mask:m.png", "guide:f.jpg", None, 2.0)
