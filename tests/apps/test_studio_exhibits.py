"""The wall's presets, films of quiet times, prints and reactions."""

from __future__ import annotations

import io
import socket
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from studio_case import png

pytest.importorskip("starlette", reason="the extra `studio` is not installed")
pytest.importorskip("segno", reason="the extra `studio` is not installed")

from starlette.testclient import TestClient

from reverie.apps.cli.studio import films_in
from reverie.apps.web.studio.app import build
from reverie.apps.web.studio.attendant import Attendant
from reverie.apps.web.studio.looks import artworks, forget_artists, offer_artists
from reverie.apps.web.studio.settings import StudioSettings
from reverie.apps.web.studio.signals import WallSignals
from reverie.errors import InputError
from reverie.jobs.queue.home import Home
from reverie.jobs.queue.store import Queue
from reverie.jobs.queue.worker import Worker
from reverie.media.printing import Sheet, paper_of
from reverie.tools.live.mapping import parse_map
from reverie.tools.live.reactions import parse_rules

BASE = "http://192.168.0.7"


def app_of(home: Path, **more):
    options = {"host": "0.0.0.0", "password": "secret", "exhibition": True, **more}
    return build(Home(home), StudioSettings(**options))


def paintings(folder: Path) -> Path:
    for number, name in enumerate(("starry_night.jpg", "hopper/a.png", "hopper/b.png")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    (folder / "notes.txt").write_text("no painting")
    return folder


def test_paintings_of_a_folder_are_looks_with_their_pictures_and_can_be_asked_for(tmp_path):
    app = app_of(tmp_path / "home")
    folder = paintings(tmp_path / "art")
    assert [name for name, _ in artworks(folder)] == ["starry night", "hopper"]
    assert offer_artists(app.state.studio, folder, 256) == 2
    assert offer_artists(app.state.studio, folder, 256) == 2
    me = TestClient(app, base_url=BASE)
    looks = me.get("/api/booth/choices").json()
    assert [look["name"] for look in looks] == ["starry night", "hopper"]
    shown = Image.open(io.BytesIO(me.get(looks[0]["picture"]).content))
    assert shown.size == (60, 40)
    sent = me.post("/api/booth/files?name=me.png", content=png()).json()
    answer = me.post("/api/booth/jobs", json={"choice": looks[1]["id"], "sha256": sent["sha256"], "name": "me.png"})
    assert answer.status_code == 201, answer.text
    record = app.state.studio.queue.get(answer.json()["id"]).record
    assert record["tool"] == "style"
    assert record["config"]["fast"] == "any"
    assert record["config"]["style"] == ["a.png"]
    forget_artists(app.state.studio)
    assert "hopper" not in [look["name"] for look in me.get("/api/booth/choices").json()]


def test_folders_without_paintings_are_named(tmp_path):
    with pytest.raises(InputError, match="no folder of paintings"):
        artworks(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no paintings"):
        artworks(tmp_path / "empty")


def test_dreams_alone_may_be_offered(tmp_path):
    me = TestClient(app_of(tmp_path / "home", choices="dreams"), base_url=BASE)
    names = [look["id"] for look in me.get("/api/booth/choices").json()]
    assert "dream/creatures" in names
    assert all(name.startswith("dream/") for name in names)


def test_films_of_quiet_times_are_shown_to_visitors_and_nothing_else(tmp_path):
    (tmp_path / "films").mkdir()
    for name in ("b.mp4", "a.webm", "c.txt"):
        (tmp_path / "films" / name).write_bytes(name.encode())
    found = films_in((str(tmp_path / "films"),))
    assert [Path(f).name for f in found] == ["a.webm", "b.mp4"]
    me = TestClient(app_of(tmp_path / "home", idle=found), base_url=BASE)
    assert me.get("/api/wall").json()["idle"] == ["/api/wall/idle/0", "/api/wall/idle/1"]
    assert me.get("/api/wall?screens=2&screen=2").json()["idle"] == ["/api/wall/idle/1"]
    assert me.get("/api/wall/idle/1").content == b"b.mp4"
    assert me.get("/api/wall/idle/1", headers={"Range": "bytes=0-0"}).content == b"b"
    assert me.get("/api/wall/idle/2").status_code == 404
    with pytest.raises(InputError, match="no film"):
        films_in((str(tmp_path / "none.mp4"),))


def test_each_new_picture_is_printed_and_reacted_to_once(tmp_path, monkeypatch, capfd):
    from toy_registry import find_tool

    app = app_of(tmp_path / "home", registry="toy_registry")
    program = tmp_path / "lp"
    program.write_text(f'#!/bin/sh\necho "$2" >> {tmp_path}/printed\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    rules = parse_rules("rules: [{when: {class: mantis, above: 0.0}, do: {cue: seen}}]")
    attendant = Attendant(app.state.studio, "Selphy", Sheet(paper_of("a6"), 72), rules)
    monkeypatch.setattr(attendant, "_look", lambda rgb: {"class mantis": 0.5})
    me = TestClient(app, base_url=BASE)
    for seed in range(2):
        sent = me.post("/api/booth/files?name=me.png", content=png(seed=seed)).json()
        look = next(one for one in me.get("/api/booth/choices").json() if one["id"].startswith("fade"))
        me.post("/api/booth/jobs", json={"choice": look["id"], "sha256": sent["sha256"], "name": "me.png"})
    assert attendant.turn() == 0
    monkeypatch.chdir(tmp_path)
    worker = Worker(Queue(app.state.studio.home), find_tool)
    while worker.turn():
        pass
    worker.serve(lambda: True)
    assert attendant.turn() == 2
    assert attendant.turn() == 0
    assert (tmp_path / "printed").read_text().split() == ["Selphy", "Selphy"]
    assert sum("cue seen" in line for line in attendant.log) == 2
    again = Attendant(app.state.studio, "Selphy", Sheet(paper_of("a6"), 72))
    assert again.turn() == 0


def test_a_reaction_queues_a_job_with_the_picture_that_was_seen_and_its_result_fires_nothing(tmp_path, monkeypatch):
    from toy_registry import find_tool

    app = app_of(tmp_path / "home", registry="toy_registry")
    (tmp_path / "look.json").write_text('{"tool": "fade", "config": {"strength": 0.3}}')
    text = "rules: [{when: {class: mantis, above: 0.0}, do: {%s}}]"
    rules = replace(parse_rules(text % "job: look.json"), folder=tmp_path)
    attendant = Attendant(app.state.studio, rules=rules)
    monkeypatch.setattr(attendant, "_look", lambda rgb: {"class mantis": 0.5})
    me, queue = TestClient(app, base_url=BASE), app.state.studio.queue
    sent = me.post("/api/booth/files?name=me.png", content=png()).json()
    look = next(one for one in me.get("/api/booth/choices").json() if one["id"].startswith("fade"))
    me.post("/api/booth/jobs", json={"choice": look["id"], "sha256": sent["sha256"], "name": "me.png"})
    monkeypatch.chdir(tmp_path)
    worker = Worker(Queue(app.state.studio.home), find_tool)

    def finish() -> None:
        while worker.turn():
            pass

    finish()
    assert attendant.turn() == 1
    [asked] = queue.all(states=("queued",))
    [seen] = queue.gallery()
    assert asked.record["input"]["sha256"] == seen.results[0].sha256
    assert asked.record["config"]["strength"] == 0.3
    finish()
    assert attendant.turn() == 1
    assert queue.all(states=("queued",)) == []
    assert len(me.get("/api/wall").json()["items"]) == 2
    worker.serve(lambda: True)
    for wrong in ("seed: 3", "job: none.json"):
        with pytest.raises(InputError):
            Attendant(app.state.studio, rules=replace(parse_rules(text % wrong), folder=tmp_path))


def test_live_inputs_move_looks_and_pace_and_fire_reactions(tmp_path):
    pytest.importorskip("pythonosc", reason="the extra `live` is not installed")
    from reverie.media.signals.osc import send_osc

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = f"""
inputs: {{osc: {port}}}
signals: {{heart: {{from: osc /heart, range: [50, 120], smooth: 0, timeout: 60s}}}}
moves:
  strength: {{signal: heart, from: 0.1, to: 7}}
  steps: {{signal: heart, from: 3.2, to: 3.2}}
  pace: {{signal: heart, from: 1, to: 9}}
"""
    app = app_of(tmp_path / "home", registry="toy_registry")
    studio = app.state.studio
    studio.signals = WallSignals(parse_map(text), studio.forms)
    assert studio.signals.notes == [f"listening to OSC on port {port}"]
    attendant = Attendant(studio, rules=parse_rules("rules: [{when: {signal: heart, above: 0.8}, do: {cue: fast}}]"))
    me = TestClient(app, base_url=BASE)
    attendant.listen()
    assert me.get("/api/wall").json()["pace"] == 1.0
    until = time.monotonic() + 10
    while studio.signals.values["strength"] < 6 and time.monotonic() < until:
        send_osc("127.0.0.1", port, "/heart", [120.0])
        time.sleep(0.02)
        attendant.listen()
    assert me.get("/api/wall").json()["pace"] == 4.0  # as fast as films play
    sent = me.post("/api/booth/files?name=me.png", content=png()).json()
    look = next(one for one in me.get("/api/booth/choices").json() if one["id"].startswith("fade"))
    me.post("/api/booth/jobs", json={"choice": look["id"], "sha256": sent["sha256"], "name": "me.png"})
    [asked] = studio.queue.all(states=("queued",))
    assert (asked.record["config"]["strength"], asked.record["config"]["steps"]) == (1.0, 3)  # within their limits
    assert [line for line in attendant.log if "cue fast" in line] == attendant.log
    studio.signals.close()
    for wrong in ("moves: {none: {signal: osc /a}}", "outputs: {midi: loop}"):
        with pytest.raises(InputError, match="--map"):
            WallSignals(parse_map(wrong), studio.forms)
