"""What the command line says about arguments that it cannot take: our words for the parser's errors."""

from __future__ import annotations

import difflib
import typing
from pathlib import Path

from cyclopts import CoercionError, CycloptsError, MissingArgumentError, RepeatArgumentError, UnknownOptionError
from cyclopts.exceptions import UnknownCommandError, UnusedCliTokensError

from reverie.apps.cli.synonyms import BEGIN, command_for_word, option_for
from reverie.errors import InputError, unknown_name

EVERYWHERE = ("--quiet", "--verbose", "--threads", "--debug", "--help")  # read before any command
KINDS = {int: "a whole number", float: "a number"}


def parser_message(error: CycloptsError) -> str:
    """Return one line: what was given, what was expected, and which help to read."""
    return f"{_reason(error)}; see '{' '.join(('reverie', *(error.command_chain or ()), '--help'))}'"


def _reason(error: CycloptsError) -> str:
    if isinstance(error, UnknownOptionError):
        return _unknown_option(error)
    if isinstance(error, (UnknownCommandError, UnusedCliTokensError)) and error.unused_tokens:
        return _left_over(error, error.unused_tokens[0])
    if isinstance(error, RepeatArgumentError) and error.token.keyword:
        return f"{error.token.keyword} is given more than once"
    if isinstance(error.__cause__, InputError):
        return str(error.__cause__)
    if isinstance(error, CoercionError) and error.token is not None and error.argument is not None:
        return _wrong_kind(error, error.token.keyword or _shown(error.argument.name))
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.keyword or _shown(error.argument.name)
        return f"{name} needs a value" if name.startswith("-") else f"{name} is missing"
    return " ".join(str(error).split()).rstrip(".")


def _unknown_option(error: UnknownOptionError) -> str:
    options = [name for argument in error.argument_collection for name in argument.names]
    given = error.token.keyword or error.token.value
    if not options or _is_file(given):
        return _no_option(given)
    meant = option_for(given, {*options, *EVERYWHERE}, _following(error, given))
    if meant is not None:
        return f"no option called '{given}'; here it is {meant}{_looks(error) if meant == '--preset' else ''}"
    return unknown_name("option", given, [name for name in options if name.startswith("--")])


def _following(error: CycloptsError, word: str) -> str:
    """Return what was typed behind a word."""
    tokens = list(error.root_input_tokens or ())
    place = tokens.index(word) + 1 if word in tokens else len(tokens)
    return tokens[place] if place < len(tokens) else ""


def _looks(error: CycloptsError) -> str:
    """Return the names that a preset may have."""
    from reverie.tools.registry import TOOLS, find_tool

    name = " ".join(error.command_chain or ())
    return f" NAME: {', '.join(find_tool(name).presets)}" if name in TOOLS else ""


def _left_over(error: CycloptsError, token: str) -> str:
    names = [name for name in error.app or () if not name.startswith("-")]
    begin = BEGIN.get(" ".join(error.command_chain or ()))
    if token.startswith("-"):
        return _no_option(token) + (f"; to begin with, see 'reverie {begin}'" if begin and names else "")
    if names:
        chain = [*(error.command_chain or ()), token]
        meant = command_for_word(chain)
        if meant is not None:
            return f"no command called '{' '.join(chain)}'; it is 'reverie {meant}'"
        if not error.command_chain and _is_file(token):
            return f"'{token}' is a file; say what to do with it, such as 'reverie dream {token}'"
        if begin and not difflib.get_close_matches(token, names, 1, 0.6):
            return f"no command called '{token}'; did you mean 'reverie {begin} {token}'?"
        return unknown_name("command", token, names)
    return f"'{token}' is one argument too many{_as_list(token, list(error.root_input_tokens or ()))}"


def _as_list(token: str, tokens: list[str]) -> str:
    """Return the advice for values with spaces between them, as in ``--layer A B``: with commas; files one by one."""
    if token not in tokens:
        return ""
    start = end = tokens.index(token)
    while start > 0 and not tokens[start - 1].startswith("-"):
        start -= 1
    while end + 1 < len(tokens) and not tokens[end + 1].startswith("-"):
        end += 1
    if tokens[start - 1] == "--layers":
        return f"; did you mean --layer {','.join(tokens[start : end + 1])}?"
    if start in (0, tokens.index(token)):
        return ""
    option, values = tokens[start - 1], tokens[start : end + 1]
    if all(_is_file(value) for value in values):  # names of files may have commas in them
        return f"; did you mean {' '.join(f'{option} {value}' for value in values)}?"
    return f"; did you mean {option} {','.join(values)}?"


def _no_option(given: str) -> str:
    hint = f"; the file of that name is given as './{given}'" if _is_file(given) else ""
    return f"no option called '{given}'{hint}"


def _is_file(given: str) -> bool:
    try:
        return Path(given).exists()
    except (OSError, ValueError):  # too long for a name, or with a NUL in it
        return False


def _wrong_kind(error: CoercionError, name: str) -> str:
    value = error.token.value if error.token is not None else ""
    if error.target_type is bool:
        return f"{name} takes no value; got '{value}'"
    choices = typing.get_args(error.target_type) if typing.get_origin(error.target_type) is typing.Literal else ()
    if choices:
        return f"{name} must be one of {', '.join(map(str, choices))}; got '{value}'"
    return f"{name} must be {KINDS.get(error.target_type, 'of another kind')}; got '{value}'"


def _shown(name: str) -> str:
    """Return the name of an argument as the help shows it: positional ones in capitals."""
    return name if name.startswith("-") else name.upper()
