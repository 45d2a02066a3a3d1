"""Downloads from a server on this machine: whole, wrong, missing, cut short, unreachable."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from reverie.errors import OfflineError, OutputError, WeightsError
from reverie.weights import fetch as fetching
from reverie.weights.catalogue import CATALOGUE, Weights
from reverie.weights.fetch import cache_dir, cached, fetch

BODY = bytes(range(256)) * 4000
DIGEST = hashlib.sha256(BODY).hexdigest()
SHA1 = hashlib.sha1(BODY).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/missing"):
            self.send_error(404)
            return
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "/whole/w.pth")
            self.end_headers()
            return
        body = BODY[: len(BODY) // 2] if self.path.startswith("/cut") else BODY
        self.send_response(200)
        if not self.path.startswith("/endless"):
            self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        for _ in range(8 if self.path.startswith("/endless") else 1):
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.handle_error = lambda *_: None  # a client that hangs up is part of the test
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


@pytest.fixture
def offer(monkeypatch):
    """Put an entry called ``w`` into the catalogue."""

    def add(url: str, **hashes: str) -> Path:
        record = Weights("w", "vgg16", url, "nobody", len(BODY), **(hashes or {"sha256": DIGEST}))
        monkeypatch.setitem(CATALOGUE, "w", record)
        return cache_dir() / "weights" / record.file_name

    return add


def left_behind(home: Path) -> list[str]:
    return [p.name for p in home.rglob("*") if p.is_file()]


@pytest.mark.parametrize(
    "hashes", [{"sha256": DIGEST}, {"sha256_prefix": DIGEST[:8]}, {"sha1": SHA1}], ids=["whole", "prefix", "sha1"]
)
@pytest.mark.parametrize("place", ["whole", "moved"])
def test_a_download_arrives_once(server, offer, home, hashes, place):
    target = offer(f"{server}/{place}/w.pth", **hashes)
    assert cached("w") is None
    seen = []
    assert fetch("w", lambda done, total: seen.append((done, total))) == target
    assert target.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert cached("w") == target
    seen.clear()
    assert fetch("w", lambda *step: seen.append(step)) == target
    assert seen == []  # it was there already
    assert left_behind(home) == ["w.pth"]


@pytest.mark.parametrize("hashes", [{"sha256": "0" * 64}, {"sha256_prefix": "00000000"}])
def test_wrong_bytes_are_thrown_away(server, offer, home, hashes):
    offer(f"{server}/whole/w.pth", **hashes)
    with pytest.raises(WeightsError, match=rf"has sha256 {DIGEST[:16]}.*expected 0000"):
        fetch("w")
    assert left_behind(home) == []


def test_a_sha1_alone_is_not_enough(server, home, monkeypatch):
    """It is an old hash; the number of bytes must be right as well."""
    for size, sha1 in ((len(BODY) - 1, SHA1), (len(BODY), "0" * 40)):
        monkeypatch.setitem(CATALOGUE, "w", Weights("w", "vgg16", f"{server}/whole/w.pth", "nobody", size, sha1=sha1))
        with pytest.raises(WeightsError, match=rf"has sha1 {SHA1[:16]}.*expected"):
            fetch("w")
    assert left_behind(home) == []


def test_without_a_hash_nothing_is_trusted(server, home, monkeypatch):
    monkeypatch.setitem(CATALOGUE, "w", Weights("w", "vgg16", f"{server}/whole/w.pth", "nobody", len(BODY)))
    with pytest.raises(WeightsError, match="nothing was kept"):
        fetch("w")
    assert left_behind(home) == []


def test_a_missing_file_names_the_url_and_the_place_for_it(server, offer, home):
    target = offer(f"{server}/missing/w.pth")
    with pytest.raises(OfflineError) as caught:
        fetch("w")
    message = str(caught.value)
    assert f"{server}/missing/w.pth answered 404" in message
    assert f"place that file at '{target}'" in message
    assert "\n" not in message
    assert left_behind(home) == []


def test_a_body_cut_short_is_thrown_away(server, offer, home):
    offer(f"{server}/cut/w.pth")
    with pytest.raises(OfflineError, match="cannot download"):
        fetch("w")
    assert left_behind(home) == []


def test_an_endless_body_is_cut_off(server, offer, home):
    offer(f"{server}/endless/w.pth")
    with pytest.raises(WeightsError, match="sends more than"):
        fetch("w")
    assert left_behind(home) == []


def test_no_server_is_one_sentence(offer, home):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    offer(f"http://127.0.0.1:{port}/w.pth")
    with pytest.raises(OfflineError, match=rf"cannot download http://127.0.0.1:{port}/w.pth \(.+\); to use it offline"):
        fetch("w")
    assert left_behind(home) == []


def test_an_interrupted_download_leaves_nothing(server, offer, home):
    offer(f"{server}/whole/w.pth")

    def press(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch("w", press)
    assert left_behind(home) == []


def test_a_cache_that_cannot_be_written_is_said(server, offer, home):
    offer(f"{server}/whole/w.pth")
    home.write_text("a file where the folder should be")
    with pytest.raises(OutputError, match="cannot write"):
        fetch("w")


def test_unknown_names_list_the_nearest():
    for ask in (fetch, cached):
        with pytest.raises(WeightsError, match=r"'vgg61'; nearest:.*vgg16"):
            ask("vgg61")


def test_the_cache_folder_follows_the_environment(home, monkeypatch):
    assert cache_dir() == home
    monkeypatch.delenv("REVERIE_HOME")
    assert cache_dir().name == "reverie" or "reverie" in cache_dir().parts
    assert not home.exists()  # asking creates nothing


def test_the_network_is_touched_only_by_fetch(offer, monkeypatch):
    offer("http://127.0.0.1:1/w.pth")
    monkeypatch.setattr(fetching, "_download", lambda *_: pytest.fail("downloaded"))
    assert cached("w") is None
