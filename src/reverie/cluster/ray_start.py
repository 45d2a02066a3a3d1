"""Join a Ray cluster, or start one of this machine alone: with its token, without a dashboard."""

from __future__ import annotations

import os
from typing import Any

from reverie.errors import InputError

STORE_BYTES = 128 * 2**20  # of the object store of a cluster that is started here: no pictures go through it


def connect(address: str = "") -> Any:
    """Return Ray, connected.

    Args:
        address: "ray://HOST:PORT", or "" for RAY_ADDRESS, else the cluster that this machine belongs to, else a new
            one of this machine alone.

    Raises:
        InputError: it is not installed, or does not answer, or the token is not its.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise InputError("--executor ray needs Ray; pip install 'reverie[cluster]'") from error
    if ray.is_initialized():
        return ray
    try:
        if address or os.environ.get("RAY_ADDRESS") or _belongs():
            ray.init(address=address or "auto", log_to_driver=False, logging_level="error")
        else:
            _init_alone(ray)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        where = address or os.environ.get("RAY_ADDRESS") or "this machine"
        words = " ".join(str(error).split())[:300]
        raise InputError(f"the Ray cluster of {where} cannot be used: {words}") from error
    return ray


def _belongs() -> bool:
    """Tell whether a Ray node runs on this machine."""
    from ray._private.services import find_gcs_addresses  # what `ray.init(address="auto")` asks; it has no public name

    return bool(find_gcs_addresses())


def _init_alone(ray: Any) -> None:
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    ray.init(
        include_dashboard=False, object_store_memory=STORE_BYTES, log_to_driver=False, logging_level="error",
        _node_ip_address="127.0.0.1",
    )  # fmt: skip


def thread_count() -> int:
    """Return the threads of a worker: as many as the user said by ``--threads``, else one."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdecimal() and int(said) >= 1 else 1
