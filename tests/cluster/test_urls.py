"""Pictures in an object store: moto's S3 server, and file:// addresses."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import pytest

from reverie.apps.cli.common_options import Common
from reverie.apps.cli.tool_command import run_tool
from reverie.errors import InputError

pytest.importorskip("fsspec", reason="the extra 'cluster' is not installed")


def fade(source: str, output: str | None, **common) -> int:
    from toy_registry import FADE, find_tool

    given = {"steps": 2, "color": "red"} | common.pop("given", {})
    return run_tool(FADE, find_tool, {"picture": (source,)}, given, Common(output=output, workers="1", **common))


def test_addresses_give_the_bytes_that_paths_give_and_what_is_there_is_not_made_again(pictures, tmp_path, capsys):
    source = pictures(3)
    assert fade(str(source), f"{tmp_path / 'near'}/") == 0
    assert fade(f"file://{source}/", f"file://{tmp_path / 'far'}/") == 0
    for path in sorted((tmp_path / "near").iterdir()):
        assert (tmp_path / "far" / path.name).read_bytes() == path.read_bytes()
    capsys.readouterr()
    assert fade(f"file://{source}/", f"file://{tmp_path / 'far'}/") == 0
    assert "0 made, 3 there already" in capsys.readouterr().err
    assert fade(f"file://{source}/000.png", f"file://{tmp_path / 'far'}/", given={"steps": 3}) == 0  # kept beside it
    assert sorted(p.name for p in (tmp_path / "far").iterdir()) == ["000-2.png", "000.png", "001.png", "002.png"]


def test_what_cannot_be_is_said_in_one_sentence(pictures, tmp_path):
    source = pictures(1)
    for url, output, words in (
        (f"file://{source}/", str(tmp_path), "need a folder at one"),
        (f"file://{tmp_path}/nothing/", f"file://{tmp_path}/out/", "no pictures at"),
        ("what://bucket/a.png", "what://bucket/out/", "cannot be used"),
    ):
        with pytest.raises(InputError, match=words):
            fade(url, output)


@pytest.fixture
def bucket(monkeypatch):
    pytest.importorskip("moto", reason="moto is not installed")
    pytest.importorskip("s3fs", reason="the extra 'cluster' is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": address,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-p", str(port)], env=os.environ | {"PYTHONWARNINGS": "ignore"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.2)
    import s3fs

    store = s3fs.S3FileSystem(skip_instance_cache=True)
    store.mkdir("reverie-test")
    yield store
    server.terminate()
    server.wait()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # s3fs's own
def test_a_bucket_is_worked_through(bucket, pictures, tmp_path, capsys):
    source = pictures(3)
    assert fade(str(source), f"{tmp_path / 'near'}/") == 0
    bucket.put(str(source), "reverie-test/in", recursive=True)
    assert fade("s3://reverie-test/in/", "s3://reverie-test/out/") == 0
    assert "s3://reverie-test/out/000.png" in capsys.readouterr().out
    bucket.invalidate_cache()
    for path in sorted((tmp_path / "near").iterdir()):
        assert bucket.cat(f"reverie-test/out/{path.name}") == path.read_bytes()
    assert fade("s3://reverie-test/in/", "s3://reverie-test/out/") == 0
    assert "3 there already" in capsys.readouterr().err
