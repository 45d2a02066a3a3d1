"""What does a cluster cost over processes of one machine, and what does it bring?

Four questions, each answered beside its reference in the same run:

*overhead*: seconds per item of a Ray executor over a local worker, once both are warm: items that do nothing.
*scaling*: a folder of small pictures with 1 and 2 workers, on one Ray node and on two (two raylets of this machine,
each with one core). Pictures are dreamt, every worker pinned to a core of its own (wall clock, which says something
on an idle machine alone, and CPU seconds per picture, which hardly depend on what else the machine does); and items
wait 0.2 s instead of computing (wall clock: what the engine itself loses). Efficiency is the time of one worker over
twice the time of two.
*gradient*: one step of a style in tiles on two nodes, in float64, beside one process and the picture in one piece.
*loss*: a node of one core is killed in the middle of waiting items; how many items are begun a second time.

    PYTHONPATH=benchmarks python benchmarks/cluster.py --json benchmarks/results/cluster.json     # about five minutes
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import load_now, report, target
from PIL import Image
from style_exact import critic_in, error, painting_of

from reverie.jobs.batch import Item, Outcome, run_jobs
from reverie.jobs.many import Asked, Opener

HERE = Path(__file__).resolve().parent
WAIT_S = 0.2
SIDE = 96
GIANT, GIANT_TILE = (288, 384), 96  # of the one picture in tiles: large enough for a dozen of them


@dataclass(frozen=True)
class Idle:
    """Opens what waits for the seconds of an item's payload."""

    def __call__(self) -> Callable[[Item], Generator[tuple[float, str], None, str]]:
        return _wait


def _wait(item: Item) -> Generator[tuple[float, str], None, str]:
    yield 0.0, ""
    with item.target.with_suffix(".begun").open("a") as file:
        file.write("begun\n")
    time.sleep(item.payload)
    item.target.write_text("done")
    return str(os.getpid())


@dataclass(frozen=True)
class Counting:
    """Opens a tool on a core of its own, and lets every item say how many CPU seconds it took.

    Attributes:
        opener: of the tool.
        cores: a folder in which each worker notes the core that it takes.
    """

    opener: Opener
    cores: Path

    def __call__(self) -> Callable[[Item], Generator[tuple[float, str], None, str]]:
        pin(self.cores)
        many = self.opener()

        def work(item: Item) -> Generator[tuple[float, str], None, str]:
            began = time.process_time()
            yield from many(item)
            return f"{time.process_time() - began:.4f}"

        return work


def pin(folder: Path) -> None:
    """Keep this process to the first core that no other worker has taken."""
    for core in sorted(os.sched_getaffinity(0)):
        try:
            (folder / f"core-{core}").open("x").close()
        except FileExistsError:
            continue
        os.sched_setaffinity(0, {core})
        return


@contextmanager
def ray_nodes(cores: Sequence[int]) -> Iterator[Any]:
    """Give a cluster of nodes with so many cores each, with this process connected."""
    import ray
    from ray.cluster_utils import Cluster

    store = {"object_store_memory": 80_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": cores[0], "include_dashboard": False, **store})
    for count in cores[1:]:
        cluster.add_node(num_cpus=count, **store)
    ray.init(address=cluster.address, log_to_driver=False)
    try:
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def timed(events: Generator[Any], warm: int) -> tuple[float, list[str]]:
    """Return wall seconds from the outcome of item number `warm` to the last one, and what the items behind it said.

    What ends the workers afterwards is not of any item.
    """
    said: list[str] = []
    began = ended = time.perf_counter()
    for event in events:
        if isinstance(event, Outcome):
            if event.state != "done":
                raise SystemExit(event.message)
            ended = time.perf_counter()
            said.append(event.message)
            if len(said) == warm:
                began = ended
    return ended - began, said[warm:]


def idle_items(folder: Path, count: int, seconds: float) -> list[Item]:
    """Return items that wait so long and do nothing."""
    return [Item(str(n), None, folder / f"{n}.txt", seconds) for n in range(count)]


def executor(workers: int) -> Any:
    """Return an executor on the cluster that this process belongs to."""
    from reverie.cluster.ray_executor import RayExecutor
    from reverie.tools.registry import find_tool

    return RayExecutor(find_tool, "", str(workers))


def overhead(folder: Path, count: int, rounds: int) -> dict[str, float]:
    """Return milliseconds per item that does nothing, by who does it; the least of several rounds."""
    found: dict[str, list[float]] = {"local": [], "ray": []}
    for _ in range(rounds):
        items = idle_items(folder, count + 2, 0.0)
        found["local"].append(timed(run_jobs(items, [Idle()]), 2)[0] / count)
        found["ray"].append(timed(executor(1).run(items, Idle()), 2)[0] / count)
    least = {name: round(1000 * min(values), 2) for name, values in found.items()}
    return least | {"more_ms": round(least["ray"] - least["local"], 2)}


def dreams(folder: Path, out: Path, count: int) -> tuple[list[Item], Counting]:
    """Return a folder of small pictures to be dreamt, and what opens the tool."""
    from reverie.tools.dream.tool import DREAM
    from reverie.tools.registry import find_tool

    rng = np.random.default_rng(0)
    items: list[Item] = []
    for number in range(count):
        place = folder / f"{number:03}.png"
        Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)).save(place)
        items.append(Item(place.name, place, out / place.name, Asked(0, 92)))
    return items, Counting(Opener(find_tool, "dream", DREAM.config(octaves=1, steps=4), 1), folder)


