"""`reverie man`: manual pages in roff, made of the same values as the help."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from reverie.apps.cli.manual import Command, Option, commands
from reverie.errors import InputError, OutputError, unknown_name
from reverie.version import __version__

FROM_FILE = (".", "'")  # a line that begins so would be a request of roff


def man_command(
    command: Annotated[tuple[str, ...], Parameter(help="The words of a command; none: the program.", negative="")] = (),
    /,
    *,
    folder: Annotated[
        str | None, Parameter(help="Write the pages of the program and of all commands into this folder instead.")
    ] = None,
) -> int:
    """Print a manual page: ``reverie man dream | man -l -``."""
    from reverie.apps.cli.main import EPILOGUE, HELP, build_app

    found = {one.words: one for one in commands(build_app())}
    if folder is not None:
        pages = {"reverie.1": program_page(HELP, EPILOGUE, list(found.values()))}
        pages |= {f"{page_name(words)}.1": command_page(one) for words, one in found.items()}
        _write(Path(folder), pages)
        return 0
    words = " ".join(command)
    if words and words not in found:
        raise InputError(unknown_name("command", words, found))
    print(command_page(found[words]) if words else program_page(HELP, EPILOGUE, list(found.values())), end="")
    return 0


def _write(folder: Path, pages: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write manual pages to '{folder}': {error.strerror or error}") from error
    print(folder)


def page_name(words: str) -> str:
    """Return the name of a command's page: "reverie-latent-sample"."""
    return "-".join(("reverie", *words.split()))


def program_page(summary: str, after: str, found: Sequence[Command]) -> str:
    """Return the page of the program: what it is, and one line for every command."""
    lines = [*_head("reverie", summary), ".SH SYNOPSIS", r".B reverie", r"\fICOMMAND\fR [\fIARGUMENTS\fR]"]
    lines += [".SH DESCRIPTION", _text(summary), ".PP", _text(after), ".SH COMMANDS"]
    for one in found:
        lines += [".TP", rf"\fB{_text(one.words)}\fR", f"{_text(one.summary)} See {page_name(one.words)}(1)."]
    return "\n".join(lines) + "\n"


def command_page(one: Command) -> str:
    """Return the page of a command: all arguments and options with their defaults and ranges."""
    lines = [*_head(page_name(one.words), one.summary), ".SH SYNOPSIS", _text(one.usage), ".SH DESCRIPTION"]
    lines += [_text(one.summary)]
    for title, options in (("ARGUMENTS", one.arguments), ("OPTIONS", one.options)):
        if options:
            lines += [f".SH {title}", *(line for option in options for line in _option(option))]
    if one.presets:
        lines += [".SH PRESETS"]
        lines += [line for name, what in one.presets for line in (".TP", rf"\fB{_text(name)}\fR", _text(what))]
    if one.examples:
        lines += [".SH EXAMPLES"]
        lines += [line for example in one.examples for line in (".PP", ".nf", _text(example), ".fi")]
    return "\n".join(lines) + "\n"


def _head(name: str, summary: str) -> list[str]:
    title = name.upper()
    return [f'.TH "{title}" 1 "" "Reverie {__version__}"', ".SH NAME", rf"{_text(name)} \- {_text(summary)}"]


def _option(option: Option) -> list[str]:
    names = ", ".join(rf"\fB{_text(name)}\fR" for name in option.names)
    facts = [option.kind] + [option.limits] * bool(option.limits)
    facts += [f"one of {', '.join(option.choices)}"] * bool(option.choices)
    facts += [f"default {option.default}"] * bool(option.default)
    return [".TP", names, f"{_text(option.help)} ({_text('; '.join(facts))})"]


def _text(text: str) -> str:
    """Return a text in which roff finds no commands of its own, on one line."""
    plain = " ".join(text.split()).replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{plain}" if plain.startswith(FROM_FILE) else plain
