"""Network files: what goes in comes out, and nothing that is read is ever executed."""

from __future__ import annotations

import json
import os
import pickle
import sys

import pytest
import torch
from safetensors.torch import save_file

from reverie.errors import OutputError, WeightsError
from reverie.weights.checkpoint import (
    FORMAT_VERSION,
    Description,
    file_sha256,
    load_description,
    load_model,
    save_model,
    write_bytes,
)
from reverie.weights.foreign import load_state_dict

ABOUT = Description(
    architecture="vgg",
    classes=("katze", "Hündin", "三毛猫"),
    mean=(0.1, 0.2, 0.3),
    std=(0.4, 0.5, 0.6),
    input_px=64,
    options={"dropout": 0.1},
    color_correlation=((1.0, 0.5, 0.25), (0.5, 1.0, 0.5), (0.25, 0.5, 1.0)),
    default_layer="conv4_1",
    metrics={"top1": 0.5},
    data={"name": "cats.zip"},
    recipe={"lr": 0.1},
    date="2024-01-01",
    version="0.1",
)


class Bomb:
    """A pickle of this runs a command when it is loaded carelessly."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"{sys.executable} -c \"open(r'{self.marker}', 'w')\"",)


def state():
    return {"a.weight": torch.randn(3, 4).half(), "b.running_mean": torch.randn(5), "c": torch.tensor(7)}


def with_record(path, **changes):
    save_model(path, state(), ABOUT)
    record = {"format": "reverie-model", "format_version": FORMAT_VERSION, "architecture": "vgg", "classes": ["a"],
              "mean": [0, 0, 0], "std": [1, 1, 1], "input_px": 64} | changes  # fmt: skip
    save_file(state(), path, metadata={"reverie": json.dumps({k: v for k, v in record.items() if v is not None})})
    return path


def test_round_trip(tmp_path):
    tensors = state()
    digest = save_model(tmp_path / "m.safetensors", tensors, ABOUT)
    loaded, about = load_model(tmp_path / "m.safetensors")
    assert about == ABOUT
    assert load_description(tmp_path / "m.safetensors") == ABOUT
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[n], tensors[n]) and loaded[n].dtype == tensors[n].dtype for n in tensors)
    assert file_sha256(tmp_path / "m.safetensors") == digest


def test_the_same_network_gives_the_same_bytes(tmp_path):
    tensors = state()
    assert len({save_model(tmp_path / "m.safetensors", tensors, ABOUT) for _ in range(8)}) == 1


def test_unknown_entries_of_a_description_are_ignored(tmp_path):
    about = load_description(with_record(tmp_path / "m.safetensors", mood="cheerful"))
    assert about.classes == ("a",)


def test_a_newer_format_asks_for_an_update(tmp_path):
    path = with_record(tmp_path / "m.safetensors", format_version=FORMAT_VERSION + 1, mean=None)
    with pytest.raises(WeightsError, match=r"newer Reverie \(format 2\); update"):
        load_model(path)


@pytest.mark.parametrize("changes", [{"classes": None}, {"format": "other"}, {"mean": 3}, {"format_version": "x"}])
def test_a_broken_description_is_said(tmp_path, changes):
    with pytest.raises(WeightsError, match=r"description inside .* cannot be read"):
        load_model(with_record(tmp_path / "m.safetensors", **changes))


def test_a_description_that_is_no_object_is_said(tmp_path):
    save_file(state(), tmp_path / "m.safetensors", metadata={"reverie": "[1]"})
    with pytest.raises(WeightsError, match="cannot be read"):
        load_model(tmp_path / "m.safetensors")


def test_foreign_safetensors_are_told_how_to_be_used(tmp_path):
    save_file(state(), tmp_path / "m.safetensors")
    with pytest.raises(WeightsError, match="carries no description; name its architecture"):
        load_model(tmp_path / "m.safetensors")
    assert set(load_state_dict(tmp_path / "m.safetensors")) == set(state())


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_truncated_files_are_refused(tmp_path, share):
    path = tmp_path / "m.safetensors"
    save_model(path, state(), ABOUT)
    blob = path.read_bytes()
    path.write_bytes(blob[: int(len(blob) * share)])
    for read in (load_model, load_description, load_state_dict):
        with pytest.raises(WeightsError, match="not a readable safetensors"):
            read(path)


def test_missing_files_and_folders_are_refused(tmp_path):
    (tmp_path / "folder.safetensors").mkdir()
    kinds = {"none.safetensors": "no (network|weights) file", "none.pth": "no (network|weights) file",
             "folder.safetensors": "is a folder; give a file"}  # fmt: skip
    for name, words in kinds.items():
        for read in (load_model, load_description, load_state_dict):
            with pytest.raises(WeightsError, match=words):
                read(tmp_path / name)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_with_code_is_refused_and_not_executed(tmp_path, protocol):
    marker = tmp_path / "executed"
    (tmp_path / "bomb.pth").write_bytes(pickle.dumps(Bomb(marker), protocol=protocol))
    with pytest.raises(WeightsError, match="was not executed"):
        load_state_dict(tmp_path / "bomb.pth")
    assert not marker.exists()


@pytest.mark.parametrize("legacy", [True, False])
def test_code_inside_a_torch_file_is_refused_and_not_executed(tmp_path, legacy):
    marker = tmp_path / "executed"
    content = {"w": torch.zeros(2), "x": Bomb(marker)}
    torch.save(content, tmp_path / "bomb.pt", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(WeightsError, match="was not executed"):
        load_state_dict(tmp_path / "bomb.pt")
    assert not marker.exists()


def test_the_bomb_would_go_off(tmp_path):
    marker = tmp_path / "executed"
    pickle.loads(pickle.dumps(Bomb(marker)))  # noqa: S301 - our own, to prove that the tests above test something
    assert marker.exists()


WRAPPED = [
    lambda s: s, lambda s: {"state_dict": s, "epoch": 3}, lambda s: {"model": s}, lambda s: {"model_state_dict": s},
]  # fmt: skip


@pytest.mark.parametrize("wrap", WRAPPED)
def test_state_dicts_are_unwrapped(tmp_path, wrap):
    tensors = {f"module.{name}": value for name, value in state().items()}
    torch.save(wrap(tensors), tmp_path / "s.pth")
    loaded = load_state_dict(tmp_path / "s.pth")
    assert set(loaded) == set(state())
    assert all(torch.equal(loaded[n.removeprefix("module.")], v) for n, v in tensors.items())


@pytest.mark.parametrize("content", [{}, {"a": 1}, [torch.zeros(1)], torch.zeros(1)])
def test_other_contents_are_no_state_dict(tmp_path, content):
    torch.save(content, tmp_path / "s.pth")
    with pytest.raises(WeightsError, match="not a state dict"):
        load_state_dict(tmp_path / "s.pth")


def test_garbage_is_no_state_dict(tmp_path):
    (tmp_path / "s.pth").write_bytes(b"\x00\x01garbage")
    with pytest.raises(WeightsError, match="holds no weights, or is damaged"):
        load_state_dict(tmp_path / "s.pth")


def test_files_appear_whole_or_not_at_all(tmp_path):
    write_bytes(tmp_path / "f", b"old")
    write_bytes(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"new"
    with pytest.raises(OutputError, match="cannot write"):
        write_bytes(tmp_path / "none" / "f", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_an_interrupted_write_keeps_the_old_file(tmp_path, monkeypatch):
    write_bytes(tmp_path / "f", b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        write_bytes(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
