"""The live view over its real HTTP interface: what it shows, what it obeys, and whom it turns away."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import re
import shutil
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cli_case import Run
from PIL import Image

from reverie.api import Steering
from reverie.apps.web import page as live
from reverie.apps.web.door import Door
from reverie.apps.web.page import RunPage
from reverie.errors import InputError, OutputError
from reverie.media.metadata import read_settings
from reverie.optimize.ascend import Step

JSON = {"Content-Type": "application/json"}


def step(index: int = 1, images: torch.Tensor | None = None, score: float = 0.5) -> Step:
    images = torch.full((1, 3, 30, 40), 0.5) if images is None else images
    return Step(index, 9, 1, 2, score, (images.shape[-2], images.shape[-1]), 0.01, images)


def ask(address: str, path: str = "", body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One request; underscores in the names of headers stand for dashes."""
    url = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=20)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("GET" if body is None else "POST", url.path + path, content, sent)
    answer = connection.getresponse()
    found = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    connection.close()
    return found


def events(address: str) -> Iterator[tuple[str, Any]]:
    """Yield names and contents of events until the stream ends."""
    url = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=20)
    connection.request("GET", url.path + "events")
    answer, name = connection.getresponse(), ""
    assert answer.getheader("Content-Type") == "text/event-stream"
    for line in answer:
        if line.startswith(b"event: "):
            name = line[7:].decode().strip()
        elif line.startswith(b"data: "):
            yield name, json.loads(line[6:])
    connection.close()


@pytest.fixture
def view() -> Iterator[RunPage]:
    view = RunPage()
    view.follow("photo.png", Steering(), {"strength": (), "layer": ("mixed3a", "mixed4a")}, "mixed4a")
    yield view
    view.close()


# -- what is shown ----------------------------------------------------------------------------------------------------


def test_the_page_needs_nothing_from_elsewhere_and_lets_nothing_else_run(view: RunPage) -> None:
    status, headers, body = ask(view.address)
    text = body.decode()
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert not re.findall(r"https?://|//[a-z]|@import|url\(", text)
    policy = headers["content-security-policy"]
    (nonce,) = set(re.findall(r'nonce="([^"]+)"', text))
    assert "default-src 'none'" in policy and f"script-src 'nonce-{nonce}'" in policy
    assert nonce not in ask(view.address)[2].decode()  # another one each time
    assert (headers["referrer-policy"], headers["x-content-type-options"]) == ("no-referrer", "nosniff")
    assert resources.files("reverie.apps.web").joinpath("live.html").is_file()
    assert ask(view.address.rstrip("/"))[1]["location"] == urllib.parse.urlsplit(view.address).path


def test_the_picture_is_that_of_the_latest_step_at_a_size_for_a_screen(view: RunPage) -> None:
    assert ask(view.address, "picture")[0] == 404
    ramp = torch.linspace(0, 1, 40).expand(1, 3, 30, 40)
    view.show(step(3, ramp), 0.3, 1.0)
    status, headers, body = ask(view.address, "picture")
    shown = np.asarray(Image.open(io.BytesIO(body))).astype(float) / 255
    assert (status, headers["content-type"], headers["x-step"]) == (200, "image/jpeg", "3")
    assert np.abs(shown - ramp[0].permute(1, 2, 0).numpy()).max() < 0.06
    checks = (torch.arange(2000)[:, None] + torch.arange(3210)) % 2
    small = step(1, checks.float().expand(1, 3, -1, -1) * 3 - 1).preview()
    assert small.shape == (666, 1070, 3)
    # 3 x 3 squares of -1 and 2 have means 2/3 and 1/3, which is clipped to [0, 1] only after the mean was taken
    assert set(np.unique(small)) <= {85, 170}


