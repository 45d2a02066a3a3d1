"""The course: every lesson runs at its small size, has exercises with solutions, and gives notebooks and slides."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COURSE = ROOT / "course"
LESSONS = sorted(COURSE.glob("[0-9][0-9]_*.py"))
sys.path.insert(0, str(COURSE))


def test_there_are_eleven_lessons() -> None:
    assert [path.name[:2] for path in LESSONS] == [f"{number:02}" for number in range(1, 12)]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_each_lesson_is_python_with_slides_exercises_and_solutions(path: Path) -> None:
    text = path.read_text("utf-8")
    ast.parse(text)
    assert text.count('tags=["slide"]') >= 2
    assert text.count('tags=["exercise"]') == 1
    assert 'tags=["solution"]' in text
    assert text.index('tags=["exercise"]') < text.index('tags=["solution"]')


def test_the_bibliography_has_forty_items_with_two_sentences_each() -> None:
    text = (ROOT / "docs" / "course" / "bibliography.md").read_text("utf-8")
    items = [line for line in text.splitlines() if line.startswith("**")]
    assert len(items) >= 40
    assert all("*" in item for item in items)


def test_a_meter_counts_processor_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import energy

    monkeypatch.setattr(energy, "COUNTERS", tmp_path)
    with energy.Meter(watts_per_core=10) as meter:
        sum(k * k for k in range(2_000_000))
    assert meter.how == "CPU seconds"
    assert meter.joules == pytest.approx(10 * meter.cpu_s)
    assert 0.01 < meter.cpu_s <= meter.seconds * 1.5 + 0.02


def test_a_meter_reads_the_counter_of_the_processor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import energy

    monkeypatch.setattr(energy, "COUNTERS", tmp_path)
    counter = tmp_path / "intel-rapl:0" / "energy_uj"
    counter.parent.mkdir()
    counter.write_text("1000000\n")
    with energy.Meter() as meter:
        counter.write_text("4500000\n")
    assert (meter.how, meter.joules) == ("RAPL", 3.5)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_each_lesson_runs_at_its_small_size(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("nbclient", reason="pip install '.[docs]'")
    pytest.importorskip("jupytext", reason="pip install '.[docs]'")
    own = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    line = [sys.executable, COURSE / "run.py", path.name[:2], "--small", "--to", tmp_path]
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=own)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    notebook = json.loads((tmp_path / f"{path.stem}.ipynb").read_text("utf-8"))
    pictures = [o for cell in notebook["cells"] for o in cell.get("outputs", []) if "image/jpeg" in o.get("data", {})]
    assert pictures
    students = (tmp_path / "students" / f"{path.stem}.ipynb").read_text("utf-8")
    assert '"solution"' not in students
    assert "<section" in (tmp_path / f"{path.stem}-slides.html").read_text("utf-8")
    assert str(tmp_path) not in json.dumps(notebook)
