"""The help of every tool: on one screen what people change most, all of it under ``--help-all``."""

from __future__ import annotations

import re

import pytest
from cli_case import Run

from reverie.apps.cli.main import main
from reverie.apps.cli.tool_help import MOST_LINES, help_of, options_of
from reverie.settings import flag_of
from reverie.tools.registry import TOOLS, find_tool

MOST_USED = {
    "dream": ("--preset", "--strength", "--layer", "--class", "--steps", "--octaves", "--size", "--mask", "--color",
              "--seed", "--output", "--duration"),
    "style": ("--fast", "--strength", "--steps", "--size", "--mask", "--keep", "--color", "--style-scale", "--output",
              "--sheet", "--seed"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOOLS)
def test_help_fits_on_a_screen_and_help_all_has_everything(name: str) -> None:
    tool = find_tool(name)
    short, whole = help_of(tool), help_of(tool, everything=True)
    assert len(short.splitlines()) <= MOST_LINES
    assert all(len(line) <= 110 for line in short.splitlines())
    options = options_of(tool)
    shown = [option for option in options if re.search(rf"(?m)^  {re.escape(option.name)}\b", short)]
    assert len(shown) >= min(10, sum(option.often for option in options))
    for option in options:
        assert f"  {option.name}" in whole, option.name
    assert f"reverie {name} --help-all" in short


def test_every_field_is_in_the_whole_help_but_older_names() -> None:
    for name in ("dream", "style"):
        tool = find_tool(name)
        whole = help_of(tool, everything=True)
        for _, field in tool.fields():
            if field.name not in {role.name for role in tool.roles}:
                flag = {"class_name": "--class"}.get(field.name, flag_of(field))
                assert (f"  {flag}" in whole) is not field.metadata["hidden"], flag


@pytest.mark.parametrize("name", MOST_USED)
def test_the_most_used_options_lead(name: str) -> None:
    short = help_of(find_tool(name))
    for option in MOST_USED[name]:
        assert re.search(rf"(?m)^  (-\w, )?{option}\b", short), option
    assert short.index("reverie " + name + " ") < short.index("--")
    assert len(find_tool(name).examples) >= 3


def test_help_in_all_its_ways(run: Run) -> None:
    shown = {run(*words)[:2] for words in (("dream", "--help"), ("help", "dream"), ("dream", "help"), ("dream",))}
    assert len(shown) == 1
    code, text = shown.pop()
    assert code == 0 and text.startswith("Usage: reverie dream")
    assert len(run("dream", "--help-all")[1].splitlines()) > 2 * MOST_LINES
    for words in (("dream", "live", "--help"), ("dream-live", "--help"), ("help", "dream", "live")):
        assert run(*words)[1].startswith("Usage: reverie dream live"), words
    assert run("distill", "--help")[1].startswith("Usage: reverie train distill")
    assert run("-V")[:2] == run("--version")[:2] == run("version")[:2]


COMMANDS = (
    "info", "replay", "models", "models show", "models fetch", "jobs", "doctor", "watch", "man", "studio", "wall",
    "train", "gather", "latent", "mesh", "embed", "sound", "translator",
)  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_that_are_no_tools_fit_on_a_screen_too(run: Run, name: str) -> None:
    code, out, _ = run(*name.split(), "--help")
    assert code == 0
    assert len(out.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("group", ["latent", "mesh", "gather", "train"])
def test_all_the_help_of_a_group_is_its_help(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([group, "--help-all"]) == 0
    assert f"Usage: reverie {group}" in capsys.readouterr().out
