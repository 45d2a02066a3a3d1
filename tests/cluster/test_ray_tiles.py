"""One picture whose tiles are on two Ray nodes: gradients of a style and a dream, and what a lost node changes."""

from __future__ import annotations

import sys
import threading

import pytest
import torch
from nodes import processes_of
from torch import Tensor

from reverie.apps.cli.common_options import Common
from reverie.apps.cli.tool_command import run_tool
from reverie.critic.open import open_critic
from reverie.objective import layer
from reverie.objective.base import Sum
from reverie.optimize.gradient import Ascent
from reverie.optimize.tiles import plan_tiles
from reverie.optimize.two_pass import TwoPass
from reverie.tools.registry import find_tool
from tile_case import Distance, Products

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="kills processes by signal"),
    pytest.mark.filterwarnings("default"),  # Ray's own
]
SIZE = (141, 173)


def exact_critic():
    critic = open_critic("embedded", None, device="cpu", precision="fp32")
    critic.net.double()
    critic.dtype = torch.float64
    return critic


def picture(seed: int = 0) -> Tensor:
    return torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def tile_workers(two_nodes):
    from reverie.cluster.ray_executor import RayExecutor

    found = RayExecutor(find_tool).tile_workers()
    yield found
    found.close()


def test_a_style_gradient_of_two_nodes_is_that_of_one_also_where_one_is_lost(two_nodes, tile_workers):
    critic, images = exact_critic(), picture()
    work = TwoPass(critic, Products("mixed3a") + 2.0 * Distance("mixed4a") + 0.1 * layer("mixed3a"), picture(1))
    tiles = work.tiles(SIZE, 64)
    assert len(tiles) > 4
    whole = work.scored(images, torch.Generator().manual_seed(0))
    alone = work.scored(images, torch.Generator().manual_seed(0), tiles)
    critic.tile_workers = tile_workers
    node = two_nodes.add_node(num_cpus=1, object_store_memory=80_000_000)
    both = work.scored(images, torch.Generator().manual_seed(0), tiles)
    assert torch.equal(both.gradient, alone.gradient)
    assert both.values == alone.values
    assert (both.gradient - whole.gradient).abs().max() < 1e-6 * whole.gradient.abs().max()
    two_nodes.remove_node(node, allow_graceful=False)
    after = work.scored(images, torch.Generator().manual_seed(0), tiles)
    assert torch.equal(after.gradient, alone.gradient)


def test_a_dream_gradient_of_two_nodes_is_that_of_one(tile_workers):
    critic, images = exact_critic(), picture()
    ascent = Ascent(critic, Sum(((1.0, layer("mixed4a")), (0.5, layer("mixed3a")))))
    field = critic.field(("mixed4a",))
    tiles = plan_tiles(SIZE, 64, max(field.before_px, field.after_px), critic.stride(("mixed4a",)))
    alone = ascent.gradient(images, torch.Generator().manual_seed(0), tiles)
    critic.tile_workers = tile_workers
    both = ascent.gradient(images, torch.Generator().manual_seed(0), tiles)
    assert torch.equal(both[1], alone[1])
    assert both[0] == pytest.approx(alone[0], rel=1e-12)


@pytest.mark.parametrize("name", ["style", "dream"])
def test_a_picture_of_tiles_has_the_bytes_of_one_machine(two_nodes, pictures, tmp_path, name):
    source, *_ = sorted(pictures(2, 160).iterdir())
    style = source.with_name("001.png")
    given = {"tile": 64, "steps": 2} | ({"scales": 1} if name == "style" else {"octaves": 1})
    results = []
    for executor in ("local", "ray"):
        place = tmp_path / f"{executor}.png"
        roles = {
            "content": (str(source),),
            "pictures": (str(source),),
            "style": (str(style),) if name == "style" else (),
        }
        common = Common(output=str(place), executor=executor)
        assert run_tool(find_tool(name), find_tool, roles, given, common) == 0
        results.append(place.read_bytes())
    assert results[0] == results[1]


@pytest.mark.parametrize("name", ["style", "dream"])
def test_a_giant_picture_whose_node_is_killed_in_the_middle_has_the_bytes_of_one_machine(
    two_nodes, pictures, tmp_path, name
):
    source, style = sorted(pictures(2, 160).iterdir())
    given = {"tile": 96, "steps": 10} | ({"scales": 1} if name == "style" else {"octaves": 1})
    roles = {"content": (str(source),), "pictures": (str(source),), "style": (str(style),) if name == "style" else ()}
    node = two_nodes.add_node(num_cpus=1, object_store_memory=80_000_000)
    over, killed = threading.Event(), []

    def kill() -> None:
        while not over.wait(0.05) and not any(p.cpu_times().user > 4 for p in processes_of(node, "ray::TileHand")):
            pass
        killed.append(not over.is_set())
        two_nodes.remove_node(node, allow_graceful=False)

    killer, results = threading.Thread(target=kill), []
    for executor in ("local", "ray"):
        place = tmp_path / f"{executor}.png"
        if executor == "ray":
            killer.start()
        assert run_tool(find_tool(name), find_tool, roles, given, Common(output=str(place), executor=executor)) == 0
        results.append(place.read_bytes())
    over.set()
    killer.join()
    assert killed == [True]
    assert results[0] == results[1]
