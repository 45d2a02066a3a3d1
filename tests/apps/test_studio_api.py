"""The studio over HTTP: what is posted comes out, what is not allowed is refused, and nothing says where things lie."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from studio_case import png

pytest.importorskip("starlette", reason="the extra `studio` is not installed")
pytest.importorskip("uvicorn", reason="the extra `studio` is not installed")

from starlette.testclient import TestClient

from reverie.apps.web.studio.app import build
from reverie.apps.web.studio.settings import StudioSettings
from reverie.jobs.queue.home import Home
from reverie.jobs.queue.store import Queue
from reverie.jobs.queue.worker import Worker

SETTINGS = StudioSettings(registry="toy_registry", most_upload_bytes=1 << 20, most_pixels=100_000, most_waiting=5)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def client(home: Home):
    with TestClient(build(home, SETTINGS), base_url="http://127.0.0.1") as made:
        yield made


@pytest.fixture
def work(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Return what does all the jobs that wait."""
    from toy_registry import find_tool

    monkeypatch.chdir(tmp_path)

    def finish() -> None:
        worker = Worker(Queue(home), find_tool)
        while worker.turn():
            pass
        worker.serve(lambda: True)

    return finish


def sent(client: TestClient, blob: bytes = b"", name: str = "fox.png") -> dict:
    answer = client.post(f"/api/files?name={name}", content=blob or png())
    assert answer.status_code == 201, answer.text
    return answer.json()


def posted(client: TestClient, tool: str = "fade", **config: object) -> dict:
    item = sent(client)
    job = {"tool": tool, "config": config, "input": {"name": item["name"], "sha256": item["sha256"]}}
    answer = client.post("/api/jobs", json=job)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_picture_goes_in_and_a_result_with_its_job_comes_out(client: TestClient, work) -> None:
    job = posted(client, strength=0.25)
    assert (job["state"], job["mine"], job["title"]) == ("queued", True, "fox-fade")
    work()
    done = client.get(f"/api/jobs/{job['id']}").json()
    assert done["state"] == "done"
    (result,) = done["results"]
    answer = client.get(f"/api/results/{result['id']}")
    assert answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).info["reverie"]
    inside = client.get(f"/api/results/{result['id']}/job").json()
    assert inside["config"]["strength"] == 0.25
    small = client.get(f"/api/results/{result['id']}/small?px=256")
    assert Image.open(io.BytesIO(small.content)).format == "JPEG"
    assert len(client.get(f"/api/jobs/{job['id']}/curves").json()) == 10
    assert "toy" in client.get(f"/api/jobs/{job['id']}/log").text


def test_a_picture_without_its_job_has_the_same_pixels_and_nothing_else(client: TestClient, work) -> None:
    posted(client)
    answer = client.post("/api/jobs?format=jpg", json=posted(client)["record"])
    assert answer.status_code == 201
    work()
    for job in client.get("/api/jobs").json():
        key = job["results"][0]["id"]
        whole = Image.open(io.BytesIO(client.get(f"/api/results/{key}?download=1").content))
        answer = client.get(f"/api/results/{key}?download=1&plain=1")
        plain = Image.open(io.BytesIO(answer.content))
        assert "attachment" in answer.headers["content-disposition"]
        assert plain.tobytes() == whole.convert(plain.mode).tobytes()
        assert b"reverie" not in answer.content.lower()
        assert b"fox" not in answer.content


def test_a_phones_photo_is_shown_upright_and_its_place_stays_here(client: TestClient, work) -> None:
    from pillow_heif import from_pillow

    image = Image.new("RGB", (64, 32), (200, 40, 40))
    exif = Image.Exif()
    exif.get_ifd(0x8825)[2] = (48.0, 12.0, 30.0)  # a latitude
    heic, jpeg = io.BytesIO(), io.BytesIO()
    from_pillow(image).save(heic, exif=exif.tobytes(), quality=80)
    exif[0x0112] = 6
    image.save(jpeg, "JPEG", exif=exif.tobytes())
    for name, blob, size in (("IMG_1.HEIC", heic, (64, 32)), ("IMG_2.JPG", jpeg, (32, 64))):
        item = sent(client, blob.getvalue(), name)
        small = Image.open(io.BytesIO(client.get(f"/api/files/{item['sha256']}/small?px=256").content))
        assert small.size == size
        assert not small.getexif().get_ifd(0x8825)
        job = {"tool": "invert", "input": {"name": name, "sha256": item["sha256"]}}
        key = client.post("/api/jobs?format=jpg", json=job).json()["id"]
        work()
        result = client.get(f"/api/jobs/{key}").json()["results"][0]
        made = Image.open(io.BytesIO(client.get(f"/api/results/{result['id']}").content))
        assert made.size == size
        assert not made.getexif().get_ifd(0x8825)


