"""Files made to harm are inert, refused quickly in one sentence, and take little memory."""

from __future__ import annotations

import struct
import sys
import time
import tracemalloc
import warnings
from pathlib import Path

import pytest
import torch
from dialects import ada, random_generator, written
from pickle_writer import pickled
from poison import NO_GENERATOR, POISON, one_blob_many_tensors

from quick_values import quick_values
from reverie.errors import WeightsError
from reverie.models.stylegan2.foreign import convert
from reverie.weights.foreign import load_state_dict
from reverie.weights.pickles.records import Call, Global, Persistent

FOREIGN = ("\n", "\x1b", "weights_only", "Unpickl", "Error", "miniz", "Traceback")
LONG = {"colliding keys", "deep calls", "deep tuples", "endless", "zip bomb"}


def refused(read, path: Path) -> str:
    with warnings.catch_warnings(record=True) as heard, pytest.raises(WeightsError) as error:
        warnings.simplefilter("always")
        read(path)
    assert heard == []
    message = str(error.value)
    assert "bad.pkl" in message and not any(text in message for text in FOREIGN)
    return message


@pytest.mark.parametrize("kind", quick_values(POISON, POISON.keys() - LONG))
def test_poison_is_inert_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    make, expected = POISON[kind]
    path = written(tmp_path / "bad.pkl", make())
    defaults, modules = torch._utils._rebuild_tensor_v2.__defaults__, set(sys.modules)
    began = time.process_time()
    assert expected in refused(load_state_dict, path)
    refused(convert, path)
    assert time.process_time() - began < 10
    assert not (tmp_path / "executed").exists()
    assert torch._utils._rebuild_tensor_v2.__defaults__ == defaults
    assert not {m for m in set(sys.modules) - modules if not m.startswith(("reverie.", "torch.", "encodings."))}


@pytest.mark.parametrize("kind", NO_GENERATOR)
def test_what_is_no_generator_is_said(tmp_path: Path, kind: str) -> None:
    make, expected = NO_GENERATOR[kind]
    assert expected in refused(convert, written(tmp_path / "bad.pkl", make()))


@pytest.mark.parametrize(
    "kind", ["stride bomb", "zip bomb", "overlapping zip", "promised", "array too short", "huge size"]
)
def test_bombs_take_little_memory(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path / "bad.pkl", POISON[kind][0]())
    tracemalloc.start()
    refused(load_state_dict, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


@pytest.mark.parametrize(
    ("view", "words"), [(("9", 1, 3), ""), (("9", 2, 3), "reaches beyond"), (("9", -1, 3), "reaches")]
)
def test_views_of_storages_as_files_before_0_4_have_them(tmp_path: Path, view: tuple, words: str) -> None:
    floats, numbers = Global("torch", "FloatStorage"), torch.arange(4.0)
    storage = Persistent(("storage", floats, "7", "cpu", 4, view))
    tensor = Call(Global("torch._utils", "_rebuild_tensor"), (storage, 1, (2,), (1,)))
    parts = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {"w": tensor}, ["7"])
    blob = b"".join(pickled(part, 2) for part in parts) + struct.pack("<q", 4) + numbers.numpy().tobytes()
    path = written(tmp_path / "bad.pkl", blob)
    if words:
        assert words in refused(load_state_dict, path)
    else:
        assert load_state_dict(path)["w"].tolist() == [2, 3]


def test_what_is_named_many_times_is_copied_once(tmp_path: Path) -> None:
    path = written(tmp_path / "a.pkl", one_blob_many_tensors())
    found = load_state_dict(path)
    assert len(found) == 200 and len({tensor.data_ptr() for tensor in found.values()}) == 1


def test_an_attack_beside_a_generator_is_flagged_and_the_generator_read(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    attack = Call(Global("os", "system"), ("mkdir executed",))
    clean = convert(written(tmp_path / "a.pkl", ada(random_generator())))
    assert clean.report.flags == [] and clean.report.reaching == []
    both = convert(written(tmp_path / "b.pkl", ada(random_generator(), extra={"x": attack})))
    assert both.report.reaching == ["os.system"] and "os.system" in both.report.flags[0]
    assert all(torch.equal(both.state[k], clean.state[k]) for k in clean.state)
    assert not (tmp_path / "executed").exists()
