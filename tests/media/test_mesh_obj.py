import numpy as np
import pytest

from reverie.errors import MeshError
from reverie.media.mesh_obj import read_obj

QUAD = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"


def test_a_quad_becomes_two_triangles_also_by_negative_indices(tmp_path):
    (tmp_path / "a.obj").write_text(QUAD + "f 1/1 2/2 3/3 4/4\n")
    (tmp_path / "b.obj").write_text(QUAD + "f -4/-4/1 -3/-3/1 \\\n -2/-2/1 -1/-1/1\n")
    for name in ("a.obj", "b.obj"):
        mesh = read_obj(tmp_path / name)
        assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3]]
        assert mesh.face_uv is not None
        assert mesh.face_uv.tolist() == mesh.faces.tolist()


def test_vertices_of_equal_position_become_one_and_texture_seams_stay(tmp_path):
    text = QUAD + "v 1 0 0\nv 1 1 0\nv 2 0 0\nf 1/1 2/2 3/3\nf 5/1 7/2 6/4\n"
    (tmp_path / "a.obj").write_text(text)
    mesh = read_obj(tmp_path / "a.obj")
    assert len(mesh.vertices) == 4  # the fourth corner is used by no face
    assert mesh.faces.tolist()[1][0] == 1
    assert np.array_equal(mesh.face_uv, [[0, 1, 2], [0, 1, 3]])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no faces"),
        (QUAD, "no faces"),
        (QUAD + "f 1 2 9\n", "vertex 9; there are 4"),
        (QUAD + "f 1 2\n", "line 9"),
        (QUAD + "f 0 1 2\n", "line 9"),
        (QUAD + "f -9 1 2\n", "line 9"),
        (QUAD + "f a b c\n", "line 9"),
        ("v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "not a number"),
        ("v 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "line 1"),
        (QUAD + "f 1/9 2/9 3/9\n", "texture coordinate 9"),
        (QUAD + f"f 1 2 {10**30}\n", "line 9"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(text, said, tmp_path):
    (tmp_path / "a.obj").write_text(text)
    with pytest.raises(MeshError, match=said) as caught:
        read_obj(tmp_path / "a.obj")
    assert "\n" not in str(caught.value)


def test_bytes_of_any_kind_give_an_error_or_a_mesh(tmp_path):
    random = np.random.default_rng(0)
    seed = bytearray((QUAD + "f 1/1 2/2 3/3 4/4\n").encode())
    for _ in range(200):
        broken = bytearray(seed)
        for place in random.integers(0, len(seed), 4):
            broken[place] = random.integers(0, 256)
        (tmp_path / "a.obj").write_bytes(broken)
        try:
            assert read_obj(tmp_path / "a.obj").faces.max() < 4
        except MeshError as error:
            assert "a.obj" in str(error)


def test_reads_a_known_mesh(shared):
    mesh = read_obj(shared("data/meshes/spot_triangulated.obj"))
    assert mesh.faces.shape == (5856, 3)
    assert len(mesh.vertices) == 2930
    assert mesh.uv is not None
    assert mesh.uv.min() > -0.06  # a few coordinates of this file lie a little outside
    assert mesh.uv.max() < 1.001
