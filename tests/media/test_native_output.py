"""Lines that libraries in C print past Python are dropped, and only while it is asked for."""

from __future__ import annotations

import os

import pytest

from reverie.media.native_output import STDERR, native_lines_dropped


def test_what_goes_to_the_descriptor_is_dropped_and_later_lines_are_not(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), native_lines_dropped():
        os.write(STDERR, b"ALSA lib: no such device\n")
        raise KeyError
    os.write(STDERR, b"one clear line\n")
    assert capfd.readouterr().err == "one clear line\n"
