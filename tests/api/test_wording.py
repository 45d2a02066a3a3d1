"""Errors that a program's author meets speak of settings as Python has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import reverie
from reverie.api.wording import as_python
from reverie.errors import InputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--max-memory must be a size; got 'x'", "max_memory must be a size; got 'x'"),
        ("'a' was not made by Reverie; name another place with -o", "'a' was not made by Reverie; name another place"),
        ("--class has no 'x'", "class_name has no 'x'"),
        ("see 'reverie dream --help'", "see 'reverie dream --help'"),
        ("a--b and c-d stay", "a--b and c-d stay"),
    ],
)  # fmt: skip
def test_options_become_settings(text: str, expected: str) -> None:
    assert as_python(text) == expected


def test_no_option_is_named_to_a_program(tmp_path: Path) -> None:
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(tmp_path / "a.png")
    photo = tmp_path / "a.png"
    (tmp_path / "foreign.png").write_bytes(photo.read_bytes())
    made = reverie.dream(photo, steps=0, octaves=1)
    calls = (
        lambda: reverie.dream(photo, octaves=0),
        lambda: reverie.dream(photo, step_size=-1.0, steps=1),
        lambda: reverie.style(photo, photo, strength=2.0),
        lambda: made.save(photo, overwrite=True),
        lambda: made.save(tmp_path / "foreign.png"),
        lambda: reverie.run_tool("dream", photo, max_memory="lots").array(),
        lambda: reverie.run_tool("dream", photo, steps=0, octaves=1).save(tmp_path / "foreign.png"),
        lambda: reverie.replay(photo),
    )
    for call in calls:
        with pytest.raises(InputError) as caught:
            call()
        assert "--" not in str(caught.value) and " -o" not in str(caught.value), str(caught.value)
