"""Programs that were written for Gradio: its client lists the tools, sends a picture, and gets the result."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from studio_case import png, studio_server

pytest.importorskip("starlette", reason="the extra `studio` is not installed")

from starlette.testclient import TestClient

from reverie.apps.web.studio.app import build
from reverie.apps.web.studio.form_data import FormFiles, boundary_of
from reverie.apps.web.studio.settings import StudioSettings
from reverie.errors import InputError
from reverie.jobs.queue.home import Home
from reverie.jobs.queue.store import Queue
from reverie.jobs.queue.worker import Worker

PLACE = "/gradio_api"


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    app = build(Home(tmp_path / "home"), StudioSettings(registry="toy_registry"))
    return TestClient(app, base_url="http://127.0.0.1")


def form(blob: bytes, name: str = "fox.png") -> bytes:
    head = f'--b0\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\nContent-Type: image/png\r\n\r\n'
    return head.encode() + blob + b"\r\n--b0--\r\n"


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_a_form_is_taken_in_pieces_of_any_size(step: int) -> None:
    blob = b"\r\n--b not the end\r\n" + bytes(range(256)) + b"\r\n-"
    whole, taken = form(blob), FormFiles(boundary_of('multipart/form-data; boundary="b0"'))
    parts = [part for at in range(0, len(whole), step) for part in taken.feed(whole[at : at + step])]
    assert (parts[0], parts[-1]) == ("fox.png", None)
    assert b"".join(part for part in parts if isinstance(part, bytes)) == blob
    assert taken.over


def test_what_is_no_form_is_refused() -> None:
    with pytest.raises(InputError):
        boundary_of("text/plain")
    for wrong in (b"no form at all, and long enough", b'--b0\r\nContent-Disposition: form-data; name="x"\r\n\r\n1'):
        with pytest.raises(InputError):
            list(FormFiles(b"b0").feed(wrong))


def test_a_picture_goes_through_gradios_protocol(client: TestClient, tmp_path: Path, monkeypatch) -> None:
    from toy_registry import find_tool

    about = client.get("/config").json()
    names = {one["api_name"]: one["id"] for one in about["dependencies"]}
    assert {"fade", "invert", "translate"} <= set(names)
    asked = client.get(f"{PLACE}/info?serialize=False").json()["named_endpoints"]["/fade"]["parameters"]
    assert [one["parameter_name"] for one in asked][:3] == ["picture", "strength", "steps"]
    kind = {"Content-Type": "multipart/form-data; boundary=b0"}
    [kept] = client.post(f"{PLACE}/upload", content=form(png()), headers=kind).json()
    sent = {"path": kept, "meta": {"_type": "gradio.FileData"}}
    body = {"fn_index": names["fade"], "data": [sent, 0.25, 3], "session_hash": "me"}
    key = client.post(f"{PLACE}/queue/join", json=body).json()["event_id"]
    monkeypatch.chdir(tmp_path)
    worker = Worker(Queue(client.app.state.studio.home), find_tool)
    while worker.turn():
        pass
    worker.serve(lambda: True)
    lines = client.get(f"{PLACE}/queue/data?session_hash=me").text.split("\n\n")
    *_, done, closed = [json.loads(line[6:]) for line in lines if line]
    assert (done["msg"], done["event_id"], closed["msg"]) == ("process_completed", key, "close_stream")
    [[made]] = done["output"]["data"]
    answer = client.get(f"{PLACE}/file={made['path']}")
    assert Image.open(io.BytesIO(answer.content)).size == (32, 24)
    record = client.get(f"/api/jobs/{key}").json()["record"]
    assert (record["config"]["strength"], record["config"]["steps"], record["input"]["name"]) == (0.25, 3, "fox.png")
    assert client.get(f"{PLACE}/file=../../etc/passwd").status_code == 404
    assert client.post(f"{PLACE}/queue/join", json=body | {"data": [sent, 7.0]}).status_code == 200
    said = client.get(f"{PLACE}/queue/data?session_hash=me").text
    assert '"success": false' in said and "strength" in said


@pytest.fixture
def base(tmp_path: Path) -> Iterator[str]:
    with studio_server(tmp_path / "studio") as address:
        yield address


@pytest.mark.slow
def test_gradios_own_client(base: str, tmp_path: Path) -> None:
    gradio_client = pytest.importorskip("gradio_client", reason="pip install gradio_client")
    (tmp_path / "fox.png").write_bytes(png())
    client = gradio_client.Client(base, verbose=False)
    made = client.predict(picture=gradio_client.handle_file(str(tmp_path / "fox.png")), steps=3, api_name="/fade")
    with Image.open(made[0]) as image:
        assert image.size == (32, 24)
    job = client.submit(
        picture=gradio_client.handle_file(str(tmp_path / "fox.png")), steps=2000, pause_s=0.05, api_name="/fade"
    )
    assert job.cancel()
    with pytest.raises(Exception, match="strength"):
        client.predict(picture=gradio_client.handle_file(str(tmp_path / "fox.png")), strength=7, api_name="/fade")
