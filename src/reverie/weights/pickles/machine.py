"""The machine that follows a pickle's instructions and makes plain values and inert records of them.

It does what Python's does, but for one thing: where that one looks up a class, calls a function or sets attributes,
this one writes down that it was asked to (`reverie.weights.pickles.records`).

Source: the instructions are those that the documentation of Python's ``pickletools`` describes, protocols 0 to 5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reverie.weights.pickles.limits import MOST_LINE, Budget, Report
from reverie.weights.pickles.records import Broken, Call, Cut, Persistent

SHORT = 256  # bytes; longer ones stay views of the file
MARK_LIMIT = 100_000  # marks that are open at once
STOP = ord(".")


class Machine:
    """The state while one pickle is read.

    Args:
        data: what holds it.
        at: where it begins.
        budget: shared by all pickles of a file.
        report: shared as well.

    Attributes:
        at: where the next instruction stands; behind the pickle when it is read.
        outside: what it refers to outside of it.
        calls: every call that was asked for.
    """

    def __init__(self, data: memoryview, at: int, budget: Budget, report: Report) -> None:
        self.data, self.at, self.end = data, at, len(data)
        self.budget, self.report = budget, report
        self.stack: list[object] = []
        self.below: list[list[object]] = []  # what lies under each open mark
        self.memo: dict[int, object] = {}
        self.outside: list[Persistent] = []
        self.calls: list[Call] = []

    def run(self, steps: Mapping[int, Callable[[Machine], None]]) -> object:
        """Read to the end of the pickle by what each instruction does, and return its value.

        Raises:
            Broken: damaged, cut, no pickle, or more than the budget allows.
        """
        budget, left = self.budget, self.budget.opcodes
        try:
            while True:
                if left <= 0:
                    raise Broken("has more instructions than a network needs")
                left -= 1
                if self.at >= self.end:
                    raise Cut("is damaged: its end is missing; copy or download it again")
                code = self.data[self.at]
                self.at += 1
                if code == STOP:
                    return self.pop()
                step = steps.get(code)
                if step is None:
                    raise Broken("holds no weights, or is damaged")
                step(self)
        finally:
            self.report.opcodes += budget.opcodes - left
            budget.opcodes = left

    # -- bytes --------------------------------------------------------------------------------------------------------

    def take(self, count: int) -> memoryview:
        """Return the next bytes as a view."""
        at = self.at
        if count > self.end - at:
            raise Cut("is damaged: its end is missing; copy or download it again")
        self.at = at + count
        return self.data[at : at + count]

    def number(self, count: int) -> int:
        """Return an unsigned little-endian number of so many bytes."""
        return int.from_bytes(self.take(count), "little")

    def blob(self, count: int) -> bytes | memoryview:
        """Return bytes: short ones as they are, long ones as a view of the file."""
        view = self.take(count)
        return view if count > SHORT else bytes(view)

    def text(self, count: int) -> str:
        """Return a text in UTF-8."""
        raw = self.take(count)
        self.budget.text(count)
        try:
            return str(raw, "utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise Broken("is damaged: a text in it is none") from error

    def line(self, most: int = MOST_LINE) -> bytes:
        """Return the bytes up to the next line feed, which is skipped."""
        size = 128
        while True:
            piece = bytes(self.data[self.at : self.at + min(size, most)])
            found = piece.find(b"\n")
            if found >= 0:
                self.at += found + 1
                self.budget.text(found)
                return piece[:found]
            if size >= most:
                raise Broken("holds no weights, or is damaged")
            if self.at + size >= self.end:
                raise Cut("is damaged: its end is missing; copy or download it again")
            size *= 4

    # -- stack --------------------------------------------------------------------------------------------------------

    def push(self, value: object) -> None:
        """Put a value on top."""
        self.stack.append(value)

    def pop(self) -> object:
        """Take the top value."""
        if not self.stack:
            raise Broken("holds no weights, or is damaged")
        return self.stack.pop()

    def top(self) -> object:
        """Return the top value."""
        if not self.stack:
            raise Broken("holds no weights, or is damaged")
        return self.stack[-1]

    def mark(self) -> None:
        """Begin a group of values."""
        if len(self.below) >= MARK_LIMIT:
            raise Broken("is nested deeper than a network needs")
        self.below.append(self.stack)
        self.stack = []

    def group(self) -> list[object]:
        """End the group of values and return it."""
        if not self.below:
            raise Broken("holds no weights, or is damaged")
        group, self.stack = self.stack, self.below.pop()
        return group

    # -- memo ---------------------------------------------------------------------------------------------------------

    def remember(self, index: int) -> None:
        """Keep the top value under a number."""
        if index not in self.memo:
            self.budget.memo -= 1
            if self.budget.memo < 0 or not 0 <= index < 1 << 32:
                raise Broken("remembers more values than a network needs")
        self.memo[index] = self.top()

    def recall(self, index: int) -> None:
        """Push what was kept under a number."""
        if index not in self.memo:
            raise Broken("is damaged: it refers to what is not there")
        self.push(self.memo[index])
