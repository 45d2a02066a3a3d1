"""What a pickle's instructions become: inert records of what they ask for, never the thing itself.

Plain values (numbers, texts, bytes, lists, tuples, dictionaries, sets) are themselves. Long bytes stay views of the
file.
"""

from __future__ import annotations

from dataclasses import dataclass, field


class Broken(Exception):  # noqa: N818 - a reason on its way to the WeightsError that names the file
    """Why bytes cannot be read; whoever knows the file's name makes a `WeightsError` of it."""


class Cut(Broken):
    """The bytes end too early."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Global:
    """The name of a class or function; it is not looked up."""

    module: str
    name: str

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True, eq=False, repr=False)  # a text of what may hold itself has no end
class Call:
    """A call or a new object that is asked for; it is not made.

    Attributes:
        function: what would be called, mostly a `Global`.
        args: a tuple, or what stood in its place.
        kwargs: named arguments of protocol 4.
        state: what BUILD would put into the object.
        items: what would be appended to it or added.
        pairs: what would be set in it by key.
    """

    function: object
    args: object = ()
    kwargs: object = None
    state: object = None
    items: list[object] = field(default_factory=list)
    pairs: dict[object, object] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Name of the function; "" where it is none by name."""
        return self.function.path if isinstance(self.function, Global) else ""

    def arg(self, number: int) -> object:
        """Return an argument by position.

        Raises:
            Broken: there is none.
        """
        if isinstance(self.args, tuple) and number < len(self.args):
            return self.args[number]
        raise Broken(f"holds a call of {shown(self.path) or 'something'} without its arguments")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Persistent:
    """What lies outside of the pickle, by its name: in torch files the numbers of a tensor."""

    name: object


Source = bytes | bytearray | memoryview | str  # of the numbers of an array; texts are latin-1, from Python 2


def shown(text: object, most: int = 80) -> str:
    """Return a text of a stranger for a message or a page: one line, without control characters, cut.

    What is neither text nor number gives the name of its kind.
    """
    simple = text is None or isinstance(text, (str, int, float))
    plain = str(text)[: most + 1] if simple else f"a {type(text).__name__.lower()}"
    plain = "".join(c if c.isprintable() else "?" for c in plain.encode("utf-8", "backslashreplace").decode())
    return plain if len(plain) <= most else plain[: most - 1] + "…"
