"""The page for Python and the researcher's notebook: their code runs, and gives what it promises."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.real  # as a reader has them
ROOT = Path(__file__).parents[2]
MOST_LINES = 25


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    y, x = np.mgrid[0:72, 0:80]
    for number, name in enumerate(("photo.jpg", "art.jpg")):
        waves = [np.sin(x / (6 + number)), np.cos(y / (8 - number)), np.sin((x + y) / 9)]
        Image.fromarray((np.stack(waves, -1) * 90 + 128).astype(np.uint8)).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_block_of_the_page_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "python.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) >= 9
    names: dict[str, object] = {}
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"docs/python.md, block {number}", "exec"), names)
    printed = capsys.readouterr().out
    assert "2.0" in printed or "2" in printed.splitlines()[0]
    assert "guessed" in printed
    assert "(2, 3, 48, 48)" in printed.replace("torch.Size(", "(").replace("[", "(").replace("]", ")")
    assert (folder / "dreamt.png").exists() and (folder / "channel.png").exists()


def test_the_notebook_shows_a_picture_in_few_lines() -> None:
    nbformat = pytest.importorskip("nbformat", reason="notebooks are not installed")
    notebook = nbformat.read(ROOT / "examples" / "researcher.ipynb", as_version=4)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert sum(bool(line.strip()) for cell in cells for line in cell.splitlines()) <= MOST_LINES
    names: dict[str, object] = {}
    *before, last = cells
    for cell in before:
        exec(cell, names)
    body, _, shown = last.rpartition("\n")
    exec(body, names)
    png = eval(shown, names)._repr_png_()
    picture = np.asarray(Image.open(io.BytesIO(png)), dtype=float)
    assert picture.shape == (96, 96, 3)
    assert picture.std() > 10  # not grey


def test_names_are_listed_without_loading_what_they_stand_for() -> None:
    import subprocess
    import sys

    code = "import reverie, sys; names = dir(reverie); assert 'torch' not in sys.modules; print(*names)"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"dream", "style", "visualize", "as_critic", "latent_sample", "canvas", "objective"} <= set(names)
