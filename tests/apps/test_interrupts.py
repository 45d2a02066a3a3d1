"""Ctrl-C is Ctrl-C wherever in Python or below it arrives."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_case import Run

from reverie.apps.cli import main as command_line

PROBE = """
import sys
from reverie.apps.cli import main as command_line
import reverie.__main__ as door

def stopped(*_, **__):
    exec("raise KeyboardInterrupt")

setattr({where}, {name!r}, {value})
sys.argv = ["reverie", "models"]
sys.exit(door.main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no end by SIGINT there")
@pytest.mark.parametrize(
    ("where", "name", "value"), [("command_line", "build_app", "lambda: stopped"), ("command_line", "main", "stopped")]
)
def test_ctrl_c_within_exec_ends_with_our_code(tmp_path: Path, where: str, name: str, value: str) -> None:
    (tmp_path / "probe.py").write_text(PROBE.format(where=where, name=name, value=value))
    ended = subprocess.run([sys.executable, "-m", "probe"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 130
    assert ended.stderr == "reverie: stopped by Ctrl-C\n"


LOST = """
import signal, sys, time
from reverie.apps.cli import main as command_line
import reverie.__main__ as door

class Finalized:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def stopped(*_, **__):
    Finalized()
    time.sleep(30)

command_line.build_app = lambda: stopped
sys.argv = ["reverie", "models"]
sys.exit(door.main())
"""


def test_ctrl_c_within_a_finalizer_is_not_lost() -> None:
    ended = subprocess.run([sys.executable, "-c", LOST], capture_output=True, text=True, check=False, timeout=20)
    assert ended.returncode == 130
    assert ended.stderr == "reverie: stopped by Ctrl-C\n"


def _swallowed(*_: Any, **__: Any) -> None:
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        raise ValueError("could not determine the shape of an object") from None


def _wrong(*_: Any, **__: Any) -> None:
    raise ValueError("could not determine the shape of an object")


@pytest.mark.parametrize(
    ("app", "code", "said"), [(_swallowed, 130, "stopped by Ctrl-C"), (_wrong, 1, "unexpected ValueError")]
)
def test_ctrl_c_that_compiled_code_took_for_a_fault(
    run: Run, monkeypatch: pytest.MonkeyPatch, app: Callable[..., None], code: int, said: str
) -> None:
    monkeypatch.setattr(command_line, "build_app", lambda: app)
    handler = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ended, _, err = run("models")
    finally:
        signal.signal(signal.SIGINT, handler)
    assert ended == code and said in err
    assert signal.set_wakeup_fd(-1) == -1