def test_pictures_are_made_at_most_four_times_a_second(view: RunPage, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[float] = []
    encode = live.encode_picture
    monkeypatch.setattr(live, "encode_picture", lambda *a, **n: made.append(time.monotonic()) or encode(*a, **n))
    began = time.monotonic()
    for index in range(1, 40):
        view.show(step(index), 0.1, None)
        assert view.picture() is not None
        time.sleep(0.02)
    took = time.monotonic() - began
    assert 2 <= len(made) <= 1 + took / live.LEAST_BETWEEN_S
    assert min(np.diff(made)) >= live.LEAST_BETWEEN_S * 0.9


def test_pictures_that_are_dear_are_made_less_often(view: RunPage, monkeypatch: pytest.MonkeyPatch) -> None:
    def dear(*_: Any, **__: Any) -> bytes:
        began = time.thread_time()
        while time.thread_time() - began < 0.05:
            pass
        return b"picture"

    monkeypatch.setattr(live, "encode_picture", dear)
    view.show(step(1), 0.1, None)
    assert view.picture() == (1, b"picture")
    assert 0.5 < view._drawn[2] - time.monotonic() <= 2
    view.show(step(2), 0.2, None)
    assert view.picture() == (1, b"picture")


def test_events_follow_the_steps_and_end_with_the_picture(view: RunPage) -> None:
    view.show(step(1, score=0.25), 0.1, 9.0)
    stream = events(view.address)
    assert next(stream) == ("history", [[1, 0.25, 1]])
    name, state = next(stream)
    assert (name, state["step"], state["score"], state["eta"], state["layer"]) == ("state", 1, 0.25, 9.0, "mixed4a")
    view.show(step(2, score=0.75), 0.2, 8.0)
    assert next(stream)[1]["step"] == 2
    view.end("done", "photo-dream.png")
    _, state = next(stream)
    assert (state["phase"], state["text"], state["share"]) == ("done", "done: photo-dream.png", 1.0)
    closing = threading.Thread(target=view.close)
    closing.start()
    name, state = next(stream)
    picture = Image.open(io.BytesIO(base64.b64decode(state["picture"].partition(",")[2])))
    assert (name, picture.size) == ("end", (40, 30))
    assert list(stream) == []
    closing.join(20)


def test_the_history_of_a_long_dream_is_thinned_out(view: RunPage) -> None:
    for index in range(1, 10_001):
        view.show(step(index), 0.1, None)
    history = view.history()
    assert live.MOST_HISTORY / 2 <= len(history) <= live.MOST_HISTORY
    assert history[0][0] < 10 and history[-1][0] == 10_000


# -- what is obeyed ---------------------------------------------------------------------------------------------------


def test_the_page_pauses_steers_and_stops(view: RunPage) -> None:
    steering = view._controls
    state = json.loads(ask(view.address, "steer", {"paused": True}, **JSON)[2])
    assert state["paused"] and steering.paused
    assert not json.loads(ask(view.address, "steer", {"paused": False}, **JSON)[2])["paused"]
    assert json.loads(ask(view.address, "steer", {"strength": 2}, **JSON)[2])["strength"] == 2.0
    assert json.loads(ask(view.address, "steer", {"layer": "mixed3a"}, **JSON)[2])["layer"] == "mixed3a"
    assert steering.take(1) == [{"strength": 2}, {"layer": "mixed3a"}]
    assert ask(view.address, "steer", {"stop": True}, **JSON)[0] == 200
    assert steering.take(2) is None


@pytest.mark.parametrize(
    "body",
    [
        {}, [], {"stop": 1}, {"paused": "yes"}, {"layer": "logits"}, {"layer": ["mixed3a"]}, {"strength": "2"},
        {"strength": 2, "layer": "mixed3a"}, {"step_size": 1}, b"no json", b"[" * 4000, b" " * 5000,
    ],
)  # fmt: skip
def test_anything_else_is_refused_in_words(view: RunPage, body: Any) -> None:
    status, _, answer = ask(view.address, "steer", body, **JSON)
    assert status == 400
    assert re.search("expected|must be", json.loads(answer)["error"])
    assert view._controls.take(1) == []


# -- who may come in --------------------------------------------------------------------------------------------------


def test_without_the_token_there_is_nothing(view: RunPage) -> None:
    view.show(step(), 0.1, None)
    root = view.address.rsplit("/", 2)[0] + "/"
    for path in (
        "",
        "picture",
        "events",
        "live.html",
        "../",
        "x" * 22 + "/picture",
        "é/picture".encode().decode("latin1"),
    ):
        assert ask(root, urllib.parse.quote(path, safe="/.", encoding="latin1"))[0] == 404
    assert ask(root, "steer", {"stop": True}, **JSON)[0] == 404
    assert len(view.server.door.token) >= 22
    assert ask(view.address, "door.py")[0] == ask(view.address, "../live.py")[0] == 404


def test_another_name_for_this_machine_is_refused(view: RunPage) -> None:
    for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "192.168.1.7"):
        assert ask(view.address, "", Host=host)[0] == 421
        assert ask(view.address, "steer", {"stop": True}, Host=host, **JSON)[0] == 421
    for host in ("localhost:1234", "127.0.0.1", "[::1]:8080"):  # the other end of a tunnel may have another port
        assert ask(view.address, "", Host=host)[0] == 200
    assert not view._controls.stopped


