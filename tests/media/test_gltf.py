"""glTF: where nodes place things, what kinds of numbers there are, what is left out, what is refused."""

import base64
import json

import numpy as np
import pytest
from mesh_case import gltf, pyramid, write

from reverie.errors import MeshError
from reverie.media.mesh import read_mesh


def test_nodes_turn_scale_and_move_what_hangs_on_them(tmp_path):
    half = 0.5**0.5
    path = gltf(tmp_path, {"nodes": [{"children": [1], "translation": [10, 0, 0]}, {
        "mesh": 0, "rotation": [0, 0, half, half], "scale": [2, 1, 1]}]})  # fmt: skip
    assert np.allclose(read_mesh(path).vertices, [[10, 0, 0], [10, 2, 0], [9, 0, 0]])
    flip = np.diag([-1.0, 1, 1, 1]).reshape(-1).tolist()
    mesh = read_mesh(gltf(tmp_path, matrix=flip))
    a, b, c = mesh.vertices[mesh.faces[0]]
    assert np.cross(b - a, c - a)[2] > 0  # a mirrored node still shows its outside


def test_strips_fans_and_plain_lists_give_the_same_square(tmp_path):
    places = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], "<f4")
    blob = places.tobytes()
    areas = []
    for mode, order in ((5, [0, 1, 2, 3]), (6, [0, 1, 3, 2]), (4, [0, 1, 2, 1, 3, 2])):
        data = blob + np.array(order, "<u2").tobytes()
        mesh = read_mesh(gltf(tmp_path, {
            "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "mode": mode}]}],
            "buffers": [{"byteLength": len(data), "uri": f"data:;base64,{base64.b64encode(data).decode()}"}],
            "bufferViews": [{"buffer": 0, "byteLength": 48},
                            {"buffer": 0, "byteOffset": 48, "byteLength": 2 * len(order)}],
            "accessors": [{"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"},
                          {"bufferView": 1, "componentType": 5123, "count": len(order), "type": "SCALAR"}],
        }))  # fmt: skip
        a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
        areas.append(np.cross(b - a, c - a)[:, 2].tolist())
    assert areas == [[1.0, 1.0]] * 3  # all counterclockwise


def test_fractions_steps_and_sparse_values_are_read(tmp_path):
    data = np.zeros(3, [("p", "<i2", 3), ("pad", "<u2")])  # a step of eight bytes
    data["p"] = [[0, 0, 0], [32767, 0, 0], [0, 16384, 0]]
    blob = data.tobytes() + np.array([1], "<u2").tobytes() + b"\0\0" + np.array([[0, 0, 32767]], "<i2").tobytes()
    entry = {
        "bufferView": 0, "componentType": 5122, "normalized": True, "count": 3, "type": "VEC3",
        "sparse": {"count": 1, "indices": {"bufferView": 1, "componentType": 5123}, "values": {"bufferView": 2}},
    }  # fmt: skip
    mesh = read_mesh(gltf(tmp_path, {
        "buffers": [{"byteLength": len(blob), "uri": f"data:;base64,{base64.b64encode(blob).decode()}"}],
        "bufferViews": [{"buffer": 0, "byteLength": 24, "byteStride": 8},
                        {"buffer": 0, "byteOffset": 24, "byteLength": 2},
                        {"buffer": 0, "byteOffset": 28, "byteLength": 6}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}], "accessors": [entry],
    }))  # fmt: skip
    assert np.allclose(mesh.vertices, [[0, 0, 0], [0, 0, 1], [0, 0.5, 0]], atol=1e-4)


def test_pictures_and_buffers_beside_are_found_but_nothing_outside_the_folder(tmp_path):
    inside, outside = tmp_path / "model", tmp_path / "secret.bin"
    inside.mkdir()
    blob = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4").tobytes() + np.array([0, 1, 2, 2], "<u2").tobytes()
    (inside / "a file.bin").write_bytes(blob)
    outside.write_bytes(blob)
    buffers = lambda uri: {"buffers": [{"byteLength": len(blob), "uri": uri}]}  # noqa: E731
    assert len(read_mesh(gltf(inside, buffers("a%20file.bin"))).faces) == 1
    for uri in ("../secret.bin", str(outside), "file:///etc/passwd", "http://example.org/a.bin"):
        with pytest.raises(MeshError, match="not there"):
            read_mesh(gltf(inside, buffers(uri)))
    (inside / "link.bin").symlink_to(outside)
    with pytest.raises(MeshError, match="not there"):
        read_mesh(gltf(inside, buffers("link.bin")))


