"""What the command line says about arguments that it cannot take: our words for the parser's errors."""

from __future__ import annotations

from pathlib import Path

from cyclopts import CoercionError, CycloptsError, MissingArgumentError, RepeatArgumentError, UnknownOptionError
from cyclopts.exceptions import UnknownCommandError, UnusedCliTokensError

from reverie.errors import unknown_name

KINDS = {int: "a whole number", float: "a number"}


def parser_message(error: CycloptsError) -> str:
    """Return one line: what was given, what was expected, and which help to read."""
    return f"{_reason(error)}; see '{' '.join(('reverie', *(error.command_chain or ()), '--help'))}'"


def _reason(error: CycloptsError) -> str:
    if isinstance(error, UnknownOptionError):
        options = [name for argument in error.argument_collection for name in argument.names]
        given = error.token.keyword or error.token.value
        if not options or _is_file(given):
            return _no_option(given)
        return unknown_name("option", given, options)
    if isinstance(error, (UnknownCommandError, UnusedCliTokensError)) and error.unused_tokens:
        return _left_over(error, error.unused_tokens[0])
    if isinstance(error, RepeatArgumentError) and error.token.keyword:
        return f"{error.token.keyword} is given more than once"
    if isinstance(error, CoercionError) and error.token is not None and error.argument is not None:
        return _wrong_kind(error, error.token.keyword or _shown(error.argument.name))
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.keyword or _shown(error.argument.name)
        return f"{name} needs a value" if name.startswith("-") else f"{name} is missing"
    return " ".join(str(error).split()).rstrip(".")


def _left_over(error: CycloptsError, token: str) -> str:
    names = [name for name in error.app or () if not name.startswith("-")]
    if token.startswith("-"):
        return _no_option(token)
    if names:
        return unknown_name("command", token, names)
    return f"'{token}' is one argument too many"


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
    return f"{name} must be {KINDS.get(error.target_type, 'of another kind')}; got '{value}'"


def _shown(name: str) -> str:
    """Return the name of an argument as the help shows it: positional ones in capitals."""
    return name if name.startswith("-") else name.upper()
