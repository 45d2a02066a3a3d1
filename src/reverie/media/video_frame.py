"""One decoded frame of a video becomes sRGB bytes: turned upright, deinterlaced, its colors converted exactly.

swscale rounds downward unless it is told not to: colors would drift by a level at every pass through a film.
Source: ISO/IEC 14496-12, 6.2.2 (matrix of a track); EXIF's codes name the eight cases.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from av.error import BlockingIOError as AvBlockingIOError
from av.error import EOFError as AvEOFError
from av.filter import Graph
from av.video.reformatter import Interpolation

from reverie.media.cicp import high_range, profile_of
from reverie.media.deep import to_uint8
from reverie.media.icc import samples_to_srgb
from reverie.media.pixels import turned

EXACT = (
    Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
    | Interpolation.BITEXACT
)  # fmt: skip
HD_PX = 576  # taller or wider than 1024: untagged colors are BT.709, as players assume; else BT.601
BT601, BT709, BT2020, UNTAGGED = 5, 1, 9, 2  # as in ITU-T H.273


def orientation_of_frame(frame: Any) -> int:
    """Return the EXIF code, 1 to 8, that the display matrix of a frame means; turns in between count as the nearest."""
    matrix = next((bytes(item) for item in frame.side_data if "DISPLAYMATRIX" in str(item.type)), b"")
    if len(matrix) < 20:
        return 1
    a, b, _, c, d = struct.unpack_from("<5i", matrix)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return {(False, False): 1, (True, False): 2, (True, True): 3, (False, True): 4}[a < 0, d < 0]
    return {(False, False): 5, (False, True): 6, (True, True): 7, (True, False): 8}[b < 0, c < 0]


def points_of(context: Any, frame: Any) -> tuple[int, int]:
    """Return primaries and transfer of a film, by its stream or its first frame; PQ and HLG alone mean BT.2020's.

    No screen shows BT.709's colors with such a transfer, and players take them so, too.
    """
    found = [
        next((int(value) for value in named if int(value) != UNTAGGED), UNTAGGED)
        for named in ((context.color_primaries, frame.color_primaries), (context.color_trc, frame.color_trc))
    ]
    primaries = BT2020 if found[0] == UNTAGGED and high_range(found[1]) else found[0]
    return primaries, found[1]


def srgb_of(frame: Any, size: tuple[int, int], orientation: int, points: tuple[int, int]) -> np.ndarray:
    """Return a frame as ``[H, W, 3]`` uint8 sRGB, upright, of `size`.

    Args:
        frame: of PyAV.
        size: upright height and width.
        orientation: EXIF code.
        points: primaries and transfer of ITU-T H.273.
    """
    height, width = size if orientation <= 4 else (size[1], size[0])
    if frame.colorspace == UNTAGGED and frame.format.name.startswith(("yuv", "nv")):
        wide = BT709 if frame.height > HD_PX or frame.width > 1024 else BT601
        frame.colorspace = BT2020 if points[0] == BT2020 else wide
    profile = profile_of(*points)
    kind = "rgb24" if profile is None else "rgb48le"
    pixels = frame.to_ndarray(format=kind, width=width, height=height, interpolation=EXACT)
    if profile is not None:
        converted = samples_to_srgb(pixels.astype(np.float32) / 65535, profile)
        assert converted is not None
        pixels = to_uint8(converted)
    return np.ascontiguousarray(turned(pixels, orientation))


def deinterlaced(frames: Iterable[Any]) -> Iterator[Any]:
    """Yield frames whose two fields are made one moment, as many as there were; others pass as they are.

    Source: bwdif of FFmpeg, after Weston 3 fields and the BBC's research paper 1988/19.
    """
    graph: Any = None
    last = None
    for frame in frames:
        if graph is None:
            graph = _graph(frame)
        graph.push(frame)
        last = frame
        yield from _pulled(graph)
    if last is not None:
        graph.push(None)
        yield from _pulled(graph)


def _graph(frame: Any) -> Any:
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format.name, time_base=frame.time_base
    )
    fields = graph.add("bwdif", "mode=send_frame:deint=interlaced")
    sink = graph.add("buffersink")
    source.link_to(fields)
    fields.link_to(sink)
    graph.configure()
    return graph


def _pulled(graph: Any) -> Iterator[Any]:
    while True:
        try:
            yield graph.pull()
        except (AvBlockingIOError, AvEOFError):
            return
