"""Small moving pictures that several test files use: drawn, seeded, with known motion."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.fft import irfft2

RED, GREEN, BLUE = (200, 40, 40), (30, 180, 60), (20, 30, 220)
TONE_HZ, RATE_HZ = 440, 48_000


def card(number: int = 0, height: int = 64, width: int = 96) -> np.ndarray:
    """Red left, green right, blue in the lower left, and `number` in the brightness of a white-ish square."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[:, : width // 2], picture[:, width // 2 :] = RED, GREEN
    picture[height // 2 :, : width // 4] = BLUE
    picture[4:20, width - 24 : width - 4] = 16 + 8 * (number % 28)
    return picture


def number_of(frame: np.ndarray) -> int:
    """Read the number back."""
    return round((float(frame[6:18, -22:-6].mean()) - 16) / 8)


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A colored texture with a photograph's statistics, uint8."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = 1
    shape = (3, *frequency.shape)
    waves = irfft2((rng.normal(size=shape) + 1j * rng.normal(size=shape)) / frequency**1.3, s=(height, width))
    waves = (waves - waves.mean((1, 2), keepdims=True)) / waves.std((1, 2), keepdims=True)
    waves = 0.9 * waves[:1] + 0.3 * waves  # mostly light and dark, as in photographs
    return ((0.5 + 0.18 * waves).clip(0, 1) * 255).astype(np.uint8).transpose(1, 2, 0).copy()


def pan(count: int, step: tuple[int, int] = (1, 2), size: tuple[int, int] = (72, 96), seed: int = 0) -> np.ndarray:
    """Frames of a texture moving up and to the left by `step` (down, right) of the camera, ``[N, H, W, 3]``."""
    whole = texture(size[0] + step[0] * count, size[1] + step[1] * count, seed)
    return np.stack([whole[step[0] * n :, step[1] * n :][: size[0], : size[1]] for n in range(count)])


def tone(seconds: float, channels: int = 2) -> np.ndarray:
    wave = 0.3 * np.sin(2 * np.pi * TONE_HZ * np.arange(round(RATE_HZ * seconds)) / RATE_HZ)
    return np.stack([wave.astype(np.float32)] * channels)


def write_clip(
    path: Path, frames: Sequence[np.ndarray], rate: Fraction = Fraction(25), *, sound: str | None = None,
    sound_s: float | None = None, rotation: int = 0, pts: Sequence[int] | None = None, tagged: bool = True,
    codec: str = "libx264", pixels: str = "yuv420p", transfer: int = 1,
) -> Path:  # fmt: skip
    """Write a clip with PyAV itself, independently of `VideoWriter`; `pts` in units of 1/600 s."""
    height, width = frames[0].shape[:2]
    form = {".mkv": "matroska", ".webm": "webm", ".mov": "mov", ".avi": "avi"}.get(path.suffix, "mp4")
    with av.open(str(path), "w", format=form) as container:
        options = {"crf": "4", "x265-params": "log-level=error"} if codec == "libx265" else {"crf": "4"}
        stream: Any = container.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width, stream.pix_fmt = height, width, pixels
        if rotation:
            stream.set_display_rotation(rotation)
        if tagged:
            context = stream.codec_context
            context.color_range, context.colorspace, context.color_primaries, context.color_trc = 1, 1, 1, transfer
        if pts is not None:
            stream.codec_context.time_base = Fraction(1, 600)
        noise = container.add_stream(sound, rate=RATE_HZ, layout="stereo") if sound else None
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24").reformat(
                format=pixels, dst_colorspace="ITU709" if tagged else "ITU601", dst_color_range="MPEG"
            )
            if pts is not None:
                frame.pts, frame.time_base = pts[number], Fraction(1, 600)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if noise is not None:
            _write_tone(container, noise, sound_s or float(len(frames) / rate))
    return path


def _write_tone(container: Any, stream: Any, seconds: float) -> None:
    samples = tone(seconds)
    resampler = av.AudioResampler(stream.codec_context.format, "stereo", RATE_HZ)
    for begin in range(0, samples.shape[1], 960):
        part = av.AudioFrame.from_ndarray(samples[:, begin : begin + 960].copy(), format="fltp", layout="stereo")
        part.rate, part.pts, part.time_base = RATE_HZ, begin, Fraction(1, RATE_HZ)
        for converted in resampler.resample(part):
            container.mux(stream.encode(converted))
    container.mux(stream.encode(None))


def sound_of(path: Path) -> tuple[str, np.ndarray]:
    """Return codec name and samples of the first channel of a file's sound."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler("fltp", "mono", RATE_HZ)
        parts = [f for frame in container.decode(stream) for f in resampler.resample(frame)]
        return stream.codec_context.name, np.concatenate([p.to_ndarray()[0] for p in parts])


def sound_packets(path: Path) -> list[tuple[float, bytes]]:
    """Return time and bytes of every packet of a file's sound."""
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.audio[0])
        return [(float((p.pts or 0) * p.time_base), bytes(p)) for p in packets if p.size]
