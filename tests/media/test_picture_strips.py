"""Large pictures strip by strip: the same pixels as `read_picture` gives, the same that `write_picture` keeps."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from reverie.errors import InputError, OutputError, PictureError
from reverie.media import strips
from reverie.media.image import read_picture
from reverie.media.metadata import read_settings
from reverie.media.strips import store_picture, upright_size, write_strips
from reverie.media.write import write_picture

RANDOM = np.random.default_rng(0)
HEIGHT, WIDTH = 150, 37
BYTES = RANDOM.integers(0, 256, (HEIGHT, WIDTH, 4), dtype=np.uint8)
DEEP = RANDOM.integers(0, 65536, (HEIGHT, WIDTH, 4), dtype=np.uint16)
SETTINGS = {"tool": "dream", "note": "Träume, 夢"}


def same(path: Path, folder: Path) -> None:
    """Compare a picture read in strips with the picture read whole."""
    whole = read_picture(path)
    stored = store_picture(path, folder)
    assert stored.rgb.size == whole.rgb.shape[:2] == upright_size(path)
    assert np.array_equal(stored.rgb.rows(0, stored.rgb.size[0]), whole.rgb)
    assert (stored.bits, stored.sha256, stored.name) == (whole.bits, whole.sha256, whole.name)
    if whole.alpha is not None:
        assert stored.alpha is not None
        assert np.array_equal(stored.alpha.rows(0, stored.alpha.size[0])[..., 0], whole.alpha)
    stored.close()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I;16"])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_every_mode_is_read_as_in_one_piece(tmp_path, mode, suffix):
    if (mode, suffix) in (("CMYK", ".png"), ("LA", ".tif")):
        pytest.skip("there is no such file")
    image = Image.fromarray(DEEP[..., 0]) if mode == "I;16" else Image.fromarray(BYTES).convert(mode)
    image.save(tmp_path / f"a{suffix}")
    same(tmp_path / f"a{suffix}", tmp_path)


@pytest.mark.parametrize("code", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_every_orientation_is_turned_upright(tmp_path, code, suffix):
    exif = Image.Exif()
    exif[0x0112] = code
    Image.fromarray(BYTES[..., :3]).save(tmp_path / f"a{suffix}", exif=exif)
    same(tmp_path / f"a{suffix}", tmp_path)


@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bits_are_kept(tmp_path, channels):
    values = DEEP[..., :channels] / np.float32(65535)
    alpha = values[..., 3] if channels == 4 else None
    write_picture(tmp_path / "a.png", values[..., :3], alpha=alpha, bits=16)
    write_picture(tmp_path / "a.tif", values[..., :3], alpha=alpha)
    tifffile.imwrite(tmp_path / "turned.tif", DEEP[..., :3], photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    for name in ("a.png", "a.tif", "turned.tif"):
        same(tmp_path / name, tmp_path)


def test_colors_of_another_profile_are_converted(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(BYTES[..., :3]).save(tmp_path / "srgb.png", icc_profile=profile)
    Image.fromarray(BYTES[..., :3]).convert("LAB").save(tmp_path / "lab.tif")
    same(tmp_path / "srgb.png", tmp_path)
    same(tmp_path / "lab.tif", tmp_path)


def test_what_cannot_be_read_is_said_as_for_small_pictures(tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    Image.fromarray(BYTES[..., :3]).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:5000])
    tifffile.imwrite(tmp_path / "float.tif", BYTES[..., 0].astype(np.float32))
    for name, words in (("text.jpg", "not a picture"), ("cut.png", "cut short"), ("float.tif", "8 or 16 bits")):
        with pytest.raises(PictureError, match=words):
            store_picture(tmp_path / name, tmp_path)


def header_only(path: Path, width: int, height: int) -> Path:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 100) + b"IDAT")
    return path


def test_the_number_of_pixels_is_bounded_before_anything_is_decoded(tmp_path, monkeypatch):
    bomb = header_only(tmp_path / "bomb.png", 40_000, 40_000)
    for read in (upright_size, store_picture):
        with pytest.raises(PictureError, match=r"1,600,000,000 pixels, more than the limit of 200,000,000"):
            read(bomb)
    monkeypatch.setenv("REVERIE_MAX_PIXELS", "2000000000")
    assert upright_size(bomb) == (40_000, 40_000)


def pieces(rgb: np.ndarray, rows: int = 29):
    return (rgb[top : top + rows] for top in range(0, len(rgb), rows))


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize(("suffix", "bits"), [(".png", 8), (".png", 16), (".tif", 16), (".jpg", 8)])
def test_what_is_written_in_strips_is_what_is_written_whole(tmp_path, suffix, bits, channels):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    rgba = np.stack([x / WIDTH, y / HEIGHT, 0.5 + 0 * x, 0.2 + 0.8 * x / WIDTH], axis=-1)
    path, other = tmp_path / f"strips{suffix}", tmp_path / f"whole{suffix}"
    write_strips(path, pieces(rgba[..., :channels]), (HEIGHT, WIDTH), channels, settings=SETTINGS, bits=bits)
    alpha = rgba[..., 3] if channels == 4 else None
    write_picture(other, rgba[..., :3], alpha=alpha, settings=SETTINGS, bits=bits)
    found, expected = read_picture(path), read_picture(other)
    assert np.array_equal(found.rgb, expected.rgb)
    assert found.bits == expected.bits
    assert (found.alpha is None) == (expected.alpha is None)
    if found.alpha is not None and expected.alpha is not None:
        assert np.array_equal(found.alpha, expected.alpha)
    assert read_settings(path) == SETTINGS
    if suffix == ".tif":
        assert np.array_equal(tifffile.imread(path), tifffile.imread(other))


def test_strips_may_come_in_any_height(tmp_path):
    rgb = (BYTES[..., :3] / np.float32(255)).astype(np.float32)
    blobs = set()
    for rows in (1, 64, 1000):
        write_strips(tmp_path / "a.tif", pieces(rgb, rows), (HEIGHT, WIDTH), 3, settings={})
        write_strips(tmp_path / "a.png", pieces(rgb, rows), (HEIGHT, WIDTH), 3, settings={})
        blobs.add((tmp_path / "a.tif").read_bytes())
        assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), BYTES[..., :3])
    assert len(blobs) == 1


def test_a_writer_that_fails_leaves_what_was_there(tmp_path):
    target = tmp_path / "a.png"
    target.write_bytes(b"before")

    def broken():
        yield np.zeros((10, WIDTH, 3), np.float32)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_strips(target, broken(), (HEIGHT, WIDTH), 3, settings={})
    assert target.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    with pytest.raises(InputError, match="png, tiff or jpg"):
        write_strips(tmp_path / "a.webp", pieces(DEEP), (HEIGHT, WIDTH), 3, settings={})
    with pytest.raises(OutputError, match="does not hold 70000 x 10 pixels"):
        write_strips(tmp_path / "a.jpg", iter(()), (10, 70_000), 3, settings={})
    assert strips.STRIP_SUFFIXES == (".png", ".tif", ".tiff", ".jpg", ".jpeg")
