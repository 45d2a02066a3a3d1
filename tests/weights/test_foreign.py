"""Every bad file of weights is refused in one line of our own: no library's text, no colors, no warnings."""

from __future__ import annotations

import os
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from reverie.errors import WeightsError
from reverie.weights.foreign import load_state_dict, misfit


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("executed",)


def whole(path: Path) -> bytes:
    torch.save({"a.weight": torch.arange(3000.0)}, path)
    return path.read_bytes()


def a_program(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", pickle.dumps({}))
        archive.writestr("net/code/__torch__.py", "class Module(Module): pass")
        archive.writestr("net/constants.pkl", pickle.dumps(()))


def a_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "hello")


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda p: p.write_bytes(b""), "is empty"),
    "text": (lambda p: p.write_text("hello"), "holds no weights, or is damaged"),
    "picture": (lambda p: p.write_bytes(b"\xff\xd8\xff\xe0" + bytes(500)), "holds no weights, or is damaged"),
    "cut": (lambda p: p.write_bytes(whole(p)[:-400]), "is damaged: its end is missing"),
    "scratched": (lambda p: p.write_bytes(bytes(60).join((whole(p)[:60], p.read_bytes()[120:]))), "is damaged"),
    "zip": (a_zip, "is a zip without weights"),
    "program": (a_program, "is a TorchScript program and was not executed"),
    "plain pickle": (lambda p: p.write_bytes(pickle.dumps(Bomb(), 4)), "was not executed"),
    "old pickle": (lambda p: p.write_bytes(pickle.dumps(Bomb(), 0)), "was not executed"),
    "code": (lambda p: torch.save({"w": Bomb()}, p), f"holds Python objects ({os.name}.mkdir) besides tensors"),
    "code in an old file": (lambda p: torch.save({"w": Bomb()}, p, _use_new_zipfile_serialization=False), ".mkdir)"),
    "whole network": (lambda p: torch.save(nn.Linear(2, 2), p), "(torch.nn.modules.linear.Linear) besides tensors"),
    "list": (lambda p: torch.save([1, 2], p), "expected tensors by name, found a list"),
    "other entries": (lambda p: torch.save({"epoch": 3, "loss": 0.1}, p), "other entries: epoch, loss"),
    "nothing": (lambda p: torch.save({}, p), "found an empty dictionary"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_are_refused_in_our_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bad.pth"
    write, expected = BAD[kind]
    write(path)
    with warnings.catch_warnings(record=True) as heard, pytest.raises(WeightsError) as error:
        warnings.simplefilter("always")
        load_state_dict(path)
    message = str(error.value)
    assert expected in message and "bad.pth" in message
    assert heard == []
    for foreign in ("\n", "\x1b", "weights_only", "PyTorch", "Unpickl", "Error", "miniz", "issue"):
        assert foreign not in message, message
    assert not (tmp_path / "executed").exists()


def every_kind_of_tensor() -> dict[str, torch.Tensor]:
    x = torch.arange(24.0).reshape(4, 6)
    kinds = (torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.uint16, torch.float8_e4m3fn)
    state = {str(kind): x.to(kind) for kind in kinds}
    state |= {"turned": x.t(), "window": x[1:3, 2:], "bool": x > 3, "parameter": nn.Parameter(x), "one": x[1, 1]}
    return state | {"empty": torch.empty(0, 3), "repeated": torch.ones(1).expand(10)}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("new", [True, False])
def test_torch_files_of_all_times_are_read_to_the_bit(tmp_path: Path, new: bool, protocol: int) -> None:
    state = every_kind_of_tensor()
    torch.save({"state_dict": state}, tmp_path / "a.pth", pickle_protocol=protocol, _use_new_zipfile_serialization=new)
    found = load_state_dict(tmp_path / "a.pth")
    assert list(found) == list(state)
    for name, value in state.items():
        assert found[name].dtype == value.dtype and found[name].stride() == value.stride()
        assert torch.equal(found[name].double(), value.double())


def test_tensors_that_share_memory_still_do(tmp_path: Path) -> None:
    x = torch.arange(6.0)
    torch.save({"a": x, "b": x[2:]}, tmp_path / "a.pth")
    found = load_state_dict(tmp_path / "a.pth")
    found["a"][2] = 9
    assert found["b"][0] == 9


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_numpy_are_read_to_the_bit(tmp_path: Path, protocol: int) -> None:
    x = np.arange(24.0).reshape(4, 6)
    kinds = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "?", ">f4", ">i2")
    arrays = {kind: (x % 2 == 1 if kind == "?" else x).astype(kind) for kind in kinds}
    arrays |= {"fortran": np.asfortranarray(x), "turned": x.T, "one": np.array(3.5), "empty": np.zeros((0, 3))}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(arrays, protocol))
    found = load_state_dict(tmp_path / "a.pkl")
    assert list(found) == list(arrays)
    for name, value in arrays.items():
        assert found[name].shape == value.shape and np.array_equal(found[name].numpy(), value), name


def test_what_torch_reads_is_what_we_read(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5))
    torch.save(net.state_dict(), tmp_path / "a.pth")
    expected, found = torch.load(tmp_path / "a.pth", weights_only=True), load_state_dict(tmp_path / "a.pth")
    assert list(found) == list(expected) and all(torch.equal(found[k], expected[k]) for k in expected)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a file that this user may not read")
def test_a_file_without_permission_is_said(tmp_path: Path) -> None:
    whole(tmp_path / "mine.pth")
    (tmp_path / "mine.pth").chmod(0)
    with pytest.raises(WeightsError, match=r"mine.pth' cannot be read: Permission denied"):
        load_state_dict(tmp_path / "mine.pth")


def test_what_does_not_fit_is_named_by_its_first_difference() -> None:
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).state_dict()
    assert misfit(net, {n: v for n, v in net.items() if n != "0.bias"}) == "'0.bias' is missing"
    assert misfit(net, net | {"0.weight": torch.zeros(2, 4)}) == "'0.weight' is 2 x 4, expected 2 x 3"
    assert misfit(net, net | {"head.bias": torch.zeros(2)}) == "the network has no 'head.bias'"
    assert misfit(net, {"x": torch.zeros(1)}) == "'0.weight' is missing, and 6 more differences"
    assert "of a kind that cannot be used" in misfit(net, {n: v for n, v in net.items() if "num_batches" not in n})
