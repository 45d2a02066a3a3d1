"""Python itself is witness: while foreign files are read, it imports nothing, runs no code and starts nothing."""

from __future__ import annotations

import ast
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from dialects import ada, lucidrains, random_generator, rosinality, tensorflow, written
from poison import NO_GENERATOR, POISON
from test_dialects import LUCIDRAINS

import reverie
from reverie.errors import WeightsError
from reverie.models.stylegan2.foreign import convert
from reverie.weights.foreign import load_state_dict

UNPICKLERS = {"pickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
HARMLESS = ("object.", "sys._getframe", "mmap.", "code.__new__", "gc.", "cpython.", "builtins.id")
heard: list[str] | None = None


def hook(event: str, args: tuple) -> None:
    if heard is not None and not event.startswith(HARMLESS):
        heard.append(f"open {Path(str(args[0])).name}" if event == "open" else event)


sys.addaudithook(hook)  # it cannot be taken away; it listens only while there is a list


def heard_while(read: Callable[[], object]) -> set[str]:
    global heard
    heard = found = []
    try:
        with contextlib.suppress(WeightsError):
            read()
    finally:
        heard = None
    return set(found)


@pytest.fixture(scope="module")
def _warm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Import now what is imported at first use."""
    for text in ("cp437", "raw_unicode_escape", "latin-1"):
        "".encode(text)
    folder = tmp_path_factory.mktemp("warm")
    for make in (ada, tensorflow, rosinality):
        convert(written(folder / "a.pkl", make(random_generator())))
    convert(written(folder / "a.pkl", lucidrains(random_generator(LUCIDRAINS))))


HONEST = {"ada": ada, "tensorflow": tensorflow, "rosinality": rosinality}
SLOW = ("endless", "colliding keys", "zip bomb", "deep lists", "deep tuples", "deep calls", "many entries")
ALL = {**POISON, **NO_GENERATOR, **{name: (lambda m=make: m(random_generator()), "") for name, make in HONEST.items()}}


@pytest.mark.usefixtures("_warm")
@pytest.mark.parametrize("kind", [kind for kind in ALL if kind not in SLOW])
def test_python_heard_of_nothing_but_the_file(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path / "bad.pkl", ALL[kind][0]())
    for read in (load_state_dict, convert):
        assert heard_while(lambda read=read: read(path)) <= {"open bad.pkl", "open .config.json"}


def test_the_witness_would_have_heard() -> None:
    def attack() -> None:
        exec(compile("os.listdir('.')", "x", "exec"), {"os": os})

    assert {"exec", "compile", "os.listdir"} <= heard_while(attack)


def test_no_file_of_the_package_unpickles() -> None:
    for path in Path(reverie.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if not any(word in text for word in (*UNPICKLERS, ".load(")):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {a.name for a in node.names} | {getattr(node, "module", None)}
                assert not names & UNPICKLERS, path
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("torch.load", "np.load", "numpy.load"):
                words = {k.arg: ast.unparse(k.value) for k in node.keywords}
                assert words.get("weights_only") == "True" or words.get("allow_pickle") == "False", f"{path}: {words}"
