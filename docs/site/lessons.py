"""The lessons of the course as pages: with their results where they were executed, else as they are written."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

COURSE = Path(__file__).parents[2] / "course"
sys.path.insert(0, str(COURSE))


def write_lessons(target: Path, executed: Path) -> int:
    """Write a page for every lesson, and return how many of them have results."""
    import jupytext
    from pages import as_page

    target.mkdir(parents=True, exist_ok=True)
    count = 0
    for lesson in sorted(COURSE.glob("[0-9][0-9]_*.py")):
        page = executed / "pages" / f"{lesson.stem}.md"
        if page.is_file() and page.stat().st_mtime >= lesson.stat().st_mtime:
            for part in [page, *page.parent.glob(f"{lesson.stem}-*")]:
                shutil.copyfile(part, target / part.name)
            count += 1
        else:
            as_page(jupytext.read(lesson), lesson.stem, target)
    return count
