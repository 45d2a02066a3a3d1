"""Inputs that are read from files and cameras: songs, films, takes; each played at the pace of the clock."""

# pyright: reportMissingImports=false
from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from reverie.errors import InputError
from reverie.media.native_output import native_lines_dropped
from reverie.media.signals.board import Board, Loop
from reverie.media.signals.take import read_take

STEP_S = 1 / 60  # how often an input from a file is put on the board
MOTION_PX = 96  # longer side at which motion is looked for
MOTION_TOP = 0.08  # motion of this share of the picture a frame counts as 1
Timed = Iterator[tuple[float, str, float]]


def play(board: Board, about: str, values: Timed, *, clock: Callable[[], float] = time.monotonic) -> Loop:
    """Put (seconds, name, value) on a board when their time has come."""
    start = clock()
    waiting: list[tuple[float, str, float] | None] = [next(values, None)]

    def once() -> bool:
        while waiting[0] is not None and waiting[0][0] <= clock() - start:
            board.put(waiting[0][1], waiting[0][2])
            waiting[0] = next(values, None)
        time.sleep(STEP_S / 4)
        return waiting[0] is not None

    return Loop(about, once)


def take_values(path: Path) -> Timed:
    """Yield what a take recorded."""
    for time_s, values in read_take(path).samples:
        for name, value in values.items():
            yield time_s, name, value


def sound_values(path: Path, step_s: float = STEP_S) -> Timed:
    """Yield "audio bass" and the other bands, "audio level", "audio onset" and "audio beat" of a sound file.

    Raises:
        InputError: it cannot be read.
    """
    from reverie.media.audio import read_audio
    from reverie.numerics.sound_features import NAMES, sound_features

    rate_hz = 22_050
    samples = read_audio(path, rate_hz, channels=1)[:, 0]
    found = sound_features(samples, rate_hz)
    for number in range(int(len(samples) / rate_hz / step_s)):
        for name in NAMES:
            yield number * step_s, f"audio {name}", found.at(name, number * step_s)


def microphone(board: Board, device: str | None = None) -> Loop:
    """Put level and bands of a microphone on a board.

    Raises:
        InputError: sounddevice, PortAudio or a microphone is missing.
    """
    try:
        with native_lines_dropped():
            import sounddevice
    except (ImportError, OSError) as error:
        raise InputError(
            "a microphone needs sounddevice and PortAudio: pip install 'reverie[live]', and apt install libportaudio2"
        ) from error
    rate_hz, hop = 22_050, 512
    try:
        with native_lines_dropped():
            stream = sounddevice.InputStream(rate_hz, hop, device, 1, "float32")
            stream.start()
    except Exception as error:  # PortAudio's own kinds
        raise InputError(f"there is no microphone ({' '.join(str(error).split())[:100]})") from error
    bands = LiveBands(rate_hz)

    def once() -> bool:
        block, _ = stream.read(hop)
        for name, value in bands(block[:, 0]).items():
            board.put(f"audio {name}", value)
        return True

    return Loop("microphone", once, stream.close)


class LiveBands:
    """Bands of a sound that comes in blocks: in [0, 1] by decibels below the loudest so far, which fades slowly."""

    FADE = 0.9995  # of the loudest, for each block
    SIZE = 2048

    def __init__(self, rate_hz: int) -> None:
        from reverie.numerics.sound_features import BANDS_HZ

        hz = np.fft.rfftfreq(self.SIZE, 1 / rate_hz)
        self._picks = {name: (hz >= low) & (hz < high) for name, (low, high) in BANDS_HZ.items()}
        self._picks["level"] = np.ones_like(hz, bool)
        self._past, self._window = np.zeros(self.SIZE, np.float32), np.hanning(self.SIZE)
        self._tops = dict.fromkeys(self._picks, 1e-6)
        self._before = np.zeros(len(hz))
        self._usual = 1e-6

    def __call__(self, block: np.ndarray) -> dict[str, float]:
        """Return the bands, the level and the onset strength after one more block."""
        from reverie.numerics.sound_features import TOP_DB

        self._past = np.concatenate([self._past, block])[-self.SIZE :]
        spectrum = np.abs(np.fft.rfft(self._past * self._window))
        found: dict[str, float] = {}
        for name, pick in self._picks.items():
            energy = float((spectrum[pick] ** 2).sum())
            self._tops[name] = max(self._tops[name] * self.FADE, energy, 1e-6)
            found[name] = min(max(1 + 10 * np.log10(max(energy, 1e-12) / self._tops[name]) / TOP_DB, 0.0), 1.0)
        logs = np.log1p(100 * spectrum / self.SIZE)
        flux = float(np.maximum(logs - self._before, 0).sum())
        self._before = logs
        self._usual = max(self._usual * self.FADE, flux)
        return found | {"onset": flux / self._usual}


