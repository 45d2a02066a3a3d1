"""Folders, one job and their faults on two Ray nodes of this machine."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest
from batch_case import Opener
from nodes import Guest, processes_of

from clips import card, write_clip
from reverie.apps.cli.common_options import Common
from reverie.apps.cli.tool_command import run_tool
from reverie.errors import InputError, ReverieError
from reverie.jobs.batch import Item, Moment, Outcome

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="kills processes by signal"),
    pytest.mark.filterwarnings("default"),  # Ray's own
]


@pytest.fixture
def executor(two_nodes):
    from toy_registry import find_tool

    from reverie.cluster.ray_executor import RayExecutor

    return RayExecutor(find_tool)


def events_of(executor, folder: Path, kinds: list[str], opener=None) -> list:
    jobs = [Item(f"job{i}", None, folder / f"{i}.txt", kind) for i, kind in enumerate(kinds)]
    return list(executor.run(jobs, opener or Opener(folder)))


def outcomes(events: list) -> dict[str, Outcome]:
    found = [event for event in events if isinstance(event, Outcome)]
    assert len(found) == len({o.job.name for o in found})  # nobody's outcome comes twice
    return {o.job.name: o for o in found}


def test_every_item_has_its_outcome_whatever_happens_to_single_ones(executor, tmp_path):
    kinds = ["", "bad", "die once", "full", "bug", "", "die"]
    found = outcomes(events_of(executor, tmp_path, kinds))
    assert {n: (o.state, o.exit_code) for n, o in found.items()} == {
        "job0": ("done", 0), "job1": ("failed", 2), "job2": ("done", 0), "job3": ("failed", 1),
        "job4": ("failed", 1), "job5": ("done", 0), "job6": ("failed", 1),
    }  # fmt: skip
    assert found["job1"].message == "'job1' is bad"
    assert "lost 4 times" in found["job6"].message
    assert not list(tmp_path.glob(".reverie*"))


def test_an_opener_that_fails_ends_all_with_its_own_words(executor, tmp_path):
    with pytest.raises(ReverieError, match="no such network") as caught:
        events_of(executor, tmp_path, ["", ""], Opener(tmp_path, InputError))
    assert caught.value.exit_code == 2


def test_closing_ends_all_work(executor, tmp_path):
    jobs = [Item(f"job{i}", None, tmp_path / f"{i}.txt", "forever") for i in range(2)]
    events = executor.run(jobs, Opener(tmp_path))
    assert isinstance(next(events), Moment)
    begun = [job.target.with_suffix(".begun") for job in jobs]
    while not all(p.exists() and p.read_text() for p in begun):
        next(events)
    events.close()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{p.read_text()}").exists() for p in begun) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(Path(f"/proc/{p.read_text()}").exists() for p in begun)
    assert not any(job.target.exists() for job in jobs)


def run_fade(source: Path, output: Path, executor: str, **given) -> int:
    from toy_registry import FADE, find_tool

    common = Common(output=f"{output}/", executor=executor, workers="2" if executor == "local" else "auto")
    return run_tool(FADE, find_tool, {"picture": (str(source),)}, given, common)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_node_killed_in_the_middle_of_a_folder_changes_no_byte(two_nodes, pictures, tmp_path, capsys):
    source, given = pictures(12), {"steps": 4, "pause_s": 0.1, "color": "red"}
    near, far = tmp_path / "near", tmp_path / "far"
    assert run_fade(source, near, "local", **given) == 0
    node = two_nodes.add_node(num_cpus=1, object_store_memory=80_000_000)  # the one that is lost

    def kill() -> None:
        while not (far.exists() and len(list(far.glob("*.png"))) >= 3):
            time.sleep(0.05)
        two_nodes.remove_node(node, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    assert run_fade(source, far, "ray", **given) == 0
    killer.join()
    assert bytes_of(far) == bytes_of(near)
    capsys.readouterr()
    assert run_fade(source, far, "ray", **given) == 0  # all of it is there
    assert "12 there already" in capsys.readouterr().err
    assert bytes_of(far) == bytes_of(near)


def test_frames_of_a_film_are_shared_out_and_a_killed_node_changes_no_byte(two_nodes, tmp_path):
    from toy_registry import FADE, find_tool

    clip, results = write_clip(tmp_path / "clip.mp4", [card(n) for n in range(24)]), []
    given = {"steps": 2, "pause_s": 0.05}
    node = two_nodes.add_node(num_cpus=1, object_store_memory=80_000_000)
    for place, executor in ((tmp_path / "near.mp4", "local"), (tmp_path / "far.mp4", "ray")):
        common = Common(output=str(place), executor=executor)

        def kill() -> None:
            while len(list((tmp_path / "far.mp4.frames").glob("*.png"))) < 4:
                time.sleep(0.01)
            two_nodes.remove_node(node, allow_graceful=False)

        killer = threading.Thread(target=kill)
        if executor == "ray":
            killer.start()
        assert run_tool(FADE, find_tool, {"picture": (str(clip),)}, given, common) == 0
        results.append(place.read_bytes())
    killer.join()
    assert results[0] == results[1]
    assert not list(tmp_path.glob("*.frames"))


def test_tiles_of_a_sheet_are_shared_out(two_nodes, pictures, tmp_path):
    from toy_registry import FADE, find_tool

    (source,) = sorted(pictures(1).iterdir())
    results = []
    for executor in ("local", "ray"):
        place = tmp_path / f"{executor}.png"
        common = Common(output=str(place), executor=executor, sheet="strength=0.2,0.9;steps=2,3")
        assert run_tool(FADE, find_tool, {"picture": (str(source),)}, {}, common) == 0
        results.append(place.read_bytes())
    assert results[0] == results[1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["local.png", "pictures", "ray.png"]


def test_seeds_are_shared_out(two_nodes, tmp_path):
    from reverie.tools.latent.sample import LATENT_SAMPLE
    from reverie.tools.registry import find_tool

    results = []
    for executor in ("local", "ray"):
        place = tmp_path / f"{executor}.png"
        common = Common(output=str(place), executor=executor)
        given = {"seeds": "0-11", "noise": "seed"}
        assert run_tool(LATENT_SAMPLE, find_tool, {"model": "flowers"}, given, common) == 0
        results.append(place.read_bytes())
    assert results[0] == results[1]


def test_a_training_whose_node_is_killed_goes_on_elsewhere_and_is_the_same_network(two_nodes, pictures, tmp_path):
    """The node that trains is killed; the result has the weights of an undisturbed run on one machine."""
    import ray
    import torch
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
    from safetensors.torch import load_file

    from reverie.tools.registry import find_tool

    source, found, killed = pictures(6, 70), [], []
    given = {"filter": "sobel", "width": 8, "depth": 2, "steps": 600, "batch": 2, "crop_px": 32, "device": "cpu"}
    two_nodes.add_node(num_cpus=1, object_store_memory=80_000_000)
    head = NodeAffinitySchedulingStrategy(two_nodes.head_node.node_id, soft=False)
    guest = ray.remote(num_cpus=1)(Guest).options(scheduling_strategy=head).remote()  # so that the head does not train
    ray.get(guest.here.remote())

    def kill() -> None:
        while not [p for p in tmp_path.iterdir() if p.name.startswith("ray") and p.is_dir()]:  # its checkpoints
            time.sleep(0.05)
        while not killed:
            time.sleep(0.2)
            killed.extend(n for n in two_nodes.worker_nodes if processes_of(n, "ray::FarWorker"))
        two_nodes.remove_node(killed[0], allow_graceful=False)

    killer = threading.Thread(target=kill)
    for executor in ("local", "ray"):
        place = tmp_path / f"{executor}.safetensors"
        if executor == "ray":
            killer.start()
        common = Common(output=str(place), executor=executor)
        assert run_tool(find_tool("train translate"), find_tool, {"data": str(source)}, given, common) == 0
        found.append(load_file(place))
    killer.join()
    ray.kill(guest)
    assert killed
    assert found[0].keys() == found[1].keys()
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
