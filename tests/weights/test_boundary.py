"""Readers of weights: whatever the bytes are, the network comes or one line does; claims are checked first."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from reverie.critic.class_centers import load_centers
from reverie.critic.open import open_critic, open_network
from reverie.errors import ReverieError, WeightsError
from reverie.models.stylegan2.file import load_generator
from reverie.models.stylegan2.latents import read_latents
from reverie.models.translator_file import load_translator
from reverie.tools.fast.model import open_student
from reverie.tools.latent_search.directions import read_directions
from reverie.tools.style_steps.state import load_state
from reverie.weights.boundary import damage_named
from reverie.weights.caffe.model import read_caffemodel
from reverie.weights.checkpoint import is_described, load_description, load_model
from reverie.weights.foreign import load_state_dict
from reverie.weights.read_any import open_any

EXAMPLES = int(os.environ.get("REVERIE_FUZZ", "60"))
often = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
GOOD = {
    "format": "reverie-model", "format_version": 1, "architecture": "small", "kind": "classifier",
    "classes": ["a", "b"], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "input_px": 32, "options": {},
}  # fmt: skip
READERS = {
    "described": lambda path: load_model(path), "description": lambda path: load_description(path),
    "network": lambda path: open_network(str(path), None), "student": lambda path: open_student(path, device="cpu"),
    "translator": lambda path: load_translator(path), "generator": lambda path: load_generator(path),
    "state dict": lambda path: load_state_dict(path), "any": lambda path: open_any(path),
    "centers": lambda path: load_centers(path), "latents": lambda path: read_latents(path),
    "directions": lambda path: read_directions(path, 8), "state": lambda path: load_state(path),
}  # fmt: skip


def described(**changes: object) -> bytes:
    return save({"x": torch.ones(3)}, metadata={"reverie": json.dumps(GOOD | changes)})


def caffe() -> bytes:
    blob = b"\x2a\x0c" + b"\x00\x00\x80\x3f" * 3 + b"\x3a\x02\x08\x03"
    layer = b"\x0a\x01c" + b"\x3a" + bytes([len(blob)]) + blob
    return b"\xa2\x06" + bytes([len(layer)]) + layer


def torch_file(value: object, folder: Path, **options: object) -> bytes:
    torch.save(value, folder / "made.pth", **options)  # type: ignore[arg-type]
    return (folder / "made.pth").read_bytes()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, bytes]]:
    """Small honest files, one of each kind that is read: name of the kind → suffix and bytes."""
    folder = tmp_path_factory.mktemp("corpus")
    tensors = {"a.weight": torch.ones(3, 2), "a.bias": torch.zeros(3)}
    return {
        "described": (".safetensors", described()),
        "student": (".safetensors", described(kind="student", options={"width": 4, "blocks": 1})),
        "generator": (".safetensors", described(kind="stylegan2", architecture="stylegan2")),
        "plain": (".safetensors", save(tensors)),
        "zip": (".pth", torch_file({"state_dict": tensors, "args": argparse.Namespace(lr=0.1)}, folder)),
        "stream": (".pt", torch_file(tensors, folder, _use_new_zipfile_serialization=False)),
        "caffe": (".caffemodel", caffe()),
    }  # fmt: skip


edits = st.lists(st.tuples(st.sampled_from("cidds"), st.floats(0, 1), st.binary(max_size=6)), min_size=1, max_size=5)


def edited(blob: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    for kind, where, put in changes:
        at = int(where * len(blob))
        if kind == "c":
            blob = blob[:at] + put + blob[at + len(put) :]
        elif kind == "i":
            blob = blob[:at] + put + blob[at:]
        elif kind == "s":
            blob = blob[at : at + 40] + blob[:at] + blob[at + 40 :]
        else:
            blob = blob[:at] + blob[at + 1 + len(put) :]
    return blob


def survives(path: Path) -> None:
    for name, read in READERS.items():
        try:
            read(path)
        except ReverieError as error:
            text = str(error)
            assert "\n" not in text and text.isprintable() and len(text) < 1500, name
    if path.suffix == ".caffemodel":
        with pytest.raises(ReverieError) if path.read_bytes() == b"" else _nothing():
            read_caffemodel(path)
    is_described(path)


def _nothing():
    from contextlib import suppress

    return suppress(ReverieError)


@often
@given(kind=st.sampled_from(["described", "student", "generator", "plain", "zip", "stream", "caffe"]), changes=edits)
def test_damaged_files_through_every_reader(
    tmp_path_factory: pytest.TempPathFactory, corpus: dict[str, tuple[str, bytes]], kind: str, changes: list
) -> None:
    suffix, blob = corpus[kind]
    path = tmp_path_factory.getbasetemp() / f"damaged{suffix}"
    path.write_bytes(edited(blob, changes))
    survives(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@often
@given(
    changes=st.dictionaries(st.sampled_from(sorted(GOOD)), json_values, max_size=3),
    kind=st.sampled_from(["classifier", "student", "adaptive", "stylegan2", "translator", "centers", "map"]),
)
@pytest.mark.slow
def test_descriptions_that_say_anything(tmp_path_factory: pytest.TempPathFactory, changes: dict, kind: str) -> None:
    path = tmp_path_factory.getbasetemp() / "anything.safetensors"
    try:
        path.write_bytes(described(**({"kind": kind} | changes)))
    except UnicodeEncodeError:
        return
    survives(path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_many_damaged_files(tmp_path: Path, corpus: dict[str, tuple[str, bytes]], seed: int) -> None:
    """Some thousand files; REVERIE_FUZZ multiplies them."""
    import random

    rng = random.Random(seed)
    for _ in range(5 * EXAMPLES):
        suffix, blob = corpus[rng.choice(sorted(corpus))]
        changes = [
            (rng.choice("cids"), rng.random(), rng.randbytes(rng.randint(0, 6))) for _ in range(rng.randint(1, 6))
        ]
        (tmp_path / f"a{suffix}").write_bytes(edited(blob, changes))
        survives(tmp_path / f"a{suffix}")


FAULTS = (UnicodeDecodeError("utf-8", b"", 0, 1, "x"), NotImplementedError("x"), TypeError("x"), ZeroDivisionError("x"),
          RecursionError("x"))  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_damage_causes_becomes_one_line(fault: Exception) -> None:
    with pytest.raises(WeightsError, match="is damaged, or of another kind"), damage_named("a.pth"):
        raise fault


def test_ctrl_c_passes() -> None:
    with pytest.raises(KeyboardInterrupt), damage_named("a.pth"):
        raise KeyboardInterrupt


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
def test_weights_of_wrapped_networks(tmp_path: Path, prefix: str) -> None:
    torch.save({f"{prefix}fc.weight": torch.ones(2)}, tmp_path / "a.pth")
    assert list(load_state_dict(tmp_path / "a.pth")) == ["fc.weight"]


def test_weights_that_stand_there_with_and_without_a_prefix(tmp_path: Path) -> None:
    torch.save({"module.a": torch.ones(2), "a": torch.zeros(2)}, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="'a' twice"):
        load_state_dict(tmp_path / "a.pth")


def test_a_training_checkpoint_with_its_arguments(tmp_path: Path) -> None:
    state = {"fc.weight": torch.arange(3.0)}
    torch.save({"state_dict": state, "epoch": 7, "args": argparse.Namespace(lr=0.1)}, tmp_path / "a.pth")
    assert torch.equal(load_state_dict(tmp_path / "a.pth")["fc.weight"], state["fc.weight"])


@pytest.mark.parametrize("changes", [{"input_px": 20000}, {"input_px": 0}, {"std": [0, 1, 1]}, {"mean": [1e300, 0, 0]}])
def test_numbers_that_no_network_has(tmp_path: Path, changes: dict[str, object]) -> None:
    (tmp_path / "a.safetensors").write_bytes(described(**changes))
    with pytest.raises(WeightsError, match=f"'{next(iter(changes))}'"):
        load_description(tmp_path / "a.safetensors")


def test_names_from_files_hold_no_escape_codes(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(described(classes=["cat\x1b]0;x\x07", "dog\n"], default_layer="a\x1b[2J"))
    found = load_description(tmp_path / "a.safetensors")
    assert all(text.isprintable() for text in (*found.classes, found.default_layer))


PEAK = """
import resource, sys
from pathlib import Path
from reverie.errors import ReverieError
{imports}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    {call}
    print("read")
