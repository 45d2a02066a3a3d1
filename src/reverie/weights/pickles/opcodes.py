"""What each instruction of a pickle does to the machine: one small function each, in a table by code."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from reverie.weights.pickles.limits import MOST_NAME, MOST_NUMBER_BYTES
from reverie.weights.pickles.machine import SHORT, Machine
from reverie.weights.pickles.records import Broken, Call, Global, Persistent, shown

MOST_DIGITS = 1200
ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.)", re.DOTALL)
ESCAPED = {  # letter behind the backslash → byte
    b"\\": b"\\", b"'": b"'", b'"': b'"', b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b",
    b"f": b"\f", b"v": b"\v",
}  # fmt: skip
Step = Callable[[Machine], None]


def _pushes(make: Callable[[Machine], object]) -> Step:
    return lambda m: m.push(make(m))


# -- numbers and texts ------------------------------------------------------------------------------------------------


def _int(m: Machine) -> object:
    text = m.line(MOST_DIGITS).strip()
    if text in (b"00", b"01"):
        return text == b"01"
    return _whole(text)


def _whole(text: bytes) -> int:
    try:
        return int(text.removesuffix(b"L"))
    except ValueError as error:
        raise Broken("holds no weights, or is damaged") from error


def _long(m: Machine, width: int) -> int:
    count = m.number(width)
    if count > MOST_NUMBER_BYTES:
        raise Broken("has a number longer than a network needs")
    return int.from_bytes(m.take(count), "little", signed=True)


def _float(m: Machine) -> float:
    try:
        return float(m.line(MOST_DIGITS))
    except ValueError as error:
        raise Broken("holds no weights, or is damaged") from error


def _binfloat(m: Machine) -> float:
    return struct.unpack(">d", m.take(8))[0]


def _old_text(raw: memoryview) -> str | memoryview:
    """Return a string of Python 2, which is text or bytes: as latin-1, and as bytes where it is long."""
    return raw if len(raw) > 16 * SHORT else str(raw, "latin-1")


def _quoted(m: Machine) -> str | memoryview:
    line = m.line().strip()
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise Broken("holds no weights, or is damaged")
    try:
        return _old_text(memoryview(ESCAPE.sub(_unescaped, line[1:-1])))
    except ValueError as error:
        raise Broken("is damaged: a text in it is none") from error


def _unescaped(found: re.Match[bytes]) -> bytes:
    """Return what an escape means; one that means nothing stays, without the warning that Python's decoder gives."""
    text = found[1]
    if text[:1] == b"x":
        return bytes([int(text[1:], 16)])
    if text[:1] in b"01234567":
        return bytes([int(text, 8) & 255])
    return ESCAPED.get(text, found[0])


def _unicode(m: Machine) -> str:
    try:
        return str(m.line(), "raw-unicode-escape")
    except UnicodeDecodeError as error:
        raise Broken("is damaged: a text in it is none") from error


# -- containers -------------------------------------------------------------------------------------------------------


def _pairs(m: Machine, group: list[object]) -> dict[object, object]:
    if len(group) % 2:
        raise Broken("holds no weights, or is damaged")
    key = m.budget.key
    return {key(group[i]): group[i + 1] for i in range(0, len(group), 2)}


def _set_pairs(m: Machine, group: list[object]) -> None:
    target, pairs = m.top(), _pairs(m, group)
    if isinstance(target, Call):
        target.pairs.update(pairs)
    elif isinstance(target, dict):
        target.update(pairs)
    else:
        m.report.flag(f"sets entries in {_kind(target)}")


def _setitem(m: Machine) -> None:
    value, key = m.pop(), m.pop()
    _set_pairs(m, [key, value])


def _add(m: Machine, group: list[object]) -> None:
    target = m.top()
    if isinstance(target, Call):
        target.items += group
    elif isinstance(target, list):
        target += group
    else:
        m.report.flag(f"appends to {_kind(target)}")


def _additems(m: Machine) -> None:
    group, target = m.group(), m.top()
    if isinstance(target, set):
        target.update(m.budget.key(item) for item in group)
    else:
        _add(m, group)


def _append(m: Machine) -> None:
    item = m.pop()
    _add(m, [item])


def _tuple(m: Machine, count: int) -> tuple[object, ...]:
    if len(m.stack) < count:
        raise Broken("holds no weights, or is damaged")
    items = tuple(m.stack[-count:])
    del m.stack[-count:]
    return items


def _pop(m: Machine) -> None:
    if m.stack:
        m.stack.pop()
    else:
        m.group()


# -- what Python would look up, call or fill --------------------------------------------------------------------------


def _named(m: Machine, module: object, name: object) -> Global:
    if not isinstance(module, str) or not isinstance(name, str):
        raise Broken("holds no weights, or is damaged")
    if not 0 < len(module) <= MOST_NAME or not 0 < len(name) <= MOST_NAME:
        raise Broken("names a class or function in a way that no program does")
    found = Global(module, name)
    m.report.name(found.path)
    return found


def _global(m: Machine) -> Global:
    lines = (m.line(4 * MOST_NAME), m.line(4 * MOST_NAME))
    try:
        module, name = (str(line, "utf-8") for line in lines)
    except UnicodeDecodeError as error:
        raise Broken("holds no weights, or is damaged") from error
    return _named(m, module, name)


def _stack_global(m: Machine) -> Global:
    name, module = m.pop(), m.pop()
    return _named(m, module, name)


