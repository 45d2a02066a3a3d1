"""Whatever the bytes are, reading returns or raises our error.

REVERIE_FUZZ=N tries N examples of each kind; by hand it ran for a long time with many.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import pickle
import pickletools
import warnings
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from dialects import SMALL, ada, array, buffer, random_generator, rosinality, stream, tensorflow
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pickle_writer import New, pickled
from poison import POISON
from safetensors.torch import save

from reverie.errors import ReverieError
from reverie.models.stylegan2.file import load_generator
from reverie.models.stylegan2.foreign import convert
from reverie.weights.checkpoint import load_description
from reverie.weights.foreign import load_state_dict
from reverie.weights.pickles.limits import EXPECTED, Budget, Report
from reverie.weights.pickles.machine import Machine
from reverie.weights.pickles.opcodes import OPCODES
from reverie.weights.pickles.records import Broken, Call, Global, Persistent

EXAMPLES = int(os.environ.get("REVERIE_FUZZ", "40"))
often = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(max_size=300),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=5)
        | st.tuples(inner, inner)
        | st.tuples(inner, inner, inner, inner)
    ),
    max_leaves=20,
)


def survives(folder: Path, blob: bytes) -> None:
    path = folder / "a.bin"
    path.write_bytes(blob)
    for read in (load_state_dict, convert):
        try:
            read(path)
        except ReverieError as error:
            assert "\n" not in str(error) and len(str(error)) < 2000


@often
@given(value=plain, protocol=st.integers(0, 5))
@pytest.mark.slow
def test_plain_values_are_what_python_wrote(value: object, protocol: int) -> None:
    blob = pickle.dumps(value, protocol)
    assert same(Machine(memoryview(blob), 0, Budget(), Report()).run(OPCODES), value)


def same(found: object, value: object) -> bool:
    """Tell whether they are equal, where old protocols write bytes as calls and new ones leave long bytes in place."""
    if isinstance(value, bytes):
        if isinstance(found, Call):
            return found.path == "__builtin__.bytes" or str(found.arg(0)).encode("latin-1") == value
        return bytes(found) == value  # type: ignore[call-overload]
    if isinstance(value, (list, tuple)):
        return type(found) is type(value) and len(found) == len(value) and all(map(same, found, value))
    if isinstance(value, dict):
        return list(found) == list(value) and all(same(found[key], value[key]) for key in value)
    return type(found) is type(value) and found == value


@cache
def honest() -> dict[str, bytes]:
    net = random_generator()
    return {
        "ada": ada(net), "ada 2": ada(net, 2), "tensorflow": tensorflow(net, 3), "tensorflow 2": tensorflow(net, 2),
        "rosinality": rosinality(net), "rosinality old": rosinality(net, old=True),
        "state": pickled({"a": buffer(torch.ones(3, 2), 2), "b": array(np.ones((2, 3), "<f4"))}),
        "stream": stream(torch.arange(4.0)), "attack": POISON["attack protocol 0"][0](),
    }  # fmt: skip


EDITS = ("change", "insert", "delete", "double", "swap")
edits = st.lists(
    st.tuples(st.sampled_from(EDITS), st.floats(0, 1), st.binary(max_size=6)),
    min_size=1, max_size=6,
)  # fmt: skip


def edited(blob: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    for kind, where, put in changes:
        at = int(where * len(blob))
        if kind == "change":
            blob = blob[:at] + put + blob[at + len(put) :]
        elif kind == "insert":
            blob = blob[:at] + put + blob[at:]
        elif kind == "delete":
            blob = blob[:at] + blob[at + 1 + len(put) :]
        elif kind == "double":
            blob = blob[: at + 9] + blob[at:]
        else:
            blob = blob[at : at + 40] + blob[:at] + blob[at + 40 :]
    return blob


@example(b"\\d")  # Python's own decoder warned of it, and a warning that is an error is none of ours
@given(st.binary().filter(lambda text: b"\n" not in text))
def test_quoted_texts_mean_what_they_mean_in_python(text: bytes) -> None:
    """An escape that means nothing stays as it is, and warns nobody: found by damaged files."""
    blob = b"S'" + text + b"'\n."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = codecs.escape_decode(text)[0]
    except ValueError:
        wanted = None  # a \\x without its digits, or a lonely \\ at the end
    try:
        found = Machine(memoryview(blob), 0, Budget(), Report()).run(OPCODES)
    except Broken:
        assert wanted is None
        return
    assert wanted is None or found == str(wanted, "latin-1")


@often
@given(kind=st.sampled_from(sorted(honest())), changes=edits)
def test_damaged_files(tmp_path_factory: pytest.TempPathFactory, kind: str, changes: list) -> None:
    survives(tmp_path_factory.getbasetemp(), edited(honest()[kind], changes))


@often
@given(changes=edits)
def test_torch_files_with_a_damaged_pickle(tmp_path_factory: pytest.TempPathFactory, changes: list) -> None:
    """Damage inside an entry, with its checksum made to fit, as whoever means harm would do."""
    with zipfile.ZipFile(io.BytesIO(honest()["rosinality"])) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, blob in entries.items():
            archive.writestr(name, edited(blob, changes) if name.endswith("data.pkl") else blob)
    survives(tmp_path_factory.getbasetemp(), made.getvalue())


CODES = [bytes([ord(code.code)]) for code in pickletools.opcodes]
pieces = (
    st.sampled_from(CODES)
    | st.sampled_from(
        [b"ctorch\nFloatStorage\n", b"cos\nsystem\n", b"K\x00", b"(", b"h\x00", b"\x85", b"R", b"}", b"b"]
    )
    | st.binary(max_size=5)
)


@often
@given(parts=st.lists(pieces, max_size=60), protocol=st.sampled_from([b"", b"\x80\x02", b"\x80\x04"]))
def test_any_instructions(parts: list[bytes], protocol: bytes) -> None:
    data = memoryview(protocol + b"".join(parts) + b".")
    try:
        Machine(data, 0, Budget(), Report()).run(OPCODES)
    except Broken as error:
        assert str(error)


names = st.sampled_from([*sorted(EXPECTED), "os.system", "builtins.eval", "torch.FloatStorage", "torch.float16"])
globals_ = names.map(lambda path: Global(*path.rsplit(".", 1)))
WORDS = """G_ema state _modules _parameters _buffers module_src class_name variables components static_kwargs g_ema GAN
style.1.weight input.input synthesis.b4.const storage f4 version state_dict SE.net.0.weight"""
words = st.sampled_from(WORDS.split())
atoms = globals_ | words | st.integers(-3, 70) | st.none() | st.booleans() | st.binary(max_size=40) | st.floats()
records = st.recursive(
    atoms | st.sampled_from([torch.ones(3), torch.ones(2, 2)]).map(lambda t: buffer(t, 2)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(words, inner, max_size=4)
        | st.builds(Call, globals_, st.lists(inner, max_size=7).map(tuple), state=inner)
        | st.builds(New, globals_, st.lists(inner, max_size=3).map(tuple), pairs=st.dictionaries(words, inner))
        | st.tuples(st.just("storage"), globals_, words, words, st.integers(0, 9)).map(Persistent)
    ),
    max_leaves=30,
)


@often
@given(record=records, protocol=st.integers(2, 4))
def test_any_records(tmp_path_factory: pytest.TempPathFactory, record: object, protocol: int) -> None:
    survives(tmp_path_factory.getbasetemp(), pickled(record, protocol))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
GOOD = {
    "format": "reverie-model", "format_version": 1, "architecture": "stylegan2", "kind": "stylegan2", "classes": [],
    "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "input_px": 32, "options": SMALL.record(),
}  # fmt: skip


@often
@given(changes=st.dictionaries(st.sampled_from(sorted([*GOOD, *SMALL.record()])), json_values, max_size=4))
def test_descriptions_of_our_own_files(tmp_path_factory: pytest.TempPathFactory, changes: dict) -> None:
    """A safetensors file whose description says anything: only ever read, or refused."""
    record = GOOD | {k: v for k, v in changes.items() if k in GOOD}
    if isinstance(record["options"], dict):
        record["options"] = record["options"] | {k: v for k, v in changes.items() if k in SMALL.record()}
    path = tmp_path_factory.getbasetemp() / "a.safetensors"
    path.write_bytes(save({"x": torch.ones(1)}, metadata={"reverie": json.dumps(record)}))
    for read in (load_description, load_generator, convert):
        try:
            read(path)
        except ReverieError as error:
            assert "\n" not in str(error)


@often
@given(changes=edits)
def test_damaged_files_of_our_own(tmp_path_factory: pytest.TempPathFactory, changes: list) -> None:
    blob = save({"x": torch.ones(3)}, metadata={"reverie": json.dumps(GOOD)})
    path = tmp_path_factory.getbasetemp() / "b.safetensors"
    path.write_bytes(edited(blob, changes))
    for read in (load_state_dict, load_description, load_generator, convert):
        try:
            read(path)
        except ReverieError as error:
            assert "\n" not in str(error)
