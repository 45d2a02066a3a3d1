"""What libraries in C print by themselves while they look for devices."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STDERR = 2  # the descriptor, which such libraries write to past Python


@contextmanager
def native_lines_dropped() -> Iterator[None]:
    """Keep off the terminal what ALSA, PortAudio and their like print, where one clear line follows from us."""
    sys.stderr.flush()
    try:
        kept = os.dup(STDERR)
    except OSError:  # there is none
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), STDERR)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, STDERR)
        os.close(kept)
