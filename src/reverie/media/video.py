"""Read videos: upright, square pixels, sRGB bytes, one frame per tick of an exact rate.

The timestamps decide which tick a frame belongs to. Where every tick has its frame, as in most files, the frames come
as they are; where a phone or a screen recorder varied the rate, a frame is held or dropped, so that sound stays with
the picture. Whatever of a truncated file can be decoded is read, and `VideoInfo.notes` says so.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import EOFError as AvEOFError
from av.error import FFmpegError
from av.stream import Disposition

from reverie.errors import ReverieError, VideoError
from reverie.media.cicp import high_range
from reverie.media.source import check_size, pixel_limit
from reverie.media.video_frame import BT709, deinterlaced, orientation_of_frame, points_of, srgb_of
from reverie.media.video_timing import promised_s, rate_of, scan

# A closed list of containers: the full one has playlists, which open other files and addresses.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,yuv4mpegpipe,h264,hevc,ivf,mxf,nut"
OPTIONS = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
MOST_HELD = 20  # ticks per frame, on average, beyond which a lower rate is taken
LEAST_RATE = Fraction(1)  # frames per second; what would still be too sparse then has broken timestamps
FIELDS_LOOKED_AT = 4  # frames of which one must say that it has two fields
DEGREES = {3: 180, 6: 270, 8: 90}  # counterclockwise, by EXIF code; mirrors are no rotation


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video before its frames are read.

    `size` is the upright (height, width) in square pixels; `rate` in frames per second; `frames` is how many
    `frames()` gives, unless some turn out to be damaged; `rotation` in degrees counterclockwise, already applied, as
    is `orientation`, the EXIF code that also knows mirrors; `points` are primaries and transfer of the colors as in
    ITU-T H.273; `notes` are lines a user should see, such as that the file is cut short.
    """

    path: Path
    size: tuple[int, int]
    rate: Fraction
    frames: int
    codec: str
    audio: bool
    rotation: int
    start_s: Fraction
    timed: bool
    notes: tuple[str, ...]
    orientation: int = 1
    interlaced: bool = False
    points: tuple[int, int] = (BT709, BT709)


def read_video(path: Path | str, *, max_pixels: int | None = None) -> VideoInfo:
    """Look through a video without decoding more than its first frame.

    Raises:
        VideoError: missing, empty, not a video, no picture in it, nothing that can be decoded, or frames too large.
    """
    path = Path(path)
    limit = pixel_limit(max_pixels)
    with _opened(path) as (container, stream):
        check_size(stream.codec_context.width or 1, stream.codec_context.height or 1, str(path), limit)
        begin = list(islice(_decoded(container, stream), FIELDS_LOOKED_AT))
        if not begin:
            raise VideoError(f"'{path}' has no frame that can be decoded; get a fresh copy")
        first, interlaced = begin[0], any(frame.interlaced_frame for frame in begin)
        check_size(first.width, first.height, str(path), limit)
        orientation = orientation_of_frame(first)
        size = _upright_size(first, stream, orientation)
        context = stream.codec_context
        points = points_of(context, first)
        audio, codec = bool(container.streams.audio), context.name
        more = [*_left_out(container, path.name, interlaced=interlaced, high=high_range(points[1]))]
    with _opened(path) as (container, stream):
        found = scan(container, stream)
        base = stream.time_base or Fraction(1, 90_000)
        rate = rate_of(stream, None if found.typical is None else found.typical * base)
        promised = stream.frames or promised_s(container, stream) * rate
    span_s = found.span * base
    if span_s * rate > MOST_HELD * found.packets:  # short bursts and long pauses, as in recordings of a screen
        rate = max(LEAST_RATE, (found.packets / span_s).limit_denominator(1001))
    count = math.floor(span_s * rate + Fraction(1, 2)) + 1
    timed = found.packets > 1 and count > 1 and count <= MOST_HELD * found.packets
    count = count if timed else max(1, found.packets)
    notes = (*_notes(path.name, found.packets, promised, count), *more)
    start = Fraction(0) if found.first is None else found.first * base
    return VideoInfo(path, size, rate, count, codec, audio, DEGREES.get(orientation, 0), start, timed, notes,
                     orientation, interlaced, points)  # fmt: skip


