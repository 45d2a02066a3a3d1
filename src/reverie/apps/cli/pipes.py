"""Pictures through standard input and output: bytes in, bytes out, and nothing else between them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from reverie.errors import InputError
from reverie.settings import flag_of
from reverie.tools.registry import TOOLS, find_tool
from reverie.weights.in_folder import network_in

STDOUT = "-"
SUFFIX = ".safetensors"  # of the value of an option that may be given without one
STAND_IN = "\0-"  # for "-" on its way through the parser, which takes it for an option; no argument holds a NUL


def past_parser(tokens: list[str]) -> list[str]:
    """Return the tokens of a command with every lone ``-`` replaced, where the command reads or writes pictures."""
    tool = next((name for name in (" ".join(tokens[:2]), *tokens[:1]) if name in TOOLS), None)
    if tool is None and tokens[:1] != ["dream"]:
        return tokens
    found = [STAND_IN if t == "-" else t for t in tokens]
    for _, field in () if tool is None else find_tool(tool).fields():
        if field.metadata.get("bare") is not None:
            found = _with_value(found, flag_of(field), field.metadata["bare"])
    return found


def _with_value(tokens: list[str], flag: str, default: str) -> list[str]:
    """Return the tokens with a value after an option of a network that may be given without one, as ``--fast`` may."""
    found = []
    for token, following in zip(tokens, (*tokens[1:], ""), strict=True):
        found.append(f"{flag}={default}" if token == flag and not _is_network(following) else token)
    return found


def _is_network(text: str) -> bool:
    """Tell whether a word is the file of a network, or the folder of a training with one in it."""
    return text.lower().endswith(SUFFIX) or (text != "" and network_in(Path(text)) != Path(text))


def as_given(text: str) -> str:
    """Return an argument as the user wrote it."""
    return "-" if text == STAND_IN else text


def read_stdin() -> Any:
    """Return the picture that stands on standard input.

    Raises:
        InputError: a terminal, from which no picture comes.
        PictureError: no picture, or a broken one.
    """
    from reverie.media.image import read_picture

    if sys.stdin.isatty():
        raise InputError("'-' reads a picture from standard input, which is a terminal; pipe one in or name a file")
    return read_picture(sys.stdin.buffer, name="stdin")


def check_stdout() -> None:
    """Refuse to write a picture to a terminal.

    Raises:
        InputError: standard output is one.
    """
    if sys.stdout.isatty():
        raise InputError("a picture on standard output would garble the terminal; redirect it, or name a file with -o")


def write_stdout(blob: bytes) -> None:
    """Write a picture's bytes to standard output."""
    sys.stdout.buffer.write(blob)
    sys.stdout.buffer.flush()
