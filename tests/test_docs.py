"""The documentation: links lead somewhere, commands and options exist, words are spelled right, the site builds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SITE = ROOT / "docs" / "site"
sys.path.insert(0, str(SITE))

import check  # noqa: E402 - a script beside the pages that it checks


def test_every_link_and_anchor_leads_somewhere() -> None:
    assert list(check.broken_links()) == []


def test_every_command_and_option_that_a_page_names_exists() -> None:
    assert list(check.unknown_commands()) == []


def test_words_are_spelled_right() -> None:
    """A word of the field that is missing belongs into docs/site/words.txt."""
    pytest.importorskip("spellchecker", reason="pip install '.[docs]'")
    assert list(check.misspelled()) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("reverie dream a.jpg --steps 3 -o b.png", ""),
        ("reverie draem a.jpg", "no command 'draem a.jpg'"),
        ("reverie dream a.jpg --stpes 3", "no option '--stpes'"),
        ("reverie latent sample --seeds 0-3", ""),
        ("reverie embed data/", ""),
        ("reverie mesh show a.glb --no-page --threads 2", ""),
    ],
)
def test_the_check_of_commands_finds_what_is_wrong(line: str, fault: str) -> None:
    assert check.fault_of(line, check.all_commands()) == fault


def test_our_flags_in_the_tables_for_other_programs_exist() -> None:
    """The second column of the tables in docs/from holds ours."""
    known = {name for names in check.all_commands().values() for name in names}
    for page in sorted((ROOT / "docs" / "from").glob("*.md")):
        for line in page.read_text("utf-8").splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if line.startswith("| ") and len(cells) >= 2 and "reverie" not in cells[1]:
                flags = re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", " ".join(re.findall(r"`([^`]+)`", cells[1])))
                assert set(flags) <= known, (page.name, line)


def test_the_gallery_has_every_picture_of_its_folder_with_its_job(tmp_path: Path) -> None:
    from gallery import stored, write_gallery

    readme = ROOT / "docs" / "gallery" / "README.md"
    count = write_gallery(readme, tmp_path / "gallery.md")
    text = (tmp_path / "gallery.md").read_text("utf-8")
    pictures = [path for path in readme.parent.iterdir() if path.suffix in (".jpg", ".png")]
    shown = [path for path in pictures if f"(gallery/{path.name})" in text]
    assert count == len(shown) > 30
    assert (
        text.count("reverie replay ") == sum(stored(path) is not None for path in shown) + 1
    )  # one in the introduction


def test_the_reference_names_every_public_function(tmp_path: Path) -> None:
    from python_api import write_api

    assert write_api(tmp_path) > 1500
    text = (tmp_path / "api.md").read_text("utf-8")
    assert "### dream" in text
    assert "**Raises**" in text
    assert "- `InputError`: settings, network or picture that cannot be used" in text


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_site_builds_without_a_warning_and_asks_no_other_server(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="pip install '.[docs]'")
    done = subprocess.run(
        [sys.executable, SITE / "build.py", "--output", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    pages = list((tmp_path / "html").rglob("*.html"))
    assert len(pages) > 100
    for page in [*pages, *(tmp_path / "html").rglob("*.css")]:
        text = page.read_text("utf-8")
        assert re.findall(r"<(?:script|img|iframe)[^>]+src=\"(?:https?:)?//[^\"]+", text) == [], page
        assert (
            re.findall(r"<link[^>]+rel=\"(?:stylesheet|preload|preconnect)\"[^>]+href=\"(?:https?:)?//", text) == []
        ), page
        assert re.findall(r"url\([\"']?(?:https?:)?//", text) == [], page
    assert (tmp_path / "html" / "searchindex.js").stat().st_size > 100_000


def test_every_block_of_code_is_executed_or_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without running anything: each is of a kind that is executed, or is marked, or is known to call others."""
    import blocks

    def of_line(page: str, line: str) -> blocks.Trial:
        return blocks.Trial(page, line, "not tried" if blocks.reason(line) else "right")

    monkeypatch.setattr(blocks, "of_line", of_line)
    monkeypatch.setattr(blocks, "of_python", lambda page, found: [blocks.Trial(page, b.text, "right") for b in found])
    found = list(blocks.trials())
    assert [(one.page, one.line, one.why) for one in found if one.state == "wrong"] == []
    executed = sum(one.state == "right" for one in found)
    assert executed > 0.7 * len(found), (executed, len(found))


def test_the_check_of_blocks_finds_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import blocks

    monkeypatch.setattr(blocks, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n\n    a tree of folders\n\nand\n\n<!-- not run: names of files -->\n\n    another\n\n"
        "```python\n1 / 0\n```\n\n    reverie dream photo.jpg --steps -1\n\n```yaml\na: [\n```\n"
    )
    found = {one.line.strip(): (one.state, one.why) for one in blocks.trials([page])}
    assert found["a tree of folders"] == ("wrong", blocks.UNMARKED)
    assert found["another"] == ("not tried", "names of files")
    assert found["1 / 0"] == ("wrong", "ZeroDivisionError: division by zero")
    assert found["reverie dream photo.jpg --steps -1"][0] == "wrong"
    assert found["a: ["][0] == "wrong"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_code_of_all_pages_is_executed() -> None:
    """Commands with --dry-run on small files of their names, Python as it stands; the rest has its reason."""
    done = subprocess.run([sys.executable, SITE / "blocks.py"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
