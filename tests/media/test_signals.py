"""Signals: calibration, timeouts, OSC and LSL over real sockets of this machine, takes, MIDI files, motion."""

from __future__ import annotations

import socket
import time

import numpy as np
import pytest

from reverie.errors import InputError
from reverie.media.signals.board import MOST_NAMES, Board
from reverie.media.signals.lsl import band_powers
from reverie.media.signals.signal import Signal, SignalSettings
from reverie.media.signals.sources import LiveBands, MotionMeter, play, reduced
from reverie.media.signals.take import TakeRecorder, parse_take, read_take

pytest.importorskip("pythonosc", reason="of the extra 'live'")


def until(true, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.005)
    return true()


def test_a_board_keeps_the_newest_and_leaves_out_what_is_no_number():
    board = Board(lambda: 7.0)
    board.put("a", 1)
    board.put("a", 2)
    board.put("b", float("nan"))
    assert board.get("a").value == 2
    assert board.get("a").time_s == 7
    assert board.get("b") is None
    for number in range(MOST_NAMES + 5):
        board.put(f"n {number}", 0)
    assert len(board.all()) == MOST_NAMES
    assert board.left_out == 7


def test_a_heart_rate_is_calibrated_smoothed_and_goes_home_when_it_is_lost():
    board, now = Board(lambda: 0.0), 0.0
    signal = Signal(SignalSettings("osc /heart", None, None, 10.0, 1.0, 0.5, 3.0, 0.3))
    random, values = np.random.default_rng(0), []
    for number in range(600):  # 20 s at 30 a second, a pulse of 60 to 90 that breathes
        now = number / 30
        board.put("osc /heart", 75 + 15 * np.sin(now) + random.normal(0, 1), now)
        values.append(signal.at(board, now))
    assert values[150] == pytest.approx(0.3)
    low, high = signal.range
    assert 58 < low < 64 and 86 < high < 92
    assert min(values[330:]) < 0.1 and max(values[330:]) > 0.9
    jumps = np.abs(np.diff(values[330:]))
    assert jumps.max() < 0.15
    lost = [signal.at(board, now + n / 30) for n in range(1, 300)]
    assert lost[-1] == pytest.approx(0.3, abs=0.01)


def test_osc_arrives_over_the_loopback_with_nothing_queued_and_rubbish_left_out():
    from reverie.media.signals.osc import listen_osc, send_osc

    board = Board()
    driver = listen_osc(board, 0, "127.0.0.1")
    try:
        for number in range(300):
            send_osc("127.0.0.1", driver.port, "/muse/alpha", [number / 300, 0.25])
        time.sleep(0.2)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rough:
            rough.sendto(b"/nonsense\x00\xff\xff", ("127.0.0.1", driver.port))
            rough.sendto(b"#bundle\x00" + b"\xff" * 9, ("127.0.0.1", driver.port))
        assert until(lambda: send_osc("127.0.0.1", driver.port, "/pad", []) or board.get("osc /pad") is not None)
        assert board.get("osc /muse/alpha 2").value == 0.25
        assert until(lambda: board.left_out > 0)
    finally:
        driver.close()
    with pytest.raises(InputError, match="address"):
        send_osc("127.0.0.1", 9, "light", [1.0])


def test_a_taken_port_is_one_line():
    from reverie.media.signals.osc import listen_osc

    first = listen_osc(Board(), 0, "127.0.0.1")
    try:
        with pytest.raises(InputError, match="cannot listen on port"):
            listen_osc(Board(), first.port, "127.0.0.1")
    finally:
        first.close()


def eeg(alpha: float, seconds: float = 2.0, rate: float = 256.0) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(3).normal(0, 1, (len(t), 2))
    return noise + alpha * np.sin(2 * np.pi * 10 * t)[:, None] + 0.5 * np.sin(2 * np.pi * 20 * t)[:, None]


def test_bands_of_a_made_up_eeg_follow_its_alpha():
    calm, awake = band_powers(eeg(6), 256), band_powers(eeg(0.2), 256)
    assert calm["alpha"] > 0.8 > 0.4 > awake["alpha"]
    assert sum(calm.values()) == pytest.approx(1)


