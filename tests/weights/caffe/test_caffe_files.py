"""Caffe's files: what was written comes back, whatever the form; whatever the bytes are, nothing else happens."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
import torch
from caffe_writer import blob, caffemodel, layer, number, row, varint

from reverie.errors import WeightsError
from reverie.weights.caffe import wire
from reverie.weights.caffe.model import channel_mean, read_binaryproto, read_caffemodel
from reverie.weights.foreign import load_state_dict

FUZZED = int(os.environ.get("REVERIE_FUZZ", "100"))


def random_weights() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    shapes = {
        "conv1/7x7_s2.weight": (4, 3, 7, 7), "conv1/7x7_s2.bias": (4,), "inception_3a/1x1.weight": (2, 4, 1, 1),
        "inception_3a/1x1.bias": (2,), "loss3/classifier.weight": (5, 2), "loss3/classifier.bias": (5,),
        "one.weight": (1, 6), "one.bias": (1,),
    }  # fmt: skip
    return {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture
def opened(tmp_path):
    def read(data: bytes, reader=read_caffemodel):
        path = tmp_path / "net.caffemodel"
        path.write_bytes(data)
        return reader(path)

    return read


@pytest.mark.parametrize("form", [0, 1, 2])
@pytest.mark.parametrize("how", [{}, {"single": True}, {"doubles": True}], ids=["packed", "single", "doubles"])
def test_weights_come_back_from_every_form(opened, form, how):
    weights = random_weights()
    found = opened(caffemodel(weights, form, **how))
    assert list(found) == list(weights)
    assert all(np.array_equal(found[name], weights[name]) for name in weights)  # shapes too
    assert {v.dtype.itemsize for v in found.values()} == {8 if how.get("doubles") else 4}


def test_state_dicts_are_tensors_of_their_own(opened):
    weights = random_weights()
    state = opened(caffemodel(weights), load_state_dict)
    assert all(torch.equal(state[name], torch.from_numpy(weights[name])) for name in weights)
    state["one.bias"].add_(1)  # writable


def test_mean_pictures_give_a_mean_a_channel(opened):
    picture = np.stack([np.full((4, 6), m) + np.linspace(-3, 3, 6) for m in (104, 117, 123)])[None]
    for old in (True, False):
        assert np.allclose(opened(blob(picture, old=old), read_binaryproto), picture)
        assert opened(blob(picture, old=old), channel_mean) == pytest.approx((104, 117, 123), abs=1e-4)
    for wrong in (np.ones((1, 4, 2, 2)), np.ones(3), np.full((3, 2, 2), 1e4), np.full((3, 2, 2), np.nan)):
        with pytest.raises(WeightsError, match="mean picture"):
            opened(blob(wrong), channel_mean)


HUGE = varint((1 << 63) - 1)
BAD = {
    "no layers with weights": b"",
    "no layers with": row(1, b"Net") + layer("data", []),
    "middle of a field": caffemodel(random_weights())[:-7],
    "middle of a number": b"\xa2",
    "of kind 3": b"\x0b\x0c",
    "of number 0": b"\x02\x00",
    "over 10 bytes": b"\xff" * 11,
    "twice": caffemodel(random_weights()) * 2,
    "without a name": row(100, row(7, blob(np.ones(2)))),
    "no text": row(100, row(1, b"\xff\xfe") + row(7, blob(np.ones(2)))),
    "name of over 256": layer("a" * 257, [blob(np.ones(2))]),
    "for 3 places": layer("a", [row(7, row(1, b"\x03")) + row(5, b"\0" * 8)]),
    "0 numbers for 9223372036854775807 x": layer("a", [row(7, row(1, HUGE * 4))]),
    "0 numbers for 0 x 9223372036854775807": layer("a", [row(7, row(1, b"\0" + HUGE * 30)) + row(5, b"")]),
    "row of over 32": layer("a", [row(7, row(1, b"\x01" * 33)) + row(5, b"\0" * 4)]),
    "over 32 axes": layer("a", [row(7, number(1, 1) * 33) + row(5, b"\0" * 4)]),
    "ends in the middle": layer("a", [row(7, row(1, b"\x01")) + row(5, b"\0" * 5)]),
    "wrong kind": layer("a", [row(7, row(1, b"\x01")) + number(5, 1)]),
    "of number 0, which": b"\x00\x01\x00",
    "is that long|of kind|number|field": b'name: "GoogleNet"\nlayers { name: "data" }\n',
    "of kind 4": b"<!DOCTYPE html>",
}


@pytest.mark.parametrize("message", BAD)
def test_bad_files_are_refused_in_one_sentence(opened, message):
    with pytest.raises(WeightsError, match=message) as caught:
        opened(BAD[message])
    assert "\n" not in str(caught.value)


def test_too_many_fields_and_too_many_bytes_are_refused(opened, monkeypatch):
    monkeypatch.setattr(wire, "MOST_FIELDS", 50)
    monkeypatch.setattr(wire.Budget.__init__, "__defaults__", (50,))
    with pytest.raises(WeightsError, match="over 50 fields"):
        opened(number(4, 1) * 51)
    monkeypatch.setattr("reverie.weights.caffe.model.MOST_BYTES", 100)
    with pytest.raises(WeightsError, match="over 0 MB"):
        opened(bytes(101))


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(WeightsError, match="no weights file at"):
        read_caffemodel(tmp_path / "absent.caffemodel")


def test_whatever_the_bytes_are_reading_returns_or_raises_our_error(opened):
    """Seeded edits of honest files, and noise; REVERIE_FUZZ=N tries N of each."""
    chance = random.Random(0)
    small = {name: v for name, v in random_weights().items() if v.size < 100}
    honest = [caffemodel(small, form) for form in (0, 1, 2)] + [blob(np.ones((3, 2, 2)))]
    kept = 0
    for _ in range(FUZZED):
        data = bytearray(chance.choice(honest))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            end = at + chance.choice((0, 1, 1, 4, 30))
            data[at:end] = chance.choice((chance.randbytes(1), chance.randbytes(4), b"", b"\xff" * 10, data[:at]))
            data = data or bytearray(1)
        noise = chance.randbytes(chance.randint(0, 40))
        for reader in (read_caffemodel, read_binaryproto, channel_mean):
            for attempt in (bytes(data), noise):
                try:
                    opened(attempt, reader)
                    kept += 1
                except WeightsError as error:
                    assert "\n" not in str(error)
    assert kept  # some edits only change a weight
