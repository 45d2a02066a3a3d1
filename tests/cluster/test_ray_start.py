"""A cluster of this machine alone: with a token, on 127.0.0.1, closed to who has another token."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).parents[2] / "src"
SCRIPT = """
import os, signal, subprocess, sys
from reverie.cluster.ray_start import connect
heard = []
signal.signal(signal.SIGTERM, lambda *_: heard.append("SIGTERM"))
ray = connect()
os.kill(os.getpid(), signal.SIGTERM)
assert heard == ["SIGTERM"]
assert os.environ["RAY_AUTH_MODE"] == "token" and len(os.environ["RAY_AUTH_TOKEN"]) == 64
node = ray.nodes()[0]
assert node["NodeManagerAddress"] == "127.0.0.1", node
address = ray.get_runtime_context().gcs_address
other = "import os, ray; ray.init(address=os.environ['ADDRESS'], log_to_driver=False); print('let in')"
environment = {**os.environ, "RAY_AUTH_TOKEN": "0" * 64, "ADDRESS": address}
done = subprocess.run([sys.executable, "-c", other], env=environment, capture_output=True, text=True, timeout=150)
assert done.returncode != 0 and "let in" not in done.stdout, done.stdout
print("closed")
"""


def test_a_stranger_without_the_token_is_kept_out() -> None:
    pytest.importorskip("ray", reason="the extra 'cluster' is not installed")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"PYTHONPATH": str(SOURCE)}
    import psutil

    if any(process.info["name"] == "raylet" for process in psutil.process_iter(["name"])):
        pytest.skip("a Ray node runs on this machine; one of its own would not be started")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "closed" in done.stdout