@pytest.mark.slow
def test_lsl_arrives_over_the_network_of_this_machine():
    pylsl = pytest.importorskip("pylsl", reason="of the extra 'live'")
    from reverie.media.signals.lsl import listen_lsl

    info = pylsl.StreamInfo("reverie-test", "EEG", 2, 256, "float32", "reverie-test-1")
    labels = info.desc().append_child("channels")
    for name in ("C3", "C4"):
        labels.append_child("channel").append_child_value("label", name)
    outlet = pylsl.StreamOutlet(info)
    board = Board()
    try:
        driver = listen_lsl(board, "reverie-test", 4.0)
    except InputError:
        pytest.skip("streams are not found here: no multicast")
    try:
        rows = eeg(6, 4.0)
        for begin in range(0, len(rows), 32):
            outlet.push_chunk(rows[begin : begin + 32].tolist())
            time.sleep(0.02)
        assert until(lambda: board.get("lsl reverie-test alpha") is not None, 10)
        assert board.get("lsl reverie-test alpha").value > 0.6
        assert board.get("lsl reverie-test C4") is not None
    finally:
        driver.close()


def test_a_take_comes_back_as_it_was_and_survives_a_torn_end(tmp_path):
    board, recorder = Board(lambda: 0.0), TakeRecorder({"tool": "latent live"})
    for number in range(5):
        board.put("mouse x", number / 4, 10 + number)
        recorder.note(board, 10.0 + number, 10.0)
    recorder.note(board, 15.0, 10.0)
    recorder.cue("bloom", 12.5, 10.0)
    path = tmp_path / "take.jsonl"
    path.write_bytes(recorder.take.encoded())
    take = read_take(path)
    assert take.about == {"tool": "latent live"}
    assert take.length_s == 5
    assert [(t, v["mouse x"]) for t, v in take.samples] == [(n, n / 4) for n in range(5)]
    again = Board(lambda: 0.0)
    assert take.onto(again, 2.2) == 3
    assert again.get("mouse x").value == 0.5
    torn = parse_take([*path.read_text().splitlines(), '{"t": 6, "v'])
    assert len(torn.samples) == 5
    with pytest.raises(InputError, match="line 2"):
        parse_take(['{"take": 1, "about": {}}', "rubbish", '{"t": 1, "v": {}}'])
    with pytest.raises(InputError, match="no recorded session"):
        parse_take(['{"other": 1}'])


def test_what_was_recorded_is_played_when_its_time_has_come():
    board = Board()
    driver = play(board, "take", iter([(0.0, "a", 1.0), (0.15, "a", 2.0)]))
    try:
        assert until(lambda: board.get("a") is not None)
        assert board.get("a").value == 1
        assert until(lambda: board.get("a").value == 2)
    finally:
        driver.close()


def test_midi_files_and_missing_ports(tmp_path):
    mido = pytest.importorskip("mido", reason="of the extra 'live'")
    from reverie.media.signals.midi import listen_midi, midi_file

    song = mido.MidiFile()
    track = mido.MidiTrack()
    song.tracks.append(track)
    track.append(mido.Message("control_change", control=7, value=127, time=0))
    track.append(mido.Message("note_on", note=60, velocity=64, time=480))
    song.save(tmp_path / "a.mid")
    found = list(midi_file(tmp_path / "a.mid"))
    assert found[0][1:] == ("midi cc 7", 1.0)
    assert found[1] == pytest.approx((0.5, "midi note 60", 64 / 127), abs=1e-6) or found[1][1] == "midi note 60"
    with pytest.raises(InputError, match="MIDI"):
        listen_midi(Board(), "a port that nobody has")
    (tmp_path / "b.mid").write_bytes(b"no midi")
    with pytest.raises(InputError, match="no readable MIDI"):
        list(midi_file(tmp_path / "b.mid"))


def test_motion_is_seen_where_it_is_and_whither_it_goes():
    random = np.random.default_rng(0)
    texture = (random.random((96, 192, 1)) * np.ones(3) * 255).astype(np.uint8)
    texture = reduced(texture, 96).repeat(2, 0).repeat(2, 1)
    meter = MotionMeter()
    assert meter(texture)["motion"] == 0
    shifted = texture.copy()
    shifted[:, 96:] = np.roll(texture, 6, 1)[:, 96:]  # the right half goes right
    seen = meter(shifted)
    assert seen["motion"] > 0.1
    assert seen["motion x"] > 0.6
    assert seen["motion right"] > 0.5
    assert meter(shifted)["motion"] < 0.05


def test_bands_of_a_microphone_s_blocks():
    bands, t = LiveBands(22_050), np.arange(512) / 22_050
    for _ in range(8):
        low = bands(np.sin(2 * np.pi * 80 * t).astype(np.float32))
    assert low["bass"] > 0.9
    for _ in range(8):
        quiet = bands(np.zeros(512, np.float32))
    assert quiet["bass"] < 0.2
