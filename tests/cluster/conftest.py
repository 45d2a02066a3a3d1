"""Two Ray nodes in one machine, and folders of small pictures."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from reverie.cluster.ray_start import PATIENCE_MS

JOBS = Path(__file__).parents[1] / "jobs"
for _folder in (JOBS, JOBS.parent, Path(__file__).parent):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))  # the toy tools; workers find them by PYTHONPATH


@pytest.fixture(scope="session")
def two_nodes() -> Iterator[object]:
    """A cluster of two nodes with one core each, this process connected; `node_id` values tell them apart."""
    pytest.importorskip("ray", reason="the extra 'cluster' is not installed")
    here = Path(__file__).parent
    before = dict(os.environ)
    path = os.pathsep.join(
        [
            str(here),
            str(JOBS),
            str(JOBS.parent),
            str(Path(__file__).parents[2] / "src"),
            os.environ.get("PYTHONPATH", ""),
        ]
    )
    os.environ.update(
        RAY_USAGE_STATS_ENABLED="0", RAY_AUTH_MODE="disabled", RAY_worker_niceness="0", OMP_NUM_THREADS="1",
        PYTHONPATH=path, RAY_health_check_timeout_ms=str(PATIENCE_MS),
    )  # fmt: skip
    import ray
    from ray.cluster_utils import Cluster

    store = {"object_store_memory": 80_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, **store})
    cluster.add_node(num_cpus=1, **store)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
    yield cluster
    ray.shutdown()
    cluster.shutdown()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a folder of small pictures."""

    def make(count: int, side: int = 24) -> Path:
        from reverie.media.write import write_picture

        folder = tmp_path / "pictures"
        folder.mkdir(exist_ok=True)
        rng = np.random.default_rng(0)
        for number in range(count):
            write_picture(folder / f"{number:03}.png", rng.integers(0, 255, (side, side, 3), dtype=np.uint8))
        return folder

    return make
