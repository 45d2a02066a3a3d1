"""The examples of docs/studio.md do what they say, word for word, against a running studio."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from studio_case import png, studio_server

pytest.importorskip("uvicorn", reason="the extra `studio` is not installed")
pytestmark = pytest.mark.slow
DOCS = (Path(__file__).parents[2] / "docs" / "studio.md").read_text("utf-8")


def example(kind: str, word: str) -> str:
    return next(text for text in re.findall(rf"```{kind}\n(.*?)```", DOCS, re.DOTALL) if word in text)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory):
    with studio_server(tmp_path_factory.mktemp("studio")) as address:
        yield address


def run(command: list[str], text: str, base: str, folder: Path) -> None:
    (folder / "photo.png").write_bytes(png(48, 64))
    text = text.replace("http://127.0.0.1:7860", base)
    done = subprocess.run([*command, text], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_the_example_in_python(base: str, tmp_path: Path) -> None:
    run([sys.executable, "-c"], example("python", "urllib"), base, tmp_path)
    assert (tmp_path / "photo-translated.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("jq"), reason="there is no curl or no jq here")
def test_the_example_with_curl(base: str, tmp_path: Path) -> None:
    run(["sh", "-ec"], example("sh", "jq -r"), base, tmp_path)
    assert (tmp_path / "result.png").read_bytes().startswith(b"\x89PNG")
    events = (tmp_path / "events.txt").read_text("utf-8")
    assert "event: job" in events
    assert '"state": "done"' in events


def test_the_example_for_gradios_client(base: str, tmp_path: Path) -> None:
    pytest.importorskip("gradio_client", reason="pip install gradio_client")
    text = example("python", "gradio_client") + "open('where.txt', 'w').write(files[0])\n"
    run([sys.executable, "-c"], text, base, tmp_path)
    assert Path((tmp_path / "where.txt").read_text()).read_bytes().startswith(b"\x89PNG")