def test_other_pages_cannot_steer(view: RunPage) -> None:
    own = f"http://127.0.0.1:{view.server.server_port}"
    stop = {"stop": True}
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "https://localhost"):
        assert ask(view.address, "steer", stop, Origin=origin, **JSON)[0] == 403
    assert ask(view.address, "steer", stop, Sec_Fetch_Site="cross-site", **JSON)[0] == 403
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):  # what a form can send without being asked
        assert ask(view.address, "steer", stop, Content_Type=kind)[0] == 415
    assert not view._controls.stopped
    assert ask(view.address, "steer", {"paused": True}, Origin=own, Sec_Fetch_Site="same-origin", **JSON)[0] == 200


def test_beyond_this_machine_a_password_is_needed() -> None:
    door = Door("0.0.0.0", "geheim: ä")
    path, host = f"/{door.token}/", {"Host": "192.168.1.7:8000"}

    def login(text: str) -> dict[str, str]:
        return host | {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    assert door.refusal("GET", path, login("anyone:geheim: ä")) is None
    for headers in (host, login("anyone:geheim"), login("geheim: ä"), login(":"), host | {"Authorization": "Basic %"}):
        refusal = door.refusal("GET", path, headers)
        assert refusal is not None and refusal[0] == 401
    refusal = door.refusal("GET", path, login("x:geheim: ä") | {"Host": "evil.example"})
    assert refusal is not None and refusal[0] == 421


def test_a_password_is_made_or_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(live, "LOOPBACK", frozenset())  # treats the loopback as if others could reach it
    for given in (None, "tell no one"):
        monkeypatch.delenv(live.PASSWORD, raising=False)
        if given:
            monkeypatch.setenv(live.PASSWORD, given)
        with RunPage() as view:
            password = view.server.door.password
            assert password == given or (given is None and len(str(password)) >= 12)
            said = capsys.readouterr().err
            assert view.address in said
            assert ("tell no one" not in said) if given else (str(password) in said)
            status, headers, _ = ask(view.address)
            assert (status, headers["www-authenticate"][:5]) == (401, "Basic")
            coded = base64.b64encode(f"me:{password}".encode()).decode()
            assert ask(view.address, Authorization=f"Basic {coded}")[0] == 200


def test_a_port_that_is_taken_is_one_clear_line(view: RunPage) -> None:
    for port in (view.server.server_port, 70_000):
        with pytest.raises((OutputError, InputError), match="--show-port"):
            RunPage(port=port)


def test_pages_are_limited_in_number(view: RunPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reverie.apps.web.server.MOST_WATCHERS", 1)
    stream = events(view.address)
    next(stream)
    assert ask(view.address, "events")[0] == 503
    threading.Thread(target=view.close).start()
    assert [name for name, _ in stream][-1] == "end"


# -- as a user has it -------------------------------------------------------------------------------------------------


@pytest.fixture
def visited(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[RunPage], None]], list[BaseException]]:
    """Visit the next live view as soon as it opens, in a thread of its own; returns what went wrong there."""

    def prepare(visit: Callable[[RunPage], None]) -> list[BaseException]:
        errors: list[BaseException] = []

        def guarded(view: RunPage) -> None:
            try:
                visit(view)
            except BaseException as error:
                errors.append(error)
                view._controls.stop()

        def announced(view: RunPage) -> bool:
            threading.Thread(target=guarded, args=(view,), daemon=True).start()
            return False

        monkeypatch.setattr(live, "announce", announced)
        return errors

    return prepare


