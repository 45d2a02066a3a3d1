"""The numbers inside a glTF file: its JSON, buffers, views and accessors, every bound checked before it is used.

Source: Khronos Group 2021, "glTF 2.0 specification", sections 3.6 (binary data) and 4 (GLB).
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from reverie.errors import MeshError
from reverie.media.mesh_file import MAX_BYTES, beside, read_bytes

MAGIC, JSON_CHUNK, BIN_CHUNK = b"glTF", 0x4E4F534A, 0x004E4942
MAX_JSON_BYTES = 64 << 20
TYPES = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
Json = dict[str, Any]  # entries of a foreign file: each is checked where it is used


@dataclass
class Gltf:
    """An open glTF file.

    Attributes:
        path: of the file.
        json: its description.
        body: the binary chunk of a GLB, b"" if there is none.
        max_values: more vertices or indices in one accessor are refused.
    """

    path: Path
    json: Json
    body: bytes
    max_values: int
    _buffers: dict[int, bytes] = field(default_factory=dict)

    def entry(self, kind: str, index: object) -> Json:
        """Return one entry of a list of the description.

        Raises:
            MeshError: there is none.
        """
        items = self.json.get(kind, [])
        if not isinstance(items, list) or not is_index(index) or index >= len(items):  # type: ignore[operator]
            raise self.broken(f"{kind}[{str(index)[:20]}] is not there")
        item = items[index]  # type: ignore[index]
        if not isinstance(item, dict):
            raise self.broken(f"{kind}[{index}] has no entries")
        return item

    def broken(self, what: str) -> MeshError:
        """Return the error that says what is wrong."""
        return MeshError(f"'{self.path.name}' is a damaged glTF file: {what}")

    def view(self, index: object) -> tuple[bytes, int]:
        """Return the bytes of a view of a buffer and the step between its items, 0 for none."""
        view = self.entry("bufferViews", index)
        if "EXT_meshopt_compression" in named(view.get("extensions")):
            raise MeshError(f"'{self.path.name}' is compressed with meshopt, which is not read; save it without")
        start, length = _whole(view.get("byteOffset", 0)), _whole(view.get("byteLength"))
        buffer = self.buffer(view.get("buffer"))
        step = _whole(view.get("byteStride", 0))
        if start is None or length is None or step is None or start + length > len(buffer) or step > 252:
            raise self.broken(f"bufferViews[{index}] reaches beyond its buffer")
        return buffer[start : start + length], step

    def buffer(self, index: object) -> bytes:
        """Return a buffer: the binary chunk, a file beside, or what a data URI holds."""
        entry = self.entry("buffers", index)
        assert isinstance(index, int)
        if index not in self._buffers:
            self._buffers[index] = self._opened(entry)
        return self._buffers[index]

    def _opened(self, entry: Json) -> bytes:
        uri = entry.get("uri")
        if uri is None:
            return self.body
        blob = self.external(uri)
        if blob is None:
            raise MeshError(f"'{self.path.name}' needs '{short(uri)}' beside it, which is not there")
        return blob

    def external(self, uri: object) -> bytes | None:
        """Return what a URI holds: base64 data, or a file in the folder of this one; None if there is none."""
        if not isinstance(uri, str):
            raise self.broken("a uri is no text")
        if uri.startswith("data:"):
            _, comma, text = uri.partition(";base64,")
            try:
                return base64.b64decode(text, validate=True) if comma else None
            except (binascii.Error, ValueError) as error:
                raise self.broken("a data URI is no base64") from error
        file = beside(self.path, uri, encoded=True)
        return None if file is None else read_bytes(file)

    def accessor(self, index: object, size: Sequence[int]) -> np.ndarray:
        """Return ``[N, K]`` numbers as they are stored, or as fractions if they are marked so; sparse ones as well.

        Args:
            index: of the accessor.
            size: numbers of components that are allowed.

        Raises:
            MeshError: of another type, or beyond its buffer.
        """
        entry = self.entry("accessors", index)
        kind, count = entry.get("type"), _whole(entry.get("count"))
        width = TYPES.get(kind) if isinstance(kind, str) else None
        dtype = _component(entry)
        if width not in size or dtype is None or count is None:
            raise self.broken(f"accessors[{index}] has type {str(kind)[:10]}")
        if count > self.max_values:
            raise MeshError(
                f"'{self.path.name}' has {count:,} values in one list; reduce the mesh, or allow more with "
                "--max-triangles"
            )
        assert width is not None
        values = np.zeros((count, width), dtype)
        if "bufferView" in entry:
            values = self._strided(entry["bufferView"], entry.get("byteOffset", 0), count, width, dtype)
        if "sparse" in entry:
            values = self._replaced(values, entry["sparse"], dtype)
        if entry.get("normalized") is True and dtype[1] in "iu":
            most = np.iinfo(values.dtype).max
            return np.maximum(values.astype(np.float64) / most, -1.0)
        return values

    def _strided(self, view: object, offset: object, count: int, width: int, dtype: str) -> np.ndarray:
        blob, step = self.view(view)
        item = width * np.dtype(dtype).itemsize
        start, step = _whole(offset), step or item
        if start is None or step < item or (count and start + step * (count - 1) + item > len(blob)):
            raise self.broken(f"bufferViews[{view}] is too short for what is said to be in it")
        if not count:
            return np.zeros((0, width), dtype)
        rows = np.ndarray((count, item), np.uint8, blob, start, (step, 1))
        return np.ascontiguousarray(rows).view(dtype)

    def _replaced(self, values: np.ndarray, sparse: object, dtype: str) -> np.ndarray:
        parts = named(sparse)
        index, other = named(parts.get("indices")), named(parts.get("values"))
        count, kind = _whole(parts.get("count")), _component(index)
        if count is None or kind not in ("<u1", "<u2", "<u4") or count > len(values):
            raise self.broken("a sparse accessor makes no sense")
        places = self._strided(index.get("bufferView"), index.get("byteOffset", 0), count, 1, kind)[:, 0]
        if count and places.max() >= len(values):
            raise self.broken("a sparse accessor reaches beyond its values")
        values = values.copy()
        values[places] = self._strided(
            other.get("bufferView"), other.get("byteOffset", 0), count, values.shape[1], dtype
        )
        return values


def open_gltf(path: Path, max_values: int) -> Gltf:
    """Return an open .glb or .gltf file.

    Raises:
        MeshError: neither, of another version, or damaged.
    """
    blob = read_bytes(path)
    if blob[:4] == MAGIC:
        text, body = _chunks(blob, path.name)
    else:
        text, body = blob, b""
    return Gltf(path, parsed(text, path.name), body, max_values)


def parsed(text: bytes, name: str) -> Json:
    """Return the description of a glTF file.

    Raises:
        MeshError: no JSON, or of another version.
    """
    if len(text) > MAX_JSON_BYTES:
        raise MeshError(f"'{name}' has a description of more than {MAX_JSON_BYTES >> 20} MB")
    try:
        found = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise MeshError(f"'{name}' is no glTF file, or a damaged one: its description is no JSON") from error
    version = named(named(found).get("asset")).get("version")
    if not isinstance(version, str) or not version.startswith("2."):
        raise MeshError(f"'{name}' is glTF of version {str(version)[:10]}; version 2 is read")
    return found


def json_chunk(path: Path) -> Json:
    """Return the description of a .glb or .gltf file without its data.

    Raises:
        MeshError: as `open_gltf`.
    """
    try:
        with path.open("rb") as file:
            head = file.read(20)
            if head[:4] == MAGIC and len(head) == 20:
                length = struct.unpack("<I", head[12:16])[0]
                text = file.read(min(length, MAX_JSON_BYTES + 1))
            else:
                text = head + file.read(MAX_JSON_BYTES + 1)
    except OSError as error:
        raise MeshError(f"cannot read '{path.name}': {error.strerror or error}") from error
    return parsed(text, path.name)


def _chunks(blob: bytes, name: str) -> tuple[bytes, bytes]:
    """Return the JSON and the binary chunk of a GLB file."""
    if len(blob) < 20 or len(blob) > MAX_BYTES:
        raise MeshError(f"'{name}' is cut short: no GLB file")
    version, total = struct.unpack("<II", blob[4:12])
    if version != 2:
        raise MeshError(f"'{name}' is GLB of version {version}; version 2 is read")
    if total > len(blob):
        raise MeshError(f"'{name}' is cut short: {len(blob):,} of {total:,} bytes are there")
    text, body, place = b"", b"", 12
    while place + 8 <= total:
        length, kind = struct.unpack("<II", blob[place : place + 8])
        if place + 8 + length > total:
            raise MeshError(f"'{name}' is a damaged GLB file: a chunk reaches beyond the end")
        chunk = blob[place + 8 : place + 8 + length]
        if kind == JSON_CHUNK and not text:
            text = chunk
        elif kind == BIN_CHUNK and not body:
            body = chunk
        place += 8 + length
    return text, body


def is_index(value: object) -> bool:
    """Tell whether a value of a foreign file can be an index."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def short(value: object) -> str:
    """Return a value of a foreign file for a message."""
    return str(value)[:60]


def srgb_of(linear: np.ndarray) -> np.ndarray:
    """Return sRGB of linear light, as this house keeps colors; files hold factors and colors of vertices linear."""
    import torch

    from reverie.numerics.color import linear_to_srgb

    return linear_to_srgb(torch.from_numpy(np.nan_to_num(linear.astype(np.float64)).clip(0, 1))).numpy()


def linear_of(srgb: np.ndarray) -> np.ndarray:
    """Return linear light of sRGB."""
    import torch

    from reverie.numerics.color import srgb_to_linear

    return srgb_to_linear(torch.from_numpy(np.asarray(srgb, np.float64))).numpy()


def _component(entry: Json) -> str | None:
    kind = entry.get("componentType")
    return COMPONENTS.get(kind) if isinstance(kind, int) else None


def _whole(value: object) -> int | None:
    return value if is_index(value) and value < 1 << 40 else None  # type: ignore[operator, return-value]


def named(value: object) -> Json:
    """Return entries by name; none if a foreign file has something else there."""
    return value if isinstance(value, dict) else {}
