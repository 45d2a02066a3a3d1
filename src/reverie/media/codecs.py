"""Which formats this installation reads and writes, as far as that depends on how its libraries were built."""

from __future__ import annotations

from reverie.media.video_write import CODECS

SOUND = ("aac", "libopus", "flac")


def video_encoders() -> dict[str, bool]:
    """Return whether each encoder of films that can be chosen is there."""
    return {name: _encoder(name) for name in (*CODECS, *SOUND)}


def picture_formats() -> dict[str, bool]:
    """Return whether each format that a build of Pillow may lack is there, for reading and writing."""
    from PIL import features

    found = {name: bool(features.check(part)) for name, part in (("WebP", "webp"), ("AVIF", "avif"))}
    return {"JPEG": bool(features.check("jpg")), **found, "HEIC": _has_heic(), "color profiles": _has_profiles()}


def _encoder(name: str) -> bool:
    import av
    from av.error import FFmpegError

    try:
        av.CodecContext.create(name, "w")
    except (FFmpegError, ValueError):
        return False
    return True


def _has_heic() -> bool:
    from pillow_heif import libheif_info

    return bool(libheif_info().get("decoders"))


def _has_profiles() -> bool:
    from PIL import features

    return bool(features.check("littlecms2"))
