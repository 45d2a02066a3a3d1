"""Steer a dream while it runs: strength, layer, pause and stop, recorded so that a replay does the same.

Anyone may ask, from any thread. The loop takes what was asked for before each step, applies it, and records under the
number of the first step that it holds for. Free of torch, as the record is plain JSON.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from typing import Any

from reverie.errors import InputError

WEAKEST, STRONGEST = 0.01, 100.0
MOST_CHANGES = 400  # with the other settings, they still fit into a JPEG
LOOK_UP_S = 0.5  # a paused loop looks up this often, since on Windows Ctrl-C does not end a longer wait


class Steering:
    """What may change between two steps.

    Args:
        script: changes to make again, as `changes` of an earlier run.
        stop_after: number of the step to stop after, if the earlier run was stopped.

    Attributes:
        changes: what was applied, as ``[step, change]`` with the number of the first step that it holds for; a change
            is ``{"strength": factor}``, or ``{"layer": names, "tile": pixels}`` with 0 for no tiles.
        notice: why the latest request was refused; empty once another is applied.
    """

    def __init__(self, script: Iterable[Any] = (), stop_after: int | None = None) -> None:
        self._script = [(int(step), dict(change)) for step, change in script]
        self._stop_after = stop_after
        self._asked: dict[str, Any] = {}
        self._paused = self._stopped = False
        self._turn = threading.Condition()
        self.changes: list[list[Any]] = []
        self.notice = ""

    # -- asking, from any thread ------------------------------------------------------------------------------

    def strength(self, factor: float) -> None:
        """Multiply the step size by `factor` from the next step on.

        Raises:
            InputError: not a number from 0.01 to 100.
        """
        known = isinstance(factor, (int, float)) and not isinstance(factor, bool) and math.isfinite(factor)
        if not known or not WEAKEST <= factor <= STRONGEST:
            raise InputError(f"the strength must be a number from {WEAKEST:g} to {STRONGEST:g}; got {factor!r}")
        self._ask("strength", float(factor))

    def layer(self, *names: str) -> None:
        """Raise other layers from the next step on, each as NAME or NAME:WEIGHT.

        Raises:
            InputError: no name; one that the network does not have is refused by the loop, see `notice`.
        """
        if not names or not all(isinstance(name, str) and name for name in names):
            raise InputError(f"the layer must be a name; got {list(names)}")
        self._ask("layer", list(names))

    def pause(self) -> None:
        """Wait before the next step until `resume` or `stop`."""
        with self._turn:
            self._paused = True

    def resume(self) -> None:
        """Go on."""
        with self._turn:
            self._paused = False
            self._turn.notify_all()

    def stop(self) -> None:
        """End the dream before its next step; what there is can be kept."""
        with self._turn:
            self._stopped, self._paused = True, False
            self._turn.notify_all()

    @property
    def wanted(self) -> dict[str, Any]:
        """The latest strength and layer, applied or asked for; a name that was never given is absent."""
        with self._turn:
            latest: dict[str, Any] = {}
            for _, change in self.changes:
                latest |= change
            return latest | self._asked

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def stopped(self) -> bool:
        return self._stopped

    # -- obeying, in the loop ---------------------------------------------------------------------------------

    def take(self, index: int) -> list[dict[str, Any]] | None:
        """Return the changes to make before step `index`, waiting while paused; ``None`` to stop before it."""
        with self._turn:
            while self._paused:
                self._turn.wait(LOOK_UP_S)
            if self._stop_after is not None and index > self._stop_after:
                self._stopped = True
            if self._stopped:
                return None
            asked, self._asked = [{name: value} for name, value in self._asked.items()], {}
        return [change for step, change in self._script if step == index] + asked

    def record(self, index: int, change: dict[str, Any]) -> None:
        """Note that a change holds from step `index` on."""
        with self._turn:
            self.changes.append([index, change])
            self.notice = ""

    def refuse(self, reason: str) -> None:
        """Note that a request could not be met."""
        with self._turn:
            self.notice = reason

    @property
    def replays(self) -> bool:
        """Whether this is an earlier run once more, whose changes cannot be refused."""
        return bool(self._script) or self._stop_after is not None

    def _ask(self, name: str, value: Any) -> None:
        with self._turn:
            if len(self.changes) + len(self._asked) >= MOST_CHANGES:
                raise InputError(f"a dream can be steered {MOST_CHANGES} times, which is as much as it can record")
            self._asked[name] = value
