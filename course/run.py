"""Execute the lessons: python course/run.py [01 02 ...] [--small] [--to FOLDER].

Each lesson is a Python file in jupytext's percent form. It is executed in a process of its own. What is written: the
notebook with its results, the same without solutions (for students), slides, and a page for the site.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


def lessons(wanted: list[str] | None = None) -> list[Path]:
    """Return the lessons, all or those whose names begin so."""
    found = sorted(HERE.glob("[0-9][0-9]_*.py"))
    return [path for path in found if not wanted or path.name.startswith(tuple(wanted))]


def execute(path: Path, target: Path, *, small: bool, timeout_s: int = 900):
    """Return the executed notebook of a lesson, and the seconds it took.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    import jupytext
    from nbclient import NotebookClient

    target.mkdir(parents=True, exist_ok=True)
    os.environ["REVERIE_COURSE_OUT"] = str((target / "results").absolute())
    os.environ["REVERIE_COURSE_SIZE"] = "small" if small else "normal"
    os.environ["JUPYTER_PLATFORM_DIRS"] = "1"
    notebook = jupytext.read(path)
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    began = time.perf_counter()
    where = {"metadata": {"path": str(HERE)}}
    NotebookClient(notebook, timeout=timeout_s, kernel_name="python3", resources=where).execute()
    return notebook, time.perf_counter() - began


def write(notebook, path: Path, target: Path) -> None:
    """Write everything that comes of a lesson."""
    import nbformat
    from pages import as_page, as_slides, cleaned, without_solutions

    cleaned(notebook)
    nbformat.write(notebook, target / f"{path.stem}.ipynb")
    students = target / "students"
    students.mkdir(exist_ok=True)
    nbformat.write(without_solutions(notebook), students / f"{path.stem}.ipynb")
    (target / f"{path.stem}-slides.html").write_text(as_slides(notebook, path.stem), "utf-8")
    as_page(notebook, path.stem, target / "pages")


def main(arguments: list[str] | None = None) -> int:
    """Execute lessons and say how long each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lessons", nargs="*", help="beginnings of names, such as 03; none: all")
    parser.add_argument("--small", action="store_true", help="the quick sizes of CI")
    parser.add_argument("--to", type=Path, default=HERE.parent / "build" / "course")
    options = parser.parse_args(arguments)
    for path in lessons(options.lessons):
        notebook, seconds = execute(path, options.to, small=options.small)
        write(notebook, path, options.to)
        print(f"{path.name}: {seconds:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
