"""Packs hold what the files hold, in every format; broken files are left out and named."""

from __future__ import annotations

import io
import json
import time

import numpy as np
import pytest
import torch
from PIL import Image

from reverie.data import pack
from reverie.data.folder import open_folder
from reverie.data.pack import (
    LivePictures,
    PackedPictures,
    color_statistics,
    delete_packs,
    load_pictures,
    loading_pictures,
)
from reverie.errors import DataError


def load(path, size_px=16, cache=None, **how):
    folder = open_folder(path, val_share=0.0)
    return load_pictures(folder.archive, folder.train, size_px, cache, **how)


def mean_color(pictures, index: int) -> list[float]:
    return pictures.fetch(torch.tensor([index]))[0].float().mean((1, 2)).tolist()


def test_every_way_of_loading_gives_the_same_bytes(colors, tmp_path):
    everything = torch.arange(30)
    in_memory, _ = load(colors)
    mapped, _ = load(colors, cache=tmp_path / "run" / "pack-train.u8")
    again, _ = load(colors, cache=tmp_path / "run" / "pack-train.u8")
    live, _ = load(colors, limit_bytes=0)
    assert isinstance(in_memory, PackedPictures) and isinstance(live, LivePictures)
    for other in (mapped, again, live):
        assert torch.equal(other.fetch(everything), in_memory.fetch(everything))
        assert other.paths == in_memory.paths
        assert torch.equal(other.labels, in_memory.labels)
    assert in_memory.fetch(everything).shape == (30, 3, 16, 16)


def test_labels_go_with_their_pictures(colors):
    pictures, _ = load(colors)
    for index in (0, 12, 25):
        color = mean_color(pictures, index)
        assert color.index(max(color)) == {0: 2, 1: 1, 2: 0}[int(pictures.labels[index])]


@pytest.mark.parametrize("limit_bytes", [0, 1 << 30], ids=["live", "packed"])
@pytest.mark.parametrize("cached", [True, False])
def test_broken_files_are_left_out_and_named(colors, tmp_path, limit_bytes, cached):
    (colors / "green" / "03.png").write_bytes(b"")
    (colors / "red" / "00.png").write_bytes((colors / "red" / "01.png").read_bytes()[:100])
    (colors / "red" / "02.png").write_text("no picture at all")
    cache = tmp_path / "run" / "pack-train.u8" if cached else None
    for _ in range(2):  # the second time from the cache
        pictures, broken = load(colors, cache=cache, limit_bytes=limit_bytes)
        assert broken == ("green/03.png", "red/00.png", "red/02.png")
        assert len(pictures.paths) == len(pictures.labels) == 27
        at = pictures.paths.index("red/01.png")
        assert mean_color(pictures, at) == pytest.approx((210, 40, 30), abs=4)


def test_nothing_readable_is_refused(make_colors, tmp_path):
    data = make_colors(tmp_path / "d", {"red": 2, "blue": 1})
    for path in data.rglob("*.png"):
        path.write_bytes(b"x")
    for limit_bytes in (0, 1 << 30):
        with pytest.raises(DataError, match="none of the 3 pictures"):
            load(data, limit_bytes=limit_bytes)


def formats() -> dict[str, bytes]:
    """One red picture, brighter at its top, in many disguises."""
    pixels = np.zeros((24, 24, 3), np.uint8)
    pixels[..., 0], pixels[:12, :, 1:] = 200, 120
    red = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying down: turn a quarter clockwise to see it upright
    alpha = red.convert("RGBA")
    alpha.putalpha(Image.fromarray(np.full((24, 24), 255, np.uint8)))
    jpeg = {"quality": 95, "subsampling": 0}
    return {
        "plain.png": encoded(red, "png"),
        "palette.png": encoded(red.quantize(16), "png"),
        "alpha.png": encoded(alpha, "png"),
        "plain.jpg": encoded(red, "jpeg", **jpeg),
        "cmyk.jpg": encoded(red.convert("CMYK"), "jpeg", **jpeg),
        "turned.jpg": encoded(red.rotate(90), "jpeg", exif=exif, **jpeg),
        "plain.webp": encoded(red, "webp", lossless=True),
        "plain.gif": encoded(red, "gif"),
        "wrong-suffix.jpg": encoded(red, "png"),
    }


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_formats_look_alike(tmp_path):
    for name, blob in formats().items():
        for kind in ("a", "b"):
            (tmp_path / "d" / kind).mkdir(parents=True, exist_ok=True)
            (tmp_path / "d" / kind / name).write_bytes(blob)
    pictures, broken = load(tmp_path / "d")
    assert broken == ()
    pixels = pictures.fetch(torch.arange(len(pictures.paths))).float()
    reference = pixels[pictures.paths.index("a/plain.png")]
    for path, image in zip(pictures.paths, pixels, strict=True):
        bound = 40 if "cmyk" in path else 12  # conversion of inks is not exact
        assert (image - reference).abs().mean() < bound, path
        assert image[1, :6].mean() > image[1, 10:].mean() + 50, path  # the bright half is on top


