"""Classes and their search words, from the command line or a text file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.plain_text import read_text
from reverie.media.suffixes import LISTS

if TYPE_CHECKING:
    from reverie.data.gather.collect import Wish

MOST_CLASSES = 2000
MOST_BYTES = 1 << 20


def parse_wishes(words: Sequence[str]) -> tuple[Wish, ...]:
    """Return the classes: texts are lists with commas, files have one class a line; ``class: search words``.

    Raises:
        InputError: no class, one twice, or a file that cannot be read.
    """
    from reverie.data.gather.collect import Wish

    found: dict[str, Wish] = {}
    for line in (line for text in words for line in _lines(text)):
        label, _, search = line.partition(":")
        label, search = " ".join(label.split()), " ".join(search.split())
        if not label:
            continue
        if label in found:
            raise InputError(f"the class '{label}' is there twice")
        found[label] = Wish(label, search or label)
    if not found:
        raise InputError("there is no class to gather; give words such as 'fountain, arch', or a text file of them")
    if len(found) > MOST_CLASSES:
        raise InputError(f"{len(found)} classes are more than {MOST_CLASSES}")
    return tuple(found.values())


def _lines(text: str) -> list[str]:
    path = Path(text)
    if path.suffix.lower() not in LISTS:
        return text.replace("\n", ",").split(",") if ":" not in text else text.splitlines()
    lines = read_text(path, "the list of classes", MOST_BYTES).splitlines()
    return [line.split("#", 1)[0] for line in lines]
