"""`reverie mesh style`, `dream` and `fit` from end to end, as a user calls them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from cyclopts import App
from PIL import Image, ImageDraw

from reverie.apps.cli.tool_command import command_for
from reverie.errors import InputError, MeshError, PictureError, ReverieError
from reverie.jobs.stored import stored_record
from reverie.media.mesh import read_mesh
from reverie.tools.registry import find_tool

sys.path.insert(0, str(Path(__file__).parents[1] / "render"))
from shapes import sphere

QUICK = ("--size", 64, "--steps", 3, "--texture-size", 128)


def call(tool: str, *tokens: object) -> int:
    app = App(result_action="return_value")
    app.default(command_for(find_tool(tool), find_tool))
    return app([str(token) for token in tokens], exit_on_error=False, print_error=False)


@pytest.fixture
def ball(tmp_path: Path) -> Path:
    vertices, faces = sphere(8, radius=3.0)
    lines = [f"v {x + 5:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices.tolist()]
    lines += [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in faces.tolist()]
    path = tmp_path / "ball.obj"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def painting(tmp_path: Path) -> Path:
    y, x = np.mgrid[:96, :96]
    waves = np.stack([0.5 + 0.4 * np.sin(x / 3 + np.cos(y / 9)), 0.2 + 0 * x, 0.5 + 0.4 * np.cos(y / 4)], -1)
    path = tmp_path / "waves.png"
    Image.fromarray((waves * 255).astype(np.uint8)).save(path)
    return path


def rows(path: Path) -> dict:
    return json.loads(path.read_text())["rows"][0]


@pytest.mark.slow
@pytest.mark.real
def test_style_paints_every_side_in_the_colors_of_the_picture(ball: Path, painting: Path):
    assert (
        call("mesh style", ball, painting, "--size", 64, "--steps", 24, "--texture-size", 128, "--score", "mean-std")
        == 0
    )
    made = ball.with_name("ball-style.glb")
    mesh = read_mesh(made)
    before = read_mesh(ball)
    assert np.allclose(mesh.vertices.min(0), before.vertices.min(0), atol=1e-4)  # where it was, as large as it was
    picture = mesh.materials[0].picture / 255.0
    wanted = np.array(Image.open(painting)).mean((0, 1)) / 255
    assert np.abs(picture.mean((0, 1)) - wanted).max() < 0.6 * np.abs(0.8 - wanted).max()
    row = rows(ball.with_name("ball-style-quality.json"))
    assert row["texture_seen"] > 0.95
    assert row["seam_difference"] < 0.05  # of a texture of 128 texels
    record = stored_record(made)
    assert record["tool"] == "mesh style"
    assert record["files"]["style 1"]["name"] == "waves.png"


@pytest.mark.slow
def test_the_same_job_gives_the_same_bytes(ball: Path, painting: Path, tmp_path: Path):
    for name in ("one", "two"):
        assert call("mesh style", ball, painting, *QUICK, "--score", "mean-std", "-o", tmp_path / f"{name}.glb") == 0
    one, two = ((tmp_path / f"{name}.glb").read_bytes() for name in ("one", "two"))
    assert one == two


def test_a_picture_before_the_mesh_is_told_the_order(ball: Path, painting: Path):
    with pytest.raises(InputError, match=rf"reverie mesh style {ball} {painting}"):
        call("mesh style", painting, ball)


@pytest.mark.slow
def test_like_takes_the_style_of_another_result_and_says_where_there_is_none(ball: Path, painting: Path):
    assert call("mesh style", ball, painting, *QUICK, "--score", "mean-std", "-o", ball.with_name("one.glb")) == 0
    assert call("mesh style", ball, "--like", ball.with_name("one.glb"), "-o", ball.with_name("two.glb")) == 0
    assert ball.with_name("one.glb").read_bytes() == ball.with_name("two.glb").read_bytes()
    with pytest.raises(ReverieError, match=r"gone\.glb"):
        call("mesh style", ball, "--like", ball.with_name("gone.glb"))


@pytest.mark.slow
@pytest.mark.real
def test_dream_changes_texture_shape_or_both(ball: Path):
    before = read_mesh(ball)
    assert call("mesh dream", ball, *QUICK, "--layer", "mixed3a") == 0
    assert call("mesh dream", ball, *QUICK, "--class", "goldfish", "--what", "both", "-o", ball.with_name("b.glb")) == 0
    assert call("mesh dream", ball, *QUICK, "--what", "shape", "-o", ball.with_name("s.glb")) == 0
    texture, both, shape = (read_mesh(ball.with_name(n)) for n in ("ball-dream.glb", "b.glb", "s.glb"))
    assert len(both.faces) == len(shape.faces) > len(texture.faces)  # cut up, to bend
    still = lambda mesh: np.allclose(np.ptp(mesh.vertices, 0), np.ptp(before.vertices, 0), atol=1e-4)  # noqa: E731
    assert texture.materials[0].picture is not None
    assert still(texture)
    assert both.materials[0].picture is not None
    assert not still(both)
    assert shape.materials[0].picture is None
    assert not still(shape)


def test_a_dream_raises_what_it_was_asked_for(ball: Path):
    import torch

    from reverie.critic.open import open_critic
    from reverie.render.camera import turntable
    from reverie.tools.mesh.ascent import MeshAscent
    from reverie.tools.mesh.config import MeshDreamConfig
    from reverie.tools.mesh.model import open_model
    from reverie.tools.mesh_dream.goal import DreamGoal

    config = MeshDreamConfig(layer=("mixed3a",), size=64, steps=16, texture_size=128, texture_rate=2.0)
    goal = DreamGoal(config, open_critic(device="cpu", precision="fp32"), None)
    ascent = MeshAscent(open_model(read_mesh(ball)), config, goal, 0)

    def held_out() -> float:
        with torch.no_grad():
            images = ascent.canvas.views(turntable(3)).images
            return goal.ascent.look(images, (0, 0), torch.Generator()).mean().item()

    before = held_out()
    for _ in ascent.steps():
        pass
    assert held_out() > 1.1 * before
    assert torch.isfinite(ascent.texture()).all()


def guide(path: Path, box: tuple[int, int, int, int], color=(220, 30, 40)) -> Path:
    image = Image.new("RGB", (96, 96), (250, 250, 245))
    ImageDraw.Draw(image).rectangle(box, fill=color)
    image.save(path)
    return path


@pytest.mark.slow
@pytest.mark.real
def test_fit_finds_the_silhouette_and_the_color_of_a_guide(ball: Path, tmp_path: Path):
    square = guide(tmp_path / "square.png", (22, 26, 76, 70))
    options = ("--size", 96, "--steps", 240, "--color", "--texture-size", 128, "--camera", "0,0")
    assert call("mesh fit", ball, square, *options) == 0
    row = rows(ball.with_name("ball-fit-quality.json"))
    assert row["iou"] > 0.97
    assert row["folds"] < 0.02
    mesh = read_mesh(ball.with_name("ball-fit.glb"))
    assert len(mesh.faces) > len(read_mesh(ball).faces)  # cut up, to bend
    picture = mesh.materials[0].picture / 255.0
    reddish = (np.abs(picture - np.array([220, 30, 40]) / 255).max(2) < 0.15).mean()
    assert reddish > 0.25


def test_without_a_file_a_dragon_dreams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert call("mesh dream", *QUICK) == 0
    assert len(read_mesh(tmp_path / "dragon-dream.glb").faces) > 5000
    assert "example" in stored_record(tmp_path / "dragon-dream.glb")


def test_bad_input_is_one_line(ball: Path, painting: Path, tmp_path: Path):
    with pytest.raises(InputError, match="STYLE is missing"):
        call("mesh style", ball)
    with pytest.raises(PictureError, match="no subject"):
        blank = tmp_path / "blank.png"
        Image.new("RGB", (64, 64), (200, 200, 200)).save(blank)
        call("mesh fit", ball, blank)
    with pytest.raises(InputError, match="AZIMUTH,ELEVATION"):
        call("mesh fit", ball, guide(tmp_path / "g.png", (20, 20, 70, 70)), "--camera", "front")
    with pytest.raises(InputError, match="elevation lies from -90 to 90 degrees; got 200"):
        call("mesh fit", ball, guide(tmp_path / "g.png", (20, 20, 70, 70)), "--camera", "0,200")
    with pytest.raises(InputError, match="--highest must not lie below"):
        call("mesh dream", ball, "--lowest", 50, "--highest", 10)
    with pytest.raises(MeshError, match="no faces"):
        empty = tmp_path / "empty.obj"
        empty.write_text("v 0 0 0\nv 1 0 0\n")
        call("mesh dream", empty)
