"""Write small files of Caffe in every form that Caffe wrote: protocol buffers in a few lines, apart from the reader."""

from __future__ import annotations

import numpy as np


def varint(value: int) -> bytes:
    """Return an unsigned number, seven bits a byte, lowest first."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def row(field: int, data: bytes) -> bytes:
    """Return a text, a message or a packed row of numbers as a field."""
    return varint(field << 3 | 2) + varint(len(data)) + data


def blob(values: np.ndarray, *, old: bool = False, doubles: bool = False, single: bool = False) -> bytes:
    """Return a blob: `old` gives it four sides instead of a shape, `single` one field a number."""
    if old:
        shape = b"".join(number(i + 1, n) for i, n in enumerate((1,) * (4 - values.ndim) + values.shape))
    else:
        shape = row(7, row(1, b"".join(varint(n) for n in values.shape)))
    field, dtype = (8, "<f8") if doubles else (5, "<f4")
    if single:
        return shape + b"".join(varint(field << 3 | 5) + x.tobytes() for x in values.astype(dtype).ravel())
    return shape + row(field, values.astype(dtype).tobytes())


def layer(name: str, blobs: list[bytes], form: int = 2) -> bytes:
    """Return a layer of a network, in the form of 2013 (0), 2014 (1) or since (2), with settings that nobody reads."""
    if form == 2:
        return row(100, row(1, name.encode()) + row(2, b"Convolution") + b"".join(row(7, b) for b in blobs))
    if form == 1:
        return row(2, row(2, b"data") + row(4, name.encode()) + number(5, 4) + b"".join(row(6, b) for b in blobs))
    inner = row(1, name.encode()) + row(2, b"conv") + b"".join(row(50, b) for b in blobs)
    return row(2, row(1, inner) + row(2, b"data"))


def caffemodel(weights: dict[str, np.ndarray], form: int = 2, **how: bool) -> bytes:
    """Return a network; `weights` as in a state dict, ``NAME.weight`` before ``NAME.bias``."""
    layers: dict[str, list[bytes]] = {}
    for key, values in weights.items():
        layers.setdefault(key.rpartition(".")[0], []).append(blob(values, old=form < 2, **how))
    nothing = layer("data", [], form)
    return row(1, b"Net") + nothing + b"".join(layer(name, blobs, form) for name, blobs in layers.items())
