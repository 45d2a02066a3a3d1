"""Reference of all commands, from the same values as their help: a page for each, and a list of all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reverie.apps.cli.main import build_app
from reverie.apps.cli.manual import Command, Option, commands
from reverie.tools.registry import TOOLS

NOTE = "Options with a ° change nothing of the result (or only its last bits) and are not carried over by `--like`."
LAST = ("result", "film", "folder", "servers", "machine", "")  # sections that stand behind those of the tool itself


def write_commands(folder: Path) -> list[Command]:
    """Write the pages of all commands, and return these."""
    folder.mkdir(parents=True, exist_ok=True)
    found = list(commands(build_app()))
    for one in found:
        (folder / f"{file_name(one)}.md").write_text(page(one), "utf-8")
    (folder / "index.md").write_text(overview(found), "utf-8")
    return found


def file_name(one: Command) -> str:
    """Return the name of a command's page, without its suffix."""
    return one.words.replace(" ", "-")


def overview(found: Sequence[Command]) -> str:
    """Return the list of all commands."""
    rows = [f"| [`reverie {one.words}`]({file_name(one)}.md) | {cell(one.summary)} |" for one in found]
    text = [
        "# Commands", "",
        "Made from the settings of the program itself, so that no option is missing and no default is out of date.",
        "In a terminal,",
        "`reverie COMMAND --help` and `reverie man COMMAND` say the same.", "",
        "Every command takes `--threads N` (default: auto, by the cores that are free) and `--debug`, which shows the",
        "traceback of an error.", "",
        "| command | |", "| --- | --- |", *rows, "",
        "```{toctree}", ":hidden:", "", *[file_name(one) for one in found], "```", "",
    ]  # fmt: skip
    return "\n".join(text)


def page(one: Command) -> str:
    """Return the page of a command."""
    lines = [f"# reverie {one.words}", "", one.summary, "", "```sh", one.usage, "```", ""]
    if one.words in TOOLS:
        lines += ["A tool: it also has a form in the studio, and its results carry their job.", ""]
    if one.arguments:
        lines += ["## Arguments", "", *table(one.arguments)]
    for group in groups(one.options):
        chosen = [option for option in one.options if option.group == group]
        rest = "Options of all tools" if one.words in TOOLS else "Options"
        lines += [f"## {group.capitalize() or rest}", "", *table(chosen)]
    if one.presets:
        lines += ["## Presets", "", "| preset | what it looks like |", "| --- | --- |"]
        lines += [f"| `{name}` | {cell(what)} |" for name, what in one.presets] + [""]
    if one.examples:
        lines += ["## Examples", "", "```sh", *one.examples, "```", ""]
    if any(not option.changes for option in one.options):
        lines += [NOTE, ""]
    return "\n".join(lines)


def groups(options: Sequence[Option]) -> list[str]:
    """Return the sections that options stand in, in the order of reading."""
    found = dict.fromkeys(option.group for option in options)
    return sorted(found, key=lambda group: LAST.index(group) if group in LAST else -1)


def table(options: Sequence[Option]) -> list[str]:
    """Return a table of options: name, what it does, what it takes, its default."""
    rows = ["| name | what it does | takes | default |", "| --- | --- | --- | --- |"]
    for option in options:
        mark = "" if option.changes else " °"
        names = ", ".join(f"`{name}`" for name in option.names) + mark
        takes = "; ".join(filter(None, (option.kind, option.limits, ", ".join(f"`{c}`" for c in option.choices))))
        default = f"`{option.default}`" if option.default else ""
        rows.append(f"| {names} | {cell(option.help)}{cell(together(option))} | {cell(takes)} | {default} |")
    return [*rows, ""]


def together(option: Option) -> str:
    """Return in words which options go with it, and which do not."""
    needs = f" Goes with {' or '.join(option.needs)}." if option.needs else ""
    return needs + (f" Not with {', '.join(option.excludes)}." if option.excludes else "")


def cell(text: str) -> str:
    """Return a text that a table and MyST leave as it is."""
    plain = " ".join(text.split())
    for sign in ("|", "<", "*", "_", "[", "$"):
        plain = plain.replace(sign, "\\" + sign)
    return plain
