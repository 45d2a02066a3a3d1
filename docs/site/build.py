"""Build the documentation site, offline: python docs/site/build.py [--output FOLDER] [--course FOLDER].

Pages of docs/ are copied, the reference, the gallery and the lessons are generated, and Sphinx makes the site; a
warning is an error. Lessons have results where `course/run.py` has executed them into the folder of --course.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from commands import write_commands
from gallery import write_gallery
from lessons import write_lessons
from python_api import write_api
from stage import DOCS, ROOT, stage


def put_together(source: Path, course: Path) -> dict[str, int]:
    """Fill a folder with all pages, written and generated, and return how much is in it."""
    stage(source)
    found = write_commands(source / "reference" / "commands")
    return {
        "commands": len(found),
        "options": sum(len(one.options) + len(one.arguments) for one in found),
        "functions and classes": write_api(source / "reference" / "python"),
        "gallery pictures": write_gallery(DOCS / "gallery" / "README.md", source / "gallery.md"),
        "lessons with results": write_lessons(source / "course" / "lessons", course),
        "pages": len(list(source.rglob("*.md"))),
    }


def main(arguments: list[str] | None = None) -> int:
    """Build the site and say what is in it."""
    parser = argparse.ArgumentParser(description="Build the documentation site, offline.")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--course", type=Path, default=ROOT / "build" / "course")
    parser.add_argument("--loose", action="store_true", help="go on after warnings")
    options = parser.parse_args(arguments)
    from sphinx.cmd.build import build_main

    began = time.perf_counter()
    source = options.output / "source"
    print(", ".join(f"{count} {what}" for what, count in put_together(source, options.course).items()))
    strict = [] if options.loose else ["--fail-on-warning"]
    settings = ["-c", str(Path(__file__).parent), "-d", str(options.output / "cache"), "--keep-going", "-q"]
    code = build_main([*strict, *settings, "-b", "html", str(source), str(options.output / "html")])
    if code == 0:
        print(f"{options.output / 'html' / 'index.html'} in {time.perf_counter() - began:.0f} s")
    return code


if __name__ == "__main__":
    sys.exit(main())
