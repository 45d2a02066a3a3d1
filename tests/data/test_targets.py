"""Where results go: mirrored, beside, and never two to one place."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

import pytest

from reverie.data.sources import Source
from reverie.data.targets import output_folder, plan_targets, remove_leftovers
from reverie.errors import InputError


def sources_of(root: Path | None, *names: str, base: Path = Path("in")) -> list[Source]:
    return [Source((root or base) / n, n, "picture", root) for n in names]


def targets(sources, output, suffix=".png") -> list[str]:
    return [str(target) for _, target in plan_targets(sources, output, suffix, "dream")]


def test_a_folder_is_mirrored_into_the_output_folder(tmp_path):
    sources = sources_of(tmp_path, "a.jpg", "sub/b.tif", "sub/deep/c.png")
    assert targets(sources, Path("out"), ".webp") == ["out/a.webp", "out/sub/b.webp", "out/sub/deep/c.webp"]


def test_without_an_output_a_folder_gets_a_twin_and_files_get_a_neighbor(tmp_path):
    root = tmp_path / "photos"
    assert targets(sources_of(root, "a.jpg"), None) == [str(tmp_path / "photos-dream" / "a.png")]
    assert targets(sources_of(None, "a.jpg", "b.png"), None) == ["in/a-dream.png", "in/b-dream.png"]
    assert targets(sources_of(None, "a.jpg"), Path("in")) == ["in/a-dream.png"]


def test_a_folder_named_from_here_has_its_twin_named_from_here(tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    assert targets(sources_of(Path("photos"), "a.jpg"), None) == ["photos-dream/a.png"]
    monkeypatch.chdir(tmp_path / "photos")
    assert targets(sources_of(Path(), "a.jpg"), None) == ["../photos-dream/a.png"]


def test_the_root_of_all_folders_has_no_twin():
    with pytest.raises(InputError, match="-o"):
        targets(sources_of(Path("/"), "a.jpg"), None)


def test_results_never_go_into_the_folder_they_come_from(tmp_path):
    with pytest.raises(InputError, match="folder of the inputs"):
        targets(sources_of(tmp_path, "a.jpg"), tmp_path / "sub" / "..")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("a.jpg", "a.png", "b.png"), {"a.jpg": "a-jpg", "a.png": "a-png", "b.png": "b"}),
        (("a.jpg", "A.png"), {"a.jpg": "a-jpg", "A.png": "A-png"}),
        (("a.jpg", "a.png", "a-jpg.png"), {"a.jpg": "a-jpg-2", "a.png": "a-png", "a-jpg.png": "a-jpg"}),
        (("é.jpg", "e\u0301.png"), {"é.jpg": "é-jpg", "e\u0301.png": "e\u0301-png"}),
    ],
)
def test_names_never_meet_in_whatever_order_they_come(tmp_path, names, expected):
    for order in itertools.permutations(names):
        pairs = plan_targets(sources_of(tmp_path, *order), Path("out"), ".png", "dream")
        assert {s.name: t.stem for s, t in pairs} == expected


def test_equal_names_from_several_folders_get_numbers(tmp_path):
    sources = [Source(tmp_path / d / "a.jpg", "a.jpg", "picture") for d in ("one", "two")]
    forward = dict(plan_targets(sources, Path("out"), ".png", "dream"))
    backward = dict(plan_targets(sources[::-1], Path("out"), ".png", "dream"))
    assert forward == backward
    assert {t.name for t in forward.values()} == {"a-jpg.png", "a-jpg-2.png"}


def test_several_sources_need_a_folder(tmp_path):
    two = sources_of(None, "a.jpg", "b.jpg")
    (tmp_path / "file").write_text("")
    assert output_folder(two, None) is None
    assert output_folder(two, "out") == Path("out")
    assert output_folder(two, str(tmp_path)) == tmp_path
    for wrong in ("out.png", str(tmp_path / "file")):
        with pytest.raises(InputError, match="looks like a file"):
            output_folder(two, wrong)


def test_old_parts_of_our_own_targets_are_removed_and_nothing_else(tmp_path):
    long_ago = time.time() - 3600
    for name in (".a.png.x1.part", ".b.png.x2.part", ".a.png.part", "a.png.part", ".a.png.x3.tmp"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (long_ago, long_ago))
    (tmp_path / ".a.png.new.part").touch()
    remove_leftovers([tmp_path / "a.png"])
    left = {p.name for p in tmp_path.iterdir()}
    assert left == {".b.png.x2.part", "a.png.part", ".a.png.x3.tmp", ".a.png.new.part"}
