"""The command line: one level of commands, each imported only when it is called.

Errors are one line on standard error: exit code 2 for bad input, 1 for failure, 130 for Ctrl-C. A traceback appears
only with ``--debug``. Results (paths, tables, JSON) go to standard output, everything else to standard error.
"""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from cyclopts import App, CycloptsError

from reverie.apps.cli.interrupts import ignore_interrupts, interrupts_restored, listening
from reverie.apps.cli.output import PipeConsole, close_output
from reverie.apps.cli.pipes import past_parser
from reverie.apps.cli.tool_help import print_help
from reverie.apps.cli.wording import parser_message
from reverie.apps.cli.words import as_help, asked_help, loudness
from reverie.errors import ReverieError, printable
from reverie.jobs.interrupts import cause
from reverie.threads import parse_threads, settle_before_torch
from reverie.tools.registry import ALIASES, GROUPS, TOOLS, USUAL
from reverie.version import __version__

HELP = "A studio for neural image synthesis: train networks on pictures, dream and stylize with them."
EPILOGUE = (
    "Exit codes: 0 done, 1 failed, 2 bad input, 130 stopped by Ctrl-C. Every command takes --threads N (default: auto, "
    "by the cores that are free), --quiet (errors only) and --debug, which shows the traceback of an error. "
    "'reverie TOOL --help' shows what people change most, 'reverie TOOL --help-all' every option."
)
JOBS = {
    "list": "List the jobs of the queue.",
    "add": "Add a job to the queue.",
    "watch": "Follow a job to its end.",
    "cancel": "Cancel a job, or stop it and keep what there is.",
    "pause": "Pause a job; others go ahead.",
    "resume": "Let a paused job go on.",
    "retry": "Queue a job again that failed or was cancelled.",
    "work": "Do the jobs of the queue without a page.",
}
FULL = (errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC))  # as `> FILE` may turn out
CLOSED = (*FULL, errno.EROFS, errno.EACCES, errno.EPERM)  # places that nothing can be written to


FIRST = {  # before the tools: name → import path and help
    "replay": ("replay:replay_command", "Make a picture again from the settings inside it."),
    "info": ("info:info_command", "Say what made a file, and from what, in a few lines."),
}
ROOMS = {
    "studio": ("studio:studio_command", "Open the studio: all tools in a browser."),
    "wall": ("studio:wall_command", "Run an exhibition: booth for phones, wall for screens."),
    "watch": ("watch_folder:watch_command", "Make a result of every file put into a folder."),
}
MODELS = {
    "list": ("models:list_command", "List the networks."),
    "show": ("models:show_command", "Show the layers and classes of a network."),
    "fetch": ("models:fetch_command", "Download weights, checked by sha256."),
    "convert": ("convert:convert_command", "Make one file of a network of others."),
    "calibrate": (
        "models:calibrate_command", "Measure a network's channels on your photographs, for equalized dreams.",
    ),
}  # fmt: skip
LAST = {
    "doctor": ("doctor:doctor_command", "Look at this installation and this machine."),
    "man": ("man:man_command", "Print the manual page of a command."),
}


def build_app() -> App:
    """Return the command tree; the commands themselves are import paths."""
    app = App(
        name="reverie", help=HELP, help_epilogue=EPILOGUE, version=__version__, version_flags=("--version", "-V"),
        console=PipeConsole(),
        suppress_keyboard_interrupt=False, result_action="return_value",
    )  # fmt: skip
    _add(app, FIRST)
    add_tools(app, {})
    _add(app, ROOMS)
    jobs = App(name="jobs", help="The studio's queue from a terminal.", result_action="return_value")
    _add(jobs, {name: (f"jobs:{name}_command", text) for name, text in JOBS.items()})
    app.command(jobs)
    models = App(name="models", help="List, show and fetch networks.", result_action="return_value")
    models.default(_list_models)
    _add(models, MODELS)
    app.command(models)
    _add(app, LAST)
    app.register_install_completion_command(help="Let the shell complete commands and options with the Tab key.")
    return app


def _add(app: App, commands: Mapping[str, tuple[str, str]]) -> None:
    for name, (path, text) in commands.items():
        app.command(f"reverie.apps.cli.{path}", name=name, help=text)


def add_tools(app: App, groups: dict[str, App]) -> None:
    """Add the tools of the registry, each loaded only when it is called; two words are a group and its command."""
    for name, (_, summary) in TOOLS.items():
        group, _, command = name.rpartition(" ")
        parent = app
        if group in TOOLS:  # a tool of one word that others go with: `dream live` beside `dream PICTURE`
            command = joined_name(name)
        elif group:
            if group not in groups:
                groups[group] = App(name=group, help=GROUPS.get(group, ""), result_action="return_value")
                app.command(groups[group])
            parent = groups[group]
        parent.command(_place(name), name=command or name, help=summary)
    for name, meant in ALIASES.items():
        app.command(_place(meant), name=name, help=TOOLS[meant][1])


