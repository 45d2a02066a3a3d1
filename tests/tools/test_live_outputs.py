"""What goes out of a show: sound in blocks without clicks, to a device that is not real; OSC and MIDI."""

from __future__ import annotations

import socket
import sys
import types
from typing import ClassVar

import numpy as np
import pytest

from reverie.errors import InputError
from reverie.media.speaker import Speaker
from reverie.tools.live.mapping import parse_map
from reverie.tools.live.outputs import Outputs
from reverie.tools.sound.config import SoundSettings
from reverie.tools.sound.live import LiveSound

BOUNDS = {"truncation": (0.0, 2.0), "direction 0": (-4.0, 4.0)}


def frame(light: int, seed: int | None = None) -> np.ndarray:
    if seed is None:
        return np.full((64, 96, 3), light, np.uint8)
    return np.random.default_rng(seed).integers(0, 255, (64, 96, 3), dtype=np.uint8)


def test_long_tones_go_on_from_block_to_block_without_a_step():
    sound = LiveSound(SoundSettings(bells=0, grains=0))
    sound.see(frame(180))
    whole = np.concatenate([sound.block(512) for _ in range(40)])
    assert np.abs(whole).max() <= 1
    steps = np.abs(np.diff(whole, axis=0)).max(1)
    at_blocks, inside = steps[511::512], np.delete(steps, np.s_[511::512])
    assert at_blocks.max() <= 1.05 * np.percentile(inside, 99.9)


@pytest.mark.slow
def test_motion_is_heard_and_stillness_is_calm():
    how = SoundSettings(drone=0)
    still, moving = LiveSound(how), LiveSound(how)
    for number in range(120):
        still.see(frame(120))
        moving.see(frame(0, seed=number))
        still.block(800), moving.block(800)
    quiet, loud = (np.concatenate([s.block(800) for _ in range(60)]) for s in (still, moving))
    assert np.sqrt((loud**2).mean()) > 3 * np.sqrt((quiet**2).mean())
    assert np.isfinite(loud).all()


class Stream:
    """A device of which one turns the crank oneself."""

    made: ClassVar[list[Stream]] = []

    def __init__(self, rate_hz, blocksize, device, channels, dtype, callback) -> None:
        if device == "none":
            raise RuntimeError("Error querying device -1")
        self.rate_hz, self.callback, self.open = rate_hz, callback, False
        self.made.append(self)

    def start(self) -> None:
        self.open = True

    def close(self) -> None:
        self.open = False


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> type[Stream]:
    monkeypatch.setitem(sys.modules, "sounddevice", types.SimpleNamespace(OutputStream=Stream))
    Stream.made.clear()
    return Stream


def test_a_device_plays_what_the_show_looks_like(device: type[Stream]):
    out = Outputs(parse_map("outputs: {sound: {scale: dorian, tempo: 120}}"), BOUNDS)
    out.show({}, frame(200))
    block = np.zeros((480, 2), np.float32)
    device.made[0].callback(block, 480, None, None)
    assert (device.made[0].rate_hz, out.notes) == (48_000, [])
    assert np.abs(block).max() > 0.001
    out.close()
    assert not device.made[0].open


def test_what_is_missing_is_one_line_and_the_show_goes_on(device: type[Stream], monkeypatch: pytest.MonkeyPatch):
    out = Outputs(parse_map("outputs: {sound: none, osc: nowhere}"), BOUNDS)
    assert [note.split(":")[0] for note in out.notes] == ["without sound", "without osc"]
    assert "no sound device" in out.notes[0]
    out.show({"truncation": 1.0}, frame(1))
    out.close()
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(InputError, match="libportaudio2"):
        Speaker(lambda count: np.zeros((count, 2)), 48_000)


def test_parameters_and_cues_reach_a_program_by_osc_once_for_each_change():
    pytest.importorskip("pythonosc", reason="of the extra 'live'")
    from pythonosc.osc_packet import OscPacket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind(("127.0.0.1", 0))
        link.settimeout(5)
        out = Outputs(parse_map(f'outputs: {{osc: "127.0.0.1:{link.getsockname()[1]}"}}'), BOUNDS)
        for value in (0.5, 0.5, 1.0):
            out.show({"truncation": value, "direction 0": -4.0}, None)
        out.cue("bloom", 0)
        got = [OscPacket(link.recv(4096)).messages[0].message for _ in range(4)]
        assert [(m.address, m.params[0]) for m in got] == [
            ("/reverie/truncation", 0.5), ("/reverie/direction_0", -4.0), ("/reverie/truncation", 1.0),
            ("/reverie/cue", "bloom"),
        ]  # fmt: skip


def test_parameters_are_controllers_and_cues_are_notes_by_midi(monkeypatch: pytest.MonkeyPatch):
    mido = pytest.importorskip("mido", reason="of the extra 'live'")
    sent: list = []
    port = types.SimpleNamespace(send=sent.append, close=lambda: sent.append("closed"))
    monkeypatch.setattr(mido, "get_output_names", lambda: ["Loop 1"], raising=False)
    monkeypatch.setattr(mido, "open_output", lambda name: port, raising=False)
    out = Outputs(parse_map("outputs: {midi: loop}"), BOUNDS)
    out.show({"truncation": 2.0, "direction 0": 0.0}, None)
    out.show({"truncation": 2.0, "direction 0": 0.001}, None)  # less than a step of 127
    out.cue("bloom", 3)
    out.close()
    assert [(m.control, m.value) for m in sent[:2]] == [(20, 127), (21, 64)]
    assert [(m.type, m.note) for m in sent[2:4]] == [("note_on", 63), ("note_off", 63)]
    assert sent[4:] == ["closed"]
