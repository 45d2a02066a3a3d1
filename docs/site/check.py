"""Check the documentation without building it: python docs/site/check.py.

Links and anchors lead somewhere, every command and option that a page names exists, and words are spelled right.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1[ ]*$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^(?: {4}[^\n]*\n?)+", re.MULTILINE)
SPAN = re.compile(r"`+[^`\n]+`+")
GENERATED = ("reference/", "course/lessons/", "gallery.md", "project/")  # pages that the build makes
FREE_FLAGS = {"--debug", "--threads", "--help", "--help-all", "--version", "--quiet"}
WORD = re.compile(r"[A-Za-zÀ-ž][A-Za-zÀ-ž'\u2019]+")


def pages() -> list[Path]:
    """Return all hand-written pages."""
    found = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "benchmarks/README.md")]
    return [*found, *sorted((ROOT / "docs").rglob("*.md"))]


def without_code(text: str) -> str:
    """Return a page without its blocks of code."""
    return INDENTED.sub("", FENCE.sub("", text))


def broken_links() -> Iterator[str]:
    """Yield every link of every page that leads nowhere."""
    for page in pages():
        for link in LINK.findall(without_code(page.read_text("utf-8"))):
            path, _, anchor = link.partition("#")
            if "://" in link or link.startswith("mailto:"):
                continue
            target = page if not path else (page.parent / path).resolve()
            inside = target.relative_to(ROOT / "docs").as_posix() if target.is_relative_to(ROOT / "docs") else ""
            if inside.startswith(GENERATED):
                continue
            if not target.exists():
                yield f"{page.relative_to(ROOT)}: nothing at '{link}'"
            elif anchor and target.suffix == ".md" and anchor not in anchors(target):
                yield f"{page.relative_to(ROOT)}: no heading '#{anchor}' in '{path or page.name}'"


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the anchors of a page's headings, as forges and MyST make them."""
    headings = re.findall(r"^#{1,6} (.+)$", without_code(page.read_text("utf-8")), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", h).lower()).replace(" ", "-") for h in headings)


# -- commands ----------------------------------------------------------------------------------------------------------


def command_lines(text: str) -> Iterator[str]:
    """Yield every command line of `reverie` in the code of a page."""
    blocks = [m[0] for m in FENCE.finditer(text)] + [m[0] for m in INDENTED.finditer(FENCE.sub("", text))]
    spans = [m[0].strip("`") for m in SPAN.finditer(without_code(text))]
    for block in blocks:
        yield from lines_of(block)
    yield from (span for span in spans if span.startswith("reverie "))


def lines_of(block: str) -> Iterator[str]:
    """Yield every command line of `reverie` in a block of code."""
    joined = re.sub(r"\\\n\s*", " ", block)
    for line in joined.splitlines():
        for part in re.split(r"&&|;|\|(?!\|)", line.split(" #")[0].split("\t#")[0]):
            part = part.strip().removeprefix("$ ")
            if part.startswith("reverie "):
                yield part


def unknown_commands() -> Iterator[str]:
    """Yield every command or option that a page names and the program does not know."""
    known = all_commands()
    for page in pages():
        for line in command_lines(page.read_text("utf-8")):
            fault = fault_of(line, known)
            if fault:
                yield f"{page.relative_to(ROOT)}: {fault} in '{line}'"


@cache
def all_commands() -> dict[str, frozenset[str]]:
    """Return the options of every command by its words."""
    from reverie.apps.cli.main import build_app
    from reverie.apps.cli.manual import commands
    from reverie.tools.registry import USUAL

    app = build_app()
    shown = {one: {name for option in one.options for name in option.names} for one in commands(app)}
    found = {one.words: frozenset(names.union(one.hidden)) for one, names in shown.items()}
    usual = {group: found[f"{group} {command}"] for group, command in USUAL.items()}
    return found | usual | {"models": found["models list"]}


def fault_of(line: str, known: dict[str, frozenset[str]]) -> str:
    """Return what a command line names that does not exist, or ""."""
    try:
        words = shlex.split(line)[1:]
    except ValueError:
        return ""  # an apostrophe in a sentence that is set as code
    words = [word for word in words if word != "..."]
    if not words or words[0].startswith("-") or words[0].isupper():
        return ""
    name = next((n for n in (" ".join(words[:2]), words[0]) if n in known), None)
    groups = {n.split()[0] for n in known if " " in n}
    if name is None:
        return "" if words[0] in groups and len(words) == 1 else f"no command '{' '.join(words[:2])}'"
    flags = [word.partition("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)]
    missing = [flag for flag in flags if flag not in known[name] | FREE_FLAGS and not re.match(r"-\d", flag)]
    negated = [flag for flag in missing if flag.replace("--no-", "--") not in known[name]]
    return f"no option '{negated[0]}'" if negated else ""


# -- spelling ----------------------------------------------------------------------------------------------------------


def misspelled() -> Iterator[str]:
    """Yield words of the prose that are in no list; docs/site/words.txt holds those of the field."""
    from spellchecker import SpellChecker

    checker = SpellChecker()
    checker.word_frequency.load_words((HERE / "words.txt").read_text("utf-8").split())
    for page in pages():
        prose = LINK.sub(lambda m: m[0].rpartition("](")[0], SPAN.sub(" ", without_code(page.read_text("utf-8"))))
        prose = re.sub(
            r"<!--.*?-->|<[^>]+>|https?://\S+|\b[\w.]+@[\w.]+|[\w/.-]*[/_][\w/.-]*|\b\w+\.\w+\b",
            " ",
            prose,
            flags=re.DOTALL,
        )
        words = {re.sub(r"['\u2019]s?$", "", word) for word in WORD.findall(prose)}
        plain = {word for word in words if not re.search(r"[a-z][A-Z]|[A-Z]{2}", word)}  # names such as StyleGAN, OKLab
        for word in sorted(checker.unknown(plain)):
            yield f"{page.relative_to(ROOT)}: {word}"


def main() -> int:
    """Print what is wrong and return how many things."""
    faults = [*broken_links(), *unknown_commands()]
    try:
        faults += misspelled()
    except ImportError:
        print("spelling was not checked: pip install '.[docs]'", file=sys.stderr)
    print("\n".join(faults) or "links, commands and spelling are right")
    return min(len(faults), 100)


if __name__ == "__main__":
    sys.exit(main())
