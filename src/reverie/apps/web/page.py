"""The live page of any run: it follows what is made and steers it.

The run only leaves a reference to its latest progress here. Pictures are made in the threads of those who ask for them,
from pixels that may change meanwhile: a picture can mix two steps, which nobody sees, and the run never waits.
"""

from __future__ import annotations

import base64
import math
import os
import secrets
import sys
import threading
import time
import webbrowser
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from reverie.apps.web.door import LOOPBACK, Door
from reverie.apps.web.server import Server
from reverie.errors import InputError
from reverie.jobs.controls import Controls
from reverie.jobs.job import Json
from reverie.media.write import encode_picture

if TYPE_CHECKING:
    from reverie.jobs.run import Run
    from reverie.jobs.watch import End
    from reverie.jobs.work import Progress, Work

LARGEST_CONTROL = 1e9  # of a number that a page asks for
PREVIEW_PX = 1600
PREVIEW_QUALITY = 85
LEAST_BETWEEN_S = 0.25  # from one picture to the next
REST = 20  # and this many times as long as the last one took: pictures take at most a twentieth of one core
MOST_HISTORY = 3000
MOST_PORT = 65535
FAREWELL_S = 2.0  # for open pages to hear the end
FIRST_LOOK_S = 8.0  # for a browser that was opened to arrive, should the run be shorter
PASSWORD = "REVERIE_PASSWORD"


