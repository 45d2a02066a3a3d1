"""Execute the code of the pages, or say why not: python docs/site/blocks.py [--list] [PAGE ...].

Each block of code, fenced or indented, is one of these:

* lines that call `reverie`: each is run with ``--dry-run`` (without it where a command only tells or replays) in an
  empty folder, in which small files of the names that it mentions are made first (`block_files.py`);
* Python: the blocks of a page are executed in their order, in such a folder;
* settings in YAML: they are read;
* or marked on the page, in a comment above it that readers do not see: ``<!-- not run: shows what is printed -->``.

A line that cannot be tried has its reason here (`WHY_NOT`). Whatever is neither executed nor explained is a fault.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from block_files import make_file, make_files, spelled_out
from check import ROOT, SPAN, all_commands, lines_of, pages, without_code

WHY_NOT = {  # the first words of commands → why they are not tried, and what tries them
    "studio": "starts a server; tests/apps/test_studio_*.py", "wall": "starts a server; test_studio_exhibits.py",
    "jobs": "needs a queue; tests/apps/test_cli_jobs.py", "watch": "waits for files; test_studio_exhibits.py",
    "gather images": "asks the internet; tests/tools/test_gather_images.py",
    "gather artists": "asks the internet; tests/tools/test_gather_images.py",
    "gather map": "asks the internet; tests/tools/test_gather_map.py",
    "gather public": "asks the internet; tests/tools/test_gather_public.py",
    "gather veto": "needs a gathered folder; tests/tools/test_gather_images.py",
    "models fetch": "asks the internet; tests/weights", "models convert": "needs a file of another program",
    "models calibrate": "takes minutes", "doctor": "tests/apps/test_doctor.py",
    "embed place": "needs a map; tests/tools/test_embed_tool.py",
    "embed pick": "needs a map; tests/tools/test_embed_tool.py",
    "latent open": "needs a file of another program; tests/weights",
    "latent live": "waits for signals; tests/tools/test_live_shows.py",
    "dream live": "waits for signals; tests/tools/test_live_shows.py",
    "dream render": "needs a session; tests/tools/test_live_shows.py",
    "latent render": "needs a session; tests/tools/test_live_shows.py",
}  # fmt: skip
OTHERS = {  # how blocks begin that call other programs → why they are not run, and what runs them
    "pip ": "installs; .ci/run does", "docker ": "needs an engine; tests/test_containers.py",
    "apptainer ": "needs an engine; tests/test_containers.py", "containers/check.sh": "tests/test_containers.py",
    "python course/run.py": "tests/test_course.py", "python docs/site": "tests/test_docs.py",
    "python benchmarks/": "takes minutes; benchmarks/README.md", "python recipes/": "takes minutes, by hand",
    "export RAY_AUTH": "starts a cluster; tests/cluster", "sh recipes/kiosk.sh": "installs a kiosk",
}  # fmt: skip
WITHOUT_DRY_RUN = ("info", "replay", "models list", "models show", "models", "man")  # they only tell, or are quick
BY_TESTS = {  # pages whose Python or shell blocks a test runs word for word
    "docs/python.md": "tests/api/test_python_page.py", "docs/studio.md": "tests/apps/test_studio_examples.py",
}  # fmt: skip
NOT_HERE = "not on this machine"  # weights that somebody would have to fetch
FOREIGN = re.compile(r"[\w.-]+\.(pkl|pth|caffemodel|binaryproto|reverie|kdenlive|jsonl)\b|[\w/-]+-centers\.\w+|<\w")
BLOCK = re.compile(
    r"^(?P<fence>`{3,})(?P<kind>[^\n]*)\n(?P<inner>.*?)^(?P=fence)[ ]*$|(?P<indented>(?:^ {4}[^\n]*\n|^\n(?= {4}))+)",
    re.MULTILINE | re.DOTALL,
)
MARK = re.compile(r"<!-- not run: ((?:(?!-->).)+) -->\s*$", re.DOTALL)
YAML = re.compile(r"\s*\w+:( |$)", re.MULTILINE)
UNMARKED = "is neither executed nor marked: <!-- not run: why -->"
PYTHON = re.compile(r"^(from \S+ import|import \w+|\w+ = \w+\(|\w+\()", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One block of code of a page: its text, what it is called behind its fence, and the mark above it."""

    page: str
    text: str
    kind: str
    mark: str


