"""Bad input: one clear line, the right exit code, nothing left behind."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from cli_case import Run, scene
from PIL import Image
from safetensors.torch import save_file

from reverie.apps.cli.interrupts import STOPPING


def one_line(text: str, *parts: str) -> None:
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    assert lines[0].startswith("reverie: ")
    assert "Traceback" not in text
    for part in parts:
        assert part in lines[0], lines[0]


def files(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


def header_only_png(path: Path, width: int, height: int) -> None:
    """A PNG whose header claims any size, with no pixels behind it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)


def test_missing_picture(run: Run, tmp_path: Path) -> None:
    code, out, err = run("dream", tmp_path / "absent.png")
    assert (code, out) == (2, "")
    one_line(err, "absent.png")


def test_missing_style_is_no_output(run: Run, photo: Path, tmp_path: Path) -> None:
    code, _, err = run("style", photo, tmp_path / "absent.jpg")
    assert code == 2
    one_line(err, "absent.jpg")
    assert "did you mean -o" not in err
    code, _, err = run("style", photo, photo, tmp_path / "absent.jpg")
    assert (code, "did you mean -o" in err) == (2, True)
    code, _, err = run("translate", "sobel", photo, tmp_path / "absent.jpg")
    assert (code, "did you mean -o" in err) == (2, True)


def test_picture_named_as_a_network(run: Run, photo: Path) -> None:
    code, _, err = run("latent", "sample", "--model", photo)
    assert code == 2
    one_line(err, "is a picture, not a network")


@pytest.mark.parametrize("port", [-4, 99999])
def test_studio_of_no_port(run: Run, tmp_path: Path, port: int) -> None:
    pytest.importorskip("uvicorn")
    code, _, err = run("studio", "--port", port, "--home", tmp_path / "home")
    assert code == 2
    one_line(err, "--port takes 0 to 65535")


def test_folder_instead_of_picture(run: Run, tmp_path: Path) -> None:
    code, _, err = run("dream", tmp_path, "-o", tmp_path / "x.png")
    assert code == 2
    one_line(err, "folder")


