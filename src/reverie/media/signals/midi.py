"""MIDI controllers: knobs, faders, keys and pads; and MIDI files, as recordings of them.

Names on the board, values in [0, 1]: "midi cc 7", "midi note 60" (how hard; 0 when released), "midi note" (which key
was last), "midi pitch", "midi pressure".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reverie.errors import InputError
from reverie.media.native_output import native_lines_dropped
from reverie.media.signals.board import Board, Loop

WAIT_S = 0.005
MOST_BYTES = 16 << 20
TOP = 127


def listen_midi(board: Board, wanted: str = "") -> Loop:
    """Follow the first port whose name has this text in it.

    Raises:
        InputError: mido or its driver is missing, or there is no such port.
    """
    import time

    ports, names = _ports("get_input_names")
    name = next((n for n in names if wanted.lower() in n.lower()), None)
    if name is None:
        raise InputError(f"no MIDI port '{wanted}'; there are: {', '.join(names) or 'none'}")
    port = ports.open_input(name)

    def once() -> bool:
        for message in port.iter_pending():
            put_message(board, message)
        time.sleep(WAIT_S)
        return True

    return Loop(f"MIDI {name}", once, port.close)


class MidiOutput:
    """The first port whose name has this text in it, to write to.

    Raises:
        InputError: mido or its driver is missing, or there is no such port.
    """

    def __init__(self, wanted: str = "") -> None:
        mido, names = _ports("get_output_names")
        name = next((n for n in names if wanted.lower() in n.lower()), None)
        if name is None:
            raise InputError(f"no MIDI port '{wanted}'; there are: {', '.join(names) or 'none'}")
        self._message, self._port = mido.Message, mido.open_output(name)
        self._last: dict[int, int] = {}
        self._sounding: int | None = None

    def control(self, number: int, value: float) -> None:
        """Move a controller to a value in [0, 1], where that is another step of 127."""
        step = round(min(max(value, 0.0), 1.0) * TOP)
        if self._last.get(number) != step:
            self._last[number] = step
            self._port.send(self._message("control_change", control=number, value=step))

    def note(self, number: int) -> None:
        """Strike a note; the one before is released."""
        if self._sounding is not None:
            self._port.send(self._message("note_off", note=self._sounding))
        self._port.send(self._message("note_on", note=number, velocity=100))
        self._sounding = number

    def close(self) -> None:
        """Release what sounds, and the port."""
        if self._sounding is not None:
            self._port.send(self._message("note_off", note=self._sounding))
        self._port.close()


def _ports(which: str) -> tuple[Any, list[str]]:
    """Return mido and the names of its ports.

    Raises:
        InputError: mido or its driver is missing.
    """
    try:
        import mido

        with native_lines_dropped():
            return mido, getattr(mido, which)()
    except ImportError as error:
        raise InputError("MIDI needs 'mido' and 'python-rtmidi': pip install 'reverie[live]'") from error
    except Exception as error:  # rtmidi raises its own kinds: no sequencer of ALSA, no permission
        raise InputError(f"there is no MIDI on this machine ({' '.join(str(error).split())[:100]})") from error


def put_message(board: Board, message: Any, time_s: float | None = None) -> None:
    """Put what a message says on a board."""
    if message.type == "control_change":
        board.put(f"midi cc {message.control}", message.value / TOP, time_s)
    elif message.type in ("note_on", "note_off"):
        hard = message.velocity / TOP if message.type == "note_on" else 0.0
        board.put(f"midi note {message.note}", hard, time_s)
        if hard:
            board.put("midi note", message.note / TOP, time_s)
    elif message.type == "pitchwheel":
        board.put("midi pitch", (message.pitch + 8192) / 16383, time_s)
    elif message.type == "aftertouch":
        board.put("midi pressure", message.value / TOP, time_s)


def midi_file(path: Path) -> Iterator[tuple[float, str, float]]:
    """Yield (seconds, name, value) of a MIDI file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        import mido
    except ImportError as error:
        raise InputError("MIDI needs 'mido': pip install 'reverie[live]'") from error
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"'{path}' is larger than a MIDI file can be")
        messages = list(mido.MidiFile(str(path)))
    except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"'{path}' is no readable MIDI file ({error})") from error
    now = 0.0
    for message in messages:
        now += message.time
        board = Board(lambda: 0.0)
        put_message(board, message)
        for name, sample in board.all().items():
            yield now, name, sample.value
