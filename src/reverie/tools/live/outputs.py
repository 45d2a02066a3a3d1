"""What goes out of a show: its sound, and its parameters and cues to a program for music or light, by MIDI or OSC.

    outputs:
      sound: {scale: dorian, key: D, tempo: 90}   # or "" for the usual; a device is named by {device: NAME}
      midi: loopMIDI                              # part of a port's name: parameters are controllers 20, 21, ...
      osc: 127.0.0.1:9002                         # /reverie/PARAMETER VALUE, /reverie/cue WORD

A device that is missing is one line, and the show goes on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.errors import InputError, ReverieError
from reverie.tools.live.mapping import LiveMap

if TYPE_CHECKING:
    from reverie.media.signals.midi import MidiOutput
    from reverie.media.speaker import Speaker
    from reverie.tools.sound.live import LiveSound

FIRST_CONTROLLER = 20  # 20 to 31 are undefined in the MIDI standard, for anybody's use
CONTROLLERS = 12
FIRST_NOTE = 60  # of the first reaction that fires
LEAST = 1e-4  # of a parameter's range that is worth a message


class Outputs:
    """All that a map sends out.

    Args:
        live_map: the map.
        bounds: between what each parameter moves.

    Attributes:
        notes: what could not be opened, one line each.
    """

    def __init__(self, live_map: LiveMap, bounds: Mapping[str, tuple[float, float]]) -> None:
        self.notes: list[str] = []
        self._bounds, self._sent = dict(bounds), dict[str, float]()
        self._sound: LiveSound | None = None
        self._speaker: Speaker | None = None
        self._midi: MidiOutput | None = None
        self._osc: tuple[str, int] | None = None
        openers: dict[str, Callable[[Any], None]] = {
            "sound": self._open_sound, "midi": self._open_midi, "osc": self._open_osc,
        }  # fmt: skip
        for kind, item in live_map.outputs.items():
            try:
                openers[kind](item)
            except InputError as error:
                self.notes.append(f"without {kind}: {error}")

    def show(self, values: Mapping[str, float], image: np.ndarray | None) -> None:
        """Send the parameters that changed, and let the sound follow a new frame."""
        if self._sound is not None and image is not None:
            self._sound.see(image)
        for number, (name, value) in enumerate(values.items()):
            low, high = self._bounds.get(name, (0.0, 1.0))
            part = (value - low) / (high - low) if high > low else 0.0
            if abs(part - self._sent.get(name, -1.0)) < LEAST:
                continue
            self._sent[name] = part
            if self._osc is not None:
                self._send("/reverie/" + name.replace(" ", "_"), value)
            if self._midi is not None and number < CONTROLLERS:
                self._midi.control(FIRST_CONTROLLER + number, part)

    def cue(self, word: str, number: int) -> None:
        """Send that a reaction fired."""
        if self._osc is not None:
            self._send("/reverie/cue", word)
        if self._midi is not None:
            self._midi.note(FIRST_NOTE + number % 64)

    def close(self) -> None:
        """Let everything go."""
        for one in (self._speaker, self._midi):
            if one is not None:
                one.close()

    def _open_sound(self, item: Any) -> None:
        from reverie.media.speaker import Speaker
        from reverie.settings import parse_settings
        from reverie.tools.sound.config import SoundSettings
        from reverie.tools.sound.live import LiveSound
        from reverie.tools.sound.synthesis import RATE_HZ

        asked = dict(item) if isinstance(item, dict) else {"device": str(item or "")}
        device = str(asked.pop("device", ""))
        sound = LiveSound(parse_settings(SoundSettings, asked, "'sound'"))
        self._speaker, self._sound = Speaker(sound.block, RATE_HZ, device), sound

    def _open_midi(self, item: Any) -> None:
        from reverie.media.signals.midi import MidiOutput

        self._midi = MidiOutput(str(item or ""))

    def _open_osc(self, item: Any) -> None:
        host, colon, port = str(item).rpartition(":")
        if not colon or not port.isdecimal() or int(port) > 65535:
            raise InputError(f"OSC goes to a machine and a port, such as 127.0.0.1:9002; got '{item}'")
        self._osc = host, int(port)

    def _send(self, address: str, value: float | str) -> None:
        from reverie.media.signals.osc import send_osc

        assert self._osc is not None
        with contextlib.suppress(ReverieError):  # whoever listens may come and go
            send_osc(*self._osc, address, [value])