@pytest.mark.parametrize("content", [b"", b"not a picture at all", b"\xff\xd8\xff\xe0 broken"])
def test_not_a_picture(run: Run, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(content)
    code, _, err = run("dream", path)
    assert code == 2
    one_line(err, "broken.jpg")
    assert files(tmp_path) == {"broken.jpg"}


def test_truncated_picture(run: Run, photo: Path) -> None:
    blob = photo.read_bytes()
    photo.write_bytes(blob[: len(blob) // 2])
    code, _, err = run("dream", photo)
    assert code == 2
    one_line(err, "photo.png")
    assert files(photo.parent) == {"photo.png"}


@pytest.mark.parametrize("size", [(0, 10), (60_000, 60_000)])
def test_impossible_header(run: Run, tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "header.png"
    header_only_png(path, *size)
    code, _, err = run("dream", path)
    assert code == 2
    one_line(err, "header.png")


def test_one_pixel_wide(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "line.png"
    Image.fromarray(scene(200, 1)).save(path)
    code, _, err = run("dream", path)
    assert code == 2
    one_line(err, "1 x 200 px", "at least", "--size")


def test_unknown_names_list_the_nearest(run: Run, photo: Path) -> None:
    for arguments, hint in (
        (("--layer", "mixed4bb"), "mixed4b"),
        (("--class", "goldfihs"), "goldfish"),
        (("--model", "vgg61"), "vgg16"),
    ):
        code, _, err = run("dream", photo, *arguments)
        assert code == 2
        one_line(err, hint)
    code, _, err = run("dreem", photo)
    assert code == 2
    one_line(err, "dream")
    code, _, err = run("dream", photo, "--stepz", "3")
    assert code == 2
    one_line(err, "--steps")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--steps", "-1"),
        ("--steps", "many"),
        ("--octave-scale", "1"),
        ("--octave-scale", "nan"),
        ("--step-size", "0"),
        ("--objective", "best"),
        ("--layer", "mixed4b:heavy"),
        ("--channel", "100000"),
        ("--layer", "mixed4b", "--layer", "mixed4a", "--channel", "1"),
        ("--precision", "fp8"),
        ("--device", "toaster"),
        ("--device", "cuda:99"),
        ("--max-memory", "much"),
        ("--max-memory", "1MB"),
        ("--quality", "0"),
        ("--tile", "64", "--jitter-rotate", "5"),
    ],
)
def test_settings_out_of_range(run: Run, photo: Path, arguments: tuple[str, ...]) -> None:
    code, _, err = run("dream", photo, *arguments)
    assert code == 2
    one_line(err)
    assert files(photo.parent) == {"photo.png"}


def test_mask_of_another_size_is_resized_and_said(run: Run, photo: Path, tmp_path: Path) -> None:
    mask = np.zeros((20, 30), dtype=np.uint8)
    mask[:, 15:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    code, out, err = run("dream", photo, "--mask", tmp_path / "mask.png", "--steps", 2, "--octaves", 1)
    assert code == 0
    assert "30 x 20" in err and "128 x 96" in err
    dreamt, original = np.asarray(Image.open(out.strip())), scene()
    assert np.array_equal(dreamt[:, :56], original[:, :56])
    assert not np.array_equal(dreamt[:, 72:], original[:, 72:])


def test_black_mask_is_refused(run: Run, photo: Path, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((96, 128), dtype=np.uint8)).save(tmp_path / "mask.png")
    code, _, err = run("dream", photo, "--mask", tmp_path / "mask.png")
    assert code == 2
    one_line(err, "black")


class _Attack:
    """Runs a command when unpickled by a reader that executes what it reads."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return (os.mkdir, (str(self.marker),))


def test_pickle_with_code_is_refused_and_not_executed(run: Run, photo: Path, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    for name, write in (
        ("plain.pth", lambda path: path.write_bytes(pickle.dumps(_Attack(marker)))),
        ("torch.pth", lambda path: torch.save({"features.0.weight": _Attack(marker)}, path)),
    ):
        write(tmp_path / name)
        code, _, err = run("dream", photo, "--model", "squeezenet1_1", "--weights", tmp_path / name)
        assert code == 2
        one_line(err, name, "not executed")
        assert not marker.exists()


def test_network_files_of_another_kind(run: Run, photo: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.safetensors"
    save_file({"x": torch.zeros(3)}, bare)
    code, _, err = run("dream", photo, "--model", bare)
    assert code == 2
    one_line(err, "no description")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\x00" * 40)
    code, _, err = run("dream", photo, "--model", broken)
    assert code == 2
    one_line(err, "broken.safetensors")
    other = tmp_path / "other.pth"
    torch.save({"layer.weight": torch.zeros(2, 2)}, other)
    code, _, err = run("dream", photo, "--model", "vgg16", "--weights", other)
    assert code == 2
    one_line(err, "vgg16")


def test_named_network_without_weights_says_how_to_get_them(
    run: Run, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "cache"))
    code, _, err = run("dream", photo, "--model", "googlenet")
    assert code == 2
    one_line(err, "reverie models fetch googlenet")


def test_unwritable_output(run: Run, photo: Path, tmp_path: Path) -> None:
    for target, code_expected in ((tmp_path / "no" / "out.png", 2), (tmp_path / "out.docx", 2), (photo / "out.png", 2)):
        code, _, err = run("dream", photo, "-o", target)
        assert code == code_expected
        one_line(err, target.name)
    assert files(tmp_path) == {"photo.png"}


def test_full_disk_leaves_nothing(run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    code, out, err = run("dream", photo, "--steps", 1, "--octaves", 1)
    assert (code, out) == (1, "")
    assert "No space left" in err.strip().splitlines()[-1]
    assert files(photo.parent) == {"photo.png"}


def test_full_disk_keeps_the_file_that_was_there(run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = photo.with_name("old.png")
    assert run("dream", photo, "--steps", 0, "-o", target)[0] == 0
    before = target.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert run("dream", photo, "--steps", 1, "--octaves", 1, "--overwrite", "-o", target)[0] == 1
    assert target.read_bytes() == before


def test_unexpected_error_is_one_line_and_a_traceback_only_with_debug(
    run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr("reverie.tools.dream_steps.ascent.plan_dream", fail)
    code, _, err = run("dream", photo)
    assert code == 1
    one_line(err, "deep inside", "--debug")
    code, _, err = run("dream", photo, "--debug")
    assert code == 1
    assert "Traceback" in err and "deep inside" in err


def test_a_place_that_cannot_be_written_to_is_named(run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), "frames.frames")

    monkeypatch.setattr("reverie.tools.dream_steps.ascent.plan_dream", fail)
    code, _, err = run("dream", photo)
    assert code == 1
    one_line(err, "'frames.frames': Read-only file system")
    assert "unexpected" not in err


def test_ctrl_c_in_the_last_octave_keeps_the_picture_under_another_name(
    run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reverie.tools.dream import work as dream_work

    steps = dream_work.dream_steps

    def interrupted(*arguments: object, **named: object):
        for step in steps(*arguments, **named):  # type: ignore[arg-type]
            yield step
            if step.index == 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(dream_work, "dream_steps", interrupted)
    before = [signal.getsignal(number) for number in STOPPING]
    code, out, err = run("dream", photo, "--octaves", 1, "--steps", 10)
    assert (code, out) == (130, "")
    assert [signal.getsignal(number) for number in STOPPING] == before  # what was ignored at the end is heard again
    one_line(err, "step 3 of 10", "photo-dream-stopped.png")
    assert files(photo.parent) == {"photo.png", "photo-dream-stopped.png"}
    monkeypatch.undo()
    code, out, err = run("replay", photo.with_name("photo-dream-stopped.png"))
    assert code == 0
    assert "the bytes are the same" in err
    assert Path(out.strip()).read_bytes() == photo.with_name("photo-dream-stopped.png").read_bytes()


TOLD = """
import sys
from reverie.apps.cli.main import main
from reverie.tools.dream import work

steps = work.dream_steps

def told(*arguments, **named):
    for step in steps(*arguments, **named):
        if step.index == 3:
            print("dreaming", file=sys.stderr, flush=True)
        yield step

work.dream_steps = told
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_real_ctrl_c_ends_with_130(photo: Path) -> None:
    command = [sys.executable, "-c", TOLD, "dream", str(photo), "--steps", "100000", "--octaves", "2", "--size", "200"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    while "dreaming" not in (line := process.stderr.readline()):
        assert line, "it ended before its third step"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "Ctrl-C" in err and "Traceback" not in err
    assert "of 200000" in err
    with Image.open(photo.with_name("photo-dream-stopped.png")) as kept:
        assert kept.size == (200, 150)  # the final size, although the dream was in its coarse octave
