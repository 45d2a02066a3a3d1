"""Live shows end to end on a tiny generator: OSC moves frames, the session renders again, songs drive, dreams run."""

from __future__ import annotations

import json
import threading
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from cyclopts import App

from reverie.apps.cli.tool_command import command_for
from reverie.errors import InputError
from reverie.jobs.session import Session
from reverie.jobs.stored import stored_record
from reverie.media.audio import RATE_HZ, read_audio, wav_bytes
from reverie.media.footage import footage_frames, open_footage
from reverie.media.signals.take import read_take
from reverie.media.video_write import VideoWriter
from reverie.models.stylegan2.config import GeneratorConfig
from reverie.models.stylegan2.file import describe
from reverie.models.stylegan2.generator import Generator
from reverie.models.stylegan2.latents import read_latents
from reverie.numerics.loudness import loudness_lufs
from reverie.tools.latent.config import WalkConfig
from reverie.tools.latent_films.walk import settled_walk
from reverie.tools.latent_live.tool import LatentLiveConfig, PreparedLive
from reverie.tools.registry import find_tool
from reverie.weights.checkpoint import save_model

CONFIG = GeneratorConfig(channels=(8, 8, 8), z_dim=8, w_dim=12, mapping_layers=2, mapping_width=12, mapping_lr=0.5)


def call(tool: str, *tokens: object) -> int:
    app = App(result_action="return_value")
    app.default(command_for(find_tool(tool), find_tool))
    return app([str(token) for token in tokens], exit_on_error=False, print_error=False)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = Generator(CONFIG)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_model(path, net.state_dict(), describe(CONFIG))
    return path


def show(model: Path, **settings):
    config = LatentLiveConfig(model=str(model), seeds="0-2", **settings)
    return PreparedLive(config, Session()).work(None, 0)


@pytest.mark.slow
def test_osc_moves_the_picture_and_the_session_renders_to_the_same_places(model, tmp_path):
    pytest.importorskip("pythonosc", reason="of the extra 'live'")
    from reverie.media.signals.osc import send_osc

    (tmp_path / "map.yaml").write_text("""
inputs: {osc: 0}
signals: {push: {from: osc /push, smooth: 0, timeout: 0s}}
moves:
  direction 0: {signal: push, from: 0, to: 3}
  speed: {signal: push, from: 0, to: 0}
""")
    work = show(model, map=str(tmp_path / "map.yaml"), fps=60)
    port = work.inputs.drivers[0].port
    frames, sent = [], False
    for progress in work:
        frames.append(progress.preview().copy())
        if len(frames) == 5:
            send_osc("127.0.0.1", port, "/push", [1.0])
            sent = True
        if sent and (not np.array_equal(frames[-1], frames[0]) or len(frames) > 400):
            break
    assert np.array_equal(frames[3], frames[0])
    assert not np.array_equal(frames[-1], frames[0])
    work.close()
    blob = work.outputs()[0].encode(".jsonl", {})
    (tmp_path / "session.jsonl").write_bytes(blob)
    take = read_take(tmp_path / "session.jsonl")
    assert take.samples[-1][1] == {"osc /push": 1.0}
    assert (
        call("latent render", tmp_path / "session.jsonl", "--fps", 20, "--model", model, "-o", tmp_path / "a.mkv") == 0
    )
    ws = read_latents(tmp_path / "a-latents.safetensors").ws
    assert len(ws) == max(1, round(take.length_s * 20))
    assert torch.equal(ws[0], ws[1] if len(ws) > 1 else ws[0])


@pytest.mark.slow
def test_a_show_from_the_command_line_is_recorded_each_time_anew(model, tmp_path):
    for name in ("s.jsonl", "s-2.jsonl"):
        assert call("latent live", model, "--seconds", 0.4, "--seeds", "0-2", "-o", tmp_path / "s.jsonl") == 0
        about = json.loads((tmp_path / name).read_text().splitlines()[0])["about"]
        assert about["tool"] == "latent live"


def test_mouse_and_keys_are_taken_and_others_refused(model):
    work = show(model, seconds=5.0)
    work.control({"mouse x": 0.9})
    assert work.board.get("mouse x").value == 0.9
    with pytest.raises(InputError, match="mouse x"):
        work.control({"nose": 1})
    work.close()


def test_reactions_obey_in_a_show_and_are_noted(model, tmp_path):
    (tmp_path / "rules.yaml").write_text("""
every: 0.05s
rules:
  - {when: {signal: mouse x, above: 0.8}, do: {seed: 9}}
""")
    work = show(model, seconds=20.0, rules=str(tmp_path / "rules.yaml"), fps=50)
    work.control({"mouse x": 0.95})
    end = time.monotonic() + 10
    for _ in work:
        if work.stage.fired or time.monotonic() > end:
            break
    work.close()
    assert [str(one.action) for one in work.stage.fired] == ["seed 9"]
    assert '"cue": "seed 9"' in work.outputs()[0].encode(".jsonl", {}).decode()