def _place(name: str) -> str:
    """Return the import path of a tool's command."""
    return f"reverie.apps.cli.tool_commands:{name.replace(' ', '__')}"


def _list_models() -> int:
    """List the networks that can be dreamt with."""
    from reverie.apps.cli.models import list_command

    return list_command()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; without arguments, those of the process, which then ends."""
    if arguments is None:
        with listening() as interrupted:
            return _finished(sys.argv[1:], interrupted)
    with interrupts_restored(), listening() as interrupted:
        return _finished(list(arguments), interrupted)


def _finished(tokens: list[str], interrupted: Callable[[], bool]) -> int:
    debug = "--debug" in tokens
    tokens, loud = loudness(as_help([t for t in tokens if t != "--debug"]))
    with loud:
        code = _run(tokens, debug, interrupted)
    lost = close_output()
    return code if lost is None else _report(lost, 1)


def _run(tokens: list[str], debug: bool, interrupted: Callable[[], bool]) -> int:
    try:
        tokens = with_joined_command(with_usual_command(with_threads(tokens)))
        asked = asked_help(tokens)
        if asked is not None:
            return print_help(*asked)
        result = build_app()(past_parser(tokens), exit_on_error=False, print_error=False)
    except KeyboardInterrupt:
        return _stopped()
    except BrokenPipeError:  # the reader of our output went away, as in `reverie models | head`
        return 0
    except CycloptsError as error:
        return _report(parser_message(error), 2)
    except ReverieError as error:
        return _failed(error, str(error), error.exit_code, debug)
    except MemoryError as error:
        return _failed(error, "out of memory; give a limit with --max-memory, or a smaller --size", 1, debug)
    except Exception as error:  # the last resort: still one line, still a non-zero exit
        return _stopped() if interrupted() else _unexpected(error, debug)
    return result if isinstance(result, int) else 0


def with_threads(tokens: list[str]) -> list[str]:
    """Return the tokens without ``--threads N|auto``, which has to be obeyed before any command loads torch.

    Raises:
        InputError: no number.
    """
    rest: list[str] = []
    asked: int | None = None
    words = iter(tokens)
    for word in words:
        name, equals, value = word.partition("=")
        if name == "--threads":
            asked = parse_threads(value if equals else next(words, ""))
        else:
            rest.append(word)
    settle_before_torch(asked)
    return rest


def with_usual_command(tokens: list[str]) -> list[str]:
    """Return the tokens with the command that a group means where none of its commands is named: ``embed FOLDER``."""
    if len(tokens) < 2 or tokens[0] not in USUAL or tokens[1] in ("--help", "-h"):
        return tokens
    named = {name.partition(" ")[2] for name in TOOLS if name.startswith(f"{tokens[0]} ")}
    return tokens if tokens[1] in named else [tokens[0], USUAL[tokens[0]], *tokens[1:]]


def joined_name(name: str) -> str:
    """Return the command of a tool whose first word is a tool, too."""
    return name.replace(" ", "-")


def with_joined_command(tokens: list[str]) -> list[str]:
    """Return the tokens with `dream live` as the one command that it is; a file called live is named ./live."""
    first = " ".join(tokens[:2])
    return [joined_name(first), *tokens[2:]] if tokens[:1] and tokens[0] in TOOLS and first in TOOLS else tokens


def _stopped() -> int:
    by = cause()
    ignore_interrupts()
    return _report(f"stopped by {by}", 130)


def _unexpected(error: Exception, debug: bool) -> int:
    text = " ".join(str(error).split())[:300]
    if "out of memory" in text.lower() or "can't allocate memory" in text.lower():
        return _failed(error, "out of memory; give a limit with --max-memory, or a smaller --size", 1, debug)
    if isinstance(error, OSError) and error.errno in FULL and error.filename is None:
        return _failed(error, f"cannot write the output: {error.strerror}", 1, debug)
    if isinstance(error, OSError) and error.errno in CLOSED and error.filename is not None:
        return _failed(error, f"cannot write or read '{error.filename}': {error.strerror}", 1, debug)
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return _failed(error, f"'{str(error.filename)[:100]}...' is longer than the name of a file can be", 2, debug)
    message = f"unexpected {type(error).__name__}: {text}; run again with --debug for the traceback"
    return _failed(error, message, 1, debug)


def _failed(error: BaseException, message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    return _report(message, code)


def _report(message: str, code: int) -> int:
    with suppress(OSError):  # nobody reads standard error, or its disk is full: the exit code has to say it
        print(f"reverie: {printable(message)}", file=sys.stderr)
    return code
