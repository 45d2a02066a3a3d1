"""The sound of one file, carried into another: copied as it is, or encoded anew where the container refuses it."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from av.stream import Disposition

ENCODERS = {"webm": "libopus", "mp4": "aac", "mov": "aac", "matroska": "aac"}
RATE_HZ = 48_000
ZERO = Fraction(0)
OPTIONS = {"protocol_whitelist": "file"}


class Sound:
    """One sound of an open file, given out in step with the picture so that neither has to wait in memory.

    Attributes:
        how: 'copied' or 'encoded'.
    """

    def __init__(self, source: Any, stream: Any, target: Any, start_s: Fraction, *, cut: bool = False) -> None:
        self._start_s, self._source, self._cut = start_s, stream, cut
        form = target.format.name.split(",")[0]
        self.how = "copied" if _takes(form, stream) else "encoded"
        if self.how == "copied":
            self._target = target.add_stream_from_template(stream)
            self._packets = self._copied(source)
        else:
            self._target = target.add_stream(ENCODERS[form], rate=RATE_HZ, layout="stereo")
            self._packets = self._encoded(source)
        self._next: Any = None

    def mux_until(self, target: Any, end_s: Fraction, *, last: bool = False) -> None:
        """Write what is heard before `end_s`; with `last`, nothing comes after."""
        while True:
            packet = self._next if self._next is not None else next(self._packets, None)
            self._next = packet
            if packet is None or (packet.dts is not None and packet.dts * packet.time_base >= end_s):
                break
            self._next = None
            target.mux(packet)
        if last:
            self._packets.close()

    def _copied(self, source: Any) -> Generator[Any, None, None]:
        shift = round(self._start_s / self._source.time_base)
        for packet in _demuxed(source, self._source):
            if packet.pts is None or packet.dts is None:
                continue
            packet.pts -= shift
            packet.dts -= shift
            if self._cut and packet.pts < 0:
                continue
            packet.stream = self._target
            yield packet

    def _encoded(self, source: Any) -> Generator[Any, None, None]:
        context = self._target.codec_context
        if not context.is_open:  # another sound may have opened all of them
            context.open()
        resampler = av.AudioResampler(
            context.format, context.layout, context.rate, frame_size=context.frame_size or None
        )
        position = None
        for frame in _decoded(source, self._source):
            if frame is not None and position is None:
                begin = Fraction(0) if frame.pts is None else frame.pts * frame.time_base - self._start_s
                if self._cut and begin < 0:
                    continue
                position = round(begin * context.rate)
            for part in resampler.resample(frame):
                part.pts, part.time_base = position, Fraction(1, context.rate)
                position = (position or 0) + part.samples
                yield from self._target.encode(part)
        yield from self._target.encode(None)


def _takes(form: str, stream: Any) -> bool:
    """Return whether a container takes the sound as it is: tried on an empty one, because the lists are not right."""
    if form == "mp4" and stream.codec_context.name.startswith("pcm_"):  # taken at first and refused at the end
        return False
    try:
        with av.open(io.BytesIO(), "w", format=form) as trial:
            if stream.codec_context.codec.canonical_name not in trial.supported_codecs:
                return False
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (FFmpegError, ValueError):
        return False
    return True


def _demuxed(source: Any, stream: Any) -> Iterator[Any]:
    try:
        for packet in source.demux(stream):
            if packet.size:
                yield packet
    except FFmpegError:
        return  # a truncated file: what came before is kept


def _decoded(source: Any, stream: Any) -> Iterator[Any]:
    for packet in _demuxed(source, stream):
        try:
            yield from stream.decode(packet)
        except FFmpegError:
            continue  # one damaged packet is a click, not the end
    yield None


class Sounds:
    """All sounds of a file, in step with the picture.

    Attributes:
        how: 'copied', or 'encoded' if one is.
    """

    def __init__(self, sounds: Sequence[Sound]) -> None:
        self._sounds = sounds
        self.how = "encoded" if any(sound.how == "encoded" for sound in sounds) else "copied"

    def mux_until(self, target: Any, end_s: Fraction, *, last: bool = False) -> None:
        """Write what is heard before `end_s`; with `last`, nothing comes after."""
        for sound in self._sounds:
            sound.mux_until(target, end_s, last=last)


@contextmanager
def open_sounds(path: Path, target: Any, from_s: Fraction = ZERO) -> Iterator[Sounds | None]:
    """Open the sounds of a file from `from_s` on for `target`, a container about to be written; None if it has none.

    The one that the file marks as default comes first, since players take the first.
    """
    with ExitStack() as stack:
        source = stack.enter_context(_opened(path))
        order = [stream.index for stream in sorted(source.streams.audio, key=lambda s: not _is_default(s))]
        video = next(iter(source.streams.video), None)
        start = Fraction(0)
        if video is not None and video.start_time is not None and video.time_base is not None:
            start = video.start_time * video.time_base
        sounds = []
        for number in order:  # each with a reader of its own: they are read at different times
            own = stack.enter_context(_opened(path))
            sounds.append(Sound(own, own.streams[number], target, start + from_s, cut=from_s > 0))
        yield Sounds(sounds) if sounds else None


def _opened(path: Path) -> Any:
    return av.open(str(path), options=dict(OPTIONS), metadata_errors="replace")


def _is_default(stream: Any) -> bool:
    return bool(stream.disposition & Disposition.default)
