"""Read and write pictures too large to hold as floats: strip by strip, between files and stores.

Decoders and encoders still work on the whole picture in their own compact form (Pillow: four bytes a pixel); what is
avoided are the copies in floats, of twelve bytes a pixel each.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from reverie.errors import InputError, OutputError, PictureError
from reverie.media.deep import to_uint8, to_uint16
from reverie.media.image import HIDDEN
from reverie.media.metadata import KEY, SOFTWARE, ascii_only, enclosed, exif_block, settings_text
from reverie.media.pixels import open_pixels
from reverie.media.png16 import write_png
from reverie.media.source import opened_file, pixel_limit, reading
from reverie.media.store import Store
from reverie.weights.atomic import whole_file

STRIP_ROWS = 64
JPEG_MAX_PX = 65_500  # of libjpeg
STRIP_SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg")


@dataclass(frozen=True, eq=False)
class StoredPicture:
    """A decoded picture on disk; the fields are those of `reverie.media.image.Picture`."""

    rgb: Store
    alpha: Store | None
    bits: int
    sha256: str
    name: str

    def close(self) -> None:
        """Give the space back."""
        self.rgb.close()
        if self.alpha is not None:
            self.alpha.close()


def upright_size(path: Path | str) -> tuple[int, int]:
    """Return height and width as `read_picture` would give them, from the header alone.

    Raises:
        PictureError: as `read_picture`, as far as the header shows it.
    """
    with opened_file(path) as (label, stream), reading(label):
        return open_pixels(stream, label, pixel_limit()).upright


def store_picture(path: Path | str, folder: Path | None = None) -> StoredPicture:
    """Read a picture upright and in sRGB into stores in `folder`; as precise as `read_picture`.

    Raises:
        PictureError: as `read_picture`, or samples of a type that only smaller pictures may have.
        OutputError: no space in `folder`.
    """
    limit = pixel_limit()
    with opened_file(path) as (label, stream):
        digest = _digest(stream)
        with reading(label):
            found = open_pixels(stream, label, limit)
            rows, dtype = found.rows()
            check_plain(dtype, label)
            height = found.size[0]
            rgb = Store(found.upright, 3, folder)
            alpha = Store(rgb.size, 1, folder) if rows(0, 1)[1] is not None else None
            for top in range(0, height, STRIP_ROWS):
                color, layer = rows(top, min(top + STRIP_ROWS, height))
                if layer is not None:
                    color[layer <= 0] = HIDDEN
                _put(rgb, color, top, found.orientation)
                if alpha is not None and layer is not None:
                    _put(alpha, layer[..., None], top, found.orientation)
    return StoredPicture(rgb, alpha, found.bits, digest, Path(label).name)


def write_strips(
    path: Path | str, strips: Iterable[np.ndarray], size: tuple[int, int], channels: int, *,
    settings: Mapping[str, Any], bits: int = 8, quality: int = 92,
) -> None:  # fmt: skip
    """Write strips ``[n, W, 3 or 4]`` of floats in [0, 1], whole or not at all; the fourth channel is alpha.

    TIFF always has 16 bits, PNG on request, JPEG lies on white, as in `reverie.media.write`.

    Raises:
        InputError: a suffix other than PNG, TIFF and JPEG.
        OutputError: no space, no permission, or a size that the format cannot hold.
    """
    target, text = Path(path), settings_text(settings)
    suffix = target.suffix.lower()
    check_strip_target(target, size)
    with whole_file(target) as file:
        try:
            if suffix == ".png":
                quantize = to_uint16 if bits == 16 else to_uint8
                texts = {"Software": SOFTWARE, KEY: text}
                write_png(file, map(quantize, strips), size, channels, 16 if bits == 16 else 8, texts)
            elif suffix in (".jpg", ".jpeg"):
                _write_jpeg(file, strips, size, text, quality)
            else:
                _write_tiff(file, strips, size, channels, text)
        except (ValueError, RuntimeError) as error:
            raise OutputError(
                f"cannot write '{target}': {suffix} does not hold {size[1]} x {size[0]} pixels"
            ) from error


def check_strip_target(target: Path, size: tuple[int, int]) -> None:
    """Check before hours of work that a picture of this size can be written strip by strip under this name.

    Raises:
        InputError: a format other than PNG, TIFF and JPEG.
        OutputError: a size that the format cannot hold.
    """
    suffix = target.suffix.lower()
    if suffix not in STRIP_SUFFIXES:
        raise InputError(f"a picture this large is written as png, tiff or jpg; got '{target.name}'")
    if suffix in (".jpg", ".jpeg") and max(size) > JPEG_MAX_PX:
        raise OutputError(f"cannot write '{target}': {suffix} does not hold {size[1]} x {size[0]} pixels; try .png")


def _digest(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := stream.read(1 << 20):
        digest.update(piece)
    stream.seek(0)
    return digest.hexdigest()


def check_plain(dtype: np.dtype[Any], name: str) -> None:
    """Refuse samples whose range is known only when all of them have been seen."""
    if dtype not in (np.uint8, np.uint16):
        raise PictureError(f"'{name}' has samples of type {dtype}; a picture this large must have 8 or 16 bits each")


def _put(store: Store, rows: np.ndarray, top: int, orientation: int) -> None:
    """Write rows of a picture as stored to where they stand upright; see `reverie.media.image` for the codes."""
    height, width = store.size
    if orientation > 4:
        rows = rows.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        rows = rows[::-1]
    if orientation in (2, 3, 6, 7):
        rows = rows[:, ::-1]
    count = rows.shape[1] if orientation > 4 else rows.shape[0]
    if orientation > 4:
        store.put_window(0, width - top - count if orientation in (6, 7) else top, rows)
    else:
        store.put_rows(height - top - count if orientation in (3, 4) else top, rows)


def _write_jpeg(file: BinaryIO, strips: Iterable[np.ndarray], size: tuple[int, int], text: str, quality: int) -> None:
    from reverie.media.write import FULL_COLOR_QUALITY

    image, top = Image.new("RGB", (size[1], size[0])), 0
    for strip in strips:
        if strip.shape[2] == 4:
            strip = strip[..., :3] * strip[..., 3:] + (1 - strip[..., 3:])
        image.paste(Image.fromarray(to_uint8(strip)), (0, top))
        top += len(strip)
    subsampling = 0 if quality >= FULL_COLOR_QUALITY else 2
    # optimize would keep every coefficient of the picture in memory
    image.save(file, "JPEG", quality=quality, subsampling=subsampling, exif=exif_block(text))


def _write_tiff(file: BinaryIO, strips: Iterable[np.ndarray], size: tuple[int, int], channels: int, text: str) -> None:
    import tifffile

    tifffile.imwrite(
        file, map(_compressed, _regular(strips)), shape=(*size, channels), dtype="<u2", byteorder="<",
        photometric="rgb", extrasamples=["unassalpha"] if channels == 4 else None, rowsperstrip=STRIP_ROWS,
        compression="zlib", predictor=True, description=enclosed(ascii_only(text)), metadata=None, software="Reverie",
    )  # fmt: skip


def _compressed(rows: np.ndarray) -> bytes:
    """Return rows as differences to their left neighbor, deflated. Source: TIFF 6.0, section 14."""
    differences = rows.astype("<u2")
    differences[:, 1:] -= rows[:, :-1]
    return zlib.compress(differences.tobytes(), 6)


def _regular(strips: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield 16-bit strips of `STRIP_ROWS` rows each, whatever comes in; the last may be shorter."""
    kept: list[np.ndarray] = []
    for strip in strips:
        kept.append(to_uint16(strip))
        while sum(len(s) for s in kept) >= STRIP_ROWS:
            joined = np.concatenate(kept)
            yield joined[:STRIP_ROWS]
            kept = [joined[STRIP_ROWS:]]
    rest = np.concatenate(kept) if kept else None
    if rest is not None and len(rest):
        yield rest
