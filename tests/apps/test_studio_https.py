"""HTTPS: a studio with a certificate is reached by it alone, and wrong files are one line before anything starts."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from studio_case import TOYS, free_port

from reverie.apps.cli.main import main

pytest.importorskip("uvicorn", reason="the extra `studio` is not installed")
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl here")
SERVER = """
import sys
from pathlib import Path
from reverie.apps.web.studio.serve import serve
from reverie.apps.web.studio.settings import StudioSettings
from reverie.jobs.queue.home import Home
settings = StudioSettings(host="127.0.0.1", port=int(sys.argv[2]), registry="toy_registry", exhibition=True)
sys.exit(serve(Home(Path(sys.argv[1])), settings, certificate=sys.argv[3], key=sys.argv[4]))
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("pair")
    certificate, key = folder / "booth.pem", folder / "booth.key"
    line = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]  # fmt: skip
    subprocess.run([*line, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


@pytest.mark.slow
def test_the_booth_is_reached_by_https_alone(pair: tuple[Path, Path], tmp_path: Path) -> None:
    port = free_port()
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(TOYS), *sys.path]), "REVERIE_PASSWORD": "open sesame"}
    child = subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path), str(port), *map(str, pair)],
                             env=env, stderr=subprocess.PIPE, text=True)  # fmt: skip
    try:
        assert child.stderr is not None
        assert child.stderr.readline().startswith(f"studio: https://127.0.0.1:{port}/")
        base, trusted = f"https://127.0.0.1:{port}", ssl.create_default_context(cafile=str(pair[0]))
        until = time.monotonic() + 30
        while True:
            try:
                page = httpx.get(f"{base}/booth", verify=trusted)
                break
            except httpx.ConnectError:
                assert time.monotonic() < until
                time.sleep(0.1)
        assert page.status_code == 200
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/booth")
        asked = httpx.post(f"{base}/api/jobs", json={}, verify=trusted, headers={"Origin": "https://example.org"})
        assert asked.status_code in (401, 403)  # another page's question
    finally:
        child.terminate()
        child.wait(20)
        assert child.stderr is not None
        child.stderr.close()


@pytest.mark.parametrize(
    ("words", "part"),
    [(["--certificate", "none.pem"], "No such file"), (["--key", "none.key"], "--key belongs to a certificate"),
     (["--certificate", "other.pem"], "not a pair in PEM form")],
)  # fmt: skip
def test_wrong_files_are_one_line(
    words: list[str], part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other.pem").write_text("no certificate")
    assert main(["wall", "--port", "0", "--home", str(tmp_path / "home"), *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert part in line


def test_a_printer_without_cups_is_said_before_the_doors_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["wall", "--port", "0", "--home", str(tmp_path / "home"), "--printer", "Selphy"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "printing needs CUPS: apt install cups-client" in line
