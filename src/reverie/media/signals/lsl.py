"""Lab Streaming Layer: heart rate, skin conductance, EEG and its bands, as biofeedback devices send them.

Names on the board: "lsl NAME" the first channel of a stream, "lsl NAME 2" the second, or by label, "lsl NAME C3";
of a stream of type EEG also "lsl NAME alpha" and the other bands: their power relative to all bands, mean of channels.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from reverie.errors import InputError
from reverie.media.native_output import native_lines_dropped
from reverie.media.signals.board import Board, Loop

BANDS_HZ = {"delta": (1, 4), "theta": (4, 8), "alpha": (8, 13), "beta": (13, 30), "gamma": (30, 45)}
WINDOW_S, EVERY_S = 2.0, 0.25  # of the spectrum
LOOK_S, WAIT_S = 2.0, 0.2
MOST_CHANNELS = 256
LEAST_EEG_HZ = 90


def listen_lsl(board: Board, wanted: str, look_s: float = LOOK_S) -> Loop:
    """Follow the stream of this name or type.

    Raises:
        InputError: pylsl is missing, or no such stream is in the network.
    """
    try:
        import pylsl
    except (ImportError, RuntimeError, OSError) as error:  # its library may be missing, too
        raise InputError("Lab Streaming Layer needs 'pylsl': pip install 'reverie[live]'") from error
    with native_lines_dropped():  # its own news: which configuration it loaded
        streams = pylsl.resolve_streams(look_s)
    found = [s for s in streams if wanted in (s.name(), s.type(), s.source_id())]
    if not found:
        raise InputError(f"no LSL stream '{wanted}' in this network; is its sender running, on the same network?")
    inlet = pylsl.StreamInlet(found[0], max_buflen=10, recover=True)
    info = inlet.info(timeout=look_s)
    follow = LslStream(board, wanted, _labels(info), info.nominal_srate(), eeg=info.type() == "EEG")

    def once() -> bool:
        rows, _ = inlet.pull_chunk(timeout=WAIT_S, max_samples=256)
        for row in rows or ():
            follow.take(list(row))
        return True

    return Loop(f"LSL {info.name()} ({info.channel_count()} channels)", once, inlet.close_stream)


class LslStream:
    """What arrives of one stream.

    Args:
        board: gets it.
        name: of the stream.
        labels: of its channels.
        rate_hz: samples a second; 0 where they come at any time.
        eeg: whether bands are measured.
    """

    def __init__(self, board: Board, name: str, labels: tuple[str, ...], rate_hz: float, *, eeg: bool) -> None:
        self._board, self._labels, self._rate_hz, self._name = board, labels, rate_hz, f"lsl {name}"
        self._window: deque[list[float]] | None = None
        if eeg and rate_hz >= LEAST_EEG_HZ:
            self._window = deque(maxlen=round(WINDOW_S * rate_hz))
        self._since = 0

    def take(self, row: list) -> None:
        """Take one sample of all channels."""
        values = [float(v) for v in row if isinstance(v, (int, float))]
        for number, value in enumerate(values[:MOST_CHANNELS], 1):
            self._board.put(self._name if number == 1 else f"{self._name} {number}", value)
            if number <= len(self._labels) and self._labels[number - 1]:
                self._board.put(f"{self._name} {self._labels[number - 1]}", value)
        if self._window is None or not values:
            return
        self._window.append(values)
        self._since += 1
        if len(self._window) == self._window.maxlen and self._since >= EVERY_S * self._rate_hz:
            self._since = 0
            for band, power in band_powers(np.array(self._window), self._rate_hz).items():
                self._board.put(f"{self._name} {band}", power)


def band_powers(samples: np.ndarray, rate_hz: float) -> dict[str, float]:
    """Return the power of each band relative to all of them, mean of the channels of ``[time, channels]``."""
    centered = samples - samples.mean(0)
    spectrum = np.abs(np.fft.rfft(centered * np.hanning(len(centered))[:, None], axis=0)) ** 2
    hz = np.fft.rfftfreq(len(centered), 1 / rate_hz)
    powers = {name: spectrum[(hz >= low) & (hz < high)].sum(0) for name, (low, high) in BANDS_HZ.items()}
    total = np.maximum(sum(powers.values()), 1e-30)
    return {name: float((power / total).mean()) for name, power in powers.items()}


def _labels(info: Any) -> tuple[str, ...]:
    """Return the labels of a stream's channels, as far as it says them."""
    labels, child = [], info.desc().child("channels").child("channel")
    while not child.empty() and len(labels) < MOST_CHANNELS:
        labels.append(child.child_value("label"))
        child = child.next_sibling("channel")
    return tuple(labels)