class RunPage:
    """A server that shows one run after another; a watch and a context manager.

    Args:
        host: address to listen on; beyond the loopback a password is asked for.
        port: 0 for a free one.

    Raises:
        InputError: no port.
        OutputError: the address or port cannot be used.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        if not 0 <= port <= MOST_PORT:
            raise InputError(f"--show-port must be between 0 and {MOST_PORT}; got {port}")
        open_to_others = host not in LOOPBACK
        given = os.environ.get(PASSWORD)
        self.made_password = open_to_others and not given
        password = (given or secrets.token_urlsafe(9)) if open_to_others else None
        self._controls: Controls = Controls()
        self._progress: Progress | None = None
        self._steerable: dict[str, Sequence[str]] = {}
        self._layer = ""
        self._title, self._run, self._fraction, self._eta = "", 0, 0.0, None
        self._mark, self._look = 0, None  # a stretch of the plot: one stage, one way of steering
        self._phase, self._text = "running", ""
        self._scores: list[list[float]] = []
        self._version, self._turn = 0, threading.Condition()
        self._drawing, self._drawn = threading.Lock(), (-1, b"", 0.0)
        self._last: str | None = None
        self._closing = self._opened = False
        self._stage: Work | None = None  # a show, which is steered at once and shown as often as it draws
        self.server = Server(self, Door(host, password), port)

    @property
    def address(self) -> str:
        """The address to open in a browser."""
        return self.server.address

    # -- told by the run --------------------------------------------------------------------------------------

    def begin(self, run: Run) -> None:
        """Show another run from now on."""
        known = {field.name: field.metadata.get("choices") or () for _, field in run.tool.fields()
                 if field.metadata.get("steer")}  # fmt: skip
        plan = run.work.plan
        layers = plan.decisions.get("layers") or ()
        title = run.tool.name if run.given is None else run.given.name
        self._stage = run.work if run.tool.live else None
        self.follow(title, run.controls, known | dict(plan.steerable), "+".join(map(str, layers)))  # type: ignore[arg-type]

    def follow(self, title: str, controls: Controls, steerable: Mapping[str, Sequence[str]], layer: str = "") -> None:
        """Show what has this title and can be steered so; `layer` is the one that is raised at first."""
        self._controls, self._steerable, self._layer = controls, dict(steerable), layer
        self._progress, self._scores = None, []
        self._title, self._run = title, self._run + 1
        self._phase, self._text, self._fraction, self._eta, self._drawn = "running", "", 0.0, None, (-1, b"", 0.0)
        self._changed()

    def show(self, progress: Progress, fraction: float | None, eta_s: float | None) -> None:
        """Follow one step; keeps no copy and takes microseconds."""
        look = (progress.stage, str(self._controls.wanted))
        if look != self._look:
            self._mark, self._look = self._mark + 1, look
        self._progress, self._fraction, self._eta = progress, fraction or 0.0, eta_s
        self._scores.append([progress.done, _score(progress), self._mark])
        if len(self._scores) > MOST_HISTORY:
            self._scores = self._scores[::2]
        self._changed()

    def say(self, line: str) -> None:
        """Leave lasting lines to the terminal."""

    def end(self, end: End | str, text: str) -> None:
        """Say how it ended."""
        self._phase, self._text = end if end in ("done", "failed") else "stopped", f"{end}: {text}"
        if end == "done":
            self._fraction = 1.0
        self._changed()

    def close(self, *, await_browser: bool = False) -> None:
        """Tell the open pages that it is over, and stop listening; a second time does nothing."""
        if self._closing:
            return
        deadline = time.monotonic() + FIRST_LOOK_S
        while await_browser and not self.server.watchers and time.monotonic() < deadline:
            time.sleep(0.05)
        self._last = self._data_url() if self.server.watchers else None
        self._closing = True
        self._changed()
        deadline = time.monotonic() + FAREWELL_S
        while self.server.watchers and time.monotonic() < deadline:
            time.sleep(0.02)
        self.server.close()

    def __enter__(self) -> Self:
        self._opened = announce(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._phase == "running":
            self.end("failed", str(error) or "stopped")
        self.close(await_browser=self._opened and error is None)

    # -- asked by the server ----------------------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Whether open pages should go."""
        return self._closing

    @property
    def page(self) -> str:
        """File of the page: that of shows, or that of all other runs."""
        return "live.html" if self._stage is None else "stage.html"

    def state(self) -> dict[str, object]:
        """Return what the page shows, as plain JSON."""
        progress, wanted = self._progress, self._controls.wanted
        layer = wanted.get("layer", self._layer)
        state: dict[str, object] = {
            "title": self._title, "layers": list(self._steerable.get("layer", ())),
            "layer": layer if isinstance(layer, str) else "+".join(layer),  # type: ignore[arg-type]
            "steerable": list(self._steerable),
            "run": self._run, "phase": self._phase, "text": self._text, "notice": self._controls.notice,
            "paused": self._controls.paused, "strength": wanted.get("strength", 1.0), "share": self._fraction,
            "eta": self._eta, "step": 0, "mark": self._mark,
        }  # fmt: skip
        if progress is not None:
            state |= {"step": progress.done, "total": progress.total or 0, "score": _score(progress),
                      "stage": progress.stage, "unit": progress.unit}  # fmt: skip
        return state | ({"picture": self._last} if self._last else {})

    def history(self) -> list[list[float]]:
        """Return step, score and number of the stretch, for the plot."""
        return list(self._scores)

    def picture(self) -> tuple[int, bytes] | None:
        """Return number and JPEG of the latest step, or of one a moment ago; None before the first picture."""
        with self._drawing:
            progress = self._progress
            number, blob, due = self._drawn
            if progress is None or progress.preview is None or (blob and time.monotonic() < due):
                return (number, blob) if blob else None
            if blob and number == progress.done:
                return number, blob
            began = time.thread_time()
            image = progress.preview()
            if image is None:
                return (number, blob) if blob else None
            blob = encode_picture("live.jpg", reduced(image), quality=PREVIEW_QUALITY)
            pause_s = max(LEAST_BETWEEN_S, REST * (time.thread_time() - began))
            due = time.monotonic() + (pause_s if self._stage is None else 0.0)
            self._drawn = (progress.done, blob, due)
            return progress.done, blob

    def steer(self, change: dict[str, Json]) -> None:
        """Pass on what the page asks for.

        Raises:
            InputError: something that cannot be steered.
        """
        if self._stage is not None and not {"stop", "paused"}.intersection(change):
            self._stage.control(change)
            return
        steer(self._controls, change, self._steerable)
        self._changed()

    def wait(self, version: int, seconds: float) -> int:
        """Return the number of the state once it differs from `version`, or after some seconds."""
        with self._turn:
            self._turn.wait_for(lambda: self._version != version, seconds)
            return self._version

    # -- inside -----------------------------------------------------------------------------------------------

    def _changed(self) -> None:
        with self._turn:
            self._version += 1
            self._turn.notify_all()

    def _data_url(self) -> str | None:
        progress = self._progress
        image = None if progress is None or progress.preview is None else progress.preview()
        if image is None:
            return None
        blob = encode_picture("live.jpg", reduced(image), quality=PREVIEW_QUALITY)
        return "data:image/jpeg;base64," + base64.b64encode(blob).decode()


