"""`reverie translate` and `reverie train translate` from end to end, as a user calls them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from cyclopts import App
from PIL import Image

from reverie.apps.cli.tool_command import command_for
from reverie.errors import InputError, WeightsError
from reverie.jobs.stored import stored_record
from reverie.media.image import read_picture
from reverie.media.write import write_picture
from reverie.numerics.edge_filters import sobel
from reverie.tools.registry import find_tool

MakePhoto = Callable[..., torch.Tensor]


def call(tool: str, *tokens: object) -> int:
    app = App(result_action="return_value")
    app.default(command_for(find_tool(tool), find_tool))
    return app([str(token) for token in tokens], exit_on_error=False, print_error=False)


@pytest.fixture
def photo(tmp_path: Path, make_photo: MakePhoto) -> Path:
    rgb = make_photo(61, 83)[0].permute(1, 2, 0).numpy()
    alpha = np.linspace(0, 1, 83, dtype=np.float32)[None].repeat(61, 0)
    write_picture(tmp_path / "a.png", rgb, alpha=alpha, bits=16)
    return tmp_path / "a.png"


def test_sobel_is_shipped_and_keeps_size_bits_and_transparency(photo: Path):
    assert call("translate", "sobel", photo) == 0
    given, made = read_picture(photo), read_picture(photo.with_name("a-translated.png"))
    wanted = sobel(torch.from_numpy(given.rgb).permute(2, 0, 1)[None])[0, 0].numpy()
    assert made.bits == 16
    assert np.array_equal(made.alpha, given.alpha)
    seen = given.alpha > 0  # what nobody sees is read as white
    assert np.sqrt(((made.rgb[..., 0] - wanted)[seen] ** 2).mean()) < 0.02
    record = stored_record(photo.with_name("a-translated.png"))
    assert record["tool"] == "translate"
    assert record["model"]["name"] == "sobel"


def test_tiles_give_the_same_picture(photo: Path, tmp_path: Path):
    call("translate", "sobel", photo, "-o", tmp_path / "whole.png")
    call("translate", "sobel", photo, "-o", tmp_path / "tiles.png", "--tile", 32)
    whole, tiles = (read_picture(tmp_path / f"{name}.png").rgb for name in ("whole", "tiles"))
    assert np.abs(whole - tiles).max() <= 1.5 / 65535


def test_films_are_translated_frame_by_frame(photo: Path, tmp_path: Path):
    frames = [Image.fromarray(np.full((24, 32, 3), value, np.uint8)) for value in (20, 120, 220)]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:], duration=100)
    assert call("translate", "sobel", tmp_path / "film.gif") == 0
    (made,) = tmp_path.glob("film-translated.*")
    with Image.open(made) as film:
        assert getattr(film, "n_frames", 1) == 3


@pytest.mark.slow
def test_a_trained_network_translates_a_folder(photo: Path, tmp_path: Path):
    (tmp_path / "in").mkdir()
    for name in ("one", "two"):
        (tmp_path / "in" / f"{name}.png").write_bytes(photo.read_bytes())
    network = tmp_path / "mine.safetensors"
    train = ("--filter", "emboss", "--width", 4, "--depth", 1, "--steps", 3, "--crop-px", 16, "--batch", 1)
    assert call("train translate", tmp_path / "in", *train, "-o", network) == 0
    assert stored_record(network)["tool"] == "train translate"
    assert call("translate", network, tmp_path / "in", "-o", f"{tmp_path / 'out'}/") == 0
    assert len(list((tmp_path / "out").glob("*.png"))) == 2


def test_wrong_networks_end_with_one_line(photo: Path):
    with pytest.raises(WeightsError, match="there is no translator 'scharrp'"):
        call("translate", "scharrp", photo)
    with pytest.raises(WeightsError, match="of kind 'adaptive'; translating needs a translator"):
        from reverie.weights.embedded import adaptive_path

        call("translate", adaptive_path(), photo)


def test_a_filter_that_is_unknown_names_the_nearest(photo: Path):
    with pytest.raises(InputError, match="no filter called 'sobl'; nearest: sobel"):
        call("train translate", photo, "--filter", "sobl")


def test_too_little_memory_is_said_before_anything_is_done(photo: Path):
    with pytest.raises(InputError, match="of memory is too little for 83 x 61 px; it needs about"):
        call("translate", "sobel", photo, "--max-memory", "1MB")
