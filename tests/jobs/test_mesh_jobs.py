"""Meshes in the job layer: results with their job, folders, replay, --like, files that belong together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cyclopts import App
from mesh_toy import STRETCH, find

from reverie.apps.cli.tool_command import command_for
from reverie.errors import InputError
from reverie.jobs.execute import execute
from reverie.jobs.files import Files
from reverie.jobs.given import Given
from reverie.jobs.output import Mesh as MeshOutput
from reverie.jobs.replay import replayed, stored_job, verdict
from reverie.jobs.session import Session
from reverie.jobs.stored import stored_record
from reverie.jobs.watch import Nobody
from reverie.media.mesh import read_mesh
from reverie.numerics.mesh import Mesh, textured

VERTICES = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
FACES = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])


def call(*tokens: object) -> int:
    app = App(result_action="return_value")
    app.default(command_for(STRETCH, find))
    return app([str(token) for token in tokens], exit_on_error=False, print_error=False)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return an OBJ file with materials and a picture beside it."""
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    mesh = textured(Mesh(VERTICES, FACES), VERTICES[:, :2], FACES, picture)
    folder = tmp_path / "in"
    folder.mkdir()
    MeshOutput(mesh).write(folder / "a.obj", {"tool": "test"}, 92)
    (folder / "a.obj.job.json").unlink()
    return folder / "a.obj"


def test_a_mesh_is_stretched_and_carries_its_job_and_its_way(source: Path) -> None:
    assert call(source) == 0
    made = source.with_name("a-stretched.glb")
    mesh = read_mesh(made)
    assert np.allclose(mesh.vertices.max(0), [1, 2, 1])
    assert len(mesh.way) == 4
    assert mesh.materials[0].picture is not None
    record = stored_record(made)
    assert record["tool"] == "stretch"
    assert record["input"]["name"] == "a.obj"


def test_a_second_run_makes_nothing_unless_a_picture_beside_has_changed(source: Path, capsys) -> None:
    call(source)
    assert call(source) == 0
    assert "there already" in capsys.readouterr().err
    source.with_suffix(".mtl").write_text(source.with_suffix(".mtl").read_text() + "\n# changed\n")
    assert call(source) == 0
    assert source.with_name("a-stretched-2.glb").exists()


def test_a_replay_has_the_same_bytes_and_like_takes_the_settings(source: Path, tmp_path: Path) -> None:
    call(source, "--factor", 3, "-o", tmp_path / "in" / "three.glb")
    made = tmp_path / "in" / "three.glb"
    job = stored_job(made, find)
    run = replayed(made, job, find, Session(), files=Files(made))
    again = tmp_path / "again.glb"
    execute(run, again, Nobody())
    assert verdict(job, made, again) == "the bytes are the same"
    call(made, "--like", made, "-o", tmp_path / "nine.glb")
    assert np.allclose(read_mesh(tmp_path / "nine.glb").vertices.max(0), [1, 9, 1])


def test_folders_are_worked_through_and_what_fails_is_listed(source: Path, tmp_path: Path, capsys) -> None:
    (source.parent / "broken.stl").write_text("solid\n")
    MeshOutput(Mesh(VERTICES, FACES)).write(source.parent / "b.ply", {}, 92)
    assert call(source.parent, "--format", "obj", "--workers", 1) == 2
    out, err = capsys.readouterr()
    folder = tmp_path / "in-stretched"
    assert sorted(p.name for p in folder.glob("*.obj")) == ["a.obj", "b.obj"]
    assert "a.obj" in out
    assert "'broken.stl' has no faces" in err
    assert "2 made, 1 failed" in err
    assert "2 meshes: the way" not in err
    assert call(source.parent, "--format", "obj", "--workers", 1) == 2
    assert "2 there already" in capsys.readouterr().err
    with pytest.raises(InputError, match="no meshes in the folder"):
        (tmp_path / "empty").mkdir()
        call(tmp_path / "empty")


def test_an_obj_has_its_materials_picture_and_job_beside_it(source: Path, tmp_path: Path) -> None:
    made = tmp_path / "out.obj"
    assert call(source, "-o", made) == 0
    names = {p.name for p in tmp_path.iterdir() if p.is_file()}
    assert names == {"out.obj", "out.mtl", "out.png", "out.obj.job.json"}
    assert stored_record(made)["tool"] == "stretch"
    picture = read_mesh(made).materials[0].picture
    assert picture is not None
    assert np.array_equal(picture, np.arange(48, dtype=np.uint8).reshape(4, 4, 3))


def test_files_of_others_beside_a_result_are_kept(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mtl").write_text("of somebody else")
    with pytest.raises(InputError, match=r"out\.mtl.*is no part of an earlier 'out\.obj'"):
        call(source, "-o", tmp_path / "out.obj")
    assert (tmp_path / "out.mtl").read_text() == "of somebody else"
    assert not (tmp_path / "out.obj").exists()
    (tmp_path / "in.png").write_bytes(b"a photograph")
    for _ in range(2):  # the second replaces the picture of the first, and no other
        assert call(source, "--factor", 3, "--overwrite", "-o", tmp_path / "in.obj") == 0
        assert (tmp_path / "in.png").read_bytes() == b"a photograph"
        assert read_mesh(tmp_path / "in.obj").materials[0].picture is not None
    assert {p.name for p in tmp_path.glob("in*.png")} == {"in.png", "in-2.png"}


def test_an_obj_of_another_name_is_the_same_but_for_its_materials_file(source: Path, tmp_path: Path) -> None:
    call(source, "-o", tmp_path / "in" / "one.obj")
    made = tmp_path / "in" / "one.obj"
    job = stored_job(made, find)
    execute(replayed(made, job, find, Session(), files=Files(made)), tmp_path / "two.obj", Nobody())
    assert verdict(job, made, tmp_path / "two.obj").startswith("the bytes are the same but for the name")
    (tmp_path / "two.obj").write_bytes((tmp_path / "two.obj").read_bytes().replace(b"v 1 ", b"v 2 "))
    assert verdict(job, made, tmp_path / "two.obj").startswith("the bytes differ")


def test_other_formats_are_refused_before_the_work(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"known: \.glb"):
        call(source, "-o", tmp_path / "a.fbx")
    with pytest.raises(InputError, match="no mesh at"):
        call(tmp_path / "gone.obj")
    with pytest.raises(InputError, match="more than 3 triangles"):
        call(source, "--max-triangles", 3)


def test_the_hash_of_a_mesh_counts_the_files_it_needs(source: Path) -> None:
    before = Given(source, kind="mesh").sha256
    source.with_suffix(".png").write_bytes(b"another")
    assert Given(source, kind="mesh").sha256 != before
    (source.parent / "other.png").write_bytes(b"not of this mesh")
    now = Given(source, kind="mesh").sha256
    (source.parent / "other.png").write_bytes(b"changed")
    assert Given(source, kind="mesh").sha256 == now


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".stl"])
def test_a_mesh_without_its_side_file_names_what_is_missing(source: Path, suffix: str) -> None:
    made = source.with_name(f"made{suffix}")
    call(source, "-o", made)
    assert stored_record(made)["tool"] == "stretch"
    made.with_name(f"made{suffix}.job.json").unlink()
    with pytest.raises(InputError, match=rf"beside it in 'made{suffix}.job.json', which is missing"):
        stored_record(made)
