"""Steer a run: change settings, pause, go on, stop; recorded, so that a replay does the same.

Anyone may ask, from any thread. The run takes what was asked for before each step.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from reverie.errors import InputError
from reverie.jobs.job import MOST_CHANGES, Change, Json

LOOK_UP_S = 0.5  # a paused run looks up this often, since on Windows Ctrl-C does not end a longer wait


class Controls:
    """What may change between two steps.

    Args:
        script: changes of an earlier run to make again.
        stop_after: number of the step to stop after, if the earlier run was stopped.

    Attributes:
        notice: why the latest request was refused; empty once another is applied.
    """

    def __init__(self, script: Sequence[Change] = (), stop_after: int | None = None) -> None:
        self._script, self._stop_after = tuple(script), stop_after
        self._asked: dict[str, Json] = {}
        self._latest: dict[str, Json] = {}
        self._paused = self._stopped = False
        self._count = 0
        self._turn = threading.Condition()
        self.notice = ""

    # -- asking, from any thread ------------------------------------------------------------------------------

    def ask(self, name: str, value: Json) -> None:
        """Ask for a setting from the next step on.

        Raises:
            InputError: more changes than a record can hold.
        """
        with self._turn:
            if self._count + len(self._asked) >= MOST_CHANGES:
                raise InputError(f"a run can be steered {MOST_CHANGES} times, which is as much as it can record")
            self._asked[name] = value

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
        """End before the next step; what there is can be kept."""
        with self._turn:
            self._stopped, self._paused = True, False
            self._turn.notify_all()

    @property
    def wanted(self) -> dict[str, Json]:
        """The latest values, applied or asked for; a name that was never given is absent."""
        with self._turn:
            return self._latest | self._asked

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def stopped(self) -> bool:
        return self._stopped

    @property
    def replays(self) -> bool:
        """Whether this is an earlier run once more, whose changes cannot be refused."""
        return bool(self._script) or self._stop_after is not None

    # -- obeying, in the run ----------------------------------------------------------------------------------

    def take(self, step: int) -> list[Mapping[str, Json]] | None:
        """Return the changes to make before a step, waiting while paused; None to stop before it."""
        with self._turn:
            while self._paused:
                self._turn.wait(LOOK_UP_S)
            if self._stop_after is not None and step > self._stop_after:
                self._stopped = True
            if self._stopped:
                return None
            asked, self._asked = [{name: value} for name, value in self._asked.items()], {}
        return [*(change.values for change in self._script if change.step == step), *asked]

    def applied(self, change: Mapping[str, Json]) -> None:
        """Note that a change holds."""
        with self._turn:
            self._latest |= change
            self._count += 1
            self.notice = ""

    def refuse(self, reason: str) -> None:
        """Note that a request could not be met."""
        with self._turn:
            self.notice = reason
