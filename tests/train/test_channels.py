"""Arrays of any number of channels, in files of NumPy: learned from, translated, refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from cyclopts import App

from reverie.apps.cli.tool_command import command_for
from reverie.errors import DataError, InputError, PictureError
from reverie.media.arrays import array_bytes, array_size, read_array
from reverie.media.image import read_picture
from reverie.models.picture_kinds import parse_kind
from reverie.models.translator_file import load_translator
from reverie.tools.registry import find_tool


def call(tool: str, *tokens: object) -> int:
    app = App(result_action="return_value")
    app.default(command_for(find_tool(tool), find_tool))
    return app([str(token) for token in tokens], exit_on_error=False, print_error=False)


@pytest.fixture
def arrays(tmp_path: Path) -> tuple[Path, Path]:
    """Five channels of floats from -1 to 1, and two of 16 bits."""
    draw = np.random.default_rng(0)
    for name in ("five", "two"):
        (tmp_path / name).mkdir()
    for number in range(4):
        values = draw.uniform(-1, 1, (40, 36, 5)).astype(np.float32)
        np.save(tmp_path / "five" / f"{number}.npy", values)
        np.save(tmp_path / "two" / f"{number}.npy", ((values[..., :2] + 1) * 32767).astype(np.uint16))
    return tmp_path / "five", tmp_path / "two"


@pytest.mark.parametrize(("dtype", "whole"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1), (np.float64, 1)])
def test_numbers_of_any_size_become_floats(tmp_path: Path, dtype: type, whole: float):
    values = (np.linspace(0, 1, 24).reshape(3, 4, 2) * whole).astype(dtype)
    np.save(tmp_path / "a.npy", values)
    found = read_array(tmp_path / "a.npy", "a.npy")
    assert found.dtype == np.float32
    assert np.allclose(found * whole, values, atol=1e-4 * whole)
    with (tmp_path / "a.npy").open("rb") as file:
        assert array_size(file, "a.npy") == (3, 4)
    (tmp_path / "b.npy").write_bytes(array_bytes(found))
    assert np.array_equal(read_array(tmp_path / "b.npy", "b.npy"), found)


def test_what_is_no_picture_is_refused_in_one_line(tmp_path: Path):
    path = tmp_path / "a.npy"
    for values in (
        np.zeros(3),
        np.zeros((2, 2, 2, 2)),
        np.zeros((2, 0)),
        np.zeros((2, 2), complex),
        np.zeros((2, 2), int),
    ):
        np.save(path, values)
        with pytest.raises(PictureError, match=r"'a\.npy' is an array .*; a picture is \[H, W\] or \[H, W, C\]"):
            read_array(path, "a.npy")
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(PictureError, match="is an array"):  # and nothing was unpickled
        read_array(path, "a.npy")
    np.save(path, np.full((2, 2), np.nan))
    with pytest.raises(PictureError, match="holds values that are no numbers"):
        read_array(path, "a.npy")
    for blob in (b"", b"no array", b"\x93NUMPY\x01\x00\x00"):
        path.write_bytes(blob)
        with pytest.raises(PictureError, match="is no array of NumPy, or damaged"):
            read_array(path, "a.npy")


def test_a_range_becomes_0_to_1_and_back():
    kind = parse_kind("channels:2:-3..5")
    values = np.array([[[-3, 5], [1, 0]]], np.float32)
    scaled = kind.scaled(values, "a")
    assert scaled.tolist() == [[[0, 1], [0.5, 0.375]]]
    assert np.array_equal(kind.array(torch.from_numpy(scaled).permute(2, 0, 1)), values)
    assert kind.picture(torch.rand(2, 3, 4))[0].shape == (3, 4, 3)
    with pytest.raises(DataError, match=r"'a' has 2 channels; channels:3 has 3"):
        parse_kind("channels:3").scaled(values, "a")
    with pytest.raises(DataError, match=r"'a' has values from -3 to 5, channels:2 from 0 to 1; say the range as chan"):
        parse_kind("channels:2").scaled(values, "a")


@pytest.mark.parametrize("text", ["channels:0", "channels:900", "channels", "channels:3:1..1", "channels:3:a..b"])
def test_other_kinds_are_refused(text: str):
    with pytest.raises(InputError, match="is no kind of array; known: channels:N"):
        parse_kind(text)


@pytest.mark.slow
def test_arrays_are_learned_from_and_translated(arrays: tuple[Path, Path], tmp_path: Path):
    net = tmp_path / "net.safetensors"
    few = ("--architecture", "pix2pix", "--width", 4, "--depth", 2, "--steps", 2, "--crop-px", 24, "--batch", 1)
    kinds = ("--given", "channels:5:-1..1", "--wanted", "channels:2:0..10")
    assert call("train translate", arrays[0], "--targets", arrays[1], *kinds, *few, "-o", net) == 0
    assert load_translator(net).shape.inputs == 5
    assert (tmp_path / "net-samples.png").is_file()
    source = arrays[0] / "0.npy"
    assert call("translate", net, source, "-o", tmp_path / "made.npy") == 0
    made = np.load(tmp_path / "made.npy")
    assert made.shape == (40, 36, 2)
    assert 0 <= made.min() < made.max() <= 10
    assert made.max() > 1
    assert call("translate", net, source, "-o", tmp_path / "seen.png") == 0
    assert read_picture(tmp_path / "seen.png").rgb.shape == (40, 36, 3)
    assert np.array_equal(np.load(tmp_path / "seen-values.npy"), made)


def test_pictures_and_arrays_are_not_taken_for_each_other(arrays: tuple[Path, Path], tmp_path: Path):
    from PIL import Image

    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.new("RGB", (40, 36)).save(pictures / "a.png")
    with pytest.raises(InputError, match=r"'sobel' takes pictures; '0\.npy' is none"):
        call("translate", "sobel", arrays[0] / "0.npy")
    with pytest.raises(InputError, match=r"what this network makes is written as \.png"):
        call("translate", "sobel", pictures / "a.png", "-o", tmp_path / "b.npy")
    with pytest.raises(DataError, match=r"there is no \.npy file in"):
        call("train translate", pictures, "--targets", pictures, "--given", "channels:5")