def test_grey_and_sixteen_bits_are_read(tmp_path):
    ramp = np.tile(np.linspace(0, 255, 24), (24, 1))
    (tmp_path / "d" / "a").mkdir(parents=True)
    (tmp_path / "d" / "b").mkdir()
    Image.fromarray(ramp.round().astype(np.uint8)).save(tmp_path / "d" / "a" / "grey.png")
    Image.fromarray((ramp * 257).round().astype(np.uint16)).save(tmp_path / "d" / "b" / "deep.png")
    pictures, broken = load(tmp_path / "d")
    assert broken == ()
    grey, deep = pictures.fetch(torch.tensor([0, 1])).float()
    assert (grey - deep).abs().max() <= 2
    assert torch.equal(grey[0], grey[1])
    assert grey.max() - grey.min() > 220


def test_a_pack_is_made_anew_when_a_file_changes(colors, tmp_path):
    cache = tmp_path / "run" / "pack-train.u8"
    load(colors, cache=cache)
    Image.new("RGB", (20, 20), "white").save(colors / "red" / "00.png")
    pictures, _ = load(colors, cache=cache)
    assert mean_color(pictures, pictures.paths.index("red/00.png")) == [255, 255, 255]


def test_an_unfinished_pack_is_not_used(colors, tmp_path):
    cache = tmp_path / "run" / "pack-train.u8"
    folder = open_folder(colors, val_share=0.0)
    steps = loading_pictures(folder.archive, folder.train, 16, cache)
    assert [next(steps) for _ in range(5)] == [1, 2, 3, 4, 5]
    steps.close()
    assert not cache.with_suffix(".json").exists()
    pictures, _ = load(colors, cache=cache)
    assert mean_color(pictures, 29) == pytest.approx((210, 40, 30), abs=4)


def test_a_pack_in_use_is_not_written_to(colors, tmp_path):
    cache = tmp_path / "run" / "pack-train.u8"
    pictures, _ = load(colors, cache=cache)
    before = cache.read_bytes()
    pictures.pixels.zero_()
    assert cache.read_bytes() == before


def test_a_full_disk_means_no_pack(colors, tmp_path, monkeypatch):
    monkeypatch.setattr(pack, "DISK_RESERVE_BYTES", 1 << 62)
    pictures, _ = load(colors, cache=tmp_path / "pack-train.u8")
    assert isinstance(pictures, LivePictures)
    assert not (tmp_path / "pack-train.u8").exists()


def test_packs_are_deleted_with_their_descriptions(colors, tmp_path):
    load(colors, cache=tmp_path / "run" / "pack-train.u8")
    about = json.loads((tmp_path / "run" / "pack-train.json").read_text())
    assert about["broken"] == []
    (tmp_path / "run" / "other.txt").write_text("x")
    delete_packs(tmp_path / "run")
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["other.txt"]


def test_color_statistics_in_closed_form():
    random = torch.Generator().manual_seed(0)
    root = torch.tensor([[40.0, 0, 0], [20, 30, 0], [10, 5, 20]])
    pixels = (torch.randn(64, 16 * 16, 3, generator=random) @ root.T * 0.5 + 120).round().clamp(0, 255)
    images = pixels.view(64, 16, 16, 3).permute(0, 3, 1, 2).to(torch.uint8)
    pictures = PackedPictures(images, torch.zeros(64), tuple(map(str, range(64))), 16)
    mean, std, correlation = color_statistics(pictures)
    shown = images[:, :, ::2, ::2].permute(1, 0, 2, 3).reshape(3, -1).double() / 255
    assert mean == pytest.approx(shown.mean(1).tolist())
    assert std == pytest.approx(shown.std(1).tolist())
    matrix = torch.tensor(correlation, dtype=torch.float64)
    assert torch.allclose(matrix, matrix.T)
    assert torch.allclose(matrix @ matrix, torch.cov(shown), atol=1e-12)


def test_closing_early_stops_the_threads(colors, monkeypatch):
    decoded = []
    plain = pack.read_square

    def slow(*arguments):
        decoded.append(arguments)
        time.sleep(0.02)
        return plain(*arguments)

    monkeypatch.setattr(pack, "read_square", slow)
    folder = open_folder(colors, val_share=0.0)
    steps = loading_pictures(folder.archive, folder.train, 16)
    assert next(steps) == 1
    steps.close()
    count = len(decoded)
    assert count < len(folder.train) - 5
    time.sleep(0.1)
    assert len(decoded) == count
