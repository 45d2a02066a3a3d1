"""From records to values: tensors of torch, arrays and numbers of numpy, and plain containers.

A fixed table of shapes of records is understood; all else stays a record. Nothing here calls what a file names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

import torch

from reverie.weights.pickles.limits import DTYPE_NAMES
from reverie.weights.pickles.records import Broken, Call, Global, Persistent, shown
from reverie.weights.pickles.storage import LITTLE, STORAGES, Storage, StoredTensor, dense, retyped

NUMPY = ("numpy.core.", "numpy._core.")
ARRAYS: dict[str, torch.dtype] = {
    "f2": torch.float16, "f4": torch.float32, "f8": torch.float64, "i1": torch.int8, "i2": torch.int16,
    "i4": torch.int32, "i8": torch.int64, "u1": torch.uint8, "u2": torch.uint16, "u4": torch.uint32,
    "u8": torch.uint64, "b1": torch.bool,
}  # fmt: skip
DTYPES: dict[str, torch.dtype] = {name: getattr(torch, name) for name in DTYPE_NAMES}
DICTIONARIES = ("collections.OrderedDict", "dnnlib.util.EasyDict", "dnnlib.EasyDict", "collections.defaultdict")
BYTES = ("builtins.bytearray", "__builtin__.bytearray", "builtins.bytes", "__builtin__.bytes")
NAMESPACES = ("argparse.Namespace", "types.SimpleNamespace")
MOST_DEPTH = 12
MOST_PLAIN = 20_000  # values in the description of one network

Find = Callable[[Persistent], Storage]
Nested = Callable[[object], Storage]


class Values:
    """What records stand for.

    Args:
        find: gives the storage that a persistent name means.
        nested: gives the storage that a torch file inside of the pickle holds.
    """

    def __init__(self, find: Find, nested: Nested) -> None:
        self.find, self._nested = find, nested
        # by identity, so that what a file refers to a thousand times is worked out and copied once
        self._tensors: dict[int, tuple[object, StoredTensor | None]] = {}
        self._mappings: dict[int, tuple[object, Mapping[object, object]]] = {}
        self._texts: dict[int, tuple[str, bytes]] = {}
        self._storages: dict[tuple[int, torch.dtype, bool], tuple[object, Storage]] = {}

    def tensor(self, record: object) -> StoredTensor | None:
        """Return the tensor or array that a record describes, unread; None where it is something else.

        Raises:
            Broken: it describes one that cannot be.
        """
        if not isinstance(record, Call):
            return record if isinstance(record, StoredTensor) else None
        if id(record) not in self._tensors:
            self._tensors[id(record)] = (record, self._tensor(record, 0))
        return self._tensors[id(record)][1]

    def _tensor(self, record: object, depth: int) -> StoredTensor | None:
        if not isinstance(record, Call) or depth > 4:
            return None
        path = record.path
        if path in ("torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"):
            return self._tensor(record.arg(0), depth + 1)
        if path == "torch._tensor._rebuild_from_type_v2":
            inner = record.arg(0), record.arg(2)
            return self._tensor(Call(*inner), depth + 1)
        if path in ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"):
            return StoredTensor(self._storage(record.arg(0)), _whole(record.arg(1)), *self._geometry(record))
        if path == "torch._utils._rebuild_tensor_v3":
            storage = retyped(self._storage(record.arg(0)), _type_of(record.arg(6)))
            return StoredTensor(storage, _whole(record.arg(1)), *self._geometry(record))
        return self._array(record, path)

    def _geometry(self, record: Call) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return _shape(record.arg(2)), _shape(record.arg(3))

    def _storage(self, record: object) -> Storage:
        if isinstance(record, Persistent):
            return self.find(record)
        if isinstance(record, Call) and record.path == "torch.storage._load_from_bytes":
            return self._nested(record.arg(0))
        raise Broken("has a tensor whose numbers are nowhere")

    def _array(self, record: Call, path: str) -> StoredTensor | None:
        if path in tuple(f"{room}multiarray._reconstruct" for room in NUMPY):
            if not isinstance(record.state, tuple) or len(record.state) != 5:
                raise Broken("has an array without numbers")
            _, shape, kind, columns, data = record.state
        elif path in tuple(f"{room}numeric._frombuffer" for room in NUMPY):
            data, kind, shape, order = (record.arg(i) for i in range(4))
            columns = order == "F"
        else:
            return None
        dtype, swapped = _array_type(kind)
        if dtype is None:
            return None
        blob = self.bytes_of(data)
        count, rest = divmod(len(blob), dtype.itemsize)
        shape = _shape(shape)
        if rest or math.prod(shape) != count:
            raise Broken("has an array whose numbers are too few or too many")
        key = id(blob), dtype, swapped
        if key not in self._storages:
            self._storages[key] = (blob, Storage(dtype, count, lambda: blob, swapped))
        return dense(self._storages[key][1], shape, columns=bool(columns))

    def bytes_of(self, record: object) -> bytes | bytearray | memoryview:
        """Return bytes, which protocol 2 and Python 2 write as texts.

        Raises:
            Broken: it is something else.
        """
        if isinstance(record, Call) and record.path == "_codecs.encode":
            record = record.arg(0)
        if isinstance(record, Call) and record.path in BYTES:
            record = record.arg(0) if record.args else b""
        if isinstance(record, str):
            return self._encoded(record)
        if isinstance(record, (bytes, bytearray, memoryview)):
            return record
        raise Broken("has an array whose numbers are something else")

    def _encoded(self, text: str) -> bytes:
        if id(text) not in self._texts:
            try:
                self._texts[id(text)] = (text, text.encode("latin-1"))
            except UnicodeEncodeError as error:
                raise Broken("has an array whose numbers are a text") from error
        return self._texts[id(text)][1]

    # -- plain values -------------------------------------------------------------------------------------------------

    def mapping(self, record: object) -> Mapping[object, object] | None:
        """Return a dictionary of any kind that files use; None where it is none."""
        if isinstance(record, dict):
            return record
        if isinstance(record, Call) and record.path in DICTIONARIES:
            if id(record) not in self._mappings:
                self._mappings[id(record)] = (record, {**_listed(record.args), **record.pairs})
            return self._mappings[id(record)][1]
        if isinstance(record, Call) and record.path in NAMESPACES and isinstance(record.state, dict):
            return record.state
        return None

    def plain(self, record: object) -> object:
        """Return settings as plain JSON: numbers, texts, lists and dictionaries; what else there is, by its name."""
        return self._plain(record, 0, [MOST_PLAIN])

    def _plain(self, record: object, depth: int, left: list[int]) -> object:
        left[0] -= 1
        if left[0] < 0 or depth > MOST_DEPTH:
            return "…"
        if record is None or isinstance(record, (bool, int)):
            return record if not isinstance(record, int) or abs(record) < 1 << 63 else "a large number"
        if isinstance(record, float):
            return record if math.isfinite(record) else str(record)
        if isinstance(record, str):
            return shown(record, 300)
        entries = self.mapping(record)
        if entries is not None:
            return {
                shown(name): self._plain(value, depth + 1, left)
                for name, value in islice(entries.items(), max(left[0], 0))
                if isinstance(name, (str, int, float))
            }
        if isinstance(record, (list, tuple, set, frozenset)):
            return [self._plain(item, depth + 1, left) for item in islice(record, max(left[0], 0))]
        return self._named(record)

    def _named(self, record: object) -> object:
        if isinstance(record, Call):
            number = scalar(record, self)
            if number is not None:
                return number
            try:
                found = self.tensor(record)
            except Broken:
                return "a damaged tensor"
            if found is not None:
                return f"tensor {' x '.join(map(str, found.shape)) or '1'}"
            return f"<{shown(record.path) or 'call'}>"
        if isinstance(record, Global):
            return f"<{shown(record.path)}>"
        return f"<{type(record).__name__.lower()}>"


def scalar(record: Call, values: Values) -> float | int | bool | None:
    """Return a number of numpy; None where a record is none."""
    if record.path not in tuple(f"{room}multiarray.scalar" for room in NUMPY):
        return None
    try:
        dtype, swapped = _array_type(record.arg(0))
        if dtype is None:
            return None
        data = record.arg(1)
        if not isinstance(data, (bytes, Call)):
            return None
        number = Storage(dtype, 1, lambda: values.bytes_of(data), swapped).read()
    except Broken:
        return None
    value = number.item()
    return value if math.isfinite(value) else None


def _listed(args: object) -> dict[object, object]:
    """Return the pairs of a dictionary that is made from a list of them, as protocol 2 of Python 2 has it."""
    if not isinstance(args, tuple) or not args:
        return {}
    pairs = args[-1]
    if isinstance(pairs, dict):
        return pairs
    found: dict[object, object] = {}
    for pair in pairs if isinstance(pairs, list) else []:
        if isinstance(pair, Sequence) and not isinstance(pair, str) and len(pair) == 2 and isinstance(pair[0], str):
            found[pair[0]] = pair[1]
    return found


def _shape(record: object) -> tuple[int, ...]:
    if isinstance(record, Call) and record.path == "torch.Size":
        record = record.arg(0)
    if isinstance(record, list):
        record = tuple(record)
    if not isinstance(record, tuple) or len(record) > 16 or not all(type(n) is int for n in record):
        raise Broken("has a tensor whose shape makes no sense")
    return tuple(n for n in record if type(n) is int)


def _whole(record: object) -> int:
    if type(record) is not int:
        raise Broken("has a tensor whose shape makes no sense")
    return record


def _array_type(record: object) -> tuple[torch.dtype | None, bool]:
    """Return the type of an array and whether its bytes are in the other order; None where torch has no such type."""
    if not isinstance(record, Call) or record.path != "numpy.dtype":
        raise Broken("has an array of no type")
    name = record.arg(0)
    name = bytes(name).decode("latin-1") if isinstance(name, bytes) else name
    dtype = ARRAYS.get(name.lstrip("<>|=")) if isinstance(name, str) else None
    order = record.state[1] if isinstance(record.state, tuple) and len(record.state) > 1 else "="
    order = order.decode("latin-1") if isinstance(order, bytes) else order
    if isinstance(name, str) and name[:1] in "<>":
        order = name[:1]
    return dtype, order == (">" if LITTLE else "<")


def storage_type(record: object) -> torch.dtype:
    """Return the type that a class of storages holds.

    Raises:
        Broken: there is none of that name.
    """
    if isinstance(record, Global) and record.module in ("torch", "torch.storage", "torch.cuda"):
        dtype = STORAGES.get(record.name.removesuffix("Storage"))
        if dtype is not None and record.name.endswith("Storage"):
            return dtype
    raise Broken(f"has a tensor of a type that is not known: {shown(getattr(record, 'path', 'none'))}")


def _type_of(kind: object) -> torch.dtype:
    if isinstance(kind, Global) and kind.module == "torch" and kind.name in DTYPES:
        return DTYPES[kind.name]
    raise Broken("has a tensor of a type that is not known")
