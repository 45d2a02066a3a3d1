"""Small files that would eat the machine: each is refused by what its header says, or inflates no further than that."""

from __future__ import annotations

import io
import lzma
import resource
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from reverie.data.folder import Archive
from reverie.errors import PictureError
from reverie.media.budget import reading_within
from reverie.media.image import read_picture, read_square
from reverie.media.source import read_blob

COMPRESSORS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "lzma": (34925, lzma.compress), "zlib": (8, zlib.compress), "zstd": (50000, imagecodecs.zstd_encode),
}  # fmt: skip


def bomb(kind: str, megabytes: int) -> bytes:
    """A TIFF of 64 x 64 px of 16 bits whose one strip inflates to far more than its 24 kB."""
    code, compress = COMPRESSORS[kind]
    out = io.BytesIO()
    tifffile.imwrite(
        out, iter([compress(bytes(megabytes << 20))]), shape=(64, 64, 3), dtype="<u2", byteorder="<", photometric="rgb",
        rowsperstrip=64, compression=code, metadata=None,
    )  # fmt: skip
    return out.getvalue()


@pytest.mark.parametrize("kind", sorted(COMPRESSORS))
def test_strips_inflate_no_further_than_the_picture_needs(kind: str) -> None:
    blob = bomb(kind, 16)
    for read in (read_picture, lambda file: read_square(file, 16, "picture")):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            read(io.BytesIO(blob))
        except PictureError as error:
            assert "\n" not in str(error)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 12_000  # kB; all of it would be 16 MB


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", sorted(COMPRESSORS))
def test_the_peak_of_a_bomb_of_two_gigabytes(tmp_path: Path, kind: str) -> None:
    """As the test above, with what it is about: 2 GB, measured in a process of its own."""
    path = tmp_path / "bomb.tif"
    path.write_bytes(bomb(kind, 2048))
    text = (
        "import sys; from pathlib import Path; from reverie.media.image import read_picture\n"
        "try: read_picture(Path(sys.argv[1]))\nexcept ValueError: pass\nexcept Exception as error: print(error)\n"
        "print(next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')))"
    )
    ran = subprocess.run([sys.executable, "-c", text, str(path)], capture_output=True, text=True, check=True)
    assert int(ran.stdout.splitlines()[-1]) < 200_000


def test_a_tile_that_is_larger_than_its_picture_is_refused() -> None:
    out = io.BytesIO()
    tifffile.imwrite(out, np.zeros((16, 16, 3), np.uint16), photometric="rgb", tile=(16, 16), compression="zlib")
    out.seek(0)
    with tifffile.TiffFile(out, mode="r+b") as file:  # type: ignore[arg-type]
        for name in ("TileWidth", "TileLength"):
            file.pages.first.tags[name].overwrite(60_000)
    with pytest.raises(PictureError, match="tiles of"):
        read_picture(io.BytesIO(out.getvalue()))


def test_a_jpeg_2000_that_names_two_sizes_is_refused() -> None:
    """The size in the container is small, that of the stream huge: the stream is what is decoded."""
    samples = np.zeros((8, 8), np.uint16)
    blob = bytearray(imagecodecs.jpeg2k_encode(samples, codecformat="jp2", level=0))
    at = blob.find(b"\xff\x4f\xff\x51")
    struct.pack_into(">2I", blob, at + 8, 60_000, 60_000)
    with pytest.raises(PictureError):
        read_picture(io.BytesIO(bytes(blob)))


def test_members_of_a_data_set_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/bomb.png", bytes(64 << 20))
        out = io.BytesIO()
        Image.new("RGB", (8, 8)).save(out, "PNG")
        archive.writestr("a/fine.png", out.getvalue())
    assert path.stat().st_size < 1 << 20
    found = Archive(path)
    with reading_within(256e6):
        with pytest.raises(PictureError, match="unpacks to more than 30 MiB"):
            found.read("a/bomb.png")
        assert found.read("a/fine.png") == out.getvalue()
    with (tmp_path / "sparse.png").open("wb") as file:
        file.truncate(4 << 30)
    with reading_within(256e6), pytest.raises(PictureError, match="more than 30 MiB"):
        Archive(tmp_path).read("sparse.png")


def test_a_large_file_that_is_no_picture_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sparse.png"
    with path.open("wb") as file:
        file.truncate(3 << 30)

    def whole(*_: object) -> None:
        raise AssertionError("all of it was read")

    monkeypatch.setattr("reverie.media.image.read_blob", whole)
    with pytest.raises(PictureError, match="is not a picture"):
        read_picture(path)


def test_a_file_beyond_all_pictures_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(4 << 30)
    with pytest.raises(PictureError, match="no picture of"):
        read_blob(path, "", 1_000_000)