def test_a_replay_compares_the_bytes(client: TestClient, work) -> None:
    job = posted(client, seed=4)
    work()
    key = client.get(f"/api/jobs/{job['id']}").json()["results"][0]["id"]
    again = client.post(f"/api/results/{key}/replay").json()
    work()
    assert client.get(f"/api/jobs/{again['id']}").json()["text"].endswith("the bytes are the same")


def test_gallery_favourites_presets_and_deletion(client: TestClient, work) -> None:
    job = posted(client, color="red")
    work()
    key = client.get("/api/gallery?words=fox").json()[0]["results"][0]["id"]
    assert client.patch(f"/api/results/{key}", json={"favourite": True}).json()["favourite"]
    assert [entry["id"] for entry in client.get("/api/gallery?favourites=1").json()] == [job["id"]]
    preset = client.post("/api/presets", json={"name": "Red", "result": key}).json()
    assert preset["record"]["config"]["color"] == "red"
    assert "input" not in preset["record"]
    assert client.get(f"/api/files/{preset['picture']}/small?px=256").status_code == 200
    assert client.delete(f"/api/jobs/{job['id']}").status_code == 204
    assert client.get(f"/api/jobs/{job['id']}").status_code == 404
    assert client.get(f"/api/results/{key}").status_code == 404
    assert client.get(f"/api/files/{preset['picture']}/small?px=256").status_code == 200
    assert client.delete(f"/api/presets/{preset['id']}").status_code == 204
    assert client.get("/api/presets").json() == []


def test_wishes_retry_and_priority(client: TestClient) -> None:
    job = posted(client)["id"]
    ask = lambda path, **json: client.post(f"/api/jobs/{job}/{path}", json=json)  # noqa: E731
    assert ask("wish", wish="pause").json()["state"] == "paused"
    assert ask("wish", wish="resume").json()["state"] == "queued"
    assert ask("priority", priority=7).json()["priority"] == 7
    assert ask("wish", wish="cancel").json()["state"] == "cancelled"
    assert ask("wish", wish="pause").status_code == 400
    assert ask("wish", wish="explode").status_code == 400
    assert ask("retry").json()["state"] == "queued"
    assert ask("steer", strength=1).status_code == 400
    assert ask("priority", priority=10**6).status_code == 400


def test_what_is_refused_is_one_sentence_without_places(client: TestClient, home: Home) -> None:
    item = sent(client)
    fox = {"name": "fox.png", "sha256": item["sha256"]}
    cases = [
        ("/api/jobs", {"tool": "nothing"}), ("/api/jobs", {"tool": "fade"}), ("/api/jobs", [1]),
        ("/api/jobs", {"tool": "fade", "config": {"mask": "/etc/passwd"}, "input": fox}),
        ("/api/jobs", {"tool": "fade", "config": {"steps": 0}, "input": fox}),
        ("/api/jobs?priority=x", {"tool": "fade", "input": fox}),
        ("/api/jobs?format=exe", {"tool": "fade", "input": fox}),
        ("/api/bundles", {"name": "a", "files": ["0" * 64]}), ("/api/presets", {"name": "a", "result": "nothing"}),
    ]  # fmt: skip
    for path, body in cases:
        answer = client.post(path, json=body)
        assert answer.status_code in (400, 404), (path, answer.text)
        assert "\n" not in answer.json()["error"]
        assert str(home.root) not in answer.text
    deep = client.post("/api/jobs", content=b"[" * 100_000, headers={"Content-Type": "application/json"})
    assert deep.status_code == 400
    large = client.post("/api/jobs", content=b"x" * (2 << 20), headers={"Content-Type": "application/json"})
    assert large.status_code == 400


