"""The live view of `--show`: a page on this machine that follows a dream and steers it.

The loop only leaves a reference to its latest step here. Pictures are made in the threads of those who ask for them,
from pixels that may change meanwhile: a picture can mix two steps, which nobody sees, and the loop never waits.
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
from types import TracebackType
from typing import Any, Self

import torch
from torch.nn import functional as F

from reverie.apps.web.door import LOOPBACK, Door
from reverie.apps.web.server import Server
from reverie.errors import InputError
from reverie.media.write import encode_picture
from reverie.optimize.ascend import Step
from reverie.tools.steering import Steering

PREVIEW_PX = 1600
PREVIEW_QUALITY = 85
LEAST_BETWEEN_S = 0.25  # from one picture to the next
REST = 20  # and this many times as long as the last one took: pictures take at most a twentieth of one core
MOST_HISTORY = 3000
FAREWELL_S = 2.0  # for open pages to hear the end
FIRST_LOOK_S = 8.0  # for a browser that was opened to arrive, should the dream be shorter
PASSWORD = "REVERIE_PASSWORD"


class LiveView:
    """A server that shows one dream after another; a context manager.

    Args:
        host: address to listen on; beyond the loopback a password is asked for.
        port: 0 for a free one.

    Raises:
        OutputError: the address or port cannot be used.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        open_to_others = host not in LOOPBACK
        given = os.environ.get(PASSWORD)
        self.made_password = open_to_others and not given
        password = (given or secrets.token_urlsafe(9)) if open_to_others else None
        self._steering, self._step = Steering(), None
        self._facts: dict[str, Any] = {"title": "", "layers": [], "layer": "", "run": 0}
        self._share, self._eta = 0.0, None
        self._mark, self._look = 0, None  # a stretch of the plot: one size, one way of steering
        self._phase, self._text = "running", ""
        self._scores: list[list[float]] = []
        self._version, self._turn = 0, threading.Condition()
        self._painting, self._painted = threading.Lock(), (-1, b"", 0.0)
        self._last: str | None = None
        self._closing = False
        self.server = Server(self, Door(host, password), port)

    @property
    def address(self) -> str:
        return self.server.address

    # -- told by the loop -------------------------------------------------------------------------------------

    def begin(self, title: str, steering: Steering, layers: list[str], layer: str) -> None:
        """Show another dream from now on: its name, who steers it, the layers to offer and the one that is raised."""
        self._steering, self._step, self._scores = steering, None, []
        self._painted = (-1, b"", 0.0)
        self._facts = {"title": title, "layers": layers, "layer": layer, "run": self._facts["run"] + 1}
        self._phase, self._text, self._share, self._eta = "running", "", 0.0, None
        self._changed()

    def show(self, step: Step, share: float, eta_s: float | None) -> None:
        """Follow one step; `share` of the work is done. Keeps no copy and takes microseconds."""
        look = (step.size, len(self._steering.changes))
        if look != self._look:
            self._mark, self._look = self._mark + 1, look
        self._step, self._share, self._eta = step, share, eta_s
        self._scores.append([step.index, step.score, self._mark])
        if len(self._scores) > MOST_HISTORY:
            self._scores = self._scores[::2]
        self._changed()

    def end(self, phase: str, text: str) -> None:
        """Say how the dream ended: ``done``, ``stopped`` or ``failed``."""
        self._phase, self._text = phase, text
        if phase == "done":
            self._share = 1.0
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
        return self._closing

    def state(self) -> dict[str, Any]:
        """Return what the page shows, as plain JSON."""
        step, wanted = self._step, self._steering.wanted
        state = self._facts | {
            "phase": self._phase, "text": self._text, "notice": self._steering.notice,
            "paused": self._steering.paused, "strength": wanted.get("strength", 1.0),
            "layer": "+".join(wanted.get("layer", [self._facts["layer"]])),
            "share": self._share, "eta": self._eta, "step": 0, "mark": self._mark,
        }  # fmt: skip
        if step is not None:
            state |= {
                "step": step.index, "total": step.total, "octave": step.octave, "octaves": step.octaves,
                "height": step.size[0], "width": step.size[1], "score": step.score,
            }  # fmt: skip
        return state | ({"picture": self._last} if self._last else {})

    def history(self) -> list[list[float]]:
        """Return step, score and number of the stretch, for the plot."""
        return list(self._scores)

    def picture(self) -> tuple[int, bytes] | None:
        """Return number and JPEG of the latest step, or of one a moment ago; ``None`` before the first."""
        with self._painting:
            step = self._step
            if step is None:
                return None
            index, blob, due = self._painted
            if blob and (index == step.index or time.monotonic() < due):
                return index, blob
            began = time.thread_time()
            blob = encode_picture("live.jpg", preview(step.images), quality=PREVIEW_QUALITY)
            due = time.monotonic() + max(LEAST_BETWEEN_S, REST * (time.thread_time() - began))
            self._painted = (step.index, blob, due)
            return step.index, blob

    def steer(self, change: dict[str, Any]) -> None:
        """Pass on what the page asks for.

        Raises:
            InputError: something that cannot be steered.
        """
        steer(self._steering, change, set(self._facts["layers"]))
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
        if self._step is None:
            return None
        blob = encode_picture("live.jpg", preview(self._step.whole()), quality=PREVIEW_QUALITY)
        return "data:image/jpeg;base64," + base64.b64encode(blob).decode()


def preview(images: torch.Tensor) -> Any:
    """Return the first picture as ``[H, W, 3]`` uint8, its longer side at most about `PREVIEW_PX`."""
    with torch.no_grad():
        factor = math.ceil(max(images.shape[-2:]) / PREVIEW_PX)
        small = F.avg_pool2d(images[:1], min(factor, *images.shape[-2:])) if factor > 1 else images[:1]
        return small[0].clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).contiguous().cpu().numpy()


def steer(steering: Steering, change: dict[str, Any], layers: set[str]) -> None:
    """Apply one request of the page to a dream.

    Raises:
        InputError: an unknown key, or a value of the wrong kind.
    """
    if set(change) == {"stop"} and change["stop"] is True:
        steering.stop()
    elif set(change) == {"paused"} and isinstance(change["paused"], bool):
        (steering.pause if change["paused"] else steering.resume)()
    elif set(change) == {"strength"}:
        steering.strength(change["strength"])
    elif set(change) == {"layer"} and isinstance(change["layer"], str) and change["layer"] in layers:
        steering.layer(change["layer"])
    else:
        raise InputError("expected one of stop: true, paused: true or false, strength: NUMBER, layer: NAME of the list")


def announce(view: LiveView) -> bool:
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
