"""Writes pickles of records: what a program with the named classes would have written, without having them."""

from __future__ import annotations

import struct

from reverie.weights.pickles.records import Call, Global, Persistent


class New(Call):
    """An object that is made by NEWOBJ; a plain `Call` is one by REDUCE."""


def pickled(value: object, protocol: int = 4) -> bytes:
    """Return the pickle of plain values and records, by the instructions that Python uses in that protocol (2 to 5)."""
    writer = _Writer(protocol)
    writer.save(value)
    body = bytes(writer.out) + b"."
    frame = b"\x95" + struct.pack("<Q", len(body)) if protocol >= 4 else b""
    return b"\x80" + bytes([protocol]) + frame + body


class _Writer:
    def __init__(self, protocol: int) -> None:
        self.protocol, self.out, self.memo = protocol, bytearray(), {}
        self.kept: list[object] = []  # the memo goes by identity

    def save(self, value: object) -> None:
        key = self.key(value)
        if key in self.memo:
            index = self.memo[key]
            self.out += b"h" + bytes([index]) if index < 256 else b"j" + struct.pack("<I", index)
            return
        getattr(self, f"save_{type(value).__name__.lower()}")(value)
        if key is not None:
            self.kept.append(value)
            index = self.memo[key] = len(self.memo)
            put = b"q" + bytes([index]) if index < 256 else b"r" + struct.pack("<I", index)
            self.out += b"\x94" if self.protocol >= 4 else put

    def key(self, value: object) -> object:
        if isinstance(value, Global):
            return "global", value.path
        if isinstance(value, str):
            return "text", value
        return ("call", id(value)) if isinstance(value, Call) else None

    def save_nonetype(self, value: None) -> None:
        self.out += b"N"

    def save_bool(self, value: bool) -> None:
        self.out += b"\x88" if value else b"\x89"

    def save_int(self, value: int) -> None:
        if 0 <= value < 256:
            self.out += b"K" + bytes([value])
        elif -(2**31) <= value < 2**31:
            self.out += b"J" + struct.pack("<i", value)
        else:
            raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            self.out += b"\x8a" + bytes([len(raw)]) + raw

    def save_float(self, value: float) -> None:
        self.out += b"G" + struct.pack(">d", value)

    def save_str(self, value: str) -> None:
        raw = value.encode("utf-8", "surrogatepass")
        short = self.protocol >= 4 and len(raw) < 256
        self.out += (b"\x8c" + bytes([len(raw)]) if short else b"X" + struct.pack("<I", len(raw))) + raw

    def save_bytes(self, value: bytes) -> None:
        if self.protocol < 3:
            self.save(Call(Global("_codecs", "encode"), (value.decode("latin-1"), "latin1")))
            return
        self.out += (b"C" + bytes([len(value)]) if len(value) < 256 else b"B" + struct.pack("<I", len(value))) + value

    def save_list(self, value: list) -> None:
        self.out += b"]("
        self.all(value)
        self.out += b"e"

    def save_tuple(self, value: tuple) -> None:
        if len(value) in (1, 2, 3):
            self.all(value)
            self.out += bytes([0x84 + len(value)])
        else:
            self.out += b"("
            self.all(value)
            self.out += b"t"

    def save_dict(self, value: dict) -> None:
        self.out += b"}("
        self.all(x for pair in value.items() for x in pair)
        self.out += b"u"

    def save_global(self, value: Global) -> None:
        if self.protocol >= 4:
            self.save(value.module)
            self.save(value.name)
            self.out += b"\x93"
        else:
            self.out += f"c{value.module}\n{value.name}\n".encode()

    def save_persistent(self, value: Persistent) -> None:
        self.save(value.name)
        self.out += b"Q"

    def save_new(self, value: New) -> None:
        self.save_call(value, b"\x81")

    def save_call(self, value: Call, code: bytes = b"R") -> None:
        self.save(value.function)
        self.save(value.args)
        self.out += code
        if value.items:
            self.out += b"("
            self.all(value.items)
            self.out += b"e"
        if value.pairs:
            self.out += b"("
            self.all(x for pair in value.pairs.items() for x in pair)
            self.out += b"u"
        if value.state is not None:
            self.save(value.state)
            self.out += b"b"

    def all(self, values) -> None:
        for value in values:
            self.save(value)