def test_what_is_not_read_is_said(tmp_path):
    mesh = read_mesh(gltf(tmp_path, {"animations": [{}], "cameras": [{}], "skins": [{}]}))
    assert [note.split()[0] for note in mesh.notes] == ["animations", "skins", "cameras"]
    used = {"extensionsUsed": ["KHR_materials_unlit", "EXT_mesh_gpu_instancing"]}
    assert read_mesh(gltf(tmp_path, used)).notes == (
        "what these extensions say was left out: EXT_mesh_gpu_instancing",
    )  # fmt: skip
    material = {"alphaMode": "BLEND", "normalTexture": {}, "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}
    parts = {"materials": [material], "textures": [{"source": 0}], "images": [{"uri": "gone.png"}],
             "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}]}  # fmt: skip
    notes = "; ".join(read_mesh(gltf(tmp_path, parts)).notes)
    for word in ("opaque", "only the color", "gone.png"):
        assert word in notes


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"extensionsRequired": ["KHR_draco_mesh_compression"]}, "Draco"),
        ({"asset": {"version": "1.0"}}, "version 1.0"),
        ({"scenes": []}, None),
        ({"nodes": [{"children": [0]}]}, "no tree"),
        ({"nodes": [{"mesh": 7}]}, r"meshes\[7\]"),
        ({"nodes": [{"mesh": 0, "scale": [1, "x", 1]}]}, "transform"),
        ({"meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "mode": 1}]}]}, "no faces"),
        ({"buffers": [{"byteLength": 4, "uri": "data:;base64,@"}]}, "base64"),
        ({"buffers": [{"byteLength": 4}]}, "beyond its buffer"),
        ({"accessors": [{"bufferView": 0, "componentType": 5126, "count": 2**39, "type": "VEC3"}] * 2}, "too|reduce"),
        ({"accessors": [{"bufferView": 0, "componentType": 5126, "count": 900, "type": "VEC3"}] * 2}, "too short"),
    ],
)
def test_damage_is_said_in_one_line(changes, said, tmp_path):
    path = gltf(tmp_path, changes)
    if said is None:
        assert len(read_mesh(path).faces) == 1
        return
    with pytest.raises(MeshError, match=said) as caught:
        read_mesh(path)
    assert "\n" not in str(caught.value)


def test_a_mesh_used_many_times_counts_many_times(tmp_path):
    path = gltf(tmp_path, {"nodes": [{"mesh": 0, "translation": [i, 0, 0]} for i in range(50)],
                           "scenes": [{"nodes": list(range(50))}]})  # fmt: skip
    assert len(read_mesh(path).faces) == 50
    with pytest.raises(MeshError, match="more than 10 triangles"):
        read_mesh(path, max_triangles=10)


def test_the_description_of_our_own_files_follows_the_rules(tmp_path):
    blob = write(tmp_path / "a.glb", pyramid(), record={"tool": "x"}, way=(pyramid().vertices * 2,)).read_bytes()
    length = int.from_bytes(blob[12:16], "little")
    found = json.loads(blob[20 : 20 + length])
    assert int.from_bytes(blob[8:12], "little") == len(blob)
    assert length % 4 == 0
    assert found["asset"]["extras"] == {"reverie": {"tool": "x"}}
    assert all(view["byteOffset"] % 4 == 0 for view in found["bufferViews"])
    places = [found["accessors"][p["attributes"]["POSITION"]] for p in found["meshes"][0]["primitives"]]
    assert all("min" in entry and "max" in entry for entry in places)
    assert len(found["meshes"][0]["weights"]) == len(found["meshes"][0]["primitives"][0]["targets"]) == 1


def test_texture_coordinates_are_scaled_turned_and_moved_as_the_file_says(tmp_path):
    blob = (
        np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4").tobytes()
        + np.array([[0, 0], [1, 0], [0, 1]], "<f4").tobytes()
    )
    change = {"offset": [0.1, 0.2], "scale": [0.5, 0.25], "rotation": np.pi / 2}
    texture = {"index": 0, "texCoord": 1, "extensions": {"KHR_texture_transform": change}}
    path = gltf(tmp_path, {
        "buffers": [{"byteLength": len(blob), "uri": f"data:;base64,{base64.b64encode(blob).decode()}"}],
        "bufferViews": [{"buffer": 0, "byteLength": 36}, {"buffer": 0, "byteOffset": 36, "byteLength": 24}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"},
                      {"bufferView": 1, "componentType": 5126, "count": 3, "type": "VEC2"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_1": 1}, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": texture, "baseColorFactor": [0.5, 0, 1, 1]}}],
        "textures": [{"source": 0}], "images": [{"uri": "gone.png"}],
    })  # fmt: skip
    mesh = read_mesh(path)
    assert mesh.uv is not None
    assert mesh.face_uv is not None
    u, v = mesh.uv[mesh.face_uv[0]].T
    # in the file's own direction of v: offset + rotation * (scale * uv), as the extension defines its matrices
    assert np.allclose(u % 1, np.array([0.1, 0.1, 0.35]) % 1)
    assert np.allclose((1 - v) % 1, np.array([0.2, -0.3, 0.2]) % 1)
    assert np.allclose(mesh.materials[0].color, (0.7354, 0, 1), atol=1e-3)
