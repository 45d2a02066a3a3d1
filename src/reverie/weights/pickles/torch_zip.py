"""The torch files of today: a zip with the pickle ``data.pkl`` and one entry of numbers for each storage.

Entries are found in the mapped file and copied only when their numbers are asked for. Names of entries are looked up,
never used as paths.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from reverie.weights.pickles.limits import Budget, Report
from reverie.weights.pickles.machine import Machine
from reverie.weights.pickles.opcodes import OPCODES
from reverie.weights.pickles.records import Broken, Cut, Persistent, shown
from reverie.weights.pickles.storage import LITTLE, Storage
from reverie.weights.pickles.torch_stream import Nested, Opened, storage_name, windowed
from reverie.weights.pickles.values import Values

MOST_ENTRIES = 100_000
MOST_INFLATED = 8  # times its own size that a compressed file may grow, and this many bytes more:
FREE_BYTES = 64 << 20
MOST_DIRECTORY_BYTES = 16 << 20
END_SEARCHED = 1 << 17  # bytes at the end of a zip in which its directory's place is told
LOCAL_HEADER = 30  # bytes, before the name
PROGRAM = "is a TorchScript program and was not executed"


def open_zip(path: Path, data: memoryview, budget: Budget, report: Report) -> Opened:
    """Read the pickle of a torch file.

    Raises:
        Broken: damaged, cut, a program, a zip of other things, or more than the budget allows.
    """
    _check_directory(data)
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, UnicodeError, OverflowError) as error:
        raise Cut("is damaged: its end is missing; copy or download it again") from error
    archive = _Archive(data, _checked(infos, len(data)))
    machine = Machine(memoryview(archive.read(f"{archive.root}data.pkl")), 0, budget, report)
    root = machine.run(OPCODES)
    swapped = archive.big_endian == LITTLE
    found: dict[object, Storage] = {}

    def find(record: Persistent) -> Storage:
        key, dtype, _ = storage_name(record)
        if key not in found:
            name = f"{archive.root}data/{key}"
            found[key] = Storage(dtype, archive.size(name) // dtype.itemsize, lambda: archive.read(name), swapped)
        return windowed(record, found[key])

    nested = Nested(machine, budget, report, 0)
    return Opened(root, Values(find, nested.storage), len(data), stream=True)


def _check_directory(data: memoryview) -> None:
    """Refuse a directory of entries that would fill the memory when it is read.

    Raises:
        Broken: there is one.
    """
    tail = bytes(data[-END_SEARCHED:])
    at = tail.rfind(b"PK\x05\x06")
    size = int.from_bytes(tail[at + 12 : at + 16], "little") if at >= 0 else 0
    if size == 0xFFFFFFFF:  # zip64 says it elsewhere
        wide = tail.rfind(b"PK\x06\x06", 0, at)
        size = int.from_bytes(tail[wide + 40 : wide + 48], "little") if wide >= 0 else size
    if size > MOST_DIRECTORY_BYTES:
        raise Broken("is a zip with too many entries, or two of one name")


def _checked(infos: list[zipfile.ZipInfo], size: int) -> dict[str, zipfile.ZipInfo]:
    """Return entries by name, once they are neither a program nor a bomb."""
    found = {info.filename: info for info in infos}
    if len(infos) > MOST_ENTRIES or len(found) != len(infos):
        raise Broken("is a zip with too many entries, or two of one name")
    inside = {name.split("/", 1)[-1] for name in found}
    if "constants.pkl" in inside or any(name.startswith("code/") for name in inside):
        raise Broken(PROGRAM)
    if "data.pkl" not in inside:
        raise Broken("is a zip without weights")
    if any(info.flag_bits & 1 for info in infos):
        raise Broken("is a zip with a password")
    stored = sum(info.file_size for info in infos if info.compress_type == zipfile.ZIP_STORED)
    packed = sum(info.file_size for info in infos if info.compress_type != zipfile.ZIP_STORED)
    if stored > size or packed > FREE_BYTES + MOST_INFLATED * size:
        raise Broken("is a zip that would grow to more than a network needs; it is damaged, or made to harm")
    return found


@dataclass
class _Archive:
    data: memoryview
    entries: dict[str, zipfile.ZipInfo]

    @property
    def root(self) -> str:
        """What stands before ``data.pkl``."""
        return min((n for n in self.entries if n.split("/", 1)[-1] == "data.pkl"), key=len).removesuffix("data.pkl")

    @property
    def big_endian(self) -> bool:
        name = f"{self.root}byteorder"
        return name in self.entries and self.size(name) < 16 and bytes(self.read(name)) == b"big"

    def size(self, name: str) -> int:
        """Return how many bytes an entry has."""
        if name not in self.entries:
            raise Broken(f"is damaged: '{shown(name)}' is missing inside")
        return self.entries[name].file_size

    def read(self, name: str) -> memoryview | bytes:
        """Return the bytes of an entry, whose checksum fits.

        Raises:
            Broken: missing, cut, damaged, or packed in a way that is not known.
        """
        size = self.size(name)
        info = self.entries[name]
        packed = self._packed(info)
        if info.compress_type == zipfile.ZIP_STORED:
            blob: memoryview | bytes = packed
        elif info.compress_type == zipfile.ZIP_DEFLATED:
            blob = _inflated(packed, size)
        else:
            raise Broken("is a zip that is packed in a way that is not known")
        if len(blob) != size or zlib.crc32(blob) != info.CRC:
            raise Broken(f"is damaged: the checksum of '{shown(name)}' inside does not fit")
        return blob

    def _packed(self, info: zipfile.ZipInfo) -> memoryview:
        at = info.header_offset
        header = bytes(self.data[at : at + LOCAL_HEADER]) if at >= 0 else b""
        if len(header) < LOCAL_HEADER or header[:4] != b"PK\x03\x04":
            raise Broken("is damaged")
        begin = at + LOCAL_HEADER + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        if info.compress_size < 0 or begin + info.compress_size > len(self.data):
            raise Cut("is damaged: its end is missing; copy or download it again")
        return self.data[begin : begin + info.compress_size]


def _inflated(packed: memoryview, size: int) -> bytes:
    machine = zlib.decompressobj(-15)
    try:
        blob = machine.decompress(packed, size + 1)
    except zlib.error as error:
        raise Broken("is damaged") from error
    if len(blob) != size or machine.unconsumed_tail:
        raise Broken("is damaged")
    return blob