def folder_of(where: Path, workers: int, count: int) -> dict[str, float]:
    """Return what a folder of pictures, and of waiting items, takes so many workers."""
    (where / "in").mkdir(parents=True)
    (where / "out").mkdir()
    items, opener = dreams(where / "in", where / "out", count)
    wall, said = timed(executor(workers).run(items, opener), workers)
    waiting, _ = timed(executor(workers).run(idle_items(where, 40 + workers, WAIT_S), Idle()), workers)
    cpu = [float(text) for text in said]
    return {
        "cpu_s_per_picture": round(statistics.median(cpu), 4), "wall_s": round(wall, 2), "waiting_s": round(waiting, 3),
    }  # fmt: skip


def loss(cluster: Any, where: Path) -> dict[str, float]:
    """Return what the loss of one of three nodes in the middle costs: how many items of `WAIT_S` are begun again."""
    where.mkdir()
    node = cluster.add_node(num_cpus=1, object_store_memory=80_000_000)
    items = idle_items(where, 40, WAIT_S)

    def kill() -> None:
        while len(list(where.glob("*.txt"))) < 15:
            time.sleep(0.02)
        cluster.remove_node(node, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    wall, said = timed(executor(3).run(items, Idle()), 0)
    killer.join()
    begun = sum(len(path.read_text().splitlines()) for path in where.glob("*.begun"))
    return {
        "items": len(said), "done": len(list(where.glob("*.txt"))), "begun_again": begun - len(items),
        "wall_s": round(wall, 2),
    }  # fmt: skip


def gradient() -> dict[str, float]:
    """Return how far the gradient of a style in tiles on both hosts lies from others, relative, in float64."""
    critic, draws = critic_in("embedded", None, "float64"), torch.Generator().manual_seed(0)
    content, style, images = (torch.rand(1, 3, *GIANT, generator=draws, dtype=torch.float64) for _ in range(3))
    painting = painting_of(critic, "w2", content, style)
    tiles = painting.tiles(GIANT, GIANT_TILE)
    whole = painting.scored(images, torch.Generator().manual_seed(0)).gradient
    alone = painting.scored(images, torch.Generator().manual_seed(0), tiles).gradient
    workers = executor(2).tile_workers()
    critic.tile_workers = workers
    try:
        both = painting.scored(images, torch.Generator().manual_seed(0), tiles).gradient
    finally:
        workers.close()
    return {"tiles": len(tiles), "from_one_piece": error(both, whole), "from_one_process": error(both, alone)}


def targets_of(found: dict[str, Any], pictures: int) -> list[dict[str, Any]]:
    """Add the efficiencies to what was found, and return the targets."""
    one = found["one host, 1 worker"]
    for name in ("one host, 2 workers", "two hosts, 2 workers"):
        two = found[name]
        two["efficiency"] = round(one["wall_s"] * (pictures - 2) / (pictures - 1) / (2 * two["wall_s"]), 3)
        two["efficiency_waiting"] = round(one["waiting_s"] / (2 * two["waiting_s"]), 3)
        two["efficiency_cpu"] = round(one["cpu_s_per_picture"] / two["cpu_s_per_picture"], 3)
    two, hosts = found["one host, 2 workers"], found["two hosts, 2 workers"]
    more, lost, exact = found["overhead_ms"]["more_ms"], found["loss"], found["gradient"]
    return [
        target("milliseconds of Ray over local per item", "< 50", more, more < 50),
        target("efficiency of 2 workers, pinned", ">= 0.8", two["efficiency"], two["efficiency"] >= 0.8),
        target("efficiency of 2 hosts, pinned", ">= 0.75", hosts["efficiency"], hosts["efficiency"] >= 0.75),
        target("efficiency of 2 workers, waiting items", ">= 0.8", two["efficiency_waiting"],
               two["efficiency_waiting"] >= 0.8),
        target("efficiency of 2 hosts, waiting items", ">= 0.75", hosts["efficiency_waiting"],
               hosts["efficiency_waiting"] >= 0.75),
        target("items without a result after a node was killed", "0", lost["items"] - lost["done"],
               lost["items"] == lost["done"]),
        target("items begun again after a node of one core was killed", "<= 1", lost["begun_again"],
               lost["begun_again"] <= 1),
        target("gradient of a style on two hosts from one piece, float64", "<= 1e-6", exact["from_one_piece"],
               exact["from_one_piece"] <= 1e-6),
    ]  # fmt: skip


def main() -> int:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    for name, value in {
        "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0", "OMP_NUM_THREADS": "1",
        "RAY_health_check_timeout_ms": "60000",
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent / "src")]),
    }.items():  # fmt: skip
        os.environ[name] = value
    found: dict[str, Any] = {}
    load = load_now()
    with tempfile.TemporaryDirectory() as text:
        root = Path(text)
        with ray_nodes([2]):
            found["overhead_ms"] = overhead(root, options.items, options.rounds)
            found["one host, 1 worker"] = folder_of(root / "a", 1, options.pictures)
            found["one host, 2 workers"] = folder_of(root / "b", 2, options.pictures)
        with ray_nodes([1, 1]) as cluster:
            found["two hosts, 2 workers"] = folder_of(root / "c", 2, options.pictures)
            found["gradient"] = gradient()
            found["loss"] = loss(cluster, root / "d")
    targets = targets_of(found, options.pictures)
    usual = found["loss"]["items"] * WAIT_S / 3
    print(json.dumps(found, indent=1), f"without the loss at best {usual:.1f} s", sep="\n")
    settings = {"pictures": options.pictures, "items": options.items, "side_px": SIDE, "wait_s": WAIT_S}
    question = "What does a Ray cluster cost over processes of one machine, and what does it bring?"
    report(question, settings, found, targets, options.json, load)
    return 0


if __name__ == "__main__":
    # workers look functions up by the name of their module
    sys.modules["cluster"] = sys.modules["__main__"]
    for one in (Idle, Counting, _wait, pin):
        one.__module__ = "cluster"
    sys.exit(main())
