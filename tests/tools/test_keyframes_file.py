import textwrap
from fractions import Fraction
from pathlib import Path

import pytest

from reverie.errors import InputError
from reverie.jobs.plain_text import MOST_BYTES
from reverie.tools.keyframes.file import PARAMETERS, parse_keyframes, read_keyframes

GOOD = "zoom: {0: 1.04/s, 4s: 1.2}\nlayer: {0: mixed4c, 50%: mixed5a}\n"


def test_a_file_is_read_with_its_text_and_without_its_folder(tmp_path: Path):
    path = tmp_path / "keys.yaml"
    path.write_text("\ufeff" + GOOD, encoding="utf-8")
    keyframes = read_keyframes(path)
    assert set(keyframes.tracks) == {"zoom", "layer"}
    assert keyframes.name == "keys.yaml"
    assert keyframes.text == GOOD
    assert str(tmp_path) not in repr(keyframes)


def test_options_and_fields_may_be_spelled_either_way():
    assert set(parse_keyframes("step-size: {0: 0.01}\njitter_noise: {0: 0.1}").tracks) == {"step_size", "jitter_noise"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("zom: {0: 1}", "line 1: no parameter called 'zom'; nearest: zoom"),
        ("\n\nzoom:\n  0: 1 smoth", "line 4, zoom: expected a number, and after it an easing"),
        ("zoom: {0: {value: 1, ease: smoth}}", "no easing called 'smoth'; nearest: smooth"),
        ("ease: bouncy\nzoom: {0: 1}", "line 1: no easing called 'bouncy'"),
        ("zoom: 3", "line 1: expected moments and values of 'zoom'"),
        ("- zoom", "line 1: expected parameters with keys"),
        ("zoom: {}", "'zoom' has no keys"),
        ("", "expected parameters with keys"),
        ("ease: linear", "holds no keys"),
        ("zoom:\n  0: [1}", "line 2: not valid YAML"),
        ("zoom:\n  soon: 1", "line 2: 'soon' is no moment; expected seconds"),
        ("zoom: {'-1': 1}", "'-1' is no moment"),
        ("zoom: {'1e999': 1}", "no moment"),
        ("zoom: {120%: 1}", "expected 0% to 100%"),
        ("zoom: {1.5f: 1}", "no whole frame"),
        ("zoom: {0: 1}\nzoom: {0: 2}", "line 2: 'zoom' stands here twice"),
        ("zoom:\n  0: 1\n  0: 2", "line 3: '0' stands here twice"),
        ("zoom: {0: 0}", "zoom: expected 0.01 to 100; got 0"),
        ("zoom: {0: .nan}", "expected a number"),
        ("rotate: {0: inf}", "expected a number"),
        ("steps: {0: 1.5}", "steps: expected a whole number; got '1.5'"),
        ("steps: {0: -1}", "steps: must be at least 0"),
        ("step_size: {0: 4}", "step_size: must be at most 1"),
        ("anchor: {0: 2}", "expected 0 to 1"),
        ("pan: {0: 1}", "shares of width and height"),
        ("pan: {0: [1, 2, 3]}", "shares of width and height"),
        ("layer: {0: {mixed4c: much}}", "layer, mixed4c: expected a number"),
        ("layer: {0: {mixed4c: [1]}}", "expected one value"),
        ("layer: {0: }", "expected a name, or names with weights"),
        ("layer: {0: {}}", "expected a name, or names with weights"),
        ("zoom: {0: {valu: 3}}", "expected 'value' and 'ease', got valu"),
        ("zoom: {? [a] : 1}", "expected a plain name or moment"),
        ("a: &a [*a]", "references (*name) are not read"),
        ("zoom: !!python/object/apply:os.getcwd []", "expected moments and values"),
    ],
)
def test_mistakes_are_named_in_one_line_with_their_place(text, words):
    with pytest.raises(InputError) as caught:
        parse_keyframes(text, "keys.yaml")
    assert words in str(caught.value)
    assert "'keys.yaml'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_binary_or_huge_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="cannot read the keyframes"):
        read_keyframes(tmp_path / "none.yaml")
    binary = tmp_path / "a.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        read_keyframes(binary)
    binary.write_bytes(b"#" * (MOST_BYTES + 1))
    with pytest.raises(InputError, match="more than"):
        read_keyframes(binary)


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_every_parameter_can_be_keyed(parameter):
    value = {"pan": "0.1 0", "layer": "mixed4c", "class": "goldfish", "jitter_scale": "0.5"}.get(parameter, "1")
    (key,) = parse_keyframes(f"{parameter}: {{0: {value}}}").tracks[parameter]
    assert key.ease == "linear"
    assert key.value is not None


def test_the_examples_in_the_manual_are_understood():
    root = Path(__file__).parents[2]
    if not (root / "docs" / "motion.md").exists():
        pytest.skip("the manual is not part of this copy")
    manual = (root / "docs" / "motion.md").read_text(encoding="utf-8")
    block = manual[manual.index("    ease: smooth") : manual.index("or, with three times `--group`,")]
    group = manual[manual.index("    group: {") : manual.index("| parameter | what it is |")]
    assert parse_keyframes(textwrap.dedent(group)).timeline(8, Fraction(24)).at(4)["group"] == {"2": 1, "3": 0.5}
    line = parse_keyframes(textwrap.dedent(block)).timeline(8, Fraction(24))
    assert line.at(4)["pan"] == (0.1, 0)
    assert line.at(4)["class"] == {"goldfish": 1}
    assert line.at(8)["class"] == {"monarch": 1}
    assert line.at(1)["strength"] == 0.5
    example = read_keyframes(root / "examples" / "morph.yaml").timeline(3, Fraction(12), closed=True)
    assert example.at(0) == {"layer": {"mixed3b": 1}}
    assert example.at(2.99)["layer"]["mixed3b"] > 0.99