def camera_frames(device: int) -> Iterator[np.ndarray]:
    """Yield the frames of a camera, ``[H, W, 3]`` uint8 sRGB, the newest each time.

    Raises:
        InputError: no such camera.
    """
    talk = cv2.utils.logging
    before = talk.setLogLevel(talk.LOG_LEVEL_SILENT)  # what is wrong is said below, in one line
    opened = cv2.VideoCapture(device)
    talk.setLogLevel(before)
    if not opened.isOpened():
        raise InputError(f"there is no camera {device}; give a film, or another number")
    opened.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    try:
        while True:
            fine, frame = opened.read()
            if not fine:
                return
            yield np.ascontiguousarray(frame[..., ::-1])
    finally:
        opened.release()


class MotionMeter:
    """How much, where and whither something moves in a picture, by optical flow from one frame to the next."""

    def __init__(self) -> None:
        self._before: np.ndarray | None = None

    def __call__(self, frame: np.ndarray) -> dict[str, float]:
        """Return "motion" in [0, 1], its place "motion x", "motion y" in [0, 1], and its way "motion right", "down"."""
        scale = MOTION_PX / max(frame.shape[:2])
        size = (max(16, round(frame.shape[1] * scale)), max(16, round(frame.shape[0] * scale)))
        now = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
        before, self._before = self._before, now
        if before is None or before.shape != now.shape:
            return {"motion": 0.0, "motion x": 0.5, "motion y": 0.5, "motion right": 0.5, "motion down": 0.5}
        solver = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        flow = solver.calc(before, now, np.zeros((*now.shape, 2), np.float32))
        speed = np.hypot(flow[..., 0], flow[..., 1])
        total = float(speed.sum())
        top = MOTION_TOP * MOTION_PX
        height, width = speed.shape
        x = float((speed.sum(0) * np.arange(width)).sum() / total / max(1, width - 1)) if total > 1e-6 else 0.5
        y = float((speed.sum(1) * np.arange(height)).sum() / total / max(1, height - 1)) if total > 1e-6 else 0.5
        share = min(1.0, float(np.percentile(speed, 90)) / top)
        right, down = (float(np.clip(0.5 + 0.5 * flow[..., axis].mean() / top, 0, 1)) for axis in (0, 1))
        return {"motion": share, "motion x": x, "motion y": y, "motion right": right, "motion down": down}


def watch_motion(board: Board, frames: Iterator[np.ndarray], about: str, rate: float | None = None) -> Loop:
    """Put the motion of frames on a board, at most `rate` a second."""
    meter = MotionMeter()

    def once() -> bool:
        frame = next(frames, None)
        if frame is None:
            return False
        for name, value in meter(frame).items():
            board.put(f"camera {name}", value)
        if rate is not None:
            time.sleep(1 / rate)
        return True

    return Loop(about, once)


def reduced(frame: np.ndarray, longer_px: int) -> np.ndarray:
    """Return a frame ``[H, W, 3]`` whose longer side is at most so many pixels, by area; both sides even."""
    scale = min(1.0, longer_px / max(frame.shape[:2]))
    width, height = (max(2, round(side * scale) // 2 * 2) for side in (frame.shape[1], frame.shape[0]))
    return np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA))
