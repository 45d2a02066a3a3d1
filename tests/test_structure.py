"""Faults that the structure once had and a reader would not see again: each is looked for in the whole source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import reverie

SOURCE = Path(reverie.__file__).parent


def calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def files_that_call(*names: str) -> set[str]:
    found = set()
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if any(f"{name}(" in text for name in names) and set(names) & set(calls(ast.parse(text))):
            found.add(path.relative_to(SOURCE).as_posix())
    return found


def test_nothing_is_kept_by_the_number_of_an_object() -> None:
    """`id(tensor)` may be that of another tensor later. The files here hold what they count, or copy by `deepcopy`."""
    holding = {"weights/pickles/values.py", "weights/pickles/torch_stream.py", "models/fold.py", "apps/cli/many.py"}
    assert files_that_call("id") <= {*holding, "critic/fuse.py", "critic/layers.py"}


def test_files_appear_whole_by_one_function() -> None:
    """The fetching of archives syncs by itself, since it goes on where it was broken off."""
    assert files_that_call("os.fsync") == {"weights/atomic.py", "data/public/archive.py"}


def test_atomic_writing_needs_nothing_heavy() -> None:
    tree = ast.parse((SOURCE / "weights" / "atomic.py").read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in modules if name and name.startswith("reverie")} == {
        "reverie.errors", "reverie.weights.file_names",
    }  # fmt: skip
