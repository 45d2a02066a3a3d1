"""Looks after workers: starts as many as are wanted, starts others for those that died, gives their jobs back."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from reverie.errors import OutputError
from reverie.jobs.queue.lease import Leases
from reverie.jobs.queue.store import Queue

LOOK_S = 0.5
PATIENCE_S = 10.0  # for a worker to come to the end of its step
QUICK_S = 10.0  # a worker that ends sooner could not start
MOST_WAIT_S = 60.0  # between two tries to start one


class Keeper:
    """Keeps one worker per device running; a context manager.

    Args:
        queue: whose jobs they do.
        registry: import path of the module whose `find_tool` gives tools by name.
        devices: one worker for each.
        frames: pictures on the way that are kept of each job, for a wall.
        take: import path of what opens jobs elsewhere; see `reverie.jobs.queue.worker.Worker`.
    """

    def __init__(
        self, queue: Queue, registry: str, devices: Sequence[str] = ("auto",), *, frames: int = 0, take: str = ""
    ) -> None:  # fmt: skip
        self.take = take
        self.queue, self.registry, self.devices, self.frames = queue, registry, tuple(devices), frames
        self.leases = Leases(queue.database)
        self.children: list[tuple[subprocess.Popen[bytes], str, float]] = []
        self.trouble = ""
        self._over, self._failures, self._next = threading.Event(), 0, 0.0
        self._thread = threading.Thread(target=self._look_after, name="keeper", daemon=True)

    def __enter__(self) -> Self:
        self.check()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        for child, _, _ in self.children:
            child.terminate()
        deadline = time.monotonic() + PATIENCE_S
        for child, _, _ in self.children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline - time.monotonic()))
            if child.poll() is None:
                child.kill()
                child.wait()
        self.leases.bury()

    def check(self) -> None:
        """Give back the jobs of the dead and start who is missing."""
        for item in list(self.children):
            child, _, began = item
            if child.poll() is not None:
                self.children.remove(item)
                quick = time.monotonic() - began < QUICK_S and child.returncode not in (0, -9)
                self._failures = self._failures + 1 if quick else 0
                self._next = time.monotonic() + min(MOST_WAIT_S, 2.0**self._failures) if quick else 0.0
                self.trouble = f"a worker ended with code {child.returncode}" if quick else ""
        self.leases.bury()
        if time.monotonic() < self._next:
            return
        children = {child.pid for child, _, _ in self.children}
        # an orphan of an earlier server ends its job and leaves; until then it stands for one worker
        busy = [device for _, device, _ in self.children]
        busy += [device for _, pid, device in self.leases.living() if pid not in children]
        for device in self.devices:
            if device in busy:
                busy.remove(device)
            else:
                self._start(device)

    def _start(self, device: str) -> None:
        command = [
            sys.executable, "-m", "reverie.jobs.queue.worker", str(self.queue.home.root), self.registry,
            "--device", device, "--parent", str(os.getpid()), "--frames", str(self.frames), "--take", self.take,
        ]  # fmt: skip
        with (self.queue.home.root / "worker.log").open("ab") as log:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.children.append((child, device, time.monotonic()))

    def _look_after(self) -> None:
        while not self._over.wait(LOOK_S):
            try:
                self.check()
            except OutputError as error:  # a full disk, say: it is told to whoever asks, and tried again
                self.trouble = str(error)
