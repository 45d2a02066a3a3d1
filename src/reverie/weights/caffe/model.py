"""The numbers in Caffe's files: weights of layers (.caffemodel) and mean pictures (.binaryproto).

Only names and numbers are looked at. All three forms that Caffe wrote are read: layers of 2013 (V0, inside V1), of 2014
(V1, as in BVLC's GoogLeNet) and since. Field numbers are those of Caffe's published message definitions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from reverie.errors import WeightsError
from reverie.weights.boundary import check_file, reads
from reverie.weights.caffe.wire import BYTES, EIGHT_BYTES, FOUR_BYTES, VARINT, Budget, Field, fields, varints
from reverie.weights.pickles.records import Broken

Array = np.ndarray

SUFFIX = ".caffemodel"
MOST_BYTES = 1 << 31  # protocol buffers themselves allow no more
MOST_MEAN_BYTES = 1 << 26  # a mean picture of 256 x 256 has 0.8 MB
MOST_AXES = 32  # Caffe's own bound
MOST_NAME_BYTES = 256

# Field numbers.
LAYER, LAYER_V1 = 100, 2  # of a network
NAME, BLOBS = 1, 7  # of a layer
NAME_V1, BLOBS_V1, LAYER_V0 = 4, 6, 1  # of a layer of 2014
NAME_V0, BLOBS_V0 = 1, 50  # of a layer of 2013
SIDES = (1, 2, 3, 4)  # of a blob: four sides, before shapes were invented
FLOATS, SHAPE, DOUBLES = 5, 7, 8  # of a blob
DIM = 1  # of a shape


@reads
def read_caffemodel(path: Path) -> dict[str, Array]:
    """Return the weights of a .caffemodel by name, each a copy of its own.

    A layer's first blob is ``LAYER.weight``, its second ``LAYER.bias``, further ones ``LAYER.2`` and so on. Weights of
    fully connected layers are ``[outputs, inputs]``, of convolutions ``[outputs, inputs, height, width]``, biases
    ``[outputs]``; float32, or float64 where the file holds doubles. Channels of the first layer are in Caffe's order:
    blue, green, red.

    Raises:
        WeightsError: missing, damaged, made to harm, or something else, in one sentence.
    """
    data = _opened(path, MOST_BYTES)
    try:
        weights = _weights(data)
    except Broken as error:
        raise WeightsError(f"'{path}' {error}; expected a network of Caffe, as its snapshots are") from error
    if not weights:
        raise WeightsError(f"'{path}' holds no layers with weights; expected a network of Caffe, as its snapshots are")
    return weights


@reads
def read_binaryproto(path: Path) -> Array:
    """Return the numbers of a .binaryproto, mostly a mean picture ``[1, 3, H, W]`` in blue, green, red up to 255.

    Raises:
        WeightsError: missing, damaged, made to harm, or something else, in one sentence.
    """
    data = _opened(path, MOST_MEAN_BYTES)
    try:
        return _blob(data, Budget())[0]
    except Broken as error:
        raise WeightsError(f"'{path}' {error}; expected a blob of Caffe, as its mean pictures are") from error


def channel_mean(path: Path) -> tuple[float, float, float]:
    """Return the mean of blue, green and red in a .binaryproto: all that matters of it to pictures of any size.

    Raises:
        WeightsError: unreadable, or no picture of three channels.
    """
    blob = read_binaryproto(path)
    shape = blob.shape[1:] if blob.ndim == 4 and blob.shape[0] == 1 else blob.shape
    if len(shape) != 3 or shape[0] != 3:
        sides = " x ".join(map(str, blob.shape))
        raise WeightsError(f"'{path}' holds {sides} numbers; expected a mean picture of 3 channels")
    values = blob.reshape(shape).astype(np.float64).mean((1, 2))
    if not (np.isfinite(values).all() and (np.abs(values) <= 255).all()):
        raise WeightsError(f"'{path}' has means that no picture up to 255 has; expected a mean picture")
    return (float(values[0]), float(values[1]), float(values[2]))


def _opened(path: Path, most: int) -> memoryview:
    check_file(path, f"no weights file at '{path}'")
    try:
        if path.stat().st_size > most:
            raise WeightsError(f"'{path}' has over {most >> 20:,} MB, more than a file of Caffe can have")
        with path.open("rb") as file:
            return memoryview(file.read(most))
    except OSError as error:
        raise WeightsError(f"cannot read '{path}': {error.strerror or error}") from error


def _weights(data: memoryview) -> dict[str, Array]:
    budget = Budget()
    weights: dict[str, Array] = {}
    for layer, name_number, blobs_number in _layers(data, budget):
        for name, value in _named(layer, name_number, blobs_number, budget):
            if name in weights:
                raise Broken(f"has '{name}' twice")
            weights[name] = value
    return weights


def _layers(data: memoryview, budget: Budget) -> Iterator[tuple[memoryview, int, int]]:
    """Yield every layer with the numbers of its fields for name and blobs."""
    for field in fields(data, budget):
        if field.is_bytes(LAYER):
            yield field.data, NAME, BLOBS
        elif field.is_bytes(LAYER_V1):
            yield field.data, NAME_V1, BLOBS_V1
            for inner in fields(field.data, budget):
                if inner.is_bytes(LAYER_V0):
                    yield inner.data, NAME_V0, BLOBS_V0


def _named(layer: memoryview, name_number: int, blobs_number: int, budget: Budget) -> Iterator[tuple[str, Array]]:
    """Yield the weights of a layer, named and without the empty sides of old files."""
    name, blobs = "", []
    for field in fields(layer, budget):
        if field.is_bytes(name_number):
            name = _text(field.data)
        elif field.is_bytes(blobs_number):
            blobs.append(_blob(field.data, budget))
    if blobs and not name:
        raise Broken("has weights in a layer without a name")
    for place, (values, old) in enumerate(blobs):
        if place == 0:
            connected = old and values.shape[:2] == (1, 1)  # old files give [1, 1, outputs, inputs]
            yield f"{name}.weight", values.reshape(values.shape[2:]) if connected else values
        elif place == 1:
            yield f"{name}.bias", values.reshape(-1) if old else values
        else:
            yield f"{name}.{place}", values


def _text(data: memoryview) -> str:
    if len(data) > MOST_NAME_BYTES:
        raise Broken(f"has a name of over {MOST_NAME_BYTES} bytes")
    try:
        text = bytes(data).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Broken("has a name that is no text") from error
    if not text.isprintable():
        raise Broken("has a name that is no text")
    return text


def _blob(data: memoryview, budget: Budget) -> tuple[Array, bool]:
    """Return the numbers of a blob in its shape, and whether that is four sides as before shapes were invented."""
    sides = dict.fromkeys(SIDES, 0)
    shape: tuple[int, ...] | None = None
    parts: list[Array] = []
    for field in fields(data, budget):
        if field.number in SIDES and field.kind == VARINT:
            sides[field.number] = field.value
        elif field.is_bytes(SHAPE):
            shape = _shape(field.data, budget)
        elif field.number in (FLOATS, DOUBLES):
            parts.append(_numbers(field))
    values = np.concatenate(parts) if parts else np.empty(0, np.float32)  # a copy, also of a single part
    old = shape is None
    wanted = tuple(sides.values()) if shape is None else shape
    if not len(values) or math.prod(wanted) != len(values):
        raise Broken(f"has a blob of {len(values):,} numbers for {' x '.join(map(str, wanted)) or 'no'} places")
    return values.reshape(wanted), old


def _shape(data: memoryview, budget: Budget) -> tuple[int, ...]:
    found: list[int] = []
    for field in fields(data, budget):
        if field.number == DIM:
            found += varints(field.data, MOST_AXES) if field.kind == BYTES else [field.value]
        if len(found) > MOST_AXES:
            raise Broken(f"has a blob of over {MOST_AXES} axes")
    return tuple(found)


def _numbers(field: Field) -> Array:
    """Return the numbers of a field, in a row or a single one."""
    single, dtype = (FOUR_BYTES, "<f4") if field.number == FLOATS else (EIGHT_BYTES, "<f8")
    if field.kind not in (BYTES, single):
        raise Broken("has a blob whose numbers are of the wrong kind")
    if len(field.data) % int(dtype[-1]):
        raise Broken("has a blob that ends in the middle of a number")
    return np.frombuffer(field.data, dtype)
