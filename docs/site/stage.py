"""Copy the pages of the repository into one folder, with their links made to fit."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s#]+)(#[^)\s]*)?(\))")
CODE = re.compile(r"^(?:    [^\n]*|```[\s\S]*?^```)$", re.MULTILINE)
PAGES = {  # files outside docs/ that are pages of the site, and where they stand there
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "benchmarks/README.md": "project/benchmarks.md",
}


def stage(target: Path) -> None:
    """Fill a folder with all hand-written pages, their pictures, and the files that they link to."""
    shutil.rmtree(target, ignore_errors=True)
    for path in sorted(DOCS.rglob("*")):
        inside = path.relative_to(DOCS)
        if path.is_dir() or inside.as_posix() == "gallery/README.md" or "__pycache__" in inside.parts:
            continue
        if inside.parts[0] == "site":
            continue
        place(path, target / inside, target)
    for name, page in PAGES.items():
        place(ROOT / name, target / page, target)
    add_further(target)


def add_further(target: Path) -> None:
    """List pages of docs/ that the contents leave out behind all others, so that a new page is never lost."""
    index = target / "index.md"
    text = index.read_text("utf-8")
    listed = {line.strip() for line in text.splitlines()} | {"index", "flags"}  # flags stands in from/index.md
    further = sorted(path.stem for path in target.glob("*.md") if path.stem not in listed)
    if further:
        lines = ["", "```{toctree}", ":hidden:", ":caption: Further", "", *further, "```", ""]
        index.write_text(text + "\n".join(lines), "utf-8")


def place(path: Path, to: Path, target: Path) -> None:
    """Copy one file; the links of a page are changed to where their targets stand in the site."""
    to.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix != ".md":
        shutil.copyfile(path, to)
        return
    text = path.read_text("utf-8")
    to.write_text(linked(text, path, to, target), "utf-8")


def linked(text: str, path: Path, to: Path, target: Path) -> str:
    """Return a page with its links changed; what a page outside docs/ links to is copied into the site."""

    def changed(found: re.Match[str]) -> str:
        before, link, anchor, after = found[1], found[2], found[3] or "", found[4]
        if "://" in link or link.startswith("mailto:"):
            return found[0]
        wanted = (path.parent / link).resolve()
        if not wanted.is_relative_to(ROOT) or not wanted.exists():
            return found[0]  # Sphinx will say that it leads nowhere
        return f"{before}{os.path.relpath(_home(wanted, target), to.parent)}{anchor}{after}"

    parts, last = [], 0
    for code in CODE.finditer(text):
        parts += [LINK.sub(changed, text[last : code.start()]), code[0]]
        last = code.end()
    return "".join([*parts, LINK.sub(changed, text[last:])])


def _home(wanted: Path, target: Path) -> Path:
    """Return where a file of the repository stands in the site."""
    name = wanted.relative_to(ROOT).as_posix()
    if name in ("docs/gallery/README.md", "docs/gallery"):
        return target / "gallery.md"
    if name == "README.md":
        return target / "index.md"
    if name in PAGES:
        return target / PAGES[name]
    if wanted.is_relative_to(DOCS):
        return target / wanted.relative_to(DOCS)
    if wanted.is_dir():
        return target / "project" / "benchmarks.md"
    to = target / "project" / "files" / name
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(wanted, to)
    return to
