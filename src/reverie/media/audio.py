"""Sound files in and out: samples as floats, decoded and encoded by PyAV; sound laid under a film."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from reverie.errors import InputError, OutputError
from reverie.media.metadata import enclosed, settings_text
from reverie.media.write import check_place
from reverie.weights.atomic import Unfinished

RATE_HZ = 48_000
MOST_S = 4 * 3600
FORMATS = "wav,flac,mp3,mov,mp4,m4a,aac,ogg,matroska,webm,aiff,avi,mpegts"
OPTIONS = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
ENCODERS = {".mp4": ("mp4", "aac"), ".m4v": ("mp4", "aac"), ".mov": ("mov", "aac"), ".mkv": ("matroska", "flac"),
            ".webm": ("webm", "libopus")}  # fmt: skip
BLOCK = 1024  # samples given to an encoder at a time


def read_audio(path: Path | str, rate_hz: int = RATE_HZ, *, channels: int = 2) -> np.ndarray:
    """Return the first sound of a file, ``[samples, channels]`` float32 in about [-1, 1]; 1 channel is the mean.

    Raises:
        InputError: missing, no sound in it, or longer than four hours.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no sound at '{path}'")
    parts: list[np.ndarray] = []
    count = 0
    try:
        with av.open(str(path), options=dict(OPTIONS), metadata_errors="replace") as source:
            if not source.streams.audio:
                raise InputError(f"'{path}' has no sound")
            form = av.AudioResampler("fltp", "mono" if channels == 1 else "stereo", rate_hz)
            for frame in (*_frames(source), None):
                for part in form.resample(frame):
                    parts.append(part.to_ndarray().T)
                    count += len(parts[-1])
                if count > MOST_S * rate_hz:
                    raise InputError(f"'{path}' is longer than {MOST_S // 3600} hours")
    except FFmpegError as error:
        raise InputError(f"'{path}' is no sound that can be read ({error})") from error
    if not count:
        raise InputError(f"'{path}' has no sound that can be decoded")
    return np.ascontiguousarray(np.concatenate(parts), dtype=np.float32)


def _frames(source: Any) -> Iterator[Any]:
    for packet in source.demux(source.streams.audio[0]):
        try:
            yield from packet.decode()
        except FFmpegError:
            continue  # one damaged packet is a click, not the end


def wav_bytes(samples: np.ndarray, rate_hz: int = RATE_HZ) -> bytes:
    """Return a WAV file of ``[samples, channels]`` floats in [-1, 1], 16 bits, with triangular dither."""
    random = np.random.default_rng(0)
    noise = random.random(samples.shape, np.float32) - random.random(samples.shape, np.float32)
    whole = np.clip(np.round(samples * 32767 + noise), -32768, 32767).astype("<i2")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(whole.tobytes())
    return out.getvalue()


def flac_bytes(samples: np.ndarray, rate_hz: int = RATE_HZ) -> bytes:
    """Return a FLAC file of the same."""
    out = io.BytesIO()
    with av.open(out, "w", format="flac") as target:
        stream = target.add_stream("flac", rate=rate_hz, layout="stereo" if samples.shape[1] == 2 else "mono")
        for packet in _encoded(stream, samples, rate_hz):
            target.mux(packet)
    return out.getvalue()


def lay_under(film: Path, samples: np.ndarray, target: Path, settings: dict[str, Any], rate_hz: int = RATE_HZ) -> None:
    """Write a copy of a film, its picture untouched, with this sound ``[samples, 2]`` from its first frame on.

    Raises:
        InputError: a container that is not known, or a film that cannot be read.
        OutputError: it cannot be written; nothing is left behind.
    """
    suffix = target.suffix.lower()
    if suffix not in ENCODERS:
        raise InputError(f"cannot write '{target}': sound is laid under {', '.join(ENCODERS)}")
    check_place(target)
    form, codec = ENCODERS[suffix]
    unfinished = Unfinished(target)
    try:
        with av.open(str(film), options={"protocol_whitelist": "file"}, metadata_errors="replace") as source:
            if not source.streams.video:
                raise InputError(f"'{film}' has no picture")
            picture = source.streams.video[0]
            options = {"movflags": "+faststart+use_metadata_tags"} if form in ("mp4", "mov") else {}
            with av.open(str(unfinished.part), "w", format=form, options=options) as out:
                out.metadata["comment"] = enclosed(settings_text(settings))
                out.add_stream_from_template(picture)
                sound = out.add_stream(codec, rate=rate_hz, layout="stereo")
                _interleave(source, picture, out, _encoded(sound, samples, rate_hz))
        unfinished.keep()
    except FFmpegError as error:
        raise OutputError(f"cannot lay sound under '{film}': {error}") from error
    except OSError as error:
        raise OutputError(f"cannot write '{target}': {error.strerror or error}") from error
    finally:
        unfinished.discard()


def _interleave(source: Any, picture: Any, out: Any, sound: Any) -> None:
    """Write packets of picture and sound in the order of their times; the picture begins at zero."""
    waiting = next(sound, None)
    start = picture.start_time or 0
    track = out.streams.video[0]
    for packet in _timed(source, picture):
        packet.pts -= start
        packet.dts -= start
        now = packet.dts * packet.time_base
        while waiting is not None and waiting.dts * waiting.time_base <= now:
            out.mux(waiting)
            waiting = next(sound, None)
        packet.stream = track
        out.mux(packet)
    while waiting is not None:
        out.mux(waiting)
        waiting = next(sound, None)


def _timed(source: Any, picture: Any) -> Iterator[Any]:
    """Yield the packets of a picture, all with times of decoding: Matroska's first ones come without."""
    early: list[Any] = []
    for packet in source.demux(picture):
        if not packet.size or packet.pts is None:
            continue
        if packet.dts is None:
            early.append(packet)
            continue
        for number, one in enumerate(early):
            one.dts = packet.dts - (len(early) - number) * max(1, packet.duration or 1)
            yield one
        early.clear()
        yield packet
    for packet in early:  # none had one: in order, as they are shown
        packet.dts = packet.pts
        yield packet


def _encoded(stream: Any, samples: np.ndarray, rate_hz: int) -> Iterator[Any]:
    """Yield the packets of a sound."""
    context = stream.codec_context
    context.open()
    layout = "stereo" if samples.shape[1] == 2 else "mono"
    form = av.AudioResampler(context.format, context.layout, context.rate, frame_size=context.frame_size or None)
    position = 0
    for begin in range(0, len(samples), BLOCK):
        block = np.ascontiguousarray(samples[begin : begin + BLOCK].T, dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, begin, Fraction(1, rate_hz)
        for piece in form.resample(frame):
            piece.pts, piece.time_base = position, Fraction(1, context.rate)
            position += piece.samples
            yield from stream.encode(piece)
    for piece in form.resample(None):
        piece.pts, piece.time_base = position, Fraction(1, context.rate)
        position += piece.samples
        yield from stream.encode(piece)
    yield from stream.encode(None)