def reduced(image: np.ndarray) -> np.ndarray:
    """Return a picture as ``[H, W, 3]`` uint8, its longer side at most about `PREVIEW_PX`: means of squares."""
    factor = math.ceil(max(image.shape[:2]) / PREVIEW_PX)
    pixels = image.astype(np.float32) / 255 if image.dtype == np.uint8 else image
    if factor > 1:
        height, width = (max(1, side // factor) for side in image.shape[:2])
        pixels = pixels[: height * factor, : width * factor]
        pixels = pixels.reshape(height, factor, width, factor, -1).mean(axis=(1, 3))
    return np.ascontiguousarray((pixels.clip(0, 1) * 255).round().astype(np.uint8))


def steer(controls: Controls, change: dict[str, Json], steerable: Mapping[str, Sequence[str]]) -> None:
    """Apply one request of the page to a run.

    Raises:
        InputError: an unknown key, or a value of the wrong kind.
    """
    if set(change) == {"stop"} and change["stop"] is True:
        controls.stop()
        return
    if set(change) == {"paused"} and isinstance(change["paused"], bool):
        (controls.pause if change["paused"] else controls.resume)()
        return
    known = next(iter(change)) if len(change) == 1 else ""
    if known not in steerable:
        names = "".join(f", {name}: VALUE" for name in steerable)
        raise InputError(f"expected one of stop: true, paused: true or false{names}")
    value, offered = change[known], steerable[known]
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST_CONTROL
    if (offered and value not in offered) or not (number or isinstance(value, str)) or (not offered and not number):
        raise InputError(f"{known} must be {'a value of the list' if offered else 'a number'}; got {_shown(value)}")
    controls.ask(known, value)


def _shown(value: object) -> str:
    if isinstance(value, int) and abs(value) > LARGEST_CONTROL:
        return "a number far too large"
    return repr(value)[:100]


def _score(progress: Progress) -> float:
    return next(iter(progress.scores.values()), 0.0)


def announce(view: RunPage) -> bool:
    """Print the address, and open it where there is a display; returns whether a browser was opened."""
    print(f"live view: {view.address}", file=sys.stderr, flush=True)
    door, port = view.server.door, view.server.server_port
    if door.password is not None:
        which = f"password: {door.password}" if view.made_password else f"password: that of {PASSWORD}"
        print(f"           {which} (any name; not encrypted on its way)", file=sys.stderr, flush=True)
    elif "SSH_CONNECTION" in os.environ:
        print(f"           from your machine, first: ssh -L {port}:127.0.0.1:{port} HOST", file=sys.stderr, flush=True)
    return _open_browser(view.address) if has_display() else False


def has_display() -> bool:
    """Return whether a browser opened here would be seen by whoever started the program."""
    if "SSH_CONNECTION" in os.environ:
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open_browser(address: str) -> bool:
    try:
        browser = webbrowser.get()
        # exactly this class: a browser in the terminal, which would take the terminal away from the program
        return type(browser) is not webbrowser.GenericBrowser and browser.open(address)
    except webbrowser.Error:
        return False