@pytest.mark.slow
def test_a_dream_is_steered_stopped_kept_and_replayed(
    run: Run, photo: Path, visited: Callable[[Callable[[RunPage], None]], list[BaseException]]
) -> None:
    seen: list[dict[str, Any]] = []

    def visit(view: RunPage) -> None:
        for name, state in events(view.address):
            if name != "history":
                seen.append(state)
            if state and name == "state" and state["step"] >= 2 and len(seen) < 100:
                wanted = {"strength": 2.0} if state["strength"] == 1 else {"layer": "mixed3b"}
                if state["layer"] == "mixed3b" and state["strength"] == 2:
                    wanted = {"stop": True}
                assert ask(view.address, "steer", wanted, **JSON)[0] == 200

    errors = visited(visit)
    code, out, err = run("dream", photo, "--show", "--octaves", 2, "--steps", 400, "--layer", "mixed3a")
    assert errors == []
    assert code == 0
    kept = Path(out.strip())
    assert kept.name == "photo-dream-stopped.png" and "stopped at step" in err
    record = read_settings(kept)
    first, *rest = [change for _, change in record["steering"]]  # a slow page may ask for the layer again
    assert first == {"strength": 2.0}
    assert rest and all(change == {"layer": ["mixed3b"], "tile": 0} for change in rest)
    with Image.open(kept) as picture:
        assert picture.size == (128, 96)
    assert seen[-1]["phase"] == "stopped" and seen[-1]["picture"].startswith("data:image/jpeg")
    code, out, err = run("replay", kept)
    assert (code, "the bytes are the same" in err) == (0, True)
    assert hashlib.sha256(Path(out.strip()).read_bytes()).digest() == hashlib.sha256(kept.read_bytes()).digest()


def test_a_finished_dream_says_so_and_nobody_need_look(
    run: Run, photo: Path, visited: Callable[[Callable[[RunPage], None]], list[BaseException]]
) -> None:
    views: list[RunPage] = []
    visited(views.append)
    plain = photo.with_name("plain.png")
    assert run("dream", photo, "-o", plain, "--octaves", 1, "--steps", 2)[0] == 0
    code, out, _ = run("dream", photo, "--show", "--octaves", 1, "--steps", 2)
    assert code == 0
    assert Path(out.strip()).read_bytes() == plain.read_bytes()
    assert views[0].state()["phase"] == "done"
    with pytest.raises(OSError):
        ask(views[0].address)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="drives chromium")
def test_a_browser_runs_the_page(view: RunPage) -> None:
    view.show(step(2), 0.42, 65.0)
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom")
    command = ["chromium", *options, view.address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as browser:
        try:
            deadline = time.monotonic() + 90
            while view._drawn[0] != 2 and time.monotonic() < deadline:  # until the page has fetched the picture
                time.sleep(0.1)
            assert view._drawn[0] == 2
            view.end("done", "photo-dream.png")
            view.close()
            dom, _ = browser.communicate(timeout=90)
        finally:
            browser.kill()
    assert '<img id="picture" alt="the picture as it is now" src="data:image/jpeg;base64,/9j/' in dom
    assert "<title>done · photo.png</title>" in dom and "done: photo-dream.png</div>" in dom
    assert '<option value="mixed3a">mixed3a</option>' in dom and 'style="width: 100%;"' in dom
    assert re.search(r'<button id="stop" disabled="">', dom)
