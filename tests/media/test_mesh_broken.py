"""Whatever a file holds, there is a mesh that can be worked with, or one line that says why not."""

import json
import random

import numpy as np
import pytest
from mesh_case import FACES, VERTICES, pyramid, write

from reverie.errors import MeshError
from reverie.media.mesh import companions, read_mesh
from reverie.numerics.mesh import Mesh
from reverie.numerics.mesh_repair import repaired

STL = "solid a\n" + "".join(
    "facet normal 0 0 1\nouter loop\n" + "".join("vertex {} {} {}\n".format(*VERTICES[i]) for i in face)
    + "endloop\nendfacet\n" for face in FACES
) + "endsolid a\n"  # fmt: skip
OFF = "COFF\n# made by hand\n5 6 0\n" + "".join(f"{x} {y} {z} 255 0 0 255\n" for x, y, z in VERTICES) + "".join(
    "3 {} {} {}\n".format(*face) for face in FACES
)  # fmt: skip
PLY = (
    "ply\nformat ascii 1.0\nelement vertex 5\n" + "".join(f"property float {a}\n" for a in "xyzst")
    + "element face 2\nproperty list uchar int vertex_indices\nend_header\n"
    + "".join(f"{x} {y} {z} {x} {z}\n" for x, y, z in VERTICES) + "4 0 1 2 3\n3 1 0 4\n"
)  # fmt: skip


def test_texts_of_other_formats_are_read(tmp_path):
    (tmp_path / "a.stl").write_text(STL)
    (tmp_path / "a.off").write_text(OFF)
    (tmp_path / "a.ply").write_text(PLY)
    assert len(read_mesh(tmp_path / "a.stl").vertices) == 5
    off = read_mesh(tmp_path / "a.off")
    assert off.colors is not None
    assert off.colors[0].tolist() == [1, 0, 0]
    assert len(off.faces) == 6
    ply = read_mesh(tmp_path / "a.ply")
    assert ply.faces.tolist() == [[0, 1, 2], [0, 2, 3], [1, 0, 4]]
    assert ply.uv is not None
    assert ply.face_uv is not None
    assert np.allclose(ply.uv[ply.face_uv[0]], [[0, 0], [1, 0], [1, 1]])


