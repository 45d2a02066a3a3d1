"""Maps: which signals move which parameters, how far and how fast; read from YAML.

    inputs:
      osc: 9000                    # a port
      lsl: [EEG, HeartRate]        # names or types of streams
      midi: nano                   # part of the port's name; "" for the first
      audio: song.wav              # or microphone
      camera: 0                    # or a film: its motion
      take: earlier.jsonl          # a recorded session
    outputs: {sound: "", midi: loop, osc: 127.0.0.1:9002}   # see `reverie.tools.live.outputs`
    signals:                       # what is said of an input; without it: from 0 to 1, smoothed a little
      heart: {from: osc /heart, range: [50, 120], smooth: 0.5, timeout: 5s, home: 0.3}
      calm: {from: lsl EEG alpha, range: auto, calibrate: 20s}
    moves:
      truncation: {signal: heart, from: 0.4, to: 1}
      direction 0: {signal: calm, from: -2, to: 2, rate: 1, curve: smooth}
      speed: [{signal: key ArrowRight, from: 0.1, to: 1}, {signal: key ArrowLeft, from: 0, to: -1}]   # added up

A move stays between its two ends whatever comes in, and changes by at most `rate` a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reverie.errors import InputError
from reverie.jobs.plain_text import Place, parse_tree, read_text
from reverie.media.signals.board import Board
from reverie.media.signals.signal import Signal, SignalSettings
from reverie.tools.keyframes.easing import EASINGS

KNOWN = ("inputs", "outputs", "signals", "moves")
OUTPUTS = ("sound", "midi", "osc")
INPUTS = ("osc", "lsl", "midi", "audio", "camera", "take")
IN_SIGNAL = ("from", "range", "calibrate", "smooth", "beta", "timeout", "home")
IN_MOVE = ("signal", "from", "to", "rate", "curve")
KINDS = ("osc ", "lsl ", "midi ", "audio ", "camera ", "mouse ", "key ", "class ")  # first words of inputs
STAYING = ("mouse ", "key ", "midi ")  # inputs that speak only when they change: they never time out
MOST_MOVES = 256


@dataclass(frozen=True)
class Share:
    """What one signal gives to a parameter: `low` at 0, `high` at 1, at most `rate` a second."""

    signal: str
    low: float
    high: float
    rate: float | None = None
    curve: str = "linear"


@dataclass(frozen=True)
class LiveMap:
    """A whole map.

    Attributes:
        inputs: what is listened to, by kind; each a list.
        outputs: what goes out, by kind.
        signals: settings by name.
        moves: parameter → what is added up for it.
        text: the file, for whoever makes the session again.
        folder: where files that it names lie.
    """

    inputs: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    signals: Mapping[str, SignalSettings] = field(default_factory=dict)
    moves: Mapping[str, tuple[Share, ...]] = field(default_factory=dict)
    text: str = ""
    folder: Path = Path()


def read_map(path: Path) -> LiveMap:
    """Return the map of a file.

    Raises:
        InputError: missing, not YAML, or something that is not understood, named.
    """
    return parse_map(read_text(path, "a map of signals"), path.name, path.parent)


def parse_map(text: str, name: str = "map", folder: Path = Path()) -> LiveMap:
    """Return the map of a text.

    Raises:
        InputError: as `read_map`.
    """
    tree = parse_tree(text, f"'{name}'", KNOWN)
    place = Place(f"'{name}'")
    inputs = {kind: tuple(place.listed(item)) for kind, item in place.entries(tree.get("inputs") or {}, INPUTS).items()}
    outputs = place.at("outputs").entries(tree.get("outputs") or {}, OUTPUTS)
    signals = {
        word: _signal(place.at(f"signal {word}"), item)
        for word, item in place.at("signals").entries(tree.get("signals") or {}).items()
    }
    moves = {
        word: tuple(_share(place.at(f"move {word}"), item, signals) for item in place.listed(items))
        for word, items in place.at("moves").entries(tree.get("moves") or {}).items()
    }
    if len(moves) > MOST_MOVES or len(signals) > MOST_MOVES:
        raise InputError(f"'{name}' has more than {MOST_MOVES} moves or signals")
    used = {share.signal for shares in moves.values() for share in shares}
    signals |= {word: usual_settings(word) for word in used if word not in signals}
    return LiveMap(inputs, outputs, signals, moves, text, folder)


def usual_settings(source: str) -> SignalSettings:
    """Return the settings of an input that nothing is said of."""
    stays = source.startswith(STAYING)
    return SignalSettings(
        source, timeout_s=0.0 if stays else 3.0, home=0.5 if source.startswith(("mouse", "camera motion ")) else 0.0
    )


def _signal(place: Place, item: object) -> SignalSettings:
    found = place.entries(item, IN_SIGNAL)
    source = place.at("from").text(found.get("from"))
    if not source.startswith(KINDS):
        raise place.error(f"'{source}' is no input; inputs begin with {', '.join(k.strip() for k in KINDS)}")
    usual = usual_settings(source)
    low, high = _range(place.at("range"), found.get("range", [0, 1]))
    seconds = {key: place.at(key).seconds(found[key]) for key in ("calibrate", "timeout") if key in found}
    number = {key: place.at(key).number(found[key], 0, top) for key, top in
              (("smooth", 1000), ("beta", 1000), ("home", 1)) if key in found}  # fmt: skip
    return SignalSettings(
        source, low, high, seconds.get("calibrate", usual.calibrate_s), number.get("smooth", usual.smooth_hz),
        number.get("beta", usual.beta), seconds.get("timeout", usual.timeout_s), number.get("home", usual.home),
    )  # fmt: skip


def _range(place: Place, item: object) -> tuple[float | None, float | None]:
    if item == "auto":
        return None, None
    if not isinstance(item, list) or len(item) != 2:
        raise place.error("expected auto, or two numbers such as [50, 120]")
    low, high = (place.number(value, -1e12, 1e12) for value in item)
    if low == high:
        raise place.error("the two ends are the same")
    return low, high


def _share(place: Place, item: object, signals: Mapping[str, SignalSettings]) -> Share:
    found = place.entries(item, IN_MOVE)
    signal = place.at("signal").text(found.get("signal"))
    if signal not in signals and not signal.startswith(KINDS):
        raise place.error(f"there is no signal '{signal}'; give it under 'signals', or name an input such as mouse x")
    curve = str(found.get("curve", "linear"))
    if curve not in EASINGS:
        raise place.error(f"there is no curve '{curve}'; known: {', '.join(EASINGS)}")
    rate = None if "rate" not in found else place.at("rate").number(found["rate"], 1e-6)
    low, high = (place.at(key).number(found.get(key, usual)) for key, usual in (("from", 0), ("to", 1)))
    return Share(signal, low, high, rate, curve)


class Mapper:
    """A map at work; ask it once for each frame."""

    def __init__(self, live_map: LiveMap) -> None:
        self.map = live_map
        self._signals = {name: Signal(settings) for name, settings in live_map.signals.items()}
        self._last: dict[tuple[str, int], float] = {}
        self._asked_s: float | None = None

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """The ranges that calibration has found so far."""
        return {n: s.range for n, s in self._signals.items() if s.range is not None and s.settings.low is None}

    @property
    def latest(self) -> dict[str, float]:
        """The signals in [0, 1] as they were asked last."""
        return {name: signal.value for name, signal in self._signals.items()}

    def signals(self, board: Board, now_s: float) -> dict[str, float]:
        """Return all signals in [0, 1]."""
        return {name: signal.at(board, now_s) for name, signal in self._signals.items()}

    def values(self, board: Board, now_s: float) -> dict[str, float]:
        """Return the parameters that move, at a time of the board's clock."""
        step_s = 0.0 if self._asked_s is None else max(0.0, now_s - self._asked_s)
        self._asked_s = now_s
        signals = self.signals(board, now_s)
        return {
            name: sum(self._share(name, n, share, signals, step_s) for n, share in enumerate(shares))
            for name, shares in self.map.moves.items()
        }

    def _share(self, name: str, number: int, share: Share, signals: Mapping[str, float], step_s: float) -> float:
        wanted = share.low + (share.high - share.low) * EASINGS[share.curve](signals[share.signal])
        last = self._last.get((name, number))
        if last is not None and share.rate is not None:
            wanted = min(max(wanted, last - share.rate * step_s), last + share.rate * step_s)
        self._last[name, number] = wanted
        return wanted
