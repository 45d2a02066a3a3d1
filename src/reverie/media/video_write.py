"""Write videos: whole or not at all, exact rate, colors tagged, the sound of another file, settings inside.

Frames are sRGB bytes and go out as BT.709, limited range, tagged as such: players guess the matrix of untagged files
by their size, and guess wrong. Most encoders need even sizes; an odd one grows by repeating its last row or column.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.error import FFmpegError

from reverie.errors import InputError, OutputError
from reverie.media.metadata import enclosed, settings_text
from reverie.media.suffixes import VIDEOS_WRITTEN
from reverie.media.video_frame import EXACT
from reverie.media.video_sound import ZERO, Sounds, open_sounds
from reverie.media.write import check_place
from reverie.weights.atomic import Unfinished

SPEEDS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow",
)  # fmt: skip
LIMITED, BT709 = 1, 1  # AVCOL_RANGE_MPEG, and BT.709 in ITU-T H.273


@dataclass(frozen=True)
class Codec:
    """How one encoder is driven: pixel format, whether sizes must be even, its options for a quality and a speed."""

    pixels: str
    even: bool
    suffixes: tuple[str, ...]
    quality: str | None
    most: int


CODECS = {
    "libx264": Codec("yuv420p", True, (".mp4", ".m4v", ".mov", ".mkv"), "crf", 51),
    "libx265": Codec("yuv420p", True, (".mp4", ".m4v", ".mov", ".mkv"), "crf", 51),
    "libsvtav1": Codec("yuv420p", True, (".mp4", ".mkv", ".webm"), "crf", 63),
    "libvpx-vp9": Codec("yuv420p", True, (".mp4", ".mkv", ".webm"), "crf", 63),
    "prores_ks": Codec("yuv422p10le", True, (".mov", ".mkv"), None, 0),
    "ffv1": Codec("bgr0", False, (".mkv",), None, 0),
}
INSTEAD = {".webm": "libvpx-vp9"}  # of the default codec, where the container does not hold it


class VideoWriter:
    """A video that appears under its name when the context ends without an error, and not before.

    Args:
        path: ends in .mp4, .mov, .mkv or .webm.
        size: (height, width) of the frames.
        rate: frames per second, exactly.
        audio_from: a file whose sounds are copied, the default one first; one is encoded anew only where the container
            refuses it.
        audio_start_s: where in those sounds the video begins.
        settings: what made the video, kept in its comment.
        codec: libx264, libx265, libsvtav1, libvpx-vp9, prores_ks or ffv1 (lossless); libx264 means VP9 in WebM.
        crf: quality, smaller is better; 18 is hard to tell from the source. Not for prores_ks and ffv1.
        preset: ultrafast to veryslow.

    Attributes:
        size: (height, width) of the video, even where the codec needs it.
        sound: what became of the sound: 'none', 'copied' or 'encoded'.

    Raises:
        InputError: suffix, codec, size, rate or settings that cannot be used.
        OutputError: the file cannot be written.
    """

    def __init__(
        self, path: Path | str, size: tuple[int, int], rate: Fraction, *, audio_from: Path | None = None,
        audio_start_s: Fraction = ZERO,
        settings: Mapping[str, Any] | None = None, codec: str = "libx264", crf: int = 18, preset: str = "medium",
    ) -> None:  # fmt: skip
        self.path = Path(path)
        suffix = self.path.suffix.lower()
        self.codec = check_codec(self.path, codec, crf, preset)
        self.given, self.rate, kind = size, Fraction(rate), CODECS[self.codec]
        if min(size) < 1 or self.rate <= 0:
            raise InputError(f"a video of {size[1]} x {size[0]} px at {rate} frames/s is not possible")
        check_place(self.path)
        self.size = (size[0] + size[0] % 2, size[1] + size[1] % 2) if kind.even else size
        self.count = 0
        self._file = Unfinished(self.path)
        self._stack = contextlib.ExitStack()
        text = None if settings is None else enclosed(settings_text(settings))
        with self._failing():
            self._open(suffix, kind, crf, preset, text, audio_from, audio_start_s)

    def _open(
        self, suffix: str, kind: Codec, crf: int, preset: str, text: str | None, audio_from: Path | None,
        audio_start_s: Fraction,
    ) -> None:  # fmt: skip
        form = VIDEOS_WRITTEN[suffix]
        options = {"fflags": "+bitexact"}  # no random identifiers and dates: same frames, same bytes
        if form in ("mp4", "mov"):
            options["movflags"] = "+faststart+use_metadata_tags"
        self._container = self._stack.enter_context(
            av.open(str(self._file.part), "w", format=form, container_options=options)
        )
        if text is not None:
            self._container.metadata["comment"] = text
        self._stream: Any = self._container.add_stream(
            self.codec, rate=self.rate, options=_options(self.codec, kind, crf, preset)
        )
        self._stream.height, self._stream.width = self.size
        self._stream.pix_fmt = kind.pixels
        context = self._stream.codec_context
        context.time_base = 1 / self.rate
        context.color_range = LIMITED if kind.pixels.startswith("yuv") else 2
        context.colorspace, context.color_primaries, context.color_trc = (
            BT709 if kind.pixels.startswith("yuv") else 0, BT709, BT709,
        )  # fmt: skip
        self._sound: Sounds | None = None
        if audio_from is not None:
            self._sound = self._stack.enter_context(open_sounds(audio_from, self._container, audio_start_s))
        self.sound = "none" if self._sound is None else self._sound.how

    def write(self, frame: np.ndarray) -> None:
        """Append one frame, ``[H, W, 3]`` uint8 sRGB of the size given.

        Raises:
            InputError: another shape or type.
            OutputError: the encoder or the disk fails.
        """
        if frame.shape != (*self.given, 3) or frame.dtype != np.uint8:
            raise InputError(
                f"frame {self.count} has shape {list(frame.shape)} and type {frame.dtype}; "
                f"expected {[*self.given, 3]} and uint8"
            )
        with self._failing():
            picture = self._picture(frame)
            picture.pts, picture.time_base = self.count, 1 / self.rate
            self._mux(self._stream.encode(picture))
            self.count += 1

    def close(self) -> None:
        """Finish the file and give it its name; `with` does it.

        Raises:
            InputError: no frame was written.
            OutputError: the encoder or the disk fails.
        """
        if self.count == 0:
            self.discard()
            raise InputError(f"cannot write '{self.path}': it has no frames")
        with self._failing():
            self._mux(self._stream.encode(None))
            if self._sound is not None:
                self._sound.mux_until(self._container, self.count / self.rate, last=True)
            self._stack.close()
            self._file.keep()

    def discard(self) -> None:
        """Close and leave nothing behind."""
        with contextlib.suppress(FFmpegError, OSError, ValueError):
            self._stack.close()
        self._file.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _mux(self, packets: Any) -> None:
        for packet in packets:
            if self._sound is not None and packet.dts is not None:
                self._sound.mux_until(self._container, packet.dts * packet.time_base)
            self._container.mux(packet)

    def _picture(self, frame: np.ndarray) -> Any:
        more = (self.size[0] - self.given[0], self.size[1] - self.given[1])
        if any(more):
            frame = np.pad(frame, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        if not self._stream.pix_fmt.startswith("yuv"):
            return picture.reformat(format=self._stream.pix_fmt, interpolation=EXACT)
        return picture.reformat(
            format=self._stream.pix_fmt, dst_colorspace="ITU709", src_color_range="JPEG", dst_color_range="MPEG",
            interpolation=EXACT,
        )  # fmt: skip

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (FFmpegError, OSError) as error:
            self.discard()
            reason = " ".join(str(getattr(error, "strerror", None) or error).split())[:160]
            raise OutputError(f"cannot write '{self.path}': {reason}") from error
        except BaseException:
            self.discard()
            raise


def check_codec(path: Path, codec: str, crf: int, preset: str) -> str:
    """Return the codec for a file of that name.

    Raises:
        InputError: unknown suffix, codec or preset, a codec the container does not hold, or a quality out of range.
    """
    suffix = path.suffix.lower()
    if suffix not in VIDEOS_WRITTEN:
        raise InputError(f"cannot write '{path}': known for video: {', '.join(VIDEOS_WRITTEN)}")
    if codec == "libx264":
        codec = INSTEAD.get(suffix, codec)
    if codec not in CODECS:
        raise InputError(f"no codec called '{codec}'; known: {', '.join(CODECS)}")
    if suffix not in CODECS[codec].suffixes:
        raise InputError(f"{suffix} does not hold {codec}; it goes into {', '.join(CODECS[codec].suffixes)}")
    if preset not in SPEEDS:
        raise InputError(f"no preset called '{preset}'; known: {', '.join(SPEEDS)}")
    if CODECS[codec].quality and not 0 <= crf <= CODECS[codec].most:
        raise InputError(f"the CRF of {codec} is between 0 and {CODECS[codec].most}; got {crf}")
    return codec


def _options(codec: str, kind: Codec, crf: int, preset: str) -> dict[str, str]:
    """Return the encoder's own words for quality and speed."""
    options = {} if kind.quality is None else {kind.quality: str(crf)}
    slowness = SPEEDS.index(preset)
    if codec in ("libx264", "libx265"):
        options["preset"] = preset
    if codec == "libx264":  # or mb-tree rounds by where its buffers happen to lie: one run in ten had other bytes
        options["x264-params"] = "cpu-independent=1"
    if codec == "libx265":
        options["x265-params"] = "log-level=error"
    if codec == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")  # errors only: it has no other way to be told
        options["preset"] = str(12 - slowness)
    if codec == "libvpx-vp9":
        options |= {"b": "0", "row-mt": "1", "deadline": "good", "cpu-used": str(max(0, 7 - slowness))}
    return options
