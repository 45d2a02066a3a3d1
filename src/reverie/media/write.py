"""Write pictures: whole or not at all, the same bytes every time, carrying their settings and nothing else.

Nothing is copied from any source picture, so no place, device or color profile survives; colors are sRGB.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from reverie.errors import InputError, OutputError
from reverie.media.deep import to_uint8, to_uint16, to_unit
from reverie.media.metadata import KEY, SOFTWARE, ascii_only, enclosed, exif_block, settings_text
from reverie.media.png16 import encode_png16
from reverie.media.suffixes import DEEP
from reverie.media.tiff import encode_tiff
from reverie.weights.atomic import write_bytes
from reverie.weights.file_names import part_prefix

FULL_COLOR_QUALITY = 90
"""From this quality on, JPEG and AVIF keep color at full resolution: saturated dreams show 4:2:0 at every edge."""
EFFORT, QUICK = 6, 1  # of zlib: for what is kept, and for frames that are soon removed
JPEG_EXIF_BYTES = 65_533 - 6  # a segment's length field counts itself, and "Exif\0\0" comes first


@dataclass(frozen=True)
class Job:
    """What an encoder gets: color and alpha in [0, 1], the settings as JSON or None, bits per sample, quality.

    `effort` is how hard zlib tries in a PNG of 8 bits, 1 to 9; pixels do not depend on it.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None
    text: str | None
    bits: int
    quality: int
    effort: int


def write_picture(
    path: Path | str,
    rgb: np.ndarray,
    *,
    alpha: np.ndarray | None = None,
    settings: Mapping[str, Any] | None = None,
    bits: int = 8,
    quality: int = 92,
    effort: int = EFFORT,
) -> None:
    """Write ``[H, W, 3]`` sRGB in [0, 1] (or uint8) in the format of the suffix, atomically.

    PNG, WebP, AVIF and TIFF keep `alpha` (``[H, W]``); JPEG is laid on white. TIFF always has 16 bits, PNG on request
    (`bits`), the others 8. `quality` (1 to 100) matters to JPEG, WebP and AVIF. `settings` must fit into JSON. A small
    `effort` writes a larger PNG of 8 bits sooner.

    Raises:
        InputError: unknown suffix, unfit array, bits or quality, or settings that cannot be stored.
        OutputError: no folder, no permission, no space, or a size the format cannot hold; nothing is left behind.
    """
    target = Path(path)
    blob = encode_picture(target.name, rgb, alpha=alpha, settings=settings, bits=bits, quality=quality, effort=effort)
    write_bytes(target, blob)


def encode_picture(
    name: str,
    rgb: np.ndarray,
    *,
    alpha: np.ndarray | None = None,
    settings: Mapping[str, Any] | None = None,
    bits: int = 8,
    quality: int = 92,
    effort: int = EFFORT,
) -> bytes:
    """Return the bytes that `write_picture` would write to a file called `name`.

    Raises:
        InputError, OutputError: as `write_picture`.
    """
    suffix = _known_suffix(Path(name))
    _check_arguments(suffix, rgb, alpha, bits, quality)
    text = None if settings is None else _fitting_text(suffix, settings)
    job = Job(to_unit(rgb), None if alpha is None else to_unit(alpha), text, bits, quality, effort)
    try:
        return ENCODERS[suffix](job)
    except Exception as error:  # encoders raise OSError, ValueError, struct.error, RuntimeError and others
        height, width = rgb.shape[:2]
        raise OutputError(
            f"cannot write '{name}': {suffix} does not hold {width} x {height} pixels or failed ({error}); try .png"
        ) from error


def check_writable(path: Path | str, settings: Mapping[str, Any] | None = None) -> None:
    """Check before hours of work that `write_picture` will succeed; leaves nothing behind.

    Raises:
        InputError: unknown suffix, settings that cannot be stored in that format, a folder or device, or no folder.
        OutputError: the folder cannot be written to.
    """
    target = Path(path)
    suffix = _known_suffix(target)
    if settings is not None:
        _fitting_text(suffix, settings)
    check_place(target)