def test_files_that_are_too_large_or_no_pictures_are_refused(client: TestClient) -> None:
    assert client.post("/api/files?name=a.png", content=b"x" * (2 << 20)).status_code == 400
    assert "not a picture" in client.post("/api/files?name=a.png", content=b"hello").json()["error"]
    assert "pixels" in client.post("/api/files?name=a.png", content=png(400, 400)).json()["error"]
    assert client.post("/api/files?name=run.sh", content=b"#!").status_code == 400


@pytest.mark.parametrize("path", [
    "/api/results/..%2f..%2fjobs.db", "/api/results/../../key", "/api/jobs/..%2f..%2fkey/log", "/static/../app.py",
    "/static/..%2fapp.py", "/api/files/..%2fkey/small", "/api/files/" + "0" * 64 + "/small", "/key", "/jobs.db",
])  # fmt: skip
def test_no_address_leads_out_of_the_folder(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (400, 404)


def test_a_page_that_a_tool_made_runs_apart(client: TestClient, home: Home) -> None:
    from reverie.jobs.queue.entry import Made
    from reverie.jobs.queue.lease import Leases

    job = posted(client)
    queue = Queue(home)
    leases = Leases(queue.database)
    worker = leases.enter("auto")
    leases.claim(worker)
    (home.result(job["id"]) / "map").mkdir(parents=True)
    (home.result(job["id"]) / "map" / "index.html").write_text("<script>top.stolen = 1</script>")
    leases.settle(job["id"], worker, "done", "", 1.0, [Made("map", "folder", "0" * 64, 1)])
    key = client.get(f"/api/jobs/{job['id']}").json()["results"][0]["id"]
    answer = client.get(f"/api/results/{key}/page")
    address = answer.url.path
    assert address.startswith("/inside/")
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Cookie": ""}
    assert client.get(address, headers=foreign).status_code == 200
    for wrong in (address.replace("index.html", "..%2f..%2fkey"), address.replace("index.html", "none.html"),
                  address.replace("/inside/", "/inside/0"), "/inside/x/y/z"):  # fmt: skip
        assert client.get(wrong).status_code == 404, wrong
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts allow-downloads;")
    assert "allow-same-origin" not in policy
    assert "connect-src" not in policy  # so default-src 'none' holds
    archive = client.get(f"/api/results/{key}?download=1")
    assert archive.headers["content-type"] == "application/zip"
    assert archive.content[:2] == b"PK"
    assert list(home.incoming.iterdir()) == []


def test_a_browser_may_have_only_so_many_jobs_waiting(client: TestClient) -> None:
    for _ in range(SETTINGS.most_waiting):
        posted(client)
    item = sent(client)
    answer = client.post("/api/jobs", json={"tool": "fade", "input": {"name": "fox.png", "sha256": item["sha256"]}})
    assert "wait already" in answer.json()["error"]


def test_the_interface_is_described(client: TestClient) -> None:
    described = client.get("/api/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    fade = described["components"]["schemas"]["fade"]["properties"]
    assert fade["config"]["properties"]["color"]["enum"] == ["black", "white", "red"]
    assert fade["config"]["properties"]["strength"] | {} == fade["config"]["properties"]["strength"]
    assert {"get", "post"} <= set(described["paths"]["/api/jobs"])
    for path in described["paths"].values():
        for operation in path.values():
            assert operation["summary"], operation


def test_forms_show_at_most_eight_common_controls_of_every_tool_of_the_registry() -> None:
    from reverie.apps.web.studio.forms import MOST_COMMON, form_of
    from reverie.tools.registry import TOOLS, find_tool

    for name in TOOLS:
        form = form_of(find_tool(name))
        places = (form["streamed"] is not None) + sum(f["required"] for f in form["fields"] if f["type"] == "file")
        assert sum(field["common"] for field in form["fields"]) + places <= MOST_COMMON, name
        for field in form["fields"]:
            assert field["help"], (name, field["name"])


def test_the_server_side_loads_no_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from reverie.apps.web.studio.app import build; "
        "from reverie.apps.web.studio.settings import StudioSettings; from reverie.jobs.queue.home import Home; "
        "import tempfile; app = build(Home(Path(tempfile.mkdtemp())), StudioSettings()); app.state.studio.forms; "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