def test_a_missing_device_is_a_line_and_the_show_goes_on(model, tmp_path):
    (tmp_path / "map.yaml").write_text(
        "inputs: {midi: nobody has this, audio: none.wav, camera: none.mp4}\nmoves: {}\n"
    )
    work = show(model, map=str(tmp_path / "map.yaml"), seconds=0.1)
    assert len([note for note in work.notes if note.startswith("without ")]) == 3
    assert sum(1 for _ in work) >= 1
    work.close()


def test_unknown_parameters_are_named(model, tmp_path):
    (tmp_path / "map.yaml").write_text("moves: {truncaton: {signal: mouse x}}\n")
    with pytest.raises(InputError, match="nearest: truncation"):
        show(model, map=str(tmp_path / "map.yaml"))


def flashes(path: Path, at: tuple[int, ...], frames: int = 75) -> Path:
    random = np.random.default_rng(0)
    base = random.integers(40, 80, (32, 48, 3))
    with VideoWriter(path, (32, 48), Fraction(25), preset="veryfast") as writer:
        for number in range(frames):
            flash = 150 if any(0 <= number - start < 3 for start in at) else 0
            writer.write((base + flash + number % 3).clip(0, 255).astype(np.uint8))
    return path


@pytest.mark.slow
def test_a_film_gets_a_sound_of_its_length_at_its_loudness_with_notes_at_its_accents(tmp_path):
    film = flashes(tmp_path / "film.mp4", (20, 50))
    quiet = ("--drone", 0, "--grains", 0, "--room", 0, "--bells", 0.01)
    assert call("sound film", film, "-o", tmp_path / "a.wav", *quiet) == 0
    sound = read_audio(tmp_path / "a.wav")
    assert len(sound) == 3 * RATE_HZ
    assert loudness_lufs(sound, RATE_HZ) == pytest.approx(-16, abs=0.3)
    level = np.abs(sound).max(1)
    for frame in (20, 50):
        begin = frame / 25
        before = level[round((begin - 0.1) * RATE_HZ) : round((begin - 0.005) * RATE_HZ)].max()
        after = level[round(begin * RATE_HZ) : round((begin + 0.02) * RATE_HZ)].max()
        assert after > 3 * before + 0.02
    assert call("sound film", film, "-o", tmp_path / "b.mp4") == 0
    footage = open_footage(tmp_path / "b.mp4")
    assert footage.audio and footage.frames == 75
    assert stored_record(tmp_path / "b.mp4")["tool"] == "sound film"


@pytest.mark.slow
def test_a_loop_has_no_seam_in_its_sound(model, tmp_path):
    assert call("latent walk", model, "--seeds", "0-2", "--seconds", 2, "--fps", 12, "-o", tmp_path / "walk.mkv") == 0
    assert call("sound film", tmp_path / "walk.mkv", "--loop", "yes", "-o", tmp_path / "walk.wav") == 0
    sound = read_audio(tmp_path / "walk.wav")[:, 0]
    jumps = np.abs(np.diff(np.concatenate([sound, sound[:1]])))
    assert jumps[-1] <= np.percentile(jumps, 99.5)


@pytest.mark.slow
def test_a_song_drives_a_walk_and_lies_under_it(model, tmp_path):
    t = np.arange(2 * RATE_HZ) / RATE_HZ
    loud = np.where((t > 1) & (t < 1.5), 1.0, 0.0) * 0.5 * np.sin(2 * np.pi * 70 * t)
    (tmp_path / "song.wav").write_bytes(wav_bytes(np.stack([loud, loud], 1)))
    plain = ("latent walk", model, "--seeds", "0-2", "--seconds", 2, "--fps", 12)
    assert call(*plain, "-o", tmp_path / "a.mkv") == 0
    driven = (*plain, "--song", tmp_path / "song.wav", "--map", "bass=spread:1:2", "-o", tmp_path / "b.mkv")
    assert call(*driven) == 0
    a, b = (read_latents(tmp_path / f"{n}-latents.safetensors").ws for n in "ab")
    apart = (a - b).flatten(1).norm(dim=1)
    assert apart[:10].max() < 1e-5 < 0.1 < apart[14]
    assert open_footage(tmp_path / "b.mkv").audio
    assert call("sound keys", tmp_path / "song.wav", "--map", "bass=zoom:1:1.1", "-o", tmp_path / "keys.yaml") == 0
    from reverie.tools.keyframes.file import read_keyframes

    timeline = read_keyframes(tmp_path / "keys.yaml").timeline(2.0, Fraction(25))
    assert timeline.at(0.5)["zoom"] == pytest.approx(1.0, abs=0.01)
    assert timeline.at(1.3)["zoom"] == pytest.approx(1.1, abs=0.01)