def _extension(m: Machine, width: int) -> Global:
    code = m.number(width)
    m.report.flag(f"uses a code of Python's extension registry ({code})")
    return Global("extension", str(code))


def _call(m: Machine, function: object, args: object, kwargs: object = None) -> Call:
    if not isinstance(function, Global):
        m.report.flag(f"calls {_kind(function)}")
    call = Call(function, args, kwargs)
    m.calls.append(call)
    return call


def _reduce(m: Machine) -> Call:
    args, function = m.pop(), m.pop()
    return _call(m, function, args)


def _newobj_ex(m: Machine) -> Call:
    kwargs, args, function = m.pop(), m.pop(), m.pop()
    return _call(m, function, args, kwargs)


def _obj(m: Machine) -> Call:
    function, *args = m.group() or [None]
    return _call(m, function, tuple(args))


def _inst(m: Machine) -> Call:
    return _call(m, _global(m), tuple(m.group()))


def _build(m: Machine) -> None:
    state, target = m.pop(), m.top()
    if not isinstance(target, Call):
        m.report.flag(f"sets attributes of {_kind(target)}")
        return
    if target.state is not None:
        m.report.flag(f"sets the state of one {shown(target.path) or 'object'} twice")
    target.state = state


def _buffer(m: Machine) -> None:
    raise Broken("refers to buffers outside of it, which are not there")


def _persid(m: Machine) -> Persistent:
    return _outside(m, str(m.line(4 * MOST_NAME), "latin-1"))


def _outside(m: Machine, name: object) -> Persistent:
    found = Persistent(name)
    m.outside.append(found)
    return found


def _kind(target: object) -> str:
    if isinstance(target, Global):
        return f"{shown(target.path)} itself"
    return f"a {type(target).__name__.lower()}"


OPCODES: dict[int, Step] = {
    ord(code): step
    for code, step in {
        "I": _pushes(_int), "L": _pushes(lambda m: _whole(m.line(MOST_DIGITS).strip())),
        "J": _pushes(lambda m: int.from_bytes(m.take(4), "little", signed=True)),
        "K": _pushes(lambda m: m.number(1)), "M": _pushes(lambda m: m.number(2)),
        "\x8a": _pushes(lambda m: _long(m, 1)), "\x8b": _pushes(lambda m: _long(m, 4)),
        "F": _pushes(_float), "G": _pushes(_binfloat), "N": _pushes(lambda m: None),
        "\x88": _pushes(lambda m: True), "\x89": _pushes(lambda m: False),
        "S": _pushes(_quoted), "T": _pushes(lambda m: _old_text(m.take(m.number(4)))),
        "U": _pushes(lambda m: _old_text(m.take(m.number(1)))),
        "B": _pushes(lambda m: m.blob(m.number(4))), "C": _pushes(lambda m: m.blob(m.number(1))),
        "\x8e": _pushes(lambda m: m.blob(m.number(8))), "\x96": _pushes(lambda m: m.blob(m.number(8))),
        "V": _pushes(_unicode), "X": _pushes(lambda m: m.text(m.number(4))),
        "\x8c": _pushes(lambda m: m.text(m.number(1))), "\x8d": _pushes(lambda m: m.text(m.number(8))),
        "]": _pushes(lambda m: []), "}": _pushes(lambda m: {}), ")": _pushes(lambda m: ()),
        "\x8f": _pushes(lambda m: set()), "l": _pushes(lambda m: m.group()),
        "d": _pushes(lambda m: _pairs(m, m.group())), "t": _pushes(lambda m: tuple(m.group())),
        "\x91": _pushes(lambda m: frozenset([m.budget.key(item) for item in m.group()])),
        "\x85": _pushes(lambda m: _tuple(m, 1)), "\x86": _pushes(lambda m: _tuple(m, 2)),
        "\x87": _pushes(lambda m: _tuple(m, 3)),
        "a": _append, "e": lambda m: _add(m, m.group()), "\x90": _additems,
        "s": _setitem, "u": lambda m: _set_pairs(m, m.group()),
        "(": Machine.mark, "0": _pop, "1": lambda m: m.group() and None, "2": _pushes(Machine.top),
        "p": lambda m: m.remember(_whole(m.line(MOST_DIGITS).strip())), "q": lambda m: m.remember(m.number(1)),
        "r": lambda m: m.remember(m.number(4)), "\x94": lambda m: m.remember(len(m.memo)),
        "g": lambda m: m.recall(_whole(m.line(MOST_DIGITS).strip())), "h": lambda m: m.recall(m.number(1)),
        "j": lambda m: m.recall(m.number(4)),
        "c": _pushes(_global), "\x93": _pushes(_stack_global),
        "\x82": _pushes(lambda m: _extension(m, 1)), "\x83": _pushes(lambda m: _extension(m, 2)),
        "\x84": _pushes(lambda m: _extension(m, 4)),
        "R": _pushes(_reduce), "\x81": _pushes(_reduce), "\x92": _pushes(_newobj_ex),
        "o": _pushes(_obj), "i": _pushes(_inst), "b": _build,
        "P": _pushes(_persid), "Q": _pushes(lambda m: _outside(m, m.pop())),
        "\x80": lambda m: _protocol(m), "\x95": lambda m: m.take(8) and None,
        "\x97": _buffer, "\x98": _buffer,
    }.items()
}  # fmt: skip


def _protocol(m: Machine) -> None:
    number = m.number(1)
    if number > 5:
        raise Broken(f"is a pickle of protocol {number}, which is not known; or it is damaged")
