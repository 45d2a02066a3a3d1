"""What goes out comes in again, and another program reads the same."""

import numpy as np
import pytest
from mesh_case import FACES, VERTICES, card, corner_values, pyramid, write

from reverie.errors import InputError, MeshError
from reverie.media.mesh import companions, read_mesh
from reverie.numerics.mesh import Mesh, moved, placed, turned
from reverie.numerics.mesh_normals import corner_normals


@pytest.mark.parametrize("suffix", [".glb", ".obj"])
def test_corners_materials_and_pictures_come_back(suffix, tmp_path):
    mesh, again = pyramid(), read_mesh(write(tmp_path / f"a{suffix}", pyramid()))
    assert np.allclose(corner_values(mesh, mesh.uv, mesh.face_uv), corner_values(again, again.uv, again.face_uv))
    assert [m.name for m in again.materials] == ["plain", "card"]
    assert np.allclose(again.materials[0].color, (0.2, 0.4, 0.9), atol=1e-4)
    assert again.materials[0].picture is None
    assert np.array_equal(again.materials[1].picture, card())
    assert not again.materials[1].repeats
    assert again.material_of_faces.tolist().count(1) == 4
    assert again.notes == ()
    assert len(again.vertices) == 5  # written once per corner, read as one surface


@pytest.mark.parametrize("suffix", [".glb", ".obj", ".ply", ".stl"])
def test_every_format_keeps_the_shape_and_the_same_bytes_twice(suffix, tmp_path):
    again = read_mesh(write(tmp_path / f"a{suffix}", pyramid()), up="z" if suffix == ".stl" else "y")
    assert len(again.vertices) == 5
    found = np.sort(np.round(again.vertices[again.faces].sum(1), 5), 0)
    assert np.allclose(found, np.sort(VERTICES[FACES].sum(1), 0))
    first = (tmp_path / f"a{suffix}").read_bytes()
    assert write(tmp_path / f"a{suffix}", pyramid()).read_bytes() == first


@pytest.mark.parametrize("suffix", [".glb", ".obj", ".ply", ".stl"])
def test_another_reader_sees_the_same(suffix, tmp_path):
    trimesh = pytest.importorskip("trimesh")
    write(tmp_path / f"a{suffix}", pyramid())
    other = trimesh.load(tmp_path / f"a{suffix}")
    if isinstance(other, trimesh.Scene):
        parts = list(other.geometry.values())
        picture = next(p for p in parts if getattr(p.visual.material, "baseColorTexture", None) or suffix == ".obj")
        assert picture.visual.uv is not None
        other = other.to_geometry()
    assert other.faces.shape == (6, 3)
    assert np.isclose(other.area, _area(pyramid()))
    assert np.isclose(other.volume, 2 / 3)  # corners run counterclockwise outside
    top = turned(VERTICES, "z", back=True) if suffix == ".stl" else VERTICES
    assert np.allclose(other.bounds, [top.min(0), top.max(0)])


def test_another_reader_sees_each_texel_where_we_do(tmp_path):
    trimesh = pytest.importorskip("trimesh")
    for suffix in (".glb", ".obj"):
        mesh = pyramid()
        write(tmp_path / f"a{suffix}", mesh)
        other = trimesh.load(tmp_path / f"a{suffix}")
        other = other if isinstance(other, trimesh.Trimesh) else list(other.geometry.values())[-1]
        pairs = np.concatenate([other.vertices, other.visual.uv], 1).round(5)
        own = corner_values(mesh, mesh.uv, mesh.face_uv).round(5)
        assert {tuple(row) for row in pairs.tolist()} <= {tuple(row) for row in own.tolist()}


@pytest.mark.parametrize("suffix", [".glb", ".gltf", ".obj", ".ply", ".stl", ".off"])
def test_files_of_another_writer_are_read(suffix, tmp_path):
    trimesh = pytest.importorskip("trimesh")
    image = pytest.importorskip("PIL.Image").fromarray(card())
    material = trimesh.visual.material.PBRMaterial(baseColorTexture=image)
    if suffix == ".obj":
        material = trimesh.visual.material.SimpleMaterial(image=image)
    visual = trimesh.visual.TextureVisuals(uv=VERTICES[:, [0, 2]], material=material)
    other = trimesh.Trimesh(VERTICES, FACES, visual=visual, process=False)
    if suffix == ".gltf":
        for name, blob in trimesh.exchange.gltf.export_gltf(trimesh.Scene(other)).items():
            (tmp_path / name).write_bytes(blob)
        mesh = read_mesh(tmp_path / "model.gltf")
    else:
        other.export(tmp_path / f"a{suffix}")
        mesh = read_mesh(tmp_path / f"a{suffix}", up="y")
    assert np.allclose(np.sort(mesh.vertices, 0), np.sort(VERTICES, 0))
    assert len(mesh.faces) == 6
    assert np.isclose(_area(mesh), _area(pyramid()))
    if suffix in (".glb", ".gltf", ".obj"):
        assert mesh.uv is not None
        assert np.allclose(corner_values(mesh, mesh.uv, mesh.face_uv), corner_values(
            Mesh(VERTICES, FACES), VERTICES[:, [0, 2]], FACES))  # fmt: skip
        assert mesh.materials[0].picture is not None
        assert np.array_equal(mesh.materials[0].picture, card())


