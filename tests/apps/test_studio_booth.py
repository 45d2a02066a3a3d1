"""Booth, wall and moderation: a visitor reaches his own picture and nothing else; the wall shows what it may."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from studio_case import png

pytest.importorskip("starlette", reason="the extra `studio` is not installed")
pytest.importorskip("segno", reason="the extra `studio` is not installed")

from starlette.testclient import TestClient

from reverie.apps.web.studio.api_booth import choices_of
from reverie.apps.web.studio.app import build
from reverie.apps.web.studio.retention import clean
from reverie.apps.web.studio.settings import StudioSettings
from reverie.jobs.queue.home import Home
from reverie.jobs.queue.store import Queue
from reverie.jobs.queue.worker import Worker

BASE = "http://192.168.0.7"
PASSWORD = {"Authorization": "Bearer secret"}


def app_of(home: Path, **more):
    options = {"host": "0.0.0.0", "password": "secret", "registry": "toy_registry", "exhibition": True, **more}
    return build(Home(home), StudioSettings(**options))


def visitor(app) -> TestClient:
    return TestClient(app, base_url=BASE, follow_redirects=False)


@pytest.fixture
def app(tmp_path: Path):
    return app_of(tmp_path / "home")


def work(app, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from toy_registry import find_tool

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("reverie.jobs.queue.trail.PREVIEW_EVERY_S", 0.0)
    monkeypatch.setattr("reverie.jobs.queue.trail.REST", 0.0)
    worker = Worker(Queue(app.state.studio.home), find_tool, frames=4)
    while worker.turn():
        pass
    worker.serve(lambda: True)


def asked(client: TestClient, seed: int = 0) -> dict:
    item = client.post("/api/booth/files?name=me.png", content=png(seed=seed)).json()
    look = next(one for one in client.get("/api/booth/choices").json() if one["id"].startswith("fade"))
    answer = client.post("/api/booth/jobs", json={"choice": look["id"], "sha256": item["sha256"], "name": "me.png"})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_visitor_gets_his_picture_and_nobody_elses(app, monkeypatch, tmp_path: Path) -> None:
    me, you = visitor(app), visitor(app)
    job = asked(me)
    assert (job["state"], job["place"]) == ("queued", 1)
    work(app, monkeypatch, tmp_path)
    assert me.get(f"/api/booth/jobs/{job['id']}").json()["made"]
    blob = me.get(f"/api/booth/jobs/{job['id']}/picture?download=1").content
    assert Image.open(io.BytesIO(blob)).size == (32, 24)
    assert b"me.png" not in blob
    assert not Image.open(io.BytesIO(blob)).getexif()
    for path in ("", "/picture", "/preview"):
        assert you.get(f"/api/booth/jobs/{job['id']}{path}").status_code == 404


def test_a_visitor_sees_what_he_sent_and_how_long_it_is_kept(app) -> None:
    me, you = visitor(app), visitor(app)
    sent = me.post("/api/booth/files?name=me.png", content=png()).json()
    assert Image.open(io.BytesIO(me.get(f"/api/booth/files/{sent['sha256']}").content)).format == "JPEG"
    assert you.get(f"/api/booth/files/{sent['sha256']}").status_code == 404
    assert set(you.get("/api/booth/about").json()) == {"keep_hours", "moderated"}


@pytest.mark.slow
def test_looks_that_say_no_size_have_that_of_the_wall(tmp_path: Path) -> None:
    more = {"registry": "reverie.tools.registry", "choices": "dreams"}
    sized = choices_of(app_of(tmp_path / "a", size=640, **more).state.studio)
    assert len(sized) > 5 and {_size(look) for look in sized} == {640}
    assert {_size(look) for look in choices_of(app_of(tmp_path / "b", **more).state.studio)} == {None}


def _size(look: dict) -> object:
    return next((part["size"] for part in look["record"].values() if "size" in part), None)


def test_a_visitor_has_no_studio(app) -> None:
    me = visitor(app)
    assert me.get("/booth").status_code == 200
    assert me.get("/wall").status_code == 200
    for path in ("/api/jobs", "/api/gallery", "/api/tools", "/api/events", "/api/status", "/api/presets"):
        assert me.get(path).status_code == 401, path
    assert me.post("/api/jobs", json={}).status_code == 401
    assert me.post("/api/files?name=a.png", content=png()).status_code == 401
    assert me.get("/moderate").headers["location"] == "/login?next=/moderate"
    assert me.get("/else").headers["location"] == "/login"
    led = [me.post(f"/login?next={there}", data={"password": "secret"}) for there in ("/moderate", "//evil.example")]
    assert [answer.headers["location"] for answer in led] == ["/moderate", "/"]
    assert me.post("/api/booth/files?name=a.mp4", content=b"\0" * 64).status_code == 400
    assert me.post("/api/booth/jobs", json={"choice": "x", "sha256": "0" * 64, "name": "a"}).status_code == 400


def test_outside_an_exhibition_the_booth_needs_the_password(tmp_path: Path) -> None:
    me = visitor(app_of(tmp_path / "home", exhibition=False))
    assert me.get("/booth").status_code == 303
    assert me.get("/api/wall").status_code == 401


def test_a_visitor_may_have_two_waiting(app) -> None:
    me = visitor(app)
    asked(me, 1)
    asked(me, 2)
    item = me.post("/api/booth/files?name=me.png", content=png(seed=3)).json()
    answer = me.post("/api/booth/jobs", json={"choice": "fade/fade", "sha256": item["sha256"], "name": "me.png"})
    assert "wait already" in answer.json()["error"]


def test_the_wall_shows_visitors_pictures_until_they_are_hidden(app, monkeypatch, tmp_path: Path) -> None:
    asked(visitor(app))
    work(app, monkeypatch, tmp_path)
    wall = visitor(app)
    (item,) = wall.get("/api/wall").json()["items"]
    assert 2 <= len(item["frames"]) <= 4
    for address in (item["before"], item["after"], *item["frames"]):
        assert Image.open(io.BytesIO(wall.get(address).content)).format == "JPEG", address
    assert wall.get(f"/api/wall/{item['id']}/99").status_code == 404
    assert wall.patch(f"/api/results/{item['id']}", json={"shown": "yes"}).status_code == 401
    assert wall.patch(f"/api/results/{item['id']}", json={"shown": "no"}, headers=PASSWORD).status_code == 200
    assert wall.get("/api/wall").json()["items"] == []
    assert wall.get(item["after"]).status_code == 404


def test_a_moderated_wall_shows_what_was_released(monkeypatch, tmp_path: Path) -> None:
    app = app_of(tmp_path / "home", moderated=True)
    asked(visitor(app))
    work(app, monkeypatch, tmp_path)
    wall = visitor(app)
    assert wall.get("/api/wall").json()["items"] == []
    key = wall.get("/api/gallery", headers=PASSWORD).json()[0]["results"][0]["id"]
    wall.patch(f"/api/results/{key}", json={"shown": "yes"}, headers=PASSWORD)
    assert [item["id"] for item in wall.get("/api/wall").json()["items"]] == [key]


def test_several_screens_share_what_there_is(app, monkeypatch, tmp_path: Path) -> None:
    for seed in range(3):
        asked(visitor(app), seed)
    work(app, monkeypatch, tmp_path)
    parts = [visitor(app).get(f"/api/wall?screen={n}&screens=2").json()["items"] for n in (1, 2)]
    keys = [item["id"] for part in parts for item in part]
    assert (len(parts[0]), len(parts[1]), len(set(keys))) == (2, 1, 3)


def test_the_qr_code_is_that_of_the_booth(tmp_path: Path) -> None:
    import segno

    wall = visitor(app_of(tmp_path / "home", address="http://10.0.0.5:7860/booth"))
    svg = wall.get("/api/wall/qr.svg")
    assert svg.headers["content-type"] == "image/svg+xml"
    out = io.BytesIO()
    segno.make("http://10.0.0.5:7860/booth", micro=False).save(
        out, kind="svg", scale=8, border=2, dark="#111", light="#fff"
    )
    assert svg.content == out.getvalue()


def test_after_some_hours_nothing_is_left_but_favourites(app, monkeypatch, tmp_path: Path) -> None:
    import time
    from dataclasses import replace

    studio = app.state.studio
    asked(visitor(app), 1)
    asked(visitor(app), 2)
    work(app, monkeypatch, tmp_path)
    kept = studio.queue.gallery()[0]
    studio.queue.mark(kept.results[0].id, favourite=True)
    settings = replace(studio.settings, keep_hours=1.0)
    assert clean(studio.queue, studio.files, settings, time.time()) == 0
    assert clean(studio.queue, studio.files, settings, time.time() + 4000) == 2  # the other result, and its input
    assert [entry.id for entry in studio.queue.all()] == [kept.id]
    assert [path.name for path in studio.home.results.iterdir()] == [kept.id]
    assert len(list(studio.home.files.iterdir())) == 1
    gone = "SELECT count(*) FROM jobs WHERE state = 'deleted'"

    def rows_of_deleted() -> int:
        with studio.queue.database.reading() as db:
            return db.execute(gone).fetchone()[0]

    clean(studio.queue, studio.files, settings, time.time() + 20000)
    assert rows_of_deleted() == 1  # its number is the last change, which later ones are counted on from
    studio.queue.mark(kept.results[0].id, shown="yes")
    clean(studio.queue, studio.files, settings, time.time() + 4000)
    assert rows_of_deleted() == 1  # pages that follow are told for an hour more
    clean(studio.queue, studio.files, settings, time.time() + 20000)
    assert rows_of_deleted() == 0
    assert [entry.id for entry in studio.queue.all()] == [kept.id]
