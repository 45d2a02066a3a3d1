"""A studio for tests: in this process with its worker turned by hand, or as a server of its own."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

TOYS = Path(__file__).parents[1] / "jobs"
sys.path.insert(0, str(TOYS))
START_S = 60.0

SERVER = """
import sys
from pathlib import Path
from reverie.apps.web.studio.serve import serve
from reverie.apps.web.studio.settings import StudioSettings
from reverie.jobs.queue.home import Home
more = {"exhibition": True, "frames": 8} if sys.argv[4:] == ["exhibition"] else {}
settings = StudioSettings(host=sys.argv[2], port=int(sys.argv[3]), registry="toy_registry", **more)
sys.exit(serve(Home(Path(sys.argv[1])), settings))
"""


def png(height: int = 24, width: int = 32, seed: int = 0) -> bytes:
    """Return a picture of noise as PNG."""
    out = io.BytesIO()
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(out, "PNG")
    return out.getvalue()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def started(
    home: Path, port: int, *, host: str = "127.0.0.1", password: str | None = None, exhibition: bool = False
) -> subprocess.Popen[bytes]:
    """Start a studio with the toy tools and wait until it answers."""
    env = {name: value for name, value in os.environ.items() if name != "REVERIE_PASSWORD"}
    env["PYTHONPATH"] = os.pathsep.join([str(TOYS), env.get("PYTHONPATH", "")])
    if password:
        env["REVERIE_PASSWORD"] = password
    return _answering(["-c", SERVER, str(home), host, str(port), *(["exhibition"] if exhibition else [])], env, port)


def _answering(arguments: list[str], env: dict[str, str], port: int) -> subprocess.Popen[bytes]:
    """Start a server and wait until it answers."""
    child = subprocess.Popen([sys.executable, *arguments], env=env, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/static/icon.svg")
            return child
        except httpx.TransportError:
            time.sleep(0.1)
    child.kill()
    child.wait()
    raise RuntimeError("the studio did not start")


@contextmanager
def studio_server(home: Path, *, host: str = "127.0.0.1", password: str | None = None) -> Iterator[str]:
    """Give the address of a running studio."""
    port = free_port()
    with _until_the_end(started(home, port, host=host, password=password)):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def real_studio(home: Path, *, modules: Path | None = None, **variables: str) -> Iterator[str]:
    """Give the address of a running studio with the real tools, as `reverie studio` starts it.

    Args:
        home: the folder of its queue.
        modules: a folder of modules that its processes find first.
        variables: more of its environment.
    """
    port, env = free_port(), os.environ | variables
    if modules is not None:
        env["PYTHONPATH"] = os.pathsep.join([str(modules), env.get("PYTHONPATH", "")])
    command = ["-m", "reverie", "studio", "--port", str(port), "--home", str(home)]
    with _until_the_end(_answering(command, env, port)):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _until_the_end(child: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        child.terminate()
        child.wait(30)


def ended(base: str, key: str, seconds: float = 60.0, headers: dict[str, str] | None = None) -> dict:
    """Wait for a job to end and return it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job = httpx.get(f"{base}/api/jobs/{key}", headers=headers).json()
        if job["state"] not in ("queued", "running", "paused"):
            return job
        time.sleep(0.1)
    raise AssertionError(f"the job is still {job['state']}")
