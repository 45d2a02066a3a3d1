"""Protocol buffers as bytes: the numbered fields of one message, and nothing made from them.

Source: "Encoding", protobuf.dev. A message is a row of fields; each begins with a varint ``number << 3 | kind``.
Messages inside are handed out as bytes, so how deep a reader goes is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reverie.weights.pickles.records import Broken, Cut

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5  # kinds; 3 and 4 are groups, which Caffe never had
SIZES = {EIGHT_BYTES: 8, FOUR_BYTES: 4}
MOST_FIELDS = 1_000_000  # GoogLeNet with its training settings has 2 thousand; a million take two seconds
MOST_VARINT_BYTES = 10
MOST_NUMBER = (1 << 29) - 1


@dataclass
class Budget:
    """How many fields are left for one file, all its messages together."""

    fields: int = MOST_FIELDS

    def spend(self) -> None:
        """Count one field.

        Raises:
            Broken: there were too many.
        """
        self.fields -= 1
        if self.fields < 0:
            raise Broken(f"has over {MOST_FIELDS:,} fields, more than a network needs")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its number, its kind, and a number (`VARINT`) or the bytes it stands in."""

    number: int
    kind: int
    value: int
    data: memoryview

    def is_bytes(self, number: int) -> bool:
        """Tell whether this is field `number` and a text, a message or a packed row of numbers."""
        return self.number == number and self.kind == BYTES


def fields(data: memoryview, budget: Budget) -> Iterator[Field]:
    """Yield the fields of one message.

    Raises:
        Broken: no such message: cut off, of unknown kinds, or of too many fields.
    """
    at = 0
    while at < len(data):
        budget.spend()
        tag, at = varint(data, at)
        number, kind = tag >> 3, tag & 7
        if not 1 <= number <= MOST_NUMBER:
            raise Broken(f"has a field of number {number}, which cannot be")
        if kind == VARINT:
            value, at = varint(data, at)
            yield Field(number, kind, value, data[:0])
            continue
        if kind == BYTES:
            size, at = varint(data, at)
        elif kind in SIZES:
            size = SIZES[kind]
        else:
            raise Broken(f"has a field of kind {kind}, which Caffe does not use")
        if size > len(data) - at:
            raise Cut("ends in the middle of a field")
        yield Field(number, kind, 0, data[at : at + size])
        at += size


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """Return an unsigned number of seven bits a byte, and where it ends.

    Raises:
        Broken: cut off or too long.
    """
    value = 0
    for place in range(MOST_VARINT_BYTES):
        if at + place >= len(data):
            raise Cut("ends in the middle of a number")
        byte = data[at + place]
        value |= (byte & 127) << (7 * place)
        if byte < 128:
            return value, at + place + 1
    raise Broken(f"has a number of over {MOST_VARINT_BYTES} bytes")


def varints(data: memoryview, most: int) -> list[int]:
    """Return a packed row of numbers.

    Raises:
        Broken: cut off, or over `most` of them.
    """
    found, at = [], 0
    while at < len(data):
        if len(found) == most:
            raise Broken(f"has a row of over {most} numbers where none is that long")
        value, at = varint(data, at)
        found.append(value)
    return found
