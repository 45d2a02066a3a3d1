"""The queue and the watch folder from a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from studio_case import png

from reverie.apps.cli.main import main
from reverie.apps.cli.watch_folder import arriving
from reverie.jobs.queue.worker import Worker

pytestmark = pytest.mark.real


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    (tmp_path / "fox.png").write_bytes(png(24, 32))
    return tmp_path / "fox.png"


@pytest.fixture
def job(tmp_path: Path) -> Path:
    (tmp_path / "job.json").write_text(json.dumps({"tool": "translate", "config": {"seed": 3}}))
    return tmp_path / "job.json"


def test_a_command_is_no_job(photo: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for words, name in ((("dream",), "dream"), (("mesh", "style"), "style")):
        assert main(["jobs", "add", *words, photo.name, "--home", str(tmp_path / "home")]) == 2
        error = capsys.readouterr().err
        assert f"'{' '.join(words)}' is a command; this takes a job" in error
        assert f"reverie jobs add photo-{name}.png other.jpg" in error


def test_a_job_with_entries_of_other_types_is_refused_in_a_line(photo: Path, tmp_path: Path, capsys) -> None:
    for files in ([1], {"mask": 3}, "a"):
        (tmp_path / "wrong.json").write_text(json.dumps({"tool": "translate", "config": {}, "files": files}))
        assert main(["jobs", "add", str(tmp_path / "wrong.json"), str(photo), "--home", str(tmp_path / "home")]) == 2
        assert "cannot be read" in capsys.readouterr().err


def test_add_list_pause_cancel_retry_watch(photo: Path, job: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    from reverie.jobs.queue.home import Home
    from reverie.jobs.queue.store import Queue
    from reverie.tools.registry import find_tool

    home = ["--home", str(tmp_path / "home")]

    def say(*words: str) -> str:
        assert main(["jobs", *words, *home]) == 0
        return capsys.readouterr().out.strip()

    key = say("add", str(job), str(photo), "--format", "jpg")
    assert "queued     translate" in say("list")
    say("pause", key[:6])
    assert "paused" in say("list")
    say("resume", key)
    say("cancel", key)
    assert say("list") == ""
    assert say("retry", key) == key
    monkeypatch.chdir(tmp_path)
    worker = Worker(Queue(Home(tmp_path / "home")), find_tool)
    while worker.turn():
        pass
    worker.serve(lambda: True)
    made = Path(say("watch", key))
    assert made.name == "fox-translated.jpg"
    assert json.loads(say("list", "--all", "--json"))[0]["state"] == "done"
    again = say("add", str(made), str(photo))  # a result in place of a job
    assert again != key


@pytest.mark.parametrize(("words", "message"), [
    (["jobs", "watch", "nothing"], "no jobs begin with"), (["jobs", "add", "{job}"], "needs picture"),
    (["jobs", "add", "{photo}"], "carries no settings"), (["studio", "--devices", ","], "at least one"),
    (["studio", "--max-upload", "0"], "at least 1"), (["wall", "--keep-hours", "0"], "greater than 0"),
    (["watch", "{photo}", "out", "--job", "{job}"], "no folder"),
])  # fmt: skip
def test_mistakes_are_one_line(words, message: str, photo: Path, job: Path, tmp_path: Path, capsys) -> None:
    words = [word.format(photo=photo, job=job) for word in words]
    assert main([*words, *([] if words[0] == "watch" else ["--home", str(tmp_path / "home")])]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_every_file_put_into_a_folder_becomes_a_result_once(photo: Path, job: Path, tmp_path: Path, capsys) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    (folder / "fox.png").write_bytes(photo.read_bytes())
    (folder / "notes.pdf").write_bytes(b"%PDF")
    (folder / "broken.png").write_bytes(b"hello")
    words = ["watch", str(folder), str(out), "--job", str(job), "--once"]
    assert main(words) == 1
    told = capsys.readouterr()
    assert told.out.strip() == str(out / "fox-translated.png")
    assert "broken.png" in told.err
    assert sorted(path.name for path in out.iterdir()) == ["fox-translated.png"]
    stamp = (out / "fox-translated.png").stat().st_mtime_ns
    main(words)
    assert (out / "fox-translated.png").stat().st_mtime_ns == stamp


def test_half_written_files_are_waited_for(tmp_path: Path) -> None:
    whole, path = b"x" * 3000, tmp_path / "slow.png"

    def write() -> None:
        with path.open("wb") as file:
            for piece in range(3):
                file.write(whole[piece * 1000 : piece * 1000 + 1000])
                file.flush()
                time.sleep(0.4)

    thread = threading.Thread(target=write)
    thread.start()
    assert next(arriving(tmp_path)) == path
    assert path.read_bytes() == whole
    thread.join()


@pytest.mark.slow
def test_jobs_are_done_without_a_page(photo: Path, job: Path, tmp_path: Path, capsys) -> None:
    home = ["--home", str(tmp_path / "home")]
    assert main(["jobs", "add", str(job), str(photo), *home]) == 0
    key = capsys.readouterr().out.strip()
    command = [sys.executable, "-m", "reverie", "jobs", "work", "--until-empty", *home]
    subprocess.run(command, check=True, timeout=120, env=os.environ.copy(), capture_output=True)
    assert main(["jobs", "watch", key, *home]) == 0
    made = Path(capsys.readouterr().out.strip())
    assert main(["translate", "sobel", str(photo), "--seed", "3", "-o", str(tmp_path / "own.png")]) == 0
    assert made.read_bytes() == (tmp_path / "own.png").read_bytes()


def test_a_result_is_added_with_the_files_that_lie_beside_it(photo: Path, tmp_path: Path, capsys) -> None:
    made = photo.with_name("made.png")
    assert main(["translate", "sobel", str(photo), "-o", str(made)]) == 0
    capsys.readouterr()
    assert main(["jobs", "add", str(made), "--home", str(tmp_path / "home")]) == 0
    assert len(capsys.readouterr().out.strip()) > 6
    photo.unlink()
    assert main(["jobs", "add", str(made), "--home", str(tmp_path / "other")]) == 2
    assert "send it first" in capsys.readouterr().err


def test_what_would_do_nothing_in_a_job_is_named(tmp_path: Path, capsys) -> None:
    (tmp_path / "job.json").write_text(json.dumps({"tool": "dream", "settings": {"size": 100}}))
    assert main(["jobs", "add", str(tmp_path / "job.json"), "--home", str(tmp_path / "home")]) == 2
    assert "no entry of a job called 'settings'" in capsys.readouterr().err
