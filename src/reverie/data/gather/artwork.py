"""Groups of pictures of one work, so that a detail is not validated on what its whole was trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

MOST = 8


def grouped(count: int, keys: Sequence[str], pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Return the group of each of `count` pictures, as the number of its first one.

    Args:
        count: of the pictures.
        keys: pictures with the same one belong together; "" belongs to nobody.
        pairs: further ones that resemble each other, the most similar first; they make no group of more than
            `MOST`, so that a chain of likenesses does not swallow a class.
    """
    parent = list(range(count))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    first: dict[str, int] = {}
    sizes = [1] * count

    def join(one: int, other: int, most: int) -> None:
        one, other = sorted((root(one), root(other)))
        if one != other and sizes[one] + sizes[other] <= most:
            parent[other] = one
            sizes[one] += sizes[other]

    for item, key in enumerate(keys):
        if key:
            join(first.setdefault(key, item), item, count)
    for one, other in pairs:
        join(one, other, MOST)
    return [root(item) for item in range(count)]


def held_out(labels: Sequence[str], groups: Sequence[int], names: Sequence[str], fraction: float) -> set[int]:
    """Return the pictures to validate on: whole groups, about `fraction` of each class, chosen by names alone.

    A picture that is gathered later does not move the others: the order is that of hashes of the groups' names. A group
    that is larger than what a class holds out stays in training.
    """
    members: dict[int, list[int]] = {}
    for item, group in enumerate(groups):
        members.setdefault(group, []).append(item)
    sizes = {label: labels.count(label) for label in set(labels)}
    room = {label: max(1, round(fraction * n)) if fraction > 0 and n > 1 else 0 for label, n in sizes.items()}
    chosen: set[int] = set()
    for group in sorted(members, key=lambda g: hashlib.sha256(names[g].encode()).hexdigest()):
        needed: dict[str, int] = {}
        for item in members[group]:
            needed[labels[item]] = needed.get(labels[item], 0) + 1
        if all(n <= room[label] for label, n in needed.items()):
            chosen |= set(members[group])
            for label, n in needed.items():
                room[label] -= n
    return chosen
