"""Films of high range (PQ, HLG) and of wide colors (Display P3): what they show, however little of it is tagged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from reverie.media.video import frames, read_video

SDR_WHITE = 203.0  # cd/m2
PATCHES = np.array([[0.2, 0.2, 0.2], [0.5, 0, 0], [0, 0.5, 0], [0.1, 0.3, 0.5]])  # linear, of sRGB's primaries
WANTED = np.where(PATCHES <= 0.0031308, 12.92 * PATCHES, 1.055 * PATCHES ** (1 / 2.4) - 0.055) * 255
TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])  # BT.2087
TO_P3 = np.array([[0.8225, 0.1774, 0.0], [0.0332, 0.9669, 0.0], [0.0171, 0.0724, 0.9108]])
SIDE = 16


def pq(light: np.ndarray) -> np.ndarray:
    power = (light * SDR_WHITE / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def hlg(light: np.ndarray) -> np.ndarray:
    scene = (light * SDR_WHITE / 1000) ** (1 / 1.2)
    bright = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)


def gamma(light: np.ndarray) -> np.ndarray:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def film(path: Path, rgb: np.ndarray, kr: float, kb: float, tags: tuple[int, int, int]) -> Path:
    """Write patches ``[N, 3]`` beside each other in ten bits without loss; tags: primaries, transfer, matrix."""
    y = rgb @ np.array([kr, 1 - kr - kb, kb])
    planes = (64 + 876 * y, 512 + 896 * (rgb[:, 2] - y) / (2 - 2 * kb), 512 + 896 * (rgb[:, 0] - y) / (2 - 2 * kr))
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = SIDE * len(rgb), SIDE, "yuv420p10le"
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = tags
        context.color_range = 1
        frame = av.VideoFrame(stream.width, SIDE, "yuv420p10le")
        frame.colorspace, frame.color_range = tags[2], 1
        for plane, values in zip(frame.planes, planes, strict=True):
            rows = np.zeros((plane.height, plane.line_size // 2), "<u2")
            rows[:, : plane.width] = np.repeat(np.round(values), plane.width // len(rgb))
            plane.update(rows.tobytes())
        frame.pts = 0
        out.mux([*stream.encode(frame), *stream.encode()])
    return path


@pytest.mark.parametrize("tags", [(9, 9), (9, 2), (2, 2)], ids=["all", "no matrix", "transfer alone"])
@pytest.mark.parametrize(("transfer", "encode", "name"), [(16, pq, "PQ"), (18, hlg, "HLG")])
def test_high_range_is_compressed_and_said(
    tmp_path: Path, transfer: int, encode: Any, name: str, tags: tuple[int, int]
) -> None:
    path = film(tmp_path / "high.mkv", encode(PATCHES @ TO_BT2020.T), 0.2627, 0.0593, (tags[0], transfer, tags[1]))
    info = read_video(path)
    assert [note for note in info.notes if f"HDR ({name})" in note]
    seen = next(frames(path, info)).reshape(SIDE, len(PATCHES), SIDE, 3)[4:12, :, 4:12].mean((0, 2))
    assert np.abs(seen - WANTED).max() < 4


def test_display_p3_stays_what_it_looks_like(tmp_path: Path) -> None:
    path = film(tmp_path / "wide.mkv", gamma(np.clip(PATCHES @ TO_P3.T, 0, 1)), 0.2126, 0.0722, (12, 13, 1))
    info = read_video(path)
    assert not info.notes
    seen = next(frames(path, info)).reshape(SIDE, len(PATCHES), SIDE, 3)[4:12, :, 4:12].mean((0, 2))
    assert np.abs(seen - WANTED).max() < 4
