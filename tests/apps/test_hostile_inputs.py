"""What strangers and impatient people do to a command line ends in one line and the right code."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cli_case import Run, scene
from PIL import Image

import reverie
from reverie.errors import InputError
from reverie.jobs.controls import Controls
from reverie.jobs.interrupts import IMPATIENT_S, NAMES, Interrupts, cause
from reverie.jobs.many import scratch_of
from reverie.jobs.stored import side_file
from reverie.tools.films.work import target_of
from reverie.weights.embedded import embedded_path

SOURCE = Path(reverie.__file__).resolve().parent.parent
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="other signals there")
QUICK = ("--octaves", "1", "--steps", "1", "--size", "48")


@needs_pipes
def test_a_pipe_as_picture_style_or_network_is_not_waited_for(run: Run, photo: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    network = tmp_path / "net.safetensors"
    os.mkfifo(network)
    for words in (
        ("dream", pipe), ("dream", photo, "--guide", pipe), ("dream", photo, "--model", network),
        ("style", photo, pipe), ("classify", "embedded", pipe),
        ("replay", pipe), ("dream", photo, "--like", pipe), ("dream", photo, "--weights", network, "--model", "vgg16"),
    ):  # fmt: skip
        code, _, err = run(*words)
        assert code == 2 and ("is a pipe or a device" in err or "not a plain file" in err), (words, err)


@needs_pipes
def test_a_pipe_in_a_folder_is_named_and_left_out(run: Run, photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.fromarray(scene()).save(folder / "fine.png")
    os.mkfifo(folder / "pipe.png")
    (folder / "gone.png").symlink_to(tmp_path / "nowhere.png")
    code, out, err = run("dream", folder, *QUICK, "-o", f"{tmp_path / 'made'}/", "--workers", "1")
    assert code == 0 and len(out.splitlines()) == 1
    assert "no plain files, and left out: gone.png, pipe.png" in err


def test_classify_sees_the_first_frame_and_says_so(run: Run, tmp_path: Path) -> None:
    frames = [Image.fromarray(np.roll(scene(), 9 * n, 1)) for n in range(2)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:], duration=90)
    code, out, err = run("classify", "embedded", tmp_path / "a.png")
    assert code == 0 and out.count("%") == 3 and "'a.png' has several frames; only the first is used\n" in err


def test_names_with_escape_codes_do_not_reach_the_terminal(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a\x1b]0;owned\x07\x1b[2J.png"
    path.write_bytes(b"no picture")
    for words in (("dream", path), ("classify", "embedded", path), ("models", "show", path)):
        _, _, err = run(*words)
        assert err and "\x1b" not in err and "\x07" not in err, words


@pytest.mark.slow
def test_what_a_file_says_of_itself_is_no_order_to_the_terminal(run: Run, tmp_path: Path) -> None:
    photo = tmp_path / "b\x1b[2J.png"
    Image.fromarray(scene()).save(photo)
    assert run("dream", photo, *QUICK)[0] == 0
    made = next(path for path in tmp_path.iterdir() if path != photo)
    network = tmp_path / "n\x1b[31m[b].safetensors"
    shutil.copy(embedded_path("embedded"), network)
    for words in (("info", made), ("info", network), ("info", made, "--json"), ("models", "show", network)):
        code, out, err = run(*words)
        assert code == 0 and "\x1b" not in out + err, words


def test_a_name_of_250_bytes_can_be_dreamt(run: Run, tmp_path: Path) -> None:
    path = tmp_path / f"{'ä' * 123}.png"
    Image.fromarray(scene()).save(path)
    code, out, err = run("dream", path, *QUICK)
    assert code == 0, err
    made = Path(out.strip())
    assert made.is_file() and len(made.name.encode()) <= 255 and made.name.endswith("-dream.png")
    long = tmp_path / f"{'b' * 251}.png"
    assert run("dream", path, *QUICK, "-o", long)[0] == 0 and long.is_file()


@pytest.mark.parametrize("value", [10**400, -(10**400), 1e300, float("nan")])
def test_a_control_of_any_length_is_refused_in_words(value: float) -> None:
    from reverie.apps.web.page import steer

    with pytest.raises(InputError) as caught:
        steer(Controls(), {"lr": value}, {"lr": ()})
    assert len(str(caught.value)) < 200


@needs_signals
def test_names_beyond_what_systems_allow_are_refused_in_a_line(run: Run, photo: Path, tmp_path: Path) -> None:
    name = tmp_path / ("x" * 300)
    for words in (("dream", f"{name}.jpg"), ("dream", photo, "-o", f"{name}.png"), ("replay", f"{name}.png"),
                  ("dream", photo, "--guide", f"{name}.png"), ("train", "classifier", name)):  # fmt: skip
        code, _, err = run(*words)
        assert code == 2 and "is longer than the name of a file can be" in err and len(err) < 200, words


def test_a_film_and_a_folder_with_names_of_250_bytes(run: Run, photo: Path, tmp_path: Path) -> None:
    film = tmp_path / f"{'n' * 240}.mp4"
    assert target_of(scratch_of(film)).suffix == ".mp4" and len(scratch_of(film).name) <= 240
    assert scratch_of(tmp_path / "a.mp4").name == "a.mp4.frames"
    assert side_file(tmp_path / "a.csv").name == "a.csv.job.json" and len(side_file(film).name) <= 255
    folder = tmp_path / "long"
    folder.mkdir()
    photo.rename(folder / f"{'n' * 246}.png")
    assert run("dream", folder, "--workers", 1, "--dry-run")[0] == 0


def test_impatient_signals_count_once() -> None:
    handler = Interrupts()
    with pytest.raises(KeyboardInterrupt):
        handler(signal.SIGTERM, None)
    assert handler.cause == "SIGTERM"
    handler(signal.SIGINT, None)  # at once: the same wish
    assert IMPATIENT_S > 1 and handler.cause == "SIGTERM"
    handler.rearm()
    with pytest.raises(KeyboardInterrupt):
        handler(signal.SIGINT, None)


@needs_signals
def test_the_cause_is_known_while_further_signals_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Interrupts()
    ours.cause = "SIGTERM"
    handlers = {signal.SIGINT: signal.SIG_IGN, signal.SIGHUP: signal.SIG_IGN, signal.SIGTERM: ours}
    monkeypatch.setattr(signal, "getsignal", handlers.__getitem__)
    assert cause() == "SIGTERM"


@needs_signals
def test_a_program_that_is_told_to_end_while_it_starts_says_so(tmp_path: Path) -> None:
    slow = tmp_path / "cyclopts.py"
    slow.write_text("import sys, time\nprint('here', file=sys.stderr, flush=True)\ntime.sleep(60)\n")
    running = command("dream", "--help", env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{SOURCE}"})
    assert running.stderr is not None and running.stderr.readline() == b"here\n"
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130 and err.endswith(b"reverie: stopped by SIGTERM\n")


def command(*words: object, **options: object) -> subprocess.Popen[bytes]:
    tokens = [sys.executable, "-m", "reverie", *map(str, words)]
    return subprocess.Popen(tokens, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)  # type: ignore[call-overload]


@needs_signals
def test_closed_standard_streams_are_no_error() -> None:
    closing = f"exec {sys.executable} -m reverie --help >&- 2>&- <&-"
    ended = subprocess.run(["sh", "-c", closing], capture_output=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    closing = f"exec {sys.executable} -m reverie dream a.png --stepz 1 >&-"
    ended = subprocess.run(["sh", "-c", closing], capture_output=True, check=False, timeout=60)
    assert ended.returncode == 2 and ended.stderr.count(b"\n") == 1 and b"--steps" in ended.stderr


@pytest.mark.slow
@needs_signals
@pytest.mark.parametrize(
    "signals", [(signal.SIGINT,) * 3, (signal.SIGTERM,), (signal.SIGHUP,)], ids=["three", "term", "hup"]
)
def test_a_film_that_is_stopped_is_kept_and_ends_with_our_code(tmp_path: Path, signals: tuple[int, ...]) -> None:
    frames = [Image.fromarray(np.roll(scene(64, 96), 2 * n, 1)) for n in range(40)]
    frames[0].save(tmp_path / "clip.gif", save_all=True, append_images=frames[1:], duration=50)
    running = command("dream", tmp_path / "clip.gif", "--steps", "4", "--octaves", "1")
    folder = tmp_path / "clip-dream.gif.frames"
    began = time.monotonic()
    while not (folder / "000002.png").exists() and running.poll() is None and time.monotonic() - began < 100:
        time.sleep(0.05)
    for number in signals:
        running.send_signal(number)
        time.sleep(0.15)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert (tmp_path / "clip-dream-stopped.gif").is_file() and b"Traceback" not in err
    assert f"stopped by {NAMES[signal.Signals(signals[0]).name]}".encode() in err
