"""The torch files of before version 1.6: five pickles in a row, then the numbers. Networks of NVIDIA hold one a tensor.

magic number | protocol | system | the object | names of its storages | per storage: count (8 bytes), numbers
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from reverie.weights.pickles.limits import MOST_NESTED, Budget, Report
from reverie.weights.pickles.machine import Machine
from reverie.weights.pickles.opcodes import OPCODES
from reverie.weights.pickles.records import Broken, Cut, Persistent, shown
from reverie.weights.pickles.storage import LITTLE, Storage, part
from reverie.weights.pickles.values import Values, storage_type

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001
INSIDE = "torch.storage._load_from_bytes"


@dataclass
class Opened:
    """A pickle as it was read.

    Attributes:
        root: the records.
        values: gives what they stand for.
        end: where it ends in the data.
        stream: whether it is a torch file.
    """

    root: object
    values: Values
    end: int
    stream: bool


def open_stream(data: memoryview, budget: Budget, report: Report, depth: int = 0) -> Opened:
    """Read a pickle, or the five of a torch file.

    Raises:
        Broken: damaged, cut, no pickle, or more than the budget allows.
    """
    if depth > MOST_NESTED:
        raise Broken("has pickles inside pickles, deeper than a network needs")
    machine = Machine(data, 0, budget, report)
    root = machine.run(OPCODES)
    if type(root) is not int or root != MAGIC:
        nested = Nested(machine, budget, report, depth)
        return Opened(root, Values(_nowhere, nested.storage), machine.at, stream=False)
    return _torch_file(data, machine.at, budget, report, depth)


def _torch_file(data: memoryview, at: int, budget: Budget, report: Report, depth: int) -> Opened:
    version, at = _next(data, at, budget, report)
    if version != VERSION:
        raise Broken("is a torch file of a version that is not known")
    system, at = _next(data, at, budget, report)
    machine = Machine(data, at, budget, report)
    root = machine.run(OPCODES)
    names, at = _next(data, machine.at, budget, report)
    little = system.get("little_endian", True) if isinstance(system, dict) else True
    found, end = _storages(data, at, names, machine.outside, swapped=bool(little) != LITTLE)
    nested = Nested(machine, budget, report, depth)
    return Opened(root, Values(lambda record: _windowed(record, found), nested.storage), end, stream=True)


def _next(data: memoryview, at: int, budget: Budget, report: Report) -> tuple[object, int]:
    machine = Machine(data, at, budget, report)
    return machine.run(OPCODES), machine.at


def _storages(
    data: memoryview, at: int, names: object, outside: Sequence[Persistent], *, swapped: bool
) -> tuple[dict[object, Storage], int]:
    """Return the storages behind the pickles by name, and where they end."""
    types = {name: dtype for name, dtype, _ in (storage_name(record) for record in outside)}
    if not isinstance(names, list) or not all(isinstance(n, (str, int)) and n in types for n in names):
        raise Broken("is damaged: it does not say which numbers follow")
    found: dict[object, Storage] = {}
    for name in names:
        count = int.from_bytes(data[at : at + 8], "little", signed=True)
        dtype = types[name]
        begin, at = at + 8, at + 8 + max(count, 0) * dtype.itemsize
        if count < 0 or at > len(data):
            raise Cut("is damaged: its end is missing; copy or download it again")
        found[name] = Storage(dtype, count, _Slice(data, begin, at), swapped)
    return found, at


@dataclass(frozen=True)
class _Slice:
    data: memoryview
    begin: int
    end: int

    def __call__(self) -> memoryview:
        return self.data[self.begin : self.end]


def storage_name(record: Persistent) -> tuple[str | int, torch.dtype, int]:
    """Return key, type and count of the storage that a persistent name means.

    Raises:
        Broken: it means something else.
    """
    name = record.name
    if not isinstance(name, tuple) or len(name) < 5 or name[0] not in ("storage", b"storage"):
        raise Broken("refers to something outside of it that is no tensor")
    _, kind, key, _, count = name[:5]
    if not isinstance(key, (str, int)) or type(count) is not int or count < 0:
        raise Broken("refers to numbers by a name that is none")
    return key, storage_type(kind), count


def windowed(record: Persistent, root: Storage) -> Storage:
    """Return what a persistent name means of a storage: all of it, or the part that files before 0.4 speak of.

    Raises:
        Broken: there is less than that.
    """
    key, dtype, count = storage_name(record)
    if dtype != root.dtype:
        raise Broken(f"has numbers '{shown(key)}' of two types")
    view = record.name[5] if isinstance(record.name, tuple) and len(record.name) > 5 else None
    if view is None:
        if count > root.count:
            raise Broken("has a tensor that reaches beyond its numbers")
        return root
    offset, size = view[1:3] if isinstance(view, tuple) and len(view) == 3 else (None, None)
    if type(offset) is not int or type(size) is not int or offset < 0 or size < 0 or offset + size > root.count:
        raise Broken("has a tensor that reaches beyond its numbers")
    return part(root, offset, size)


def _windowed(record: Persistent, found: dict[object, Storage]) -> Storage:
    key = storage_name(record)[0]
    if key not in found:
        raise Broken("is damaged: it refers to numbers that are not there")
    return windowed(record, found[key])


def _nowhere(record: Persistent) -> Storage:
    raise Broken("refers to numbers outside of it, which are not there")


class Nested:
    """The torch files inside of a pickle, all of them looked at when it is opened, so that nothing hides in them."""

    def __init__(self, machine: Machine, budget: Budget, report: Report, depth: int) -> None:
        self._found: dict[int, tuple[object, Storage | Broken]] = {}
        self._bytes = without_outside()  # one for all: a text that is used twice is encoded once
        for call in machine.calls:
            if call.path == INSIDE and isinstance(call.args, tuple) and len(call.args) == 1:
                self._look(call.args[0], budget, report, depth)

    def _look(self, record: object, budget: Budget, report: Report, depth: int) -> None:
        try:
            blob = self._bytes.bytes_of(record)
        except Broken:
            return  # no bytes: who asks for its numbers hears it
        if id(blob) in self._found:
            return
        report.nested += 1
        try:
            self._found[id(blob)] = (blob, _inner(memoryview(blob), budget, report, depth))
        except Broken as error:
            if budget.opcodes <= 0:
                raise
            report.flag(f"holds a file inside that {error}")
            self._found[id(blob)] = (blob, error)

    def storage(self, record: object) -> Storage:
        """Return the storage that such a file holds.

        Raises:
            Broken: it holds something else, or is damaged.
        """
        blob = self._bytes.bytes_of(record)
        _, found = self._found.get(id(blob), (None, Broken("has a tensor whose numbers are nowhere")))
        if isinstance(found, Broken):
            raise Broken(str(found))
        return found


def _inner(blob: memoryview, budget: Budget, report: Report, depth: int) -> Storage:
    opened = open_stream(blob, budget, report, depth + 1)
    if not opened.stream or not isinstance(opened.root, Persistent):
        raise Broken("holds something else than the numbers of a tensor")
    return opened.values.find(opened.root)


def without_outside() -> Values:
    """Return the values of a file in which all tensors are read already."""
    return Values(_nowhere, _nothing)


def _nothing(record: object) -> Storage:
    raise Broken("has a tensor whose numbers are nowhere")
