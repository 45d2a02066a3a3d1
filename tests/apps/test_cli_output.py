"""Standard output that goes away or is full: the right exit code, one line at most, nothing from the interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
COMMANDS = {"help": ("--help",), "version": ("--version",), "list": ("models",)}


def start(*arguments: str, stdout: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "reverie", *arguments]
    return subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, text=True)  # type: ignore[call-overload]


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.slow
def test_a_reader_that_left_is_no_failure(arguments: tuple[str, ...]) -> None:
    process = start(*arguments, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) == 0


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_a_full_disk_is_said_in_one_line(arguments: tuple[str, ...]) -> None:
    with FULL.open("w") as full:
        process = start(*arguments, stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err == "reverie: cannot write the output: No space left on device\n"


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")
def test_without_a_readable_standard_error_the_exit_code_still_tells() -> None:
    with FULL.open("w") as full:
        process = subprocess.run([sys.executable, "-m", "reverie", "dreem"], stderr=full, timeout=60, check=False)
    assert process.returncode == 2
