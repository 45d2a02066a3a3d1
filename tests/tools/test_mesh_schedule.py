"""How vertices move in stages, and that what moved otherwise before is made again as it was."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "render"))
from shapes import sphere, table

from reverie.canvas.mesh import Shape
from reverie.jobs.job import parse
from reverie.tools.mesh.ascent import stiffness_of
from reverie.tools.mesh.config import MeshDreamConfig
from reverie.tools.registry import find_tool


def test_stages_end_at_the_smoothness_of_the_settings():
    assert stiffness_of(MeshDreamConfig()) == (100.0, 30.0, 10.0)
    assert stiffness_of(MeshDreamConfig(smoothness=60)) == (60.0,)
    assert stiffness_of(MeshDreamConfig(schedule="even")) == (10.0,)


def test_a_shape_with_a_reach_stays_where_it_is_when_it_is_loosened():
    vertices, faces = sphere(8)
    shape = Shape(vertices, table(faces).ends, 30.0, reach=0.1)
    with torch.no_grad():
        shape.moved.add_(torch.randn(shape.moved.shape, generator=torch.Generator().manual_seed(0)))
        loose = shape.restaged(5.0)
        assert loose.smoothness == 5.0
        assert torch.allclose(loose(), shape(), atol=1e-5)


@pytest.mark.parametrize(
    ("tool", "config", "schedule"),
    [
        ("mesh dream", {"what": "shape"}, "even"),
        ("mesh dream", {"what": "texture"}, "staged"),
        ("mesh style", {"geometry": True}, "even"),
        ("mesh style", {}, "staged"),
        ("mesh style", {"geometry": True, "schedule": "staged"}, "staged"),
    ],
)
def test_records_of_before_keep_their_schedule(tool, config, schedule):
    job = parse({"tool": tool, "version": "0.1.0", "config": config, "input": None}, find_tool)
    assert job.config.schedule == schedule
