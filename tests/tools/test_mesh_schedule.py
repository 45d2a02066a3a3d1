"""How vertices move in stages, and that what moved otherwise before is made again as it was."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "render"))
from shapes import sphere, table

from reverie.canvas.mesh import Shape
from reverie.jobs.job import parse
from reverie.settings import to_record
from reverie.tools.mesh.ascent import stiffness_of
from reverie.tools.mesh.config import MeshDreamConfig, MeshStyleConfig
from reverie.tools.mesh.guard import Guard
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


def test_records_of_before_keep_their_light_and_say_no_more_than_they_did():
    record = {"tool": "mesh style", "version": "0.1.0", "config": {"schedule": "staged"}, "input": None}
    before = parse(record, find_tool).config
    assert not before.turns
    assert before.most_folds == 1
    assert not {"sides", "most_folds"} & to_record(before).keys()
    today = parse({**record, "config": to_record(MeshStyleConfig())}, find_tool).config
    assert today.turns
    assert today.most_folds == 0.05


def test_a_shape_that_folds_takes_its_steps_back_and_makes_them_smaller():
    vertices, faces = sphere(8)
    shape = Shape(vertices, table(faces).ends, 1.0, reach=0.5)
    guard = Guard(vertices.numpy(), faces.numpy(), 0.05)
    assert not guard.took_back(shape, 10)
    assert guard.notes == ()
    before = shape().detach()
    with torch.no_grad():
        shape.moved.add_(3 * torch.randn(shape.moved.shape, generator=torch.Generator().manual_seed(0)))
    assert not guard.took_back(shape, 11)  # it looks every few steps only
    assert guard.took_back(shape, 20)
    assert torch.allclose(shape(), before, atol=1e-5)
    assert guard.pace == 0.5
    assert "2 times smaller" in guard.notes[0]


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
