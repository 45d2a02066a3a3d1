"""The live page of any run: what it shows and how it is steered, whatever the tool."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from reverie.apps.web.door import Door
from reverie.apps.web.server import Server
from reverie.errors import InputError
from reverie.jobs.controls import Controls

if TYPE_CHECKING:
    from reverie.jobs.run import End, Run
    from reverie.jobs.work import Progress

PREVIEW_PX = 1600
PREVIEW_QUALITY = 85
LEAST_BETWEEN_S = 0.25  # from one picture to the next
MOST_HISTORY = 3000
FAREWELL_S = 2.0  # for open pages to hear the end


class RunPage:
    """A server on this machine that shows one run after another; a watch and a context manager.

    The run only leaves a reference to its latest progress here; pictures are made in the threads of those who ask.

    Args:
        port: 0 for a free one.

    Raises:
        OutputError: the port cannot be used.
    """

    def __init__(self, *, port: int = 0) -> None:
        self._controls, self._progress = Controls(), None
        self._title, self._run, self._fraction, self._eta = "", 0, 0.0, None
        self._phase, self._text = "running", ""
        self._scores: list[list[float]] = []
        self._version, self._turn = 0, threading.Condition()
        self._drawing, self._drawn = threading.Lock(), (-1, b"", 0.0)
        self._closing = False
        self.server = Server(self, Door("127.0.0.1", None), port)

    @property
    def address(self) -> str:
        """The address to open in a browser."""
        return self.server.address

    # -- told by the run --------------------------------------------------------------------------------------

    def begin(self, run: Run) -> None:
        """Show another run from now on."""
        self._controls, self._progress, self._scores = run.controls, None, []
        self._title, self._run = run.tool.name if run.given is None else run.given.name, self._run + 1
        self._phase, self._text, self._fraction, self._eta, self._drawn = "running", "", 0.0, None, (-1, b"", 0.0)
        self._changed()

    def show(self, progress: Progress, fraction: float | None, eta_s: float | None) -> None:
        """Follow one step; keeps no copy."""
        self._progress, self._fraction, self._eta = progress, fraction or 0.0, eta_s
        score = next(iter(progress.scores.values()), 0.0)
        self._scores.append([progress.done, score, self._run])
        if len(self._scores) > MOST_HISTORY:
            self._scores = self._scores[::2]
        self._changed()

    def say(self, line: str) -> None:
        """Leave lasting lines to the terminal."""

    def end(self, end: End, text: str) -> None:
        """Say how it ended."""
        self._phase, self._text = "done" if end == "done" else "stopped", text
        self._changed()

    def __enter__(self) -> Self:
        print(f"live view: {self.address}", file=sys.stderr, flush=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._changed()
        deadline = time.monotonic() + FAREWELL_S
        while self.server.watchers and time.monotonic() < deadline:
            time.sleep(0.02)
        self.server.close()

    # -- asked by the server ----------------------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        return self._closing

    def state(self) -> dict[str, Any]:
        """Return what the page shows, as plain JSON."""
        progress = self._progress
        state: dict[str, Any] = {
            "title": self._title, "layers": [], "layer": "", "run": self._run, "phase": self._phase,
            "text": self._text, "notice": self._controls.notice, "paused": self._controls.paused,
            "strength": self._controls.wanted.get("strength", 1.0), "share": self._fraction, "eta": self._eta,
            "step": 0, "mark": self._run,
        }  # fmt: skip
        if progress is not None:
            score = next(iter(progress.scores.values()), 0.0)
            state |= {"step": progress.done, "total": progress.total or 0, "octave": 1, "octaves": 1, "score": score,
                      "stage": progress.stage, "height": 0, "width": 0}  # fmt: skip
        return state

    def history(self) -> list[list[float]]:
        """Return step, score and number of the run, for the plot."""
        return list(self._scores)

    def picture(self) -> tuple[int, bytes] | None:
        """Return number and JPEG of the latest step that has a picture; None before the first."""
        from reverie.media.write import encode_picture

        with self._drawing:
            progress = self._progress
            number, blob, due = self._drawn
            if progress is None or progress.preview is None or (blob and time.monotonic() < due):
                return (number, blob) if blob else None
            image = progress.preview()
            if image is None:
                return None
            step = max(1, -(-max(image.shape[:2]) // PREVIEW_PX))
            small = np.ascontiguousarray(image[::step, ::step])
            blob = encode_picture("live.jpg", small, quality=PREVIEW_QUALITY)
            self._drawn = (progress.done, blob, time.monotonic() + LEAST_BETWEEN_S)
            return progress.done, blob

    def steer(self, change: dict[str, Any]) -> None:
        """Pass on what the page asks for.

        Raises:
            InputError: something that cannot be steered.
        """
        if set(change) == {"stop"} and change["stop"] is True:
            self._controls.stop()
        elif set(change) == {"paused"} and isinstance(change["paused"], bool):
            (self._controls.pause if change["paused"] else self._controls.resume)()
        elif len(change) == 1:
            ((name, value),) = change.items()
            self._controls.ask(str(name), value)
        else:
            raise InputError("expected one of stop: true, paused: true or false, or one setting and its value")
        self._changed()

    def wait(self, version: int, seconds: float) -> int:
        """Return the number of the state once it differs from `version`, or after some seconds."""
        with self._turn:
            self._turn.wait_for(lambda: self._version != version, seconds)
            return self._version

    def _changed(self) -> None:
        with self._turn:
            self._version += 1
            self._turn.notify_all()