except ReverieError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def peak_mb(imports: str, call: str, path: Path) -> tuple[str, int]:
    """Return what reading said and by how many MB it raised the peak of a fresh process."""
    text = PEAK.format(imports=imports, call=call)
    ran = subprocess.run([sys.executable, "-c", text, str(path)], capture_output=True, text=True, check=True)
    said, mb = ran.stdout.strip().splitlines()
    return said, int(mb)


CLAIMS = ({"width": 16, "blocks": 10_000_000}, {"width": 10**9, "blocks": 1}, {"blocks": "4"}, {"blocks": 4})


@pytest.mark.parametrize("options", CLAIMS)
def test_claims_are_compared_with_the_weights_before_anything_is_built(tmp_path: Path, options: dict) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(described(kind="student", architecture="student", options=options))
    with pytest.raises(WeightsError, match="not fit its description"):
        open_student(path, device="cpu")


def bomb(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\x80\x02}.")
        for number in range(8):
            archive.writestr(f"a/data/{number}", bytes(32 << 20))
    assert path.stat().st_size < 1 << 20
    return path


@pytest.mark.slow
def test_a_torch_file_that_would_inflate_far_beyond_its_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="would grow to more"):
        load_state_dict(bomb(tmp_path / "a.pt"))


@pytest.mark.slow
def test_neither_bombs_nor_claims_take_memory(tmp_path: Path) -> None:
    load = "from reverie.weights.foreign import load_state_dict", "load_state_dict(Path(sys.argv[1]))"
    assert peak_mb(*load, bomb(tmp_path / "a.pt"))[1] < 60
    path = tmp_path / "a.safetensors"
    path.write_bytes(described(kind="student", architecture="student", options=CLAIMS[0]))
    student = "from reverie.tools.fast.model import open_student", "open_student(Path(sys.argv[1]), device='cpu')"
    assert peak_mb(*student, path)[1] < 60


def test_the_embedded_network_is_as_it_was() -> None:
    assert open_critic(device="cpu").identity.classes
