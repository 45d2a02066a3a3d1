"""Writing: what comes back, that it is always the same, and what never gets in."""

from __future__ import annotations

import errno
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reverie.errors import InputError, OutputError, PictureError
from reverie.media.image import read_picture, to_uint8
from reverie.media.metadata import MAX_SETTINGS_BYTES, read_settings
from reverie.media.write import ENCODERS, check_writable, encode_picture, write_picture

Y, X = np.mgrid[0:40, 0:56]
RGB = np.stack([X / 55, Y / 39, 0.3 + 0.4 * (X + Y) / 94], axis=-1).astype(np.float32)
ALPHA = (X / 55).astype(np.float32)
SETTINGS = {"tool": "dream", "seed": 7, "lr": 0.05, "note": 'Träume, 夢, 🌀, "quoted" \\', "none": None}
SUFFIXES = sorted(ENCODERS)


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".PNG", ".JPG"])
def test_round_trip(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    write_picture(path, RGB, settings=SETTINGS)
    picture = read_picture(path)
    bound = {".png": 0.51 / 255, ".tif": 1e-5, ".tiff": 1e-5}.get(suffix.lower(), 0.04)
    assert np.abs(picture.rgb - RGB).max() < bound
    assert read_settings(path) == SETTINGS and list(read_settings(path)) == list(SETTINGS)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits(tmp_path: Path, suffix: str, channels: int) -> None:
    random = np.random.default_rng(6)
    rgb = random.random((31, 17, 3), np.float32)
    alpha = random.random((31, 17), np.float32) if channels == 4 else None
    write_picture(tmp_path / f"a{suffix}", rgb, alpha=alpha, bits=16, settings=SETTINGS)
    picture = read_picture(tmp_path / f"a{suffix}")
    assert picture.bits == 16 and np.abs(picture.rgb - rgb).max() < 1 / 120000
    if alpha is not None:
        assert picture.alpha is not None and np.abs(picture.alpha - alpha).max() < 1 / 120000
    assert read_settings(tmp_path / f"a{suffix}") == SETTINGS
    with Image.open(tmp_path / f"a{suffix}") as image:  # an independent, if coarser, reader
        assert np.abs(np.asarray(image.convert("RGB")) / 255 - rgb).max() < 1.1 / 255


@pytest.mark.parametrize("suffix", [".png", ".webp", ".avif", ".tif"])
def test_alpha_is_kept(suffix: str) -> None:
    picture = read_picture(io.BytesIO(encode_picture(f"a{suffix}", RGB, alpha=ALPHA)))
    assert picture.alpha is not None and np.abs(picture.alpha - ALPHA).max() < 0.02


def test_jpeg_lays_alpha_on_white() -> None:
    rgb = np.zeros((16, 16, 3), np.float32)
    picture = read_picture(io.BytesIO(encode_picture("a.jpg", rgb, alpha=np.full((16, 16), 0.25, np.float32))))
    assert picture.alpha is None and np.abs(picture.rgb - 0.75).max() < 0.01


def test_quality_and_uint8() -> None:
    for suffix in (".jpg", ".webp", ".avif"):
        assert len(encode_picture(f"a{suffix}", RGB, quality=20)) < len(encode_picture(f"a{suffix}", RGB, quality=95))
    pixels = np.random.default_rng(7).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    assert np.array_equal(to_uint8(read_picture(io.BytesIO(encode_picture("a.png", pixels))).rgb), pixels)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_same_input_same_bytes(suffix: str, bits: int) -> None:
    if bits == 16 and suffix not in (".png", ".tif", ".tiff"):
        with pytest.raises(InputError, match="16 bits"):
            encode_picture(f"a{suffix}", RGB, bits=bits)
        return
    first, second = (encode_picture(f"a{suffix}", RGB, settings=SETTINGS, bits=bits) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_long_settings(tmp_path: Path, suffix: str) -> None:
    settings = {"text": "é" * 10_000, "list": list(range(2000))}
    assert len(json.dumps(settings, ensure_ascii=False).encode()) > 20_000
    write_picture(tmp_path / f"a{suffix}", RGB, settings=settings)
    assert read_settings(tmp_path / f"a{suffix}") == settings


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_undecodable_file_names_survive(tmp_path: Path, suffix: str) -> None:
    settings = {"input": "caf\udce9.jpg", "other": "夢"}
    write_picture(tmp_path / f"a{suffix}", RGB, settings=settings)
    assert read_settings(tmp_path / f"a{suffix}") == settings


def test_settings_that_cannot_be_stored(tmp_path: Path) -> None:
    for settings in ({"a": Path("x")}, {"a": float("nan")}, {"a": "x" * (MAX_SETTINGS_BYTES + 1)}):
        with pytest.raises(InputError, match="settings"):
            encode_picture("a.png", RGB, settings=settings)
    for act in (lambda s: encode_picture("a.jpg", RGB, settings=s), lambda s: check_writable(tmp_path / "a.jpg", s)):
        with pytest.raises(InputError, match="JPEG"):
            act({"a": "x" * 40_000})
    check_writable(tmp_path / "a.png", {"a": "x" * 40_000})


def test_no_settings_inside(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        write_picture(tmp_path / f"a{suffix}", RGB)
        with pytest.raises(PictureError, match="was not made by Reverie or its metadata was stripped"):
            read_settings(tmp_path / f"a{suffix}")


def test_damaged_settings(tmp_path: Path) -> None:
    for suffix, encoding in ((".png", "utf-8"), (".jpg", "utf-16-be"), (".tif", "ascii")):
        blob = encode_picture(f"a{suffix}", RGB, settings={"seed": 12345})
        broken = blob.replace('"seed": 12345'.encode(encoding), '"seed": 12,,5'.encode(encoding))
        assert broken != blob
        if suffix == ".png":  # the checksum of the chunk would be noticed first
            broken = png_with_text("reverie", "{oops")
        (tmp_path / f"a{suffix}").write_bytes(broken)
        with pytest.raises(PictureError, match="damaged"):
            read_settings(tmp_path / f"a{suffix}")


def png_with_text(keyword: str, text: str) -> bytes:
    from PIL import PngImagePlugin

    info, out = PngImagePlugin.PngInfo(), io.BytesIO()
    info.add_itxt(keyword, text)
    Image.new("RGB", (4, 4)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def test_settings_after_an_editor_changed_the_byte_order(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + '{"reverie": {"seed": 3}}'.encode("utf-16-le")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", exif=exif)
    assert read_settings(tmp_path / "a.jpg") == {"seed": 3}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_place_and_device_do_not_survive(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "SecretMaker", "SecretModel"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.5), 3: "E", 4: (13.0, 24.0, 36.0)})
    source = tmp_path / "source.jpg"
    Image.fromarray(to_uint8(RGB)).save(source, exif=exif)
    with Image.open(source) as tagged:
        assert tagged.getexif().get_ifd(0x8825) and b"SecretMaker" in source.read_bytes()
    picture = read_picture(source)
    write_picture(tmp_path / f"out{suffix}", picture.rgb, alpha=picture.alpha, settings=SETTINGS)
    assert b"Secret" not in (tmp_path / f"out{suffix}").read_bytes()
    with Image.open(tmp_path / f"out{suffix}") as written:
        tags = written.getexif()
        assert not tags.get_ifd(0x8825) and 0x010F not in tags and 0x0132 not in tags
        assert "icc_profile" not in written.info


def test_software_is_named(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        for settings in (None, SETTINGS):
            write_picture(tmp_path / f"a{suffix}", RGB, settings=settings)
            with Image.open(tmp_path / f"a{suffix}") as image:
                assert "Reverie" in (image.info.get("Software"), image.getexif().get(0x0131))


@pytest.mark.parametrize("name", ["a.gif", "a.heic", "a", ".png"])
def test_unknown_suffix(tmp_path: Path, name: str) -> None:
    for act in (lambda: write_picture(tmp_path / name, RGB), lambda: check_writable(tmp_path / name)):
        with pytest.raises(InputError, match=r"\.png, \.jpg, \.jpeg, \.webp, \.avif, \.tif, \.tiff"):
            act()


def test_unfit_arrays() -> None:
    for rgb, alpha in ((RGB[..., 0], None), (RGB[:0], None), (RGB, ALPHA[1:]), (RGB.astype(np.int32), None)):
        with pytest.raises(InputError, match="expected"):
            encode_picture("a.png", rgb, alpha=alpha)
    with pytest.raises(InputError, match="quality"):
        encode_picture("a.jpg", RGB, quality=0)


def test_a_size_the_format_cannot_hold() -> None:
    with pytest.raises(OutputError, match=r"\.webp does not hold 20000 x 1"):
        encode_picture("a.webp", np.zeros((1, 20000, 3), np.float32))


def test_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "kept.png").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    for name in ("new.png", "kept.png"):
        with pytest.raises(OutputError, match="No space left"):
            write_picture(tmp_path / name, RGB)
    assert [p.name for p in tmp_path.iterdir()] == ["kept.png"] and (tmp_path / "kept.png").read_bytes() == b"old"


def test_check_writable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    before = sorted(tmp_path.iterdir())
    check_writable(tmp_path / "fine.png")
    for bad in (tmp_path / "file" / "a.png", tmp_path / "missing" / "a.png", tmp_path / "folder.png"):
        for act in (lambda p=bad: check_writable(p), lambda p=bad: write_picture(p, RGB)):
            with pytest.raises((InputError, OutputError), match="cannot write"):
                act()
    with pytest.raises(OutputError, match="too long"):
        check_writable(tmp_path / ("x" * 300 + ".png"))
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names there")
def test_pipes_and_devices_are_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(InputError, match="it is a device or a pipe"):
        check_writable(tmp_path / "a.png")
    assert (tmp_path / "a.png").is_fifo()
