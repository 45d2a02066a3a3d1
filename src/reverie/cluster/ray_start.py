"""Join a Ray cluster, or start one of this machine alone: with its token, without a dashboard."""

# pyright: reportMissingImports=false
from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from typing import Any

import psutil

from reverie.errors import InputError

ALONE: dict[str, Any] = {  # a cluster of this machine: closed to others, and without a store for pictures
    "include_dashboard": False, "object_store_memory": 128 * 2**20, "_node_ip_address": "127.0.0.1",
}  # fmt: skip
# Five checks in a row must fail before a node counts as lost. A dead process refuses at once; a busy one answers late.
PATIENCE_MS = 60_000  # for one check, in a cluster that is started here; Ray's own is 10,000: 50 s of a busy machine


def connect(address: str = "") -> Any:
    """Return Ray, connected.

    Args:
        address: "ray://HOST:PORT", or "" for RAY_ADDRESS, else the cluster that this machine belongs to, else a new
            one of this machine alone.

    Raises:
        InputError: it is not installed, or does not answer, or the token is not its.
    """
    joins = bool(address or os.environ.get("RAY_ADDRESS")) or _belongs()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")  # as workers of this machine: Ray's own yield to everything else
    os.environ.setdefault("RAY_health_check_timeout_ms", str(PATIENCE_MS))
    if not joins and "RAY_AUTH_MODE" not in os.environ:  # read when Ray is loaded: a token for these processes alone
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=os.environ.get("RAY_AUTH_TOKEN") or token_hex(32))
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise InputError("--executor ray needs Ray; pip install 'reverie[cluster]'") from error
    if ray.is_initialized():
        return ray
    how: dict[str, Any] = {"address": address or "auto"} if joins else ALONE
    try:
        with _sigterm_kept():
            ray.init(**how, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, TimeoutError, ValueError, ray.exceptions.RayError) as error:
        where = address or os.environ.get("RAY_ADDRESS") or "this machine"
        words = " ".join(str(error).split())[:300]
        raise InputError(f"the Ray cluster of {where} cannot be used: {words}") from error
    return ray


@contextmanager
def _sigterm_kept() -> Iterator[None]:
    """Leave SIGTERM what it means here, to stop and keep; Ray makes it end the program at once, with another code."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread() and before is not None:
            signal.signal(signal.SIGTERM, before)


def _belongs() -> bool:
    """Tell whether a Ray node of this user runs on this machine."""
    return any(process.info["name"] == "raylet" for process in psutil.process_iter(["name"]))


def thread_count() -> int:
    """Return the threads of a worker: as many as the user said by ``--threads``, else one."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdecimal() and int(said) >= 1 else 1
