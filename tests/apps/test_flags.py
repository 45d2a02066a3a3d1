"""The flags of other programs: those of the containerized DeepDream work, and the tables name only what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli_case import Run

from reverie.apps.cli.main import build_app
from reverie.media.metadata import read_settings

TABLES = Path(__file__).parents[2] / "docs" / "flags.md"
THEIRS = (
    "--source", "--destination", "--guide", "--num-iterations", "--octave-count", "--octave-scale",
    "--steps-per-octave", "--maximize", "--jitter", "--blend",
)  # fmt: skip


def options(*command: str) -> set[str]:
    app = build_app()
    for name in command:
        app = app[name]
    return {name for argument in app.assemble_argument_collection() for name in argument.names}


def rows() -> list[tuple[str, str, str]]:
    """The first three cells of every row of every table, with the heading they stand under."""
    found, heading = [], ""
    for line in TABLES.read_text("utf-8").splitlines():
        heading = line[3:] if line.startswith("## ") else heading
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3 and not set(cells[0]) <= set("- ") and cells[1] != "here":
            found.append((heading, cells[0], cells[1]))
    return found


def test_every_flag_of_ours_in_the_tables_exists() -> None:
    assert len(rows()) > 90
    known = {("dream",): options("dream")}
    for heading, theirs, ours in rows():
        spans = re.findall(r"`([^`]+)`", ours)
        assert spans or ours == "none", (heading, theirs, ours)
        for span in spans:
            words = span.split()
            command = ("dream",)
            if words[0] == "reverie":
                command = tuple(word for word in words[1:3] if re.fullmatch("[a-z]+", word))
            known.setdefault(command, options(*command))
            flags = {word for word in words if word.startswith("--")}
            assert flags <= known[command], (heading, theirs, span)


def test_the_tables_name_every_flag_of_the_containerized_deepdream() -> None:
    container = {theirs.strip("`"): ours for heading, theirs, ours in rows() if heading.startswith("The container")}
    assert set(THEIRS) <= set(container)
    for flag in set(THEIRS) - {"--blend"}:
        assert f"`{flag}`" in container[flag]
    assert set(THEIRS) <= options("dream")


def test_no_flag_of_another_program_is_listed_twice() -> None:
    listed = [(heading, name) for heading, theirs, _ in rows() for name in re.findall("`([^`]+)`", theirs)]
    assert len(listed) == len(set(listed))


def test_the_flags_of_the_containerized_deepdream_do_what_ours_do(run: Run, photo: Path) -> None:
    ours, theirs = photo.with_name("ours.png"), photo.with_name("theirs.png")
    same = ("--octave-scale", 1.3, "--jitter", 12, "--blend", 0.2)
    code, _, _ = run(
        "dream", photo, "-o", ours, "--layer", "mixed3a", "--octaves", 2, "--steps", 2, "--iterations", 2, *same
    )
    assert code == 0
    code, out, _ = run(
        "dream", "--source", photo, "--destination", theirs, "--maximize", "mixed3a", "--octave-count", 2,
        "--steps-per-octave", 2, "--num-iterations", 2, *same,
    )  # fmt: skip
    assert (code, out.strip()) == (0, str(theirs))
    assert theirs.read_bytes() == ours.read_bytes()
    config = read_settings(theirs)["config"]
    assert (config["blend"], config["octaves"], config["steps"], config["iterations"]) == (0.2, 2, 2, 2)


@pytest.mark.parametrize("flag", ["--blend=1.5", "--blend=x", "--octave-count=0", "--maximize=nowhere"])
def test_a_wrong_value_is_bad_input(run: Run, photo: Path, flag: str) -> None:
    code, _, err = run("dream", photo, flag)
    assert code == 2
    assert len(err.strip().splitlines()) == 1


def test_the_live_page_is_for_one_picture(run: Run, photo: Path) -> None:
    code, _, err = run("dream", photo, photo.parent, "--show")
    assert code == 2
    assert "--show follows one work" in err
