"""`reverie gather images`, `artists` and `veto` from the command line, against a server on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from gather_server import Server
from reverie.apps.cli.main import main
from reverie.data.folder import open_folder
from reverie.data.gather.layout import read_rows
from reverie.errors import InputError
from reverie.jobs.stored import stored_record
from reverie.tools.gather.artists import painters
from reverie.tools.gather.images import _renumbered, balanced
from reverie.tools.gather.wishes import parse_wishes


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REVERIE_CONTACT", "a@example.org")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server():
    with Server(40) as running:
        yield running


def asked(server, *words: str, count: int = 10, out: str = "out", pause: float = 0.0) -> list[str]:
    return ["gather", *words, "--count", str(count), "--pause", str(pause), "--no-neighbors", "-o", out, "--endpoint",
            f"openverse={server.url}/openverse", "--endpoint", f"commons={server.url}/commons"]  # fmt: skip


def test_from_words_to_a_data_set_and_through_the_review(server, tmp_path, capsys):
    assert main(asked(server, "images", "fountain, arch")) == 0
    data = open_folder(tmp_path / "out")
    assert data.classes == ("arch", "fountain") and len(data.train) + len(data.val) == 20 and data.val
    rows = read_rows(tmp_path / "out" / "ATTRIBUTION.csv")
    assert len(rows) == 20 and all(row["licence"].startswith("CC") for row in rows)
    assert not any("ND" in row["licence"] for row in rows)
    record = json.dumps(stored_record(tmp_path / "out"))
    assert "example.org" not in record and "127.0.0.1" not in record  # neither who asked nor whom
    assert not (tmp_path / "out.frames").exists()
    before = len(server.log)
    assert main(asked(server, "images", "fountain, arch")) == 0
    assert len(server.log) == before and "there already" in capsys.readouterr().err

    (tmp_path / "veto.txt").write_text("\n".join(row["file"] for row in rows[:3]))
    assert main(["gather", "veto", "out", "veto.txt", "-o", "clean"]) == 0
    clean = open_folder(tmp_path / "clean")
    assert len(clean.train) + len(clean.val) == 17 and (tmp_path / "clean" / "review" / "index.html").is_file()
    assert len(read_rows(tmp_path / "out" / "ATTRIBUTION.csv")) == 20  # the source is as it was
    (tmp_path / "veto.txt").write_text("train/arch/../../../x.jpg")
    assert main(["gather", "veto", "out", "veto.txt", "-o", "clean2"]) == 2


def test_a_larger_collection_takes_over_what_is_there(server, tmp_path):
    assert main(asked(server, "images", "fountain", count=6)) == 0
    before = len(server.asked("/picture"))
    assert main([*asked(server, "images", "fountain", count=9, out="more"), "--reuse", "out"]) == 0
    assert len(server.asked("/picture")) - before == 3
    assert len(read_rows(tmp_path / "more" / "ATTRIBUTION.csv")) == 9
    assert main([*asked(server, "images", "fountain", out="x"), "--reuse", "home"]) == 2


def test_a_run_that_goes_on_with_other_classes_has_none_of_the_old(server, tmp_path, monkeypatch):
    """Ctrl-C keeps what there is; the same place with fewer classes and pictures gives exactly those."""
    from reverie.data.gather.collect import Collector

    whole = Collector.steps

    def interrupted(self):
        for number, moment in enumerate(whole(self)):
            yield moment
            if number == 12:
                raise KeyboardInterrupt

    monkeypatch.setattr(Collector, "steps", interrupted)
    assert main(asked(server, "images", "fountain, arch")) == 130
    kept = read_rows(tmp_path / "out-stopped" / "ATTRIBUTION.csv")
    assert 0 < len(kept) < 20 and not (tmp_path / "out").exists()
    monkeypatch.setattr(Collector, "steps", whole)
    assert main(asked(server, "images", "arch", count=3)) == 0
    rows = read_rows(tmp_path / "out" / "ATTRIBUTION.csv")
    assert len(rows) == 3 and {row["class"] for row in rows} == {"arch"}
    assert not (tmp_path / "out.frames").exists()


@pytest.mark.slow
def test_killed_and_taken_up_again(server, tmp_path):
    """kill -9 three times: nothing is lost, nothing is fetched twice but what was under way."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for pictures in (4, 12, 20):
        process = subprocess.Popen(
            [sys.executable, "-m", "reverie", *asked(server, "images", "fountain", count=30, pause=0.02)], env=env,
            stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + 60
        while len(server.asked("/picture")) < pictures and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (tmp_path / "out").exists()
    assert main(asked(server, "images", "fountain", count=30)) == 0
    paths = [path for _, path, _ in server.log if path.startswith("/picture")]
    assert len(set(paths)) == 30 and len(paths) <= 30 + 3
    assert len(read_rows(tmp_path / "out" / "ATTRIBUTION.csv")) == 30


def test_whom_to_write_to_must_be_said(server, monkeypatch, capsys):
    monkeypatch.delenv("REVERIE_CONTACT")
    assert main(asked(server, "images", "fountain")) == 2
    assert "--contact" in capsys.readouterr().err and server.log == []
    assert main([*asked(server, "images", "fountain"), "--contact", "a\r\nX: y"]) == 2


@pytest.mark.slow
def test_offline_is_one_line(tmp_path, capsys):
    with Server(3) as server:
        pass
    assert main(asked(server, "images", "fountain")) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("reverie:")]
    assert len(lines) == 1 and "needs the internet" in lines[0]


