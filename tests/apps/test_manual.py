"""Manual pages and the list of all options: complete, well formed, and the same as the help."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cli_case import Run

from reverie.apps.cli.main import build_app
from reverie.apps.cli.man import command_page, page_name
from reverie.apps.cli.manual import Command, commands
from reverie.apps.cli.values import split_list
from reverie.tools.registry import TOOLS, find_tool


@pytest.fixture(scope="module")
def found() -> dict[str, Command]:
    return {one.words: one for one in commands(build_app())}


@pytest.mark.slow
def test_every_tool_of_the_registry_has_its_command_with_every_option(found: dict[str, Command]) -> None:
    assert set(TOOLS) <= set(found)
    for name in TOOLS:
        tool, typed = find_tool(name), {n for o in found[name].options for n in o.names}.union(found[name].hidden)
        fixed = {role.name for role in tool.fixed}
        flags = {
            f.metadata.get("flag") or "--" + f.name.replace("_", "-") for _, f in tool.fields() if f.name not in fixed
        }
        assert flags - {"--class-name", "--named-class"} <= typed | {"--quality"}, name


def test_every_option_says_what_it_does(found: dict[str, Command]) -> None:
    silent = [(c.words, o.names) for c in found.values() for o in (*c.options, *c.arguments) if not o.help]
    assert silent == []


def test_ranges_and_choices_come_from_the_fields(found: dict[str, Command]) -> None:
    dream = {option.names[0]: option for option in found["dream"].options}
    assert dream["--seed"].limits == "0 to 2^63 - 1"
    assert dream["--seed"].default == "0"
    assert "equalized" in dream["--objective"].choices
    assert not dream["--device"].changes


def test_a_page_of_each_command_is_written(run: Run, tmp_path: Path, found: dict[str, Command]) -> None:
    code, out, err = run("man", "--folder", tmp_path / "man")
    assert (code, err) == (0, "")
    assert out.strip() == str(tmp_path / "man")
    names = {path.name for path in (tmp_path / "man").iterdir()}
    assert names == {"reverie.1", *(f"{page_name(words)}.1" for words in found)}


@pytest.mark.skipif(shutil.which("man") is None, reason="no man")
def test_man_reads_a_page_without_a_warning(tmp_path: Path, found: dict[str, Command]) -> None:
    page = tmp_path / "reverie-dream.1"
    page.write_text(command_page(found["dream"]), "utf-8")
    done = subprocess.run(["man", "--warnings", "-l", str(page)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    text = " ".join(re.sub(r"[-\u2010]\n +", "", done.stdout).split())
    assert "reverie dream PICTURES [OPTIONS]" in text


def test_an_unknown_command_is_named(run: Run) -> None:
    code, _, err = run("man", "draem")
    assert code == 2
    assert "'dream'" in err or "dream" in err


def test_completion_of_bash_knows_commands_and_options(tmp_path: Path) -> None:
    script = tmp_path / "reverie"
    script.write_text(build_app().generate_completion(shell="bash"), "utf-8")
    ask = f"""source {script}
    COMP_WORDS=(reverie dream --oct); COMP_CWORD=2; _reverie reverie --oct dream; echo "${{COMPREPLY[@]}}"
    COMP_WORDS=(reverie latent sa); COMP_CWORD=2; _reverie reverie sa latent; echo "${{COMPREPLY[@]}}" """
    if shutil.which("bash") is None:
        pytest.skip("no bash")
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["--octaves", "--octave-count", "--octave-scale", "sample"]


@pytest.mark.parametrize(("tool", "name"), [("mesh fit", "camera"), ("mesh style", "region"), ("style", "region")])
def test_a_value_with_commas_inside_is_not_taken_apart(tool: str, name: str) -> None:
    (field,) = (field for _, field in find_tool(tool).fields() if field.name == name)
    assert split_list("90,0", field) == ["90,0"]
