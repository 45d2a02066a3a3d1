"""Classes by the words that people use: full names, numbers, whole words, groups such as "dog", then what is near.

`class_groups.txt` holds the groups, a line each: "dog, puppy: chihuahua, japanese spaniel, ...", with the names that
ImageNet's classes have; a network gets those members that it knows. Empty lines part topics, such as animals from food.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from importlib.resources import files

from reverie.errors import LayerError, unknown_name

SHOWN = 6  # classes that a message lists


def plain(name: str) -> str:
    """Return a name as it is compared: lower case, words between single spaces."""
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())


@functools.cache
def groups() -> dict[str, frozenset[str]]:
    """Return the plain names of the members of every group, by each of its names."""
    return {name: members for topic in topics() for names, members in topic for name in names}


@functools.cache
def topics() -> tuple[tuple[tuple[tuple[str, ...], frozenset[str]], ...], ...]:
    """Return the groups of every topic as (names, members), in the order of the table: what is near stands near."""
    text = files("reverie.critic").joinpath("class_groups.txt").read_text("utf-8")
    return tuple(tuple(_group(line) for line in topic.splitlines()) for topic in text.split("\n\n"))


def _group(line: str) -> tuple[tuple[str, ...], frozenset[str]]:
    names, _, members = line.partition(":")
    return tuple(map(plain, names.split(","))), frozenset(plain(member) for member in members.split(", "))


def find_classes(text: str, classes: Sequence[str], count: int, network: str) -> tuple[int, ...]:
    """Return the numbers of all classes that a text names: one or several with commas between them.

    Args:
        text: "goldfish", "1", "dog", "goldfish, lemon".
        classes: names of all classes; empty where a network has none.
        count: how many there are.
        network: what a command takes for it, for messages.

    Raises:
        LayerError: one of them names nothing; the message has the nearest.
    """
    named = [plain(name) for name in classes]
    if text.strip() and (plain(text) in named or "," not in text):
        return _of_word(text, named, classes, count, network)
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise LayerError(f"'{text}' names no class")
    return tuple(dict.fromkeys(i for word in words for i in _of_word(word, named, classes, count, network)))


def _of_word(
    text: str, named: Sequence[str], classes: Sequence[str], count: int, network: str
) -> tuple[int, ...]:  # fmt: skip
    word = plain(text)
    exact = [i for i, name in enumerate(named) if name == word]
    if exact:
        return tuple(exact)
    if text.strip().isdecimal():
        if int(word) >= count:
            raise LayerError(f"class {word} is out of range; {network} has {count} classes, 0 to {count - 1}")
        return (int(word),)
    kind = next((one for one in _singulars(word) if one in groups()), None)
    if kind is not None:
        found = _members(kind, named)
        if found:
            return tuple(found)
    for one in _singulars(word):
        whole = [i for i, name in enumerate(named) if f" {one} " in f" {name} "]
        begun = [i for i, name in enumerate(named) if f" {one}" in f" {name}"] if not whole else []
        if whole or begun:
            return tuple(whole or begun)
    where = f"list them with 'reverie models show {network} --all'"
    if kind is not None:
        near = ", ".join(groups_near(kind, named)[:SHOWN])
        none = f"none of the {count} classes of {network.partition(' --')[0]} is a {kind}"
        raise LayerError(f"{none}; {f'nearest groups: {near}; ' if near else ''}{where}")
    known = [name for name in groups() if _members(name, named)]
    raise LayerError(unknown_name("class", text, [*classes, *known], where))


def _members(kind: str, named: Sequence[str]) -> list[int]:
    """Return which of the plain names belong to a group, or end with its name."""
    members = groups()[kind]
    return [i for i, name in enumerate(named) if name in members or name.split()[-1:] == [kind]]


def groups_near(kind: str, named: Sequence[str]) -> list[str]:
    """Return the groups of the topic of a group that plain names belong to, the nearest first."""
    topic = next(topic for topic in topics() if any(kind in names for names, _ in topic))
    own = next(i for i, (names, _) in enumerate(topic) if kind in names)
    order = sorted(range(len(topic)), key=lambda i: abs(i - own))
    return [topic[i][0][0] for i in order if i != own and topic[i][1].intersection(named)]


def find_recorded(
    text: str, meant: Mapping[str, Sequence[str]], classes: Sequence[str], count: int, network: str
) -> tuple[int, ...]:  # fmt: skip
    """Return the numbers of the classes that a text named when a record with it was made.

    Records say what their words meant (`meaning`). Older ones do not: there a text was the full name of a class, its
    number, or a part of one name alone, `meant` is empty, and what no name has a part of was found as today.

    Raises:
        LayerError: it names none.
    """
    if text in meant:
        found = (_of_word(name, [plain(one) for one in classes], classes, count, network) for name in meant[text])
        return tuple(dict.fromkeys(i for several in found for i in several))
    lowered, wanted = [name.lower() for name in classes], text.lower()
    if wanted in lowered or text.isdecimal():
        return find_classes(text, classes, count, network)
    parts = [i for i, name in enumerate(lowered) if wanted in name.replace("_", " ") or wanted in name]
    return (parts[0],) if len(parts) == 1 else find_classes(text, classes, count, network)


def meaning(text: str, found: Sequence[int], classes: Sequence[str]) -> list[str] | None:
    """Return the full names of the classes that a text was found to name; None where it says them itself."""
    named = [plain(name) for name in classes]
    alone = [classes[i] if named.count(named[i]) == 1 else str(i) for i in found if i < len(classes)]
    said = [text] if plain(text) in named or "," not in text else [word.strip() for word in text.split(",")]
    exact = all(plain(word) in named or word.isdecimal() for word in said if word)
    return None if exact or len(alone) < len(found) else alone


def _singulars(word: str) -> tuple[str, ...]:
    """Return a word as it is, and without an s, es or ies at its end."""
    found = [word]
    if word.endswith("ies"):
        found.append(f"{word[:-3]}y")
    found += [word.removesuffix(end) for end in ("s", "es") if word.endswith(end) and len(word) > len(end) + 2]
    return tuple(dict.fromkeys(found))


def several_in_words(text: str, found: Sequence[int], classes: Sequence[str]) -> str:
    """Return the line that says which classes a text names."""
    listed = ", ".join(classes[i] if i < len(classes) else str(i) for i in found[:SHOWN])
    return f"'{text}' names {len(found)} classes: {listed}{' and more' if len(found) > SHOWN else ''}"
