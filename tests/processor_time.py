"""Processor time of this process, its children, and what numba took of it to compile: once per machine, by no test."""

from __future__ import annotations

import importlib.util
import os
import time


def used_s() -> float:
    """Return the processor time of this process and of the children that it waited for: other programs add nothing."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


class Compiling:
    """How long numba has compiled, in seconds of processor time; what is on disk from before takes none."""

    def __init__(self) -> None:
        self.seconds, self._depth, self._began = 0.0, 0, 0.0

    def start(self, _event: object) -> None:
        """Count from the outermost beginning."""
        self._began = time.process_time() if self._depth == 0 else self._began
        self._depth += 1

    def end(self, _event: object) -> None:
        """Count to the outermost end."""
        self._depth -= 1
        self.seconds += time.process_time() - self._began if self._depth == 0 else 0.0


COMPILING = Compiling()

if importlib.util.find_spec("numba") is not None:
    from numba.core import event

    listener = type("Listener", (event.Listener,), {
        "on_start": lambda _self, found: COMPILING.start(found), "on_end": lambda _self, found: COMPILING.end(found),
    })  # fmt: skip
    event.register("numba:compile", listener())