@dataclass(frozen=True)
class Trial:
    """What became of a block or a line of it: "right", "not tried" or "wrong", and why."""

    page: str
    line: str
    state: str
    why: str = ""


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of code of a page; lists and directives of the site are none."""
    text, name = page.read_text("utf-8"), page.resolve().relative_to(ROOT).as_posix()
    for found in BLOCK.finditer(text):
        if found["kind"] and found["kind"].startswith("{"):
            continue
        if found["indented"] is not None and re.search(r"(^|\n)\s*([-*]|\d+\.) [^\n]*\n\n?$", text[: found.start()]):
            continue  # the second paragraph of an item of a list
        inner = found["inner"] if found["inner"] is not None else re.sub(r"^ {4}", "", found["indented"], flags=re.M)
        mark = MARK.search(text[: found.start()])
        yield Block(name, inner, (found["kind"] or "").strip(), mark[1] if mark else "")


def trials(wanted: list[Path] | None = None) -> Iterator[Trial]:
    """Yield what becomes of each block and line of the pages."""
    for page in wanted or pages():
        name, known, python = page.resolve().relative_to(ROOT).as_posix(), set[str](), list[Block]()
        for block in blocks(page):
            lines = list(lines_of(block.text))
            known.update(lines)
            if block.mark:
                yield Trial(name, block.text, "not tried", block.mark)
            elif block.kind in ("python", "sh") and name in BY_TESTS:
                yield Trial(name, block.text, "right", BY_TESTS[name])
            elif lines:
                for line in dict.fromkeys(lines):
                    yield of_line(name, line)
            elif block.kind == "yaml" or YAML.match(block.text):
                yield of_yaml(block)
            elif block.kind == "python" or PYTHON.search(block.text):
                python.append(block)
            else:
                why = next((why for begin, why in OTHERS.items() if block.text.strip().startswith(begin)), "")
                yield Trial(name, block.text, "not tried" if why else "wrong", why or UNMARKED)
        yield from of_python(name, python)
        spans = (m[0].strip("`") for m in SPAN.finditer(without_code(page.read_text("utf-8"))))
        for line in dict.fromkeys(span for span in spans if span.startswith("reverie ") and span not in known):
            yield of_span(name, line)


def of_span(page: str, line: str) -> Trial:
    """Try a line that stands in a sentence; what only names a command or some of its options is right if it exists."""
    from check import fault_of

    words = line.split()[1:]
    if " ".join(words) in all_commands() or len(words) == 1 or not re.search(r"[./]|--class \w", line):
        fault = fault_of(line, all_commands())
        return Trial(page, line, "wrong" if fault else "right", fault)
    return of_line(page, line)


def of_line(page: str, line: str) -> Trial:
    """Try a command line, or say why not."""
    why = reason(line)
    return Trial(page, line, "not tried", why) if why else tried(page, line)


def reason(line: str) -> str:
    """Return why a line is not tried, or ""."""
    try:
        words = spelled_out(shlex.split(line)[1:])
    except ValueError:
        return "is a sentence"
    if not words or words[0] == "--install-completion":
        return "writes into the home folder; tests/apps/test_manual.py"
    for begin in (" ".join(words[:2]), words[0]):
        if begin in WHY_NOT:
            return WHY_NOT[begin]
    if "--executor" in words or "://" in line:
        return "needs a cluster or an object store; tests/cluster"
    if "-" in words:
        return "reads standard input; tests/apps/test_cli_output.py"
    found = FOREIGN.search(" ".join(words))
    return f"needs '{found[0]}' of another program or run" if found else ""


def tried(page: str, line: str) -> Trial:
    """Run a line where its files are, as a dry run where there is one."""
    from reverie.apps.cli.main import main

    words = [word for word in spelled_out(shlex.split(line)[1:]) if word != "--show"]
    plain = {" ".join(words[:2]), words[0]}.intersection(WITHOUT_DRY_RUN) or words[-1].startswith("--help")
    dry = [] if plain or words[0].startswith("-") or "--dry-run" in words else ["--dry-run"]
    with in_an_empty_folder():
        errors = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
            make_files(words)
            try:
                code = main([*words, *dry])
            except SystemExit as end:
                code = int(end.code or 0)
    told = errors.getvalue().strip().splitlines()
    if code and told and NOT_HERE in told[-1]:
        return Trial(page, line, "not tried", "needs weights that have to be fetched")
    return Trial(page, line, "wrong" if code else "right", told[-1] if code and told else "")


def of_python(page: str, found: list[Block]) -> Iterator[Trial]:
    """Execute the Python of a page from top to bottom."""
    if not found:
        return
    names: dict[str, object] = {"__name__": page}
    with in_an_empty_folder():
        for block in found:
            try:
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    for name in named_files(block.text):
                        make_file(name, "--like" if "settings(" in block.text else "", block.text.split())
                    exec(compile(block.text, page, "exec"), names)
                yield Trial(page, block.text, "right")
            except Exception as error:  # whatever is wrong with it is what is asked
                if NOT_HERE in str(error):
                    yield Trial(page, block.text, "not tried", "needs weights that have to be fetched")
                    continue
                yield Trial(page, block.text, "wrong", f"{type(error).__name__}: {error}")


def named_files(code: str) -> list[str]:
    """Return the files that Python code reads: those that it names, but for what it saves."""
    made = {*re.findall(r"save\w*\(\s*[\"']([^\"']+)", code), "out.mp4", "loop.mp4"}
    return [name for name in re.findall(r"[\"']([\w./-]+\.\w{2,11})[\"']", code) if name not in made]


def of_yaml(block: Block) -> Trial:
    """Read a block of settings."""
    import yaml

    try:
        yaml.safe_load(block.text)
    except yaml.YAMLError as error:
        return Trial(block.page, block.text, "wrong", " ".join(str(error).split()))
    return Trial(block.page, block.text, "right")


@contextlib.contextmanager
def in_an_empty_folder() -> Iterator[None]:
    """Work in a folder that is removed afterwards."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        try:
            yield
        finally:
            os.chdir(here)


def main() -> int:
    """Print what was wrong or not tried, and how many there are of each."""
    names = [name for name in sys.argv[1:] if name != "--list"]
    counts = {"right": 0, "not tried": 0, "wrong": 0}
    for one in trials([Path(name) for name in names] or None):
        counts[one.state] += 1
        if one.state == "wrong" or (one.state == "not tried" and "--list" in sys.argv):
            shown = " ".join(one.line.split())[:120]
            print(f"{one.state:9} {one.page}: {shown}  ({one.why})", flush=True)
    print(f"{counts['right']} executed, {counts['not tried']} not, each with its reason, {counts['wrong']} wrong")
    return bool(counts["wrong"])


if __name__ == "__main__":
    sys.exit(main())