def check_place(target: Path) -> None:
    """Check that a file of that name can appear in its folder; leaves nothing behind.

    Raises:
        OutputError: the target is a folder, or its folder is missing or cannot be written to.
    """
    try:
        if target.is_dir():
            raise InputError(f"cannot write '{target}': it is a folder; expected a file name in it")
        if target.exists() and not target.is_file():
            raise InputError(f"cannot write '{target}': it is a device or a pipe; -o - writes to standard output")
        if not target.parent.is_dir():
            raise InputError(f"cannot write '{target}': there is no folder '{target.parent}'; make it first")
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=part_prefix(target.name), suffix=".part"):
            pass
    except OSError as error:
        raise OutputError(f"cannot write '{target}': {error.strerror or error}") from error


def _known_suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in ENCODERS:
        given = (
            f"'{path.suffix}' is no format Reverie writes"
            if suffix
            else "the name has no format: add .png, or end it with / for a folder"
        )
        raise InputError(f"cannot write '{path}': {given}; known: {', '.join(ENCODERS)}")
    return suffix


def _fitting_text(suffix: str, settings: Mapping[str, Any]) -> str:
    text = settings_text(settings)
    if suffix in (".jpg", ".jpeg") and len(exif_block(text)) > JPEG_EXIF_BYTES:
        raise InputError(f"the settings ({len(text):,} characters) do not fit into a JPEG (about 32,000); write .png")
    return text


def _check_arguments(suffix: str, rgb: np.ndarray, alpha: np.ndarray | None, bits: int, quality: int) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise InputError(f"a picture to write has shape {rgb.shape}; expected [height, width, 3]")
    if alpha is not None and alpha.shape != rgb.shape[:2]:
        raise InputError(f"alpha has shape {alpha.shape}; expected {rgb.shape[:2]}, like the picture")
    if any(a is not None and a.dtype.kind != "f" and a.dtype != np.uint8 for a in (rgb, alpha)):
        raise InputError(f"a picture to write has dtype {rgb.dtype}; expected floats in [0, 1] or uint8")
    if bits not in (8, 16) or (bits == 16 and suffix not in DEEP):
        raise InputError(f"{suffix} with {bits} bits is not possible; 16 bits go into .png, .tif or .tiff, 8 into all")
    if not 1 <= quality <= 100:
        raise InputError(f"quality is {quality}; expected 1 to 100")


def _png(job: Job) -> bytes:
    texts = {"Software": SOFTWARE} | ({} if job.text is None else {KEY: job.text})
    if job.bits == 16:
        return encode_png16(_layers(job, to_uint16), texts)
    info = PngImagePlugin.PngInfo()
    for keyword, text in texts.items():
        info.add_itxt(keyword, text)
    return _saved(Image.fromarray(_layers(job, to_uint8)), "PNG", pnginfo=info, compress_level=job.effort)


def _jpeg(job: Job) -> bytes:
    rgb = job.rgb
    if job.alpha is not None:
        alpha = job.alpha[..., None]
        rgb = rgb * alpha + (1 - alpha)
    subsampling = 0 if job.quality >= FULL_COLOR_QUALITY else 2
    image = Image.fromarray(to_uint8(rgb))
    return _saved(image, "JPEG", quality=job.quality, subsampling=subsampling, optimize=True, exif=exif_block(job.text))


def _webp(job: Job) -> bytes:
    image = Image.fromarray(_layers(job, to_uint8))
    # exact: color under transparent pixels is kept, as in every other format.
    return _saved(image, "WEBP", quality=job.quality, method=4, exact=True, exif=exif_block(job.text))


def _avif(job: Job) -> bytes:
    image = Image.fromarray(_layers(job, to_uint8))
    subsampling = "4:4:4" if job.quality >= FULL_COLOR_QUALITY else "4:2:0"
    # Automatic tiling depends on the number of threads, and so would the bytes.
    return _saved(
        image, "AVIF", quality=job.quality, subsampling=subsampling, autotiling=False, exif=exif_block(job.text)
    )


def _tiff(job: Job) -> bytes:
    return encode_tiff(_layers(job, to_uint16), "" if job.text is None else enclosed(ascii_only(job.text)))


ENCODERS: dict[str, Callable[[Job], bytes]] = {
    ".png": _png,
    ".jpg": _jpeg,
    ".jpeg": _jpeg,
    ".webp": _webp,
    ".avif": _avif,
    ".tif": _tiff,
    ".tiff": _tiff,
}


def _layers(job: Job, quantize: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    rgb = quantize(job.rgb)
    return rgb if job.alpha is None else np.dstack([rgb, quantize(job.alpha)])


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