def test_colors_of_vertices_come_back(tmp_path):
    colors = np.linspace(0, 1, 15).reshape(5, 3)
    mesh = Mesh(VERTICES, FACES, colors=colors)
    for suffix, slack in ((".glb", 1e-5), (".obj", 1e-5)):
        again = read_mesh(write(tmp_path / f"a{suffix}", mesh))
        assert again.colors is not None
        assert np.abs(_sorted(again.vertices, again.colors) - _sorted(VERTICES, colors)).max() < slack
    ply = read_mesh(write(tmp_path / "a.ply", mesh))
    assert ply.colors is not None
    assert np.abs(_sorted(ply.vertices, ply.colors) - _sorted(VERTICES, 0.8 * colors)).max() < 0.5 / 255 + 1e-6


def test_a_picture_becomes_colors_of_vertices_where_a_format_has_no_pictures(tmp_path):
    uv = np.array([[0.1, 0.9], [0.9, 0.9], [0.9, 0.1], [0.1, 0.1]])
    square = Mesh(VERTICES[:4], FACES[:2], uv, FACES[:2], (pyramid().materials[1],))
    again = read_mesh(write(tmp_path / "a.ply", square))
    assert again.colors is not None
    wanted = np.array([[255, 0, 0], [0, 255, 0], [255, 255, 0], [0, 0, 255]]) / 255
    assert np.allclose(_sorted(again.vertices, again.colors), _sorted(VERTICES[:4], wanted))


def test_wild_scales_and_places_survive_single_precision(tmp_path):
    for scale, place in ((1e-9, 0.0), (1e9, 0.0), (1.0, 1e7)):
        mesh = Mesh(VERTICES * scale + place, FACES)
        again = read_mesh(write(tmp_path / "a.glb", mesh))
        error = np.abs(np.sort(again.vertices, 0) - np.sort(mesh.vertices, 0)).max()
        assert error < 1e-6 * scale
        unit, placement = placed(again)
        assert np.allclose(np.linalg.norm(unit.vertices, axis=1).max(), 1)
        assert np.allclose(placement.to_file(unit.vertices), again.vertices, rtol=1e-12)


def test_what_is_up_in_the_file_is_up_again_in_the_result(tmp_path):
    mesh = read_mesh(write(tmp_path / "a.obj", pyramid()), up="z")
    assert mesh.up == "z"
    again = read_mesh(write(tmp_path / "b.obj", mesh), up="y")
    assert np.allclose(np.sort(again.vertices, 0), np.sort(VERTICES, 0))
    assert np.allclose(turned(turned(VERTICES, "z"), "z", back=True), VERTICES)


def test_the_way_plays_from_its_first_shape_to_the_last(tmp_path):
    trimesh = pytest.importorskip("trimesh")
    mesh = pyramid()
    way = (mesh.vertices * 3, mesh.vertices * 2)
    path = write(tmp_path / "a.glb", mesh, record={"tool": "x"}, way=way)
    assert trimesh.load(path).to_geometry().bounds.max() == 2  # other programs show the last
    found = read_mesh(path)
    assert np.allclose(np.sort(found.vertices, 0), np.sort(VERTICES, 0))
    assert len(found.way) == 2
    assert all(np.allclose(np.sort(shape, 0), np.sort(old, 0)) for shape, old in zip(found.way, way, strict=True))
    assert found.notes == ()
    assert [note.split()[0] for note in read_mesh(write(path, mesh, way=way)).notes] == ["animations", "morph"]


def test_hard_edges_of_a_file_stay_and_others_are_found():
    cube = Mesh(
        np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float),
        np.array([[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6], [0, 2, 6],
                  [0, 6, 4], [1, 5, 7], [1, 7, 3]]),
    )  # fmt: skip
    normals = corner_normals(cube)
    assert np.allclose(np.abs(normals).max(-1), 1)  # six flat sides
    smooth = corner_normals(cube, crease_deg=180)
    assert np.allclose(np.linalg.norm(smooth, axis=-1), 1, atol=1e-6)
    assert np.abs(smooth).max() < 0.9
    given = Mesh(cube.vertices, cube.faces, normals=smooth)
    assert corner_normals(given) is smooth
    assert moved(given, cube.vertices * 2).normals is None


def test_companions_of_a_mesh_are_its_materials_and_pictures(tmp_path):
    write(tmp_path / "a.obj", pyramid())
    assert [p.name for p in companions(tmp_path / "a.obj")] == ["a.mtl", "a.png"]
    assert companions(write(tmp_path / "a.glb", pyramid())) == []


def test_other_formats_are_refused_by_name(tmp_path):
    with pytest.raises(InputError, match="known here"):
        write(tmp_path / "a.fbx", pyramid())
    (tmp_path / "a.fbx").write_text("x")
    with pytest.raises(MeshError, match=r"known: \.obj"):
        read_mesh(tmp_path / "a.fbx")


def _area(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def _sorted(places: np.ndarray, colors: np.ndarray) -> np.ndarray:
    order = np.lexsort(places.round(4).T)
    return colors[order]
