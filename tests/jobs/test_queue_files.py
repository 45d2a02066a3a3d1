"""Inputs by content: what is kept, what is refused, and that no name leads out of the folder."""

from __future__ import annotations

import io
import struct
import zlib
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toy_registry import find_tool

from reverie.errors import InputError
from reverie.jobs.queue.accept import accept
from reverie.jobs.queue.files import FileStore, plain_name
from reverie.jobs.queue.home import Home
from reverie.jobs.queue.store import Queue

MB = 1 << 20


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    queue = Queue(Home(tmp_path / "home"))
    return FileStore(queue.home, queue.database, max_pixels=10_000)


def png(height: int = 20, width: int = 30) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)).save(out, "PNG")
    return out.getvalue()


def test_a_picture_is_found_by_its_content(files: FileStore) -> None:
    item = files.receive([png()[:50], png()[50:]], "../../holiday/fox.png", most_bytes=MB)
    assert (item.name, item.kind, item.width, item.height) == ("fox.png", "picture", 30, 20)
    assert item.sha256 == sha256(png()).hexdigest()
    assert files.path(item.sha256).read_bytes() == png()
    again = files.receive([png()], "other.png", most_bytes=MB)
    assert again.sha256 == item.sha256


def test_what_is_empty_large_unknown_or_no_picture_is_refused_and_leaves_nothing(files: FileStore, tmp_path) -> None:
    cases = [
        ([b""], "a.png", "empty"), ([b"x" * 2000], "a.png", "larger"), ([b"#!/bin/sh"], "a.sh", "not taken"),
        ([b"<svg onload=alert(1)>"], "a.png", "SVG"), ([png(200, 200)], "a.png", "40,000|40000|pixels"),
    ]  # fmt: skip
    for pieces, name, message in cases:
        with pytest.raises(InputError, match=message):
            files.receive(pieces, name, most_bytes=1000 if "larger" in message else MB)
    assert list((tmp_path / "home" / "incoming").iterdir()) == []
    assert list((tmp_path / "home" / "files").iterdir()) == []


def test_a_bomb_is_refused_by_its_header(files: FileStore) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * MB)) + chunk(b"IEND", b"")
    )
    with pytest.raises(InputError, match="pixels"):
        files.receive([bomb], "bomb.png", most_bytes=MB)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("a/b\\c.png", "c.png"), ("..", "file"), ("", "file"), ("a\0b\n.png", "ab.png"), ("con<>:.png", "con.png"),
     ("x" * 300 + ".png", "x" * 116 + ".png"), ("photo\u202egnp.exe", "photognp.exe")],
)  # fmt: skip
def test_names_are_plain(given: str, kept: str) -> None:
    assert plain_name(given) == kept


@pytest.mark.parametrize(("text", "fine"), [
    ("keys:\n  - {seed: 3, duration: 2s}\naudio: song.wav\n", True), ("audio: /etc/passwd", False),
    ("- ../secret.safetensors", False), ("{latents: ~/x.safetensors}", False), ("a: 'C:\\x'", False),
    ("url: https://example.org/a/b", True), ("1/2 cup of cats", True),
])  # fmt: skip
def test_texts_that_name_places_are_refused(files: FileStore, text: str, fine: bool) -> None:
    if fine:
        assert files.receive([text.encode()], "a.yaml", most_bytes=MB).kind == "text"
    else:
        with pytest.raises(InputError, match="names a place"):
            files.receive([text.encode()], "a.yaml", most_bytes=MB)


def test_who_sends_the_same_bytes_keeps_his_own_name(files: FileStore) -> None:
    names = [files.receive([png()], name, most_bytes=MB).name for name in ("mine.png", "yours.png")]
    assert names == ["mine.png", "yours.png"]


def test_a_text_is_no_picture_to_work_on(files: FileStore) -> None:
    item = files.receive([b"words"], "list.txt", most_bytes=MB)
    with pytest.raises(InputError, match=r"'list\.txt' is no picture"):
        accept({"tool": "invert", "input": {"name": "list.txt", "sha256": item.sha256}}, find_tool, files)


def test_several_files_make_a_folder(files: FileStore) -> None:
    items = [files.receive([png(20, width)], "same.png", most_bytes=MB) for width in (10, 11)]
    folder = files.bundle([item.sha256 for item in items], "pictures")
    place = files.path(folder.sha256)
    assert folder.kind == "folder"
    assert sorted(p.name for p in place.iterdir()) == ["00000-same.png", "00001-same.png"]
    assert files.bundle([item.sha256 for item in items], "again").sha256 == folder.sha256


def test_a_job_is_accepted_only_with_its_files_and_without_places_of_this_machine(files: FileStore) -> None:
    item = files.receive([png()], "fox.png", most_bytes=MB)
    job = {"tool": "invert", "input": {"name": "fox.png", "sha256": item.sha256}}
    accepted = accept(job, find_tool, files)
    assert (accepted.suffix, accepted.title) == (".png", "fox-invert")
    assert accepted.record["config"] == {"strength": 1.0, "seed": 0, "mask": None}
    assert accept(job, find_tool, files, suffix="jpeg").suffix == ".jpg"
    refused = [
        ({**job, "tool": "nothing"}, "no tool"), ({"tool": "invert"}, "needs picture"),
        ({**job, "input": {"name": "a", "sha256": "0" * 64}}, "send it first"),
        ({**job, "config": {"strength": 2}}, "at most 1"),
        ({**job, "config": {"mask": "/etc/passwd"}}, "not sent|place"),
        ({**job, "config": {"mask": "../mask.png"}}, "not sent|place"), ([], "expected entries"),
        ({**job, "config": {"strange": 1}}, "strange"),
    ]  # fmt: skip
    for data, message in refused:
        with pytest.raises(InputError, match=message):
            accept(data, find_tool, files)
    with pytest.raises(InputError, match="not written as"):
        accept(job, find_tool, files, suffix=".exe")