@pytest.mark.parametrize("order", ["little", "big"])
def test_binary_ply_of_mixed_polygons_in_both_orders(order, tmp_path):
    sign = "<" if order == "little" else ">"
    head = f"ply\nformat binary_{order}_endian 1.0\nelement vertex 5\nproperty double x\nproperty double y\n"
    head += (
        "property double z\nelement face 2\nproperty list uchar uint vertex_index\nproperty uchar flags\nend_header\n"
    )
    body = VERTICES.astype(f"{sign}f8").tobytes()
    for polygon in ([0, 1, 2, 3], [1, 0, 4]):
        body += bytes([len(polygon)]) + np.array(polygon, f"{sign}u4").tobytes() + b"\7"
    (tmp_path / "a.ply").write_bytes(head.encode() + body)
    mesh = read_mesh(tmp_path / "a.ply")
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3], [1, 0, 4]]
    assert np.array_equal(mesh.vertices, VERTICES)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.ply", "ply\nformat ascii 1.0\nelement vertex 0\nend_header\n", "no faces"),
        ("a.ply", "ply\nformat ascii 2.0 \n" * 2000, "header does not end"),
        ("a.ply", PLY.replace("ascii 1.0", "text 1.0"), "damaged"),
        ("a.ply", PLY[:-20], "cut short"),
        ("a.ply", PLY.replace("3 1 0 4", "3 1 0 9"), "vertex 10; there are 5"),
        ("a.ply", PLY.replace("element face 2", "element face 99999999"), "more than 1,000,000 triangles"),
        ("a.stl", "solid a\nendsolid a\n", "no faces"),
        ("a.stl", STL.replace("vertex 0.0", "vertex x", 1), "line 4"),
        ("a.stl", "x" * 50, "no STL"),
        ("a.stl", STL.replace("vertex 0.5", "vertex nan"), "not a number"),
        ("a.off", "OFF\n5 6 0\n1 2\n", "damaged"),
        ("a.off", "OFF BINARY\n", "as text"),
        ("a.off", OFF.replace("5 6 0", "5 99999999 0"), "more than 1,000,000 triangles"),
        ("a.glb", "glTF", "cut short"),
        ("a.gltf", "{", "no JSON"),
        ("a.obj", "v 1e200 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "beyond 1e\\+18"),
        ("a.obj", "v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n", "no triangle with an area"),
        ("a.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 1e9 0\nf 1/1 2/1 3/1\n", "texture coordinates beyond"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(name, text, said, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(MeshError, match=said) as caught:
        read_mesh(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_folders_and_absent_files_are_refused(tmp_path):
    (tmp_path / "a.obj").mkdir()
    for name, said in (("a.obj", "no file"), ("b.obj", "no mesh at")):
        with pytest.raises(MeshError, match=said):
            read_mesh(tmp_path / name)


def test_more_triangles_than_asked_for_are_refused_before_they_are_read(tmp_path):
    for suffix in (".glb", ".obj", ".ply", ".stl"):
        path = write(tmp_path / f"a{suffix}", pyramid())
        assert len(read_mesh(path, max_triangles=6).faces) == 6
        with pytest.raises(MeshError, match=r"5 triangles.*--max-triangles"):
            read_mesh(path, max_triangles=5)


def test_triangles_without_area_are_left_out_and_said():
    vertices = np.concatenate([VERTICES, [[0.5, 0, 0], [0, 0, 0]]])
    faces = np.concatenate([FACES, [[0, 0, 1], [0, 5, 1], [0, 6, 1]]])
    mesh = repaired(Mesh(vertices, faces), "a")
    assert np.array_equal(mesh.faces, FACES)
    assert mesh.notes == ("3 triangles without area were left out",)


def test_texture_coordinates_of_other_tiles_move_into_the_picture_and_spanning_ones_are_said():
    uv = np.array([[3.1, -1.9], [3.9, -1.9], [3.5, -1.1], [0.5, 0.5], [1.5, 0.5], [0.5, 0.9]])
    mesh = repaired(Mesh(VERTICES, FACES[:2], uv, np.array([[0, 1, 2], [3, 4, 5]])), "a")
    assert mesh.uv is not None
    assert mesh.face_uv is not None
    assert np.allclose(mesh.uv[mesh.face_uv[0]], uv[:3] - [3, -2])
    assert np.allclose(mesh.uv[mesh.face_uv[1]], uv[3:])
    assert "1 triangles reach beyond" in mesh.notes[0]


def test_a_missing_texture_leaves_the_plain_color_and_a_line(tmp_path):
    write(tmp_path / "a.obj", pyramid())
    (tmp_path / "a.png").unlink()
    mesh = read_mesh(tmp_path / "a.obj")
    assert mesh.materials[1].picture is None
    assert ["a.png" in note for note in mesh.notes] == [True]
    (tmp_path / "a.png").write_text("no picture")
    assert "a.png" in read_mesh(tmp_path / "a.obj").notes[0]
    (tmp_path / "a.mtl").unlink()
    assert "a.mtl" in read_mesh(tmp_path / "a.obj").notes[0]


def test_pictures_outside_the_folder_are_not_touched(tmp_path):
    inside = tmp_path / "in"
    inside.mkdir()
    write(inside / "a.obj", pyramid())
    (inside / "a.png").rename(tmp_path / "a.png")
    for name in ("../a.png", str(tmp_path / "a.png"), "..\\a.png"):
        (inside / "a.mtl").write_text(f"newmtl plain\nnewmtl card\nmap_Kd -s 1 1 1 {name}\n")
        assert read_mesh(inside / "a.obj").materials[1].picture is None
    (inside / "textures").mkdir()
    (tmp_path / "a.png").rename(inside / "textures" / "a b.png")
    (inside / "a.mtl").write_text("newmtl plain\nnewmtl card\nmap_Kd -o 0 0 -clamp on textures\\a b.png\n")
    found = read_mesh(inside / "a.obj").materials[1]
    assert found.picture is not None
    assert not found.repeats


def _broken(seed: bytes, rng: random.Random) -> bytes:
    """Cut, change bytes anywhere or in the header, or change a word."""
    kind, blob = rng.randrange(4), bytearray(seed)
    if kind == 0:
        return bytes(blob[: rng.randrange(len(blob))])
    if kind < 3:
        for _ in range(rng.randrange(1, 6)):
            blob[rng.randrange(len(blob) if kind == 1 else min(300, len(blob)))] = rng.randrange(256)
        return bytes(blob)
    words = seed.split(b" ")
    words[rng.randrange(len(words))] = rng.choice([b"-1", b"nan", b"inf", b"1e400", b"9" * 20, b"", b"0", b"/", b"1//"])
    return b" ".join(words)


def _mesh_or_one_line(path) -> None:
    try:
        mesh = read_mesh(path, max_triangles=1000)
        assert np.isfinite(mesh.vertices).all()
        assert 0 <= mesh.faces.min() <= mesh.faces.max() < len(mesh.vertices)
        write(path.with_name("again.glb"), mesh)
    except MeshError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 300
    companions(path)


@pytest.mark.parametrize("suffix", [".glb", ".obj", ".ply", ".stl", ".off", ".mtl", "text.ply", "text.stl"])
def test_broken_bytes_give_a_mesh_or_one_line(suffix, tmp_path):
    texts = {".off": OFF, "text.ply": PLY, "text.stl": STL}
    path = tmp_path / f"a{suffix}"
    if suffix in texts:
        path.write_text(texts[suffix])
    else:
        write(path.with_suffix(".obj") if suffix == ".mtl" else path, pyramid())
    seed, rng = path.read_bytes(), random.Random(0)
    for _ in range(150):
        path.write_bytes(_broken(seed, rng))
        _mesh_or_one_line(path.with_suffix(".obj") if suffix == ".mtl" else path)


JUNK = [
    None,
    -1,
    0,
    2,
    10**11,
    1.5,
    "x",
    "",
    [],
    {},
    [1],
    [[]],
    {"a": 1},
    True,
    1e308,
    "../../x",
    "data:,",
    [1e308] * 3,
]


def _places(value, path=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from _places(item, (*path, key))


@pytest.mark.slow
def test_broken_descriptions_give_a_mesh_or_one_line(tmp_path):
    blob = write(tmp_path / "a.glb", pyramid(), record={"tool": "x"}, way=(VERTICES * 2,)).read_bytes()
    length = int.from_bytes(blob[12:16], "little")
    whole = json.loads(blob[20 : 20 + length])
    whole["buffers"][0]["uri"] = "a.bin"
    (tmp_path / "a.bin").write_bytes(blob[28 + length :])
    rng, places = random.Random(0), list(_places(whole))
    for _ in range(250):
        broken = json.loads(json.dumps(whole))
        at, place = broken, rng.choice(places)
        for key in place[:-1]:
            at = at[key]
        at[place[-1]] = rng.choice(JUNK)
        (tmp_path / "a.gltf").write_text(json.dumps(broken))
        _mesh_or_one_line(tmp_path / "a.gltf")
