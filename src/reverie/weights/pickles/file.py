"""Open any foreign file of weights by what it is, not by what it is called."""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from reverie.errors import WeightsError
from reverie.weights.boundary import check_file, reads
from reverie.weights.pickles.limits import Budget, Report, expected
from reverie.weights.pickles.records import Broken, shown
from reverie.weights.pickles.torch_stream import Opened, open_stream
from reverie.weights.pickles.torch_zip import open_zip
from reverie.weights.pickles.values import Values

MOST_BYTES = 64 << 30
PAGES = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<body", b"<error")
OTHERS: dict[bytes, str] = {
    b"\x89HDF": "is an HDF5 file, of Keras for example, which is not read",
    b"GGUF": "is a GGUF file, which is not read",
    b"\x1f\x8b": "is packed with gzip; unpack it first",
    b"BZh": "is packed with bzip2; unpack it first",
    b"\xfd7zXZ": "is packed with xz; unpack it first",
    b"7z\xbc\xaf": "is packed with 7z; unpack it first",
    b"Rar!": "is packed with rar; unpack it first",
    b"\x93NUMPY": "is an array of numpy and no network",
}
DAMAGED = "holds no weights, or is damaged"

Container = Literal["torch zip", "torch stream", "pickle", "safetensors"]


@dataclass
class ForeignFile:
    """A foreign file of weights, opened as data.

    Attributes:
        path: where it lies.
        container: how it is packed.
        root: its value: plain containers and inert records.
        values: what the records stand for.
        report: what was met on the way.
    """

    path: Path
    container: Container
    root: object
    values: Values
    report: Report = field(default_factory=Report)


@reads
def open_foreign(path: Path) -> ForeignFile:
    """Read a pickle or a torch file as data; its tensors stay in the file until they are asked for.

    Raises:
        WeightsError: missing, unreadable, damaged, made to harm, or something else, in one sentence.
    """
    check_file(path, f"no weights file at '{path}'")
    report = Report()
    try:
        data = _mapped(path)
        container, opened = _opened(path, data, report)
    except Broken as error:
        raise WeightsError(f"'{path}' {error}") from error
    except OSError as error:
        raise WeightsError(f"'{path}' cannot be read: {error.strerror or 'its end is missing'}") from error
    if opened.end < len(data):
        report.flag(f"has {len(data) - opened.end} bytes behind its end, which were not looked at")
    return ForeignFile(path, container, opened.root, opened.values, report)


def _mapped(path: Path) -> memoryview:
    """Return the file's bytes, which the system reads when they are looked at; changes to them stay private."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size == 0:
            raise Broken("is empty")
        if size > MOST_BYTES:
            raise Broken("is larger than any network")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _opened(path: Path, data: memoryview, report: Report) -> tuple[Container, Opened]:
    begins = bytes(data[:512])
    if begins.startswith(b"PK"):
        return "torch zip", open_zip(path, data, Budget(), report)
    _refuse_others(begins)
    try:
        opened = open_stream(data, Budget(), report)
    except Broken as error:
        if begins[:1] == b"\x80" or str(error) == DAMAGED or report.opcodes > 50:
            raise
        raise Broken(DAMAGED) from error  # any byte begins a pickle of protocol 0
    return "torch stream" if opened.stream else "pickle", opened


def _refuse_others(begins: bytes) -> None:
    """Say what a file is that is no network, as far as its first bytes tell.

    Raises:
        Broken: it is known.
    """
    text = begins.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if begins.startswith(b"version https://git-lfs"):
        raise Broken("is a pointer of git-lfs, not the network itself; get it with 'git lfs pull', or download it")
    if text.startswith(PAGES):
        raise Broken("is a web page, not the network: the download went to another page; download it again")
    if begins[8:9] == b"{" and int.from_bytes(begins[:8], "little") < 1 << 27:
        raise Broken("is a safetensors file; give it the ending .safetensors")
    if len(begins) > 262 and begins[257:262] == b"ustar":
        raise Broken("is a tar archive; unpack it first, or save it again with a newer torch")
    for mark, words in OTHERS.items():
        if begins.startswith(mark):
            raise Broken(words)


def beyond_tensors(file: ForeignFile) -> str:
    """Return the name of the most striking thing a file asks for besides tensors; "" if there is none."""
    names = [*file.report.reaching, *(path for path in file.report.globals if not expected(path))]
    return shown(names[0], 60) if names else ""
