"""The inputs of a map, opened: one driver each; a missing device is one line, and the others go on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from reverie.errors import InputError
from reverie.media.signals.board import Board, Driver
from reverie.tools.live.mapping import LiveMap

MOTION_RATE = 30.0


class Inputs:
    """All drivers of a map.

    Attributes:
        notes: what could not be opened, one line each.
    """

    def __init__(self, live_map: LiveMap, board: Board) -> None:
        self.notes: list[str] = []
        self.drivers: list[Driver] = []
        for kind, items in live_map.inputs.items():
            for item in items:
                try:
                    self.drivers.append(OPENERS[kind](board, item, live_map.folder))
                except InputError as error:
                    self.notes.append(f"without {kind}: {error}")

    @property
    def about(self) -> list[str]:
        """What is listened to, in words."""
        return [driver.about for driver in self.drivers]

    def close(self) -> None:
        """Stop all of them."""
        for driver in self.drivers:
            with contextlib.suppress(OSError):
                driver.close()
        self.drivers.clear()


def _osc(board: Board, item: Any, folder: Path) -> Driver:
    from reverie.media.signals.osc import listen_osc

    if not isinstance(item, int) or not 0 <= item < 65536:
        raise InputError(f"OSC listens to a port, such as 9000; got {item!r}")
    return listen_osc(board, item)


def _lsl(board: Board, item: Any, folder: Path) -> Driver:
    from reverie.media.signals.lsl import listen_lsl

    return listen_lsl(board, str(item))


def _midi(board: Board, item: Any, folder: Path) -> Driver:
    from reverie.media.signals.midi import listen_midi, midi_file
    from reverie.media.signals.sources import play

    if str(item).lower().endswith((".mid", ".midi")):
        path = _beside(folder, item)
        return play(board, path.name, midi_file(path), clock=board.clock)
    return listen_midi(board, str(item or ""))


def _audio(board: Board, item: Any, folder: Path) -> Driver:
    from reverie.media.signals.sources import microphone, play, sound_values

    if item == "microphone":
        return microphone(board)
    path = _beside(folder, item)
    return play(board, path.name, sound_values(path), clock=board.clock)


def _camera(board: Board, item: Any, folder: Path) -> Driver:
    from reverie.media.signals.sources import watch_motion

    about = f"camera {item}" if isinstance(item, int) else str(item)
    return watch_motion(board, moving_frames(item, folder), about, None if isinstance(item, int) else MOTION_RATE)


def _take(board: Board, item: Any, folder: Path) -> Driver:
    from reverie.media.signals.sources import play, take_values

    path = _beside(folder, item)
    return play(board, path.name, take_values(path), clock=board.clock)


def moving_frames(item: Any, folder: Path) -> Iterator[Any]:
    """Return the frames of a camera by its number, or of a film, again and again.

    Raises:
        InputError: there is none.
    """
    from reverie.media.footage import footage_frames, open_footage
    from reverie.media.signals.sources import camera_frames

    if isinstance(item, int) or str(item).isdecimal():
        frames = camera_frames(int(item))
        first = next(frames, None)
        if first is None:
            raise InputError(f"camera {item} gives no picture")
        return frames
    footage = open_footage(_beside(folder, item))

    def endless() -> Iterator[Any]:
        while True:
            yield from footage_frames(footage)

    return endless()


def _beside(folder: Path, item: Any) -> Path:
    beside = folder / str(item)
    return beside if beside.exists() else Path(str(item))


OPENERS: dict[str, Callable[[Board, Any, Path], Driver]] = {
    "osc": _osc, "lsl": _lsl, "midi": _midi, "audio": _audio, "camera": _camera, "take": _take,
}  # fmt: skip
