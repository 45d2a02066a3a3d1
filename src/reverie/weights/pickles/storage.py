"""The numbers of tensors: a run of one type that lies somewhere in a file, and tensors as windows onto it.

Nothing is read before it is asked for; then a run is copied once, checked, and all its tensors share it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from reverie.weights.pickles.records import Broken

MOST_DIMENSIONS = 16
MOST_ELEMENTS = 1 << 40
MOST_REPEATED = 4  # a tensor may hold so many times the elements that its storage has, or this many
FREE_ELEMENTS = 1 << 16

# name in files → type; the classes torch.FloatStorage etc., and torch.float32 etc.
STORAGES: dict[str, torch.dtype] = {
    "Float": torch.float32, "Double": torch.float64, "Half": torch.float16, "BFloat16": torch.bfloat16,
    "Long": torch.int64, "Int": torch.int32, "Short": torch.int16, "Char": torch.int8, "Byte": torch.uint8,
    "Bool": torch.bool, "Untyped": torch.uint8,
}  # fmt: skip


@dataclass(eq=False)
class Storage:
    """A run of numbers of one type.

    Attributes:
        dtype: their type.
        count: how many.
        source: gives their bytes, `count` times the size of one.
        swapped: whether the bytes of each are in the other order than this machine's.
        derived: gives them in place of `source`, as a part of another storage, whose memory they share.
    """

    dtype: torch.dtype
    count: int
    source: Callable[[], bytes | bytearray | memoryview]
    swapped: bool = False
    derived: Callable[[], Tensor] | None = None
    _read: Tensor | None = field(default=None, repr=False)

    @property
    def bytes(self) -> int:
        return self.count * self.dtype.itemsize

    def read(self) -> Tensor:
        """Return them ``[count]``, copied out of the file.

        Raises:
            Broken: there are fewer bytes than that.
        """
        if self._read is None and self.derived is not None:
            self._read = self.derived()
        if self._read is None:
            blob = self.source()
            if len(blob) != self.bytes:
                raise Broken(f"is damaged: a tensor has {len(blob)} bytes where {self.bytes} belong")
            self._read = _numbers(blob, self.dtype, self.swapped)
        return self._read


def _numbers(blob: bytes | bytearray | memoryview, dtype: torch.dtype, swapped: bool) -> Tensor:
    if len(blob) == 0:
        return torch.empty(0, dtype=dtype)
    copy = bytearray(blob)
    if swapped and dtype.itemsize > 1:
        copy = bytearray(np.frombuffer(copy, f"u{dtype.itemsize}").byteswap().tobytes())
    if dtype == torch.bool:  # any other bit pattern in a bool is undefined behavior
        return torch.frombuffer(copy, dtype=torch.uint8) != 0
    return torch.frombuffer(copy, dtype=dtype)


def part(root: Storage, offset: int, count: int) -> Storage:
    """Return a run of a storage as one of its own; they share their memory."""
    return Storage(root.dtype, count, _no_bytes, derived=lambda: root.read()[offset : offset + count])


def retyped(root: Storage, dtype: torch.dtype) -> Storage:
    """Return bytes as numbers of a type; they share their memory.

    Raises:
        Broken: the storage holds other than bytes, or not a whole count of such numbers.
    """
    if root.dtype == dtype:
        return root
    if root.dtype != torch.uint8 or root.count % dtype.itemsize:
        raise Broken("has a tensor of another type than its numbers")
    if root.swapped and dtype.itemsize > 1:
        raise Broken("was written by a big-endian machine in a form that is not read")
    return Storage(dtype, root.count // dtype.itemsize, _no_bytes, derived=lambda: root.read().view(dtype))


def _no_bytes() -> bytes:
    return b""


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """A tensor that lies in a file: a window onto a storage, checked when it is made.

    Attributes:
        storage: its numbers.
        offset: where the first element stands.
        shape: its size.
        stride: in elements.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def __post_init__(self) -> None:
        numbers = (self.offset, *self.shape, *self.stride)
        if len(self.shape) != len(self.stride) or len(self.shape) > MOST_DIMENSIONS:
            raise Broken("has a tensor whose shape makes no sense")
        if not all(type(n) is int and 0 <= n <= MOST_ELEMENTS for n in numbers):
            raise Broken("has a tensor whose shape makes no sense")
        if math.prod(max(n, 1) for n in self.shape) > max(FREE_ELEMENTS, MOST_REPEATED * self.storage.count):
            raise Broken("has a tensor that repeats its numbers more often than a network needs")
        if self.offset + self._reach > self.storage.count:
            raise Broken("has a tensor that reaches beyond its numbers")

    @property
    def _reach(self) -> int:
        """How many elements from its first to its last."""
        if 0 in self.shape:
            return 0
        return 1 + sum((n - 1) * step for n, step in zip(self.shape, self.stride, strict=True))

    @property
    def dtype(self) -> torch.dtype:
        return self.storage.dtype

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    def read(self) -> Tensor:
        """Return it; tensors of one storage share their memory.

        Raises:
            Broken: its numbers are missing or damaged.
        """
        run = self.storage.read()
        return torch.as_strided(run, self.shape, self.stride, run.storage_offset() + self.offset)  # it is absolute


def dense(storage: Storage, shape: tuple[int, ...], *, columns: bool = False) -> StoredTensor:
    """Return a whole storage as a tensor, row by row, or column by column as Fortran does."""
    return StoredTensor(storage, 0, shape, _strides(shape, columns))


def in_memory(tensor: Tensor) -> StoredTensor:
    """Return a tensor that was read already in the form of one that was not."""
    flat = tensor.contiguous().reshape(-1)
    storage = Storage(tensor.dtype, flat.numel(), _no_bytes, _read=flat)
    return StoredTensor(storage, 0, tuple(tensor.shape), _strides(tuple(tensor.shape), False))


def _strides(shape: tuple[int, ...], columns: bool) -> tuple[int, ...]:
    steps, step = [], 1
    for n in shape if columns else reversed(shape):
        steps.append(step)
        step *= max(n, 1) if type(n) is int and 0 <= n <= MOST_ELEMENTS else 1
        step = min(step, MOST_ELEMENTS)
    return tuple(steps if columns else reversed(steps))


LITTLE = sys.byteorder == "little"
