"""Try the command lines of the pages: python docs/site/blocks.py [PAGE ...].

Each line that calls `reverie` is run with ``--dry-run`` in an empty folder, in which files of the names that it
mentions are made first: a small picture, film, mesh or folder. What cannot be tried is listed with the reason. So
options that do not go together, wrong values and missing arguments are found; the pictures themselves are not made.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from check import ROOT, all_commands, command_lines, pages

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".tif")
FILMS = (".mp4", ".mov", ".gif", ".webm")
MESHES = (".obj", ".glb")
EXAMPLE = ROOT / "src" / "reverie" / "tools" / "mesh_dream" / "example.glb"
WHY_NOT = {  # the first words of commands → why they are not tried
    "studio": "starts a server", "wall": "starts a server", "jobs": "needs a queue with jobs",
    "watch": "waits for files", "gather": "asks the internet", "models fetch": "asks the internet",
    "man": "prints a page", "doctor": "tested by itself", "replay": "needs a result of yours",
    "embed place": "needs a map of yours", "embed pick": "needs a map of yours",
    "latent open": "needs a file of yours", "latent conform": "needs an edit of yours",
    "latent blend": "needs two networks of yours",
}  # fmt: skip
NOT_HERE = "not on this machine"  # weights that somebody would have to fetch
OWN = re.compile(
    r"\.(safetensors|pkl|pth|caffemodel|yaml|edl|zip|csv|json|onnx|py|txt|binaryproto|reverie)\b|\.\.\.|[A-Z]{3,}|<"
)


@dataclass(frozen=True)
class Trial:
    """What became of one line: "right", "not tried" or "wrong", and why."""

    page: str
    line: str
    state: str
    why: str = ""


def trials(wanted: list[Path] | None = None) -> Iterator[Trial]:
    """Yield what becomes of each line of the pages."""
    for page in wanted or pages():
        name = page.resolve().relative_to(ROOT).as_posix()
        for line in dict.fromkeys(command_lines(page.read_text("utf-8"))):
            why = reason(line)
            yield Trial(name, line, "not tried", why) if why else tried(name, line)


def reason(line: str) -> str:
    """Return why a line is not tried, or ""."""
    try:
        words = shlex.split(line)[1:]
    except ValueError:
        return "is a sentence"
    if not words or words[0].startswith("-"):
        return "is no command"
    for begin in (" ".join(words[:2]), words[0]):
        if begin in WHY_NOT:
            return WHY_NOT[begin]
    known = all_commands()
    if " ".join(words) in known:
        return "names a command"
    options = known.get(" ".join(words[:2])) or known.get(words[0]) or frozenset()
    if "--dry-run" not in options:
        return "takes no --dry-run"
    if "--like" in words:
        return "needs a result of yours"
    if found := OWN.search(line):
        return f"needs '{found[0]}' of yours"
    return "is part of a line" if len(words) == 1 or not re.search(r"[./]|latent|mesh dream|--class", line) else ""


def tried(page: str, line: str) -> Trial:
    """Run a line with --dry-run where its files are."""
    from reverie.apps.cli.main import main

    words = shlex.split(line)[1:]
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        try:
            make_files(words)
            errors = io.StringIO()
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
                code = main([word for word in words if word != "--show"] + ["--dry-run"] * ("--dry-run" not in words))
        finally:
            os.chdir(here)
    told = errors.getvalue().strip().splitlines()
    if code and told and NOT_HERE in told[-1]:
        return Trial(page, line, "not tried", "needs weights that have to be fetched")
    return Trial(page, line, "wrong" if code else "right", told[-1] if code and told else "")


def make_files(words: list[str]) -> None:
    """Make a small file or folder for every name that a line mentions, but for results."""
    results = {words[k + 1] for k, word in enumerate(words[:-1]) if word in ("-o", "--output", "--destination")}
    for word in words:
        for part in re.split(r"[=,]", word):
            name = re.sub(r":[\d.]+$", "", part)
            if word in results or name.startswith("-"):
                continue
            for path in (
                [Path(name, f"{c}/{k}.png") for c in "ab" for k in range(10)] if name.endswith("/") else [Path(name)]
            ):
                make_file(path)


def make_file(path: Path) -> None:
    """Make one small file by its ending."""
    import numpy as np
    from PIL import Image

    if path.is_absolute() or ".." in path.parts or path.exists():
        return
    y, x = np.mgrid[0:96, 0:128]
    picture = Image.fromarray(np.stack([x * 2, y * 2, 255 - x], axis=-1).clip(0, 255).astype(np.uint8))
    if path.suffix not in (*PICTURES, *FILMS, *MESHES):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in PICTURES:
        picture.save(path)
    elif path.suffix == ".gif":
        picture.save(path, save_all=True, append_images=[picture.rotate(90)], duration=100)
    elif path.suffix in FILMS:
        _film(path, np.asarray(picture))
    elif path.suffix == ".glb":
        shutil.copyfile(EXAMPLE, path)
    elif path.suffix == ".obj":
        corners = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
        faces = ["f 1 3 2", "f 1 2 4", "f 2 3 4", "f 1 4 3"]
        text = "\n".join([*(f"v {a} {b} {c}" for a, b, c in corners), *faces])
        path.write_text(text)


def _film(path: Path, picture: object) -> None:
    from fractions import Fraction

    from reverie.media.video_write import VideoWriter

    with VideoWriter(path, (96, 128), Fraction(12)) as film:  # type: ignore[call-arg]
        for _ in range(6):
            film.write(picture)  # type: ignore[attr-defined]


def main() -> int:
    """Print what was tried, and what was wrong."""
    counts = {"right": 0, "not tried": 0, "wrong": 0}
    for one in trials([Path(name) for name in sys.argv[1:]] or None):
        counts[one.state] += 1
        if one.state != "right":
            print(f"{one.state:9} {one.page}: {one.line}  ({one.why})", flush=True)
    print(", ".join(f"{count} {state}" for state, count in counts.items()))
    return bool(counts["wrong"])


if __name__ == "__main__":
    sys.exit(main())