@pytest.mark.parametrize(("more", "seconds"), [((), 1.4), (("--seconds", 0.5), 0.5)])
@pytest.mark.slow
def test_a_walk_is_as_long_as_its_song(model, tmp_path, more, seconds):
    (tmp_path / "song.wav").write_bytes(wav_bytes(np.zeros((round(1.4 * RATE_HZ), 2))))
    film = tmp_path / "a.mkv"
    assert call("latent walk", model, "--song", tmp_path / "song.wav", "--fps", 10, *more, "-o", film) == 0
    assert open_footage(film).frames == round(10 * seconds)
    assert stored_record(film)["config"]["seconds"] == seconds


def test_a_walk_without_a_song_takes_ten_seconds_and_a_missing_song_is_said():
    assert settled_walk(WalkConfig(), "").seconds == 10
    assert settled_walk(WalkConfig(seconds=3), "").seconds == 3
    with pytest.raises(InputError, match="no sound at"):
        settled_walk(WalkConfig(song="missing.wav"), "")


def test_reactions_are_rehearsed_on_a_film(tmp_path):
    film = flashes(tmp_path / "film.mp4", (40,))
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - {when: {signal: camera motion, above: 0.9}, do: {cue: a}}\n")
    assert call("react", film, "--rules", rules, "-o", tmp_path / "r.json") == 0
    assert "rows" in json.loads((tmp_path / "r.json").read_text())


@pytest.mark.slow
@pytest.mark.real
def test_a_dream_runs_live_and_is_made_again(tmp_path):
    film = flashes(tmp_path / "film.mp4", (20,))
    small = ("--size", 64, "--octaves", 1, "--fps", 5)
    assert call("dream live", film, "--seconds", 1.0, *small, "-o", tmp_path / "d.jsonl") == 0
    assert call("dream render", tmp_path / "d.jsonl", "--fps", 4, "-o", tmp_path / "d.mkv") == 0
    frames = list(footage_frames(open_footage(tmp_path / "d.mkv")))
    assert len(frames) >= 3
    assert np.abs(frames[2].astype(int) - frames[0]).mean() > 1


def test_the_page_of_a_show_streams_frames_and_takes_the_mouse(model):
    import http.client
    from urllib.parse import urlparse

    from reverie.apps.web.page import RunPage
    from reverie.jobs.execute import execute
    from reverie.jobs.run import Run
    from reverie.jobs.steps import Ready

    work = show(model, seconds=30.0)
    run = Run(find_tool("latent live"), Ready(work), LatentLiveConfig(), None)
    with RunPage() as page:
        thread = threading.Thread(target=lambda: execute(run, None, page), daemon=True)
        thread.start()
        where = urlparse(page.address)
        link = http.client.HTTPConnection(where.hostname, where.port, timeout=10)
        link.request("GET", where.path)
        assert "key ${e.key}" in link.getresponse().read().decode()
        link.request("GET", f"{where.path}stream")
        answer = link.getresponse()
        assert answer.headers["Content-Type"].startswith("multipart/x-mixed-replace")
        head = answer.read(200)
        assert head.count(b"image/jpeg") >= 1
        steer = http.client.HTTPConnection(where.hostname, where.port, timeout=10)
        for change in ({"mouse x": 0.25}, {"stop": True}):
            steer.request("POST", f"{where.path}steer", json.dumps(change), {"Content-Type": "application/json"})
            assert steer.getresponse().read()
        thread.join(10)
        assert not thread.is_alive()
        link.close()
    assert work.board.get("mouse x").value == 0.25
    assert run.changes == []


def test_a_crash_leaves_the_session_so_far_and_a_save_removes_it(model, tmp_path):
    config = LatentLiveConfig(model=str(model), seeds="0-2", fps=200, seconds=30)
    prepared, target = PreparedLive(config, Session()), tmp_path / "evening.jsonl"
    (tmp_path / "evening-unfinished.jsonl").write_text("of an earlier evening")
    work = prepared.work(None, 0, scratch=tmp_path / "evening.jsonl.frames")
    for count, _ in enumerate(work):
        work.control({"mouse x": 0.1 * count})
        if count == 5:
            break
    left = read_take(tmp_path / "evening-unfinished-2.jsonl")  # nothing was closed yet: as after kill -9
    assert left.about["tool"] == "latent live"
    assert [values["mouse x"] for _, values in left.samples] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    work.outputs()[0].write(target, {}, 92)
    work.close()
    assert read_take(target).samples == left.samples
    assert not (tmp_path / "evening-unfinished-2.jsonl").exists()
