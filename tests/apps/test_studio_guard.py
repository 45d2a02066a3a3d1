"""Who may come in: this machine, or who shows the password; never another site's page, and not too often."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the extra `studio` is not installed")

from starlette.testclient import TestClient
from studio_case import png

from reverie.apps.web.studio.app import build
from reverie.apps.web.studio.guard import Passes, Rates
from reverie.apps.web.studio.settings import StudioSettings
from reverie.errors import InputError
from reverie.jobs.queue.home import Home


def client_of(home: Path, base: str = "http://127.0.0.1", **settings) -> TestClient:
    app = build(Home(home), StudioSettings(registry="toy_registry", **settings))
    return TestClient(app, base_url=base, follow_redirects=False)


def test_a_name_that_points_here_is_not_this_studio(tmp_path: Path) -> None:
    client = client_of(tmp_path)
    assert client.get("/api/status").status_code == 200
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", ""):
        assert client.get("/api/status", headers={"Host": host}).status_code == 421, host
    for host in ("localhost:7860", "127.0.0.1:7860", "[::1]:7860"):
        assert client.get("/api/status", headers={"Host": host}).status_code == 200, host
    named = client_of(tmp_path, names=("studio.example",))
    assert named.get("/api/status", headers={"Host": "studio.example"}).status_code == 200


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:9999"},
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
])  # fmt: skip
def test_pages_of_others_queue_nothing(tmp_path: Path, headers: dict[str, str]) -> None:
    client = client_of(tmp_path)
    assert client.post("/api/files?name=a.png", content=png(), headers=headers).status_code == 403
    assert (
        client.post("/api/files?name=a.png", content=png(), headers={"Origin": "http://127.0.0.1"}).status_code == 201
    )


def test_pages_of_others_read_nothing_but_may_link_here(tmp_path: Path) -> None:
    client = client_of(tmp_path)
    seen = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert client.get("/api/jobs", headers=seen).status_code == 403
    assert client.get("/", headers=seen | {"Sec-Fetch-Mode": "navigate"}).status_code == 200


def test_where_others_can_come_in_a_password_is_demanded(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="REVERIE_PASSWORD"):
        client_of(tmp_path, host="0.0.0.0")
    client = client_of(tmp_path, "http://192.168.0.7", host="0.0.0.0", password="quite secret")
    assert client.get("/api/jobs").status_code == 401
    assert client.post("/api/files?name=a.png", content=png()).status_code == 401
    assert client.get("/").headers["location"] == "/login"
    assert client.get("/login").status_code == 200
    assert client.get("/static/base.css").status_code == 200
    assert client.get("/api/jobs", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/api/jobs", headers={"Authorization": "Bearer quite secret"}).status_code == 200
    assert client.get("/api/jobs", auth=("anybody", "quite secret")).status_code == 200


def test_the_form_gives_a_pass_that_survives_a_restart_and_ends_with_the_password(tmp_path: Path) -> None:
    client = client_of(tmp_path, "http://192.168.0.7", host="0.0.0.0", password="one")
    assert "wrong" in client.post("/login", data={"password": "two"}).headers["location"]
    assert client.get("/api/jobs").status_code == 401
    answer = client.post("/login", data={"password": "one"})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert client.get("/api/jobs").status_code == 200
    value = cookie.partition("=")[2].partition(";")[0]
    again = client_of(tmp_path, "http://192.168.0.7", host="0.0.0.0", password="one")
    assert again.get("/api/jobs", headers={"Cookie": f"reverie={value}"}).status_code == 200
    changed = client_of(tmp_path, "http://192.168.0.7", host="0.0.0.0", password="other")
    assert changed.get("/api/jobs", headers={"Cookie": f"reverie={value}"}).status_code == 401


def test_a_pass_cannot_be_made_up_or_raised(tmp_path: Path) -> None:
    passes = Passes(tmp_path / "key", "secret")
    value = passes.made("abc", member=False)
    assert passes.read(value) == ("abc", False)
    for forged in (value.replace(".0.", ".1."), value[:-1] + ("0" if value[-1] != "0" else "1"), "", "a.b.c.d", "..."):
        assert passes.read(forged) is None
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0


def test_passwords_are_tried_only_so_often(tmp_path: Path) -> None:
    client = client_of(tmp_path, "http://192.168.0.7", host="0.0.0.0", password="one")
    codes = [client.post("/login", data={"password": str(i)}).status_code for i in range(12)]
    assert codes.count(429) >= 5
    assert client.get("/api/jobs", headers={"Authorization": "Bearer one"}).status_code == 401  # even the right one now


def test_requests_that_change_something_are_limited() -> None:
    rates = Rates(burst=3, each_s=0.0)
    assert [rates.take("me") for _ in range(5)] == [True, True, True, False, False]
    assert rates.take("you")
    many = Rates(burst=1, each_s=0.0, most=10)
    for i in range(100):
        many.take(str(i))
    assert len(many._buckets) == 10


def test_answers_say_that_nothing_foreign_may_run(tmp_path: Path) -> None:
    client = client_of(tmp_path)
    for path in ("/", "/api/tools", "/static/main.js", "/nothing"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


def test_our_pages_name_no_other_machine_and_have_nothing_inline() -> None:
    import re

    import reverie.apps.web.studio as room

    for path in (Path(room.__path__[0]) / "static").iterdir():
        if path.suffix not in (".html", ".js", ".css", ".svg"):
            continue
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//cdn|@import", text), path.name
        if path.suffix == ".html":
            assert not re.search(r"\son\w+=|style=|<style|<script(?![^>]*src=)", text), path.name
        assert "innerHTML" not in text, path.name
        assert "eval(" not in text, path.name
