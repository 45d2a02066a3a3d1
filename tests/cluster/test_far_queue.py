"""The studio's queue with its steps on a Ray cluster: same bytes, and a lost actor costs no more than its steps."""

from __future__ import annotations

import sys
import threading
import time

import numpy as np
import pytest
from PIL import Image
from toy_registry import find_tool

from reverie.jobs.queue.accept import accept
from reverie.jobs.queue.files import FileStore
from reverie.jobs.queue.home import Home
from reverie.jobs.queue.store import Queue
from reverie.jobs.queue.worker import Worker

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="kills processes by signal"),
    pytest.mark.filterwarnings("default"),  # Ray's own
]


def test_a_job_of_the_queue_is_done_far_away_also_where_its_node_is_lost(two_nodes, tmp_path, monkeypatch) -> None:
    from reverie.cluster.far_queue import FarTaken

    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    photo = tmp_path / "fox.png"
    Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(photo)
    node, results = two_nodes.add_node(num_cpus=1, object_store_memory=80_000_000), []
    for name in ("near", "far"):
        queue = Queue(Home(tmp_path / name))
        files = FileStore(queue.home, queue.database)
        record = {"tool": "fade", "config": {"strength": 0.7, "steps": 20, "pause_s": 0.1 if name == "far" else 0.0},
                  "input": {"name": photo.name, "sha256": files.adopt(photo).sha256}}  # fmt: skip
        accepted = accept(record, find_tool, files)
        entry = queue.add(accepted.record, suffix=accepted.suffix, title=accepted.title)
        worker = Worker(queue, find_tool, **({"take": FarTaken} if name == "far" else {}))
        assert worker.turn()
        if name == "far":
            threading.Timer(1.0, lambda: two_nodes.remove_node(node, allow_graceful=False)).start()
        deadline = time.monotonic() + 200
        while worker.turn() and time.monotonic() < deadline:
            pass
        worker.serve(lambda: True)
        done = queue.get(entry.id)
        assert done.state == "done", done.text
        results.append(np.asarray(Image.open(queue.home.result(entry.id) / done.results[0].name)))
    assert np.array_equal(*results)