def frames(path: Path | str, info: VideoInfo | None = None, *, start: int = 0) -> Iterator[np.ndarray]:
    """Yield the frames from number `start` on as ``[H, W, 3]`` uint8 sRGB; a held frame is the same array again.

    Constant memory. Frames that cannot be decoded are passed over: the one before is held.

    Raises:
        VideoError: as `read_video`.
    """
    info = info or read_video(path)
    with _opened(Path(path)) as (container, stream):
        stream.thread_type = "AUTO"
        base = stream.time_base or Fraction(1, 90_000)
        pending: tuple[int, Any] | None = None
        found = _decoded(container, stream)
        for frame in deinterlaced(found) if info.interlaced else found:
            tick = _tick(frame.pts, frame.time_base or base, info) if info.timed else None
            tick = (0 if pending is None else pending[0] + 1) if tick is None else max(0, tick)
            if pending is None:
                pending = (0, frame)
            elif tick > pending[0]:
                yield from _held(pending, max(start, pending[0]), tick, info)
                pending = (tick, frame)
        if pending is not None:
            yield from _held(pending, max(start, pending[0]), pending[0] + 1, info)


def read_comment(path: Path | str) -> str:
    """Return the comment of a video, or nothing.

    Raises:
        VideoError: as `read_video`.
    """
    with _opened(Path(path)) as (container, _):
        found = {key.lower(): value for key, value in container.metadata.items()}
        return str(found.get("comment", ""))


def _held(pending: tuple[int, Any], begin: int, end: int, info: VideoInfo) -> Iterator[np.ndarray]:
    if begin >= end:
        return
    rgb = srgb_of(pending[1], info.size, info.orientation, info.points)
    for _ in range(begin, end):
        yield rgb


def _tick(pts: int | None, base: Fraction, info: VideoInfo) -> int | None:
    return None if pts is None else math.floor((pts * base - info.start_s) * info.rate + Fraction(1, 2))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """Open a video and find its picture; every decoder's exception inside becomes one `VideoError`."""
    _check_file(path)
    try:
        with av.open(str(path), options=dict(OPTIONS), metadata_errors="replace") as container:
            yield container, _video_stream(container, path)
    except ReverieError:
        raise
    except FFmpegError as error:
        raise VideoError(_why(path, error)) from error


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise VideoError(f"'{path}' is a folder; expected one video file")
    if not path.is_file():
        raise VideoError(f"no video at '{path}'")
    if path.stat().st_size == 0:
        raise VideoError(f"'{path}' is empty (0 bytes)")


def _why(path: Path, error: FFmpegError) -> str:
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        return f"'{path}' is cut short or damaged: its index is missing or unreadable; get a fresh copy"
    reason = " ".join(str(error.strerror or error).split())[:80]
    return f"'{path}' is not a video, or it is damaged ({reason}); expected MP4, MOV, MKV, WebM or AVI"


def _video_stream(container: Any, path: Path) -> Any:
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    raise VideoError(f"'{path}' has no picture in it, only {'sound' if container.streams.audio else 'data'}")


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Yield decoded frames, passing over packets that cannot be decoded, until the file ends or breaks off."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:  # the file breaks off here
            packet = None
        try:
            yield from stream.decode(packet)
        except AvEOFError:
            return
        except FFmpegError:
            if packet is not None:
                continue
        if packet is None or packet.size == 0:
            return


def _left_out(container: Any, name: str, *, interlaced: bool, high: str) -> Iterator[str]:
    if high:
        yield f"'{name}' is HDR ({high}): its highlights are compressed to what a screen shows as white"
    if interlaced:
        yield f"'{name}' is interlaced: the two fields of each frame are made one (bwdif)"
    if container.streams.subtitles:
        yield f"'{name}' has subtitles, which are not taken over"


def _notes(name: str, packets: int, promised: float, count: int) -> Iterator[str]:
    if max(packets, count) < 0.98 * promised:
        yield f"'{name}' is cut short: {count} of {promised:.0f} frames are there, and only they are read"
    elif abs(count - packets) > 1:
        yield f"'{name}' has a varying frame rate: its {packets} frames are read as {count} at an even rate"


def _upright_size(frame: Any, stream: Any, orientation: int) -> tuple[int, int]:
    aspect = stream.sample_aspect_ratio or Fraction(1)
    width = frame.width if not 0.1 < aspect < 10 else max(1, round(frame.width * aspect))
    return (width, frame.height) if orientation > 4 else (frame.height, width)
