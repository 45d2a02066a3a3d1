"""The settings that made a picture, carried inside it and read back.

PNG holds them as iTXt `reverie`; JPEG, WebP and AVIF as EXIF UserComment; TIFF as ImageDescription; GIF and videos as
a comment. All but PNG's are shared with other programs, so there the settings stand inside ``{"reverie": ...}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageFile

from reverie.errors import InputError, PictureError
from reverie.media.source import open_picture, opened_file, pixel_limit, reading
from reverie.media.suffixes import VIDEOS_WRITTEN

KEY = "reverie"
SOFTWARE = "Reverie"
MAX_SETTINGS_BYTES = 1 << 20
IMAGE_DESCRIPTION, SOFTWARE_TAG, EXIF_IFD, USER_COMMENT = 0x010E, 0x0131, 0x8769, 0x9286
UNICODE = b"UNICODE\0"


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return settings as one line of JSON.

    Raises:
        InputError: a value that JSON cannot hold, or more than `MAX_SETTINGS_BYTES`.
    """
    try:
        text = json.dumps(dict(settings), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the settings cannot be stored as JSON ({error})") from error
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        text = json.dumps(dict(settings), allow_nan=False)  # half a surrogate pair, as in undecodable file names
    size = len(text.encode("utf-8"))
    if size > MAX_SETTINGS_BYTES:
        raise InputError(f"the settings are {size:,} bytes; a picture carries at most {MAX_SETTINGS_BYTES:,}")
    return text


def enclosed(text: str) -> str:
    """Return settings as they stand in fields that other programs use as well."""
    return f'{{"{KEY}": {text}}}'


def ascii_only(text: str) -> str:
    """Return the same JSON without any character beyond ASCII, the only ones a TIFF tag allows."""
    return json.dumps(json.loads(text))


def exif_block(text: str | None) -> bytes:
    """Return an EXIF block with nothing in it but the program's name and, if given, the settings."""
    exif = Image.Exif()
    exif[SOFTWARE_TAG] = SOFTWARE
    if text is not None:
        exif.get_ifd(EXIF_IFD)[USER_COMMENT] = UNICODE + enclosed(text).encode("utf-16-be")
    return exif.tobytes()


def read_settings(path: Path | str) -> dict[str, Any]:
    """Return the settings stored in a picture or video that Reverie wrote.

    Raises:
        PictureError: not a readable picture, no settings inside, or settings that are damaged.
        VideoError: not a readable video.
    """
    if Path(path).suffix.lower() in VIDEOS_WRITTEN:
        return _video_settings(Path(path))
    with opened_file(path) as (label, stream), reading(label):
        image = open_picture(stream, label, pixel_limit())
        own = image.info.get(KEY) if image.format == "PNG" else None
        if isinstance(own, str):
            return _parsed(own, label)
        for text in _shared_fields(image):
            if text.lstrip("\ufeff \n").startswith("{") and f'"{KEY}"' in text:
                settings = _parsed(text, label).get(KEY)
                if isinstance(settings, dict):
                    return settings
    raise PictureError(f"'{label}' was not made by Reverie or its metadata was stripped: it carries no settings")


def _video_settings(path: Path) -> dict[str, Any]:
    from reverie.media.video import read_comment  # here, because it brings FFmpeg along

    text = read_comment(path)
    settings = _parsed(text, str(path)).get(KEY) if text.startswith("{") and f'"{KEY}"' in text else None
    if not isinstance(settings, dict):
        raise PictureError(f"'{path}' was not made by Reverie or its metadata was stripped: it carries no settings")
    return settings


def _parsed(text: str, label: str) -> dict[str, Any]:
    if len(text) > 4 * MAX_SETTINGS_BYTES:
        raise PictureError(f"the settings inside '{label}' are {len(text):,} characters, too many to be Reverie's")
    try:
        settings = json.loads(text.strip("\ufeff\0 \n"))
    except (ValueError, RecursionError) as error:
        raise PictureError(f"the settings inside '{label}' are damaged ({error})") from error
    if not isinstance(settings, dict):
        kind = type(settings).__name__
        raise PictureError(f"the settings inside '{label}' are damaged (expected an object, found {kind})")
    return settings


def _shared_fields(image: ImageFile.ImageFile) -> Iterator[str]:
    """Yield the texts of the fields that could hold settings, in either byte order."""
    exif = image.getexif()
    description = exif.get(IMAGE_DESCRIPTION)
    if isinstance(description, str):
        yield description
    remark = image.info.get("comment")
    if isinstance(remark, bytes):
        yield remark.decode("utf-8", errors="replace")
    comment = exif.get_ifd(EXIF_IFD).get(USER_COMMENT)
    if not isinstance(comment, bytes):
        return
    body = comment[len(UNICODE) :]
    for encoding in ("utf-16-be", "utf-16-le", "utf-8"):  # editors rewrite the comment in their own order
        yield body.decode(encoding, errors="replace")