@pytest.mark.parametrize(
    ("words", "part"),
    [(["--source", "web"], "unknown licence"), (["--source", "gogle"], "no source called"),
     (["--endpoint", "x"], "NAME=URL"),
     (["--val", "0.9"], "at most 0.5"), (["--licence", "mine"], "one of")],
)  # fmt: skip
def test_mistakes_are_one_sentence(server, words, part, capsys):
    assert main([*asked(server, "images", "fountain"), *words]) == 2
    assert part in capsys.readouterr().err and server.log == []


def test_a_dry_run_asks_nobody(server, capsys):
    assert main([*asked(server, "images", "fountain, arch"), "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == 20 and server.log == []


def test_classes_come_from_words_and_files(tmp_path):
    (tmp_path / "c.txt").write_text("# list\nfountain: water fountain plaza\narch\n\n", encoding="utf-8")
    assert [(w.label, w.words) for w in parse_wishes([str(tmp_path / "c.txt"), "bridge, gate"])] == [
        ("fountain", "water fountain plaza"), ("arch", "arch"), ("bridge", "bridge"), ("gate", "gate")
    ]  # fmt: skip
    assert parse_wishes(["Klee: category:Paintings by Paul Klee"])[0].words == "category:Paintings by Paul Klee"
    for words, part in ((["a, a"], "twice"), ([" , "], "no class"), (["missing.txt"], "cannot read")):
        with pytest.raises(InputError, match=part):
            parse_wishes(words)


def test_the_shipped_painters_have_a_category_each(server, tmp_path):
    shipped = painters(())
    assert len(shipped) == 53 == len({w.words for w in shipped})
    assert all(w.words.startswith("category:Paintings by ") for w in shipped)
    assert main(asked(server, "artists", "Paul Klee", count=6)) == 0
    assert any("gcmtitle=Category%3APaintings+by+Paul+Klee" in path for _, path, _ in server.log)
    assert open_folder(tmp_path / "out").classes == ("paul-klee",)


def test_balance_cuts_to_the_smallest_class_and_groups_stay_groups():
    assert balanced(["a", "b", "a", "a", "b"]) == [0, 1, 2, 4]
    assert _renumbered([5, 5, 7], {5: 0, 6: 1, 7: 2}) == [0, 0, 2]
    assert _renumbered([3, 3, 7], {5: 0, 6: 1, 7: 2}) == [0, 0, 2]  # its first picture was cut off
