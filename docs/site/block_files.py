"""Small files under the names that a page mentions: pictures, films, meshes, networks, zips, settings, results.

They are made in the current folder, which is empty, so that a command or a block of code finds what it names.
"""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "reverie"
EXAMPLE = PACKAGE / "tools" / "mesh_dream" / "example.glb"
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".tif")
FILMS = (".mp4", ".mov", ".gif", ".webm")
STANDS_FOR = {  # words of usage lines → a name of their kind
    "PICTURE": "photo.jpg", "PHOTO": "photo.jpg", "CONTENT": "content.jpg", "STYLE": "style.jpg", "GUIDE": "guide.jpg",
    "STYLED": "styled.jpg", "FILM": "film.mp4", "MESH": "mesh.obj", "FOLDER": "folder/", "PICTURES": "pictures/",
    "DATA": "data/", "CONTENTS": "contents/", "STYLES": "styles/", "A": "a/", "B": "b/", "D": "d/",
    "MODEL": "mine.safetensors", "NETWORK": "mine.safetensors", "FIRST": "one.safetensors",
    "SECOND": "two.safetensors", "OUT": "result.png", "FILE": "result.png", "TOOL": "dream",
}  # fmt: skip
PLAIN_FOLDERS = ("details",)  # that pages name without a slash
ONE_BY_ONE = ("dream", "style", "translate", "classify", "watch", "mesh")  # commands that take pictures, not classes
TEXTS = {
    "rules": "rules:\n  - {when: {class: goldfish, above: 0.6}, do: {cue: bloom}}\n",
    "map": "inputs: {osc: 9000}\nmoves:\n  truncation: {signal: osc /heart, from: 0.4, to: 1}\n",
    "keyframes": "layer:\n  0%: mixed4c\n  100%: mixed4d\n",
    "styles": "style:\n  0%: 1\n  100%: 2\n",
    "classes": "fountain\narch\n", "places": "name,lat,lon\nparis,48.85,2.29\n",
    "edit": "TITLE: cut\n001  seed12   V     C        00:00:00:00 00:00:02:00 00:00:00:00 00:00:02:00\n",
}  # fmt: skip


def spelled_out(words: Sequence[str]) -> list[str]:
    """Return the words of a line with names in the places of PICTURE, MODEL and their like; without brackets."""
    plain = re.sub(r"\[[^\[\]]*(\[[^\[\]]*\][^\[\]]*)*\]|\.\.\.", "", " ".join(words)).split()
    found = [STANDS_FOR.get(word.rstrip("/"), word) for word in plain]
    return [word.replace("NAME-centers", "photos-centers") for word in found]


def make_files(words: Sequence[str]) -> None:
    """Make what a command line mentions, but for its results."""
    results = {words[k + 1] for k, word in enumerate(words[:-1]) if word in ("-o", "--output", "--destination")}
    before = ""
    for word in words:
        for part in re.split(r"[=,]", word):
            name = re.sub(r":[\d.]+$", "", part)
            if word not in results and not name.startswith("-"):
                make_file(name, before, words)
        before = word


def make_file(name: str, before: str = "", words: Sequence[str] = ()) -> None:
    """Make one file or folder by its ending; `before` is the option in front of it, `words` the whole line."""
    path = Path(name)
    if (
        path.is_absolute()
        or ".." in path.parts
        or path.exists()
        or "://" in name
        or not (re.search(r"[./]", name) or name in PLAIN_FOLDERS)
    ):
        return
    if not path.suffix and (before == "--model" or name.startswith("runs/")):
        path.mkdir(parents=True)
        make_network(path / "model.safetensors", words)
        return
    if name.endswith("/") or not path.suffix:
        if not re.fullmatch(r"[\w./-]+", name) or before in ("--maximize", "--layer", "--model"):
            return
        classes = named_classes(words)[:1]
        plain = words[:1] and words[0] in ONE_BY_ONE and before != "--target-from"
        for folder in ("",) if plain else (*classes, "a", "b"):
            for number in range(2 if plain else 10):
                save_picture(path / folder / f"{number}.png", number)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = path.suffix.lower()
    if suffix in (*PICTURES, *FILMS) and (before in ("--like", "replay", "info") or name.startswith("result")):
        shutil.copyfile(result(suffix), path)
        save_picture(path.with_name("photo.png"), 0)
    elif suffix in PICTURES:
        save_picture(path, len(name))
    elif suffix in FILMS:
        shutil.copyfile(film(suffix), path)
    elif suffix == ".glb":
        shutil.copyfile(EXAMPLE, path)
    elif suffix == ".obj":
        corners = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
        faces = ["f 1 3 2", "f 1 2 4", "f 2 3 4", "f 1 4 3"]
        path.write_text("\n".join([*(f"v {a} {b} {c}" for a, b, c in corners), *faces]))
    elif suffix == ".safetensors" and "centers" not in name:
        make_network(path, words)
    elif suffix == ".zip":
        make_zip(path)
    else:
        make_text(path, before, words)


def save_picture(path: Path, seed: int) -> None:
    """Save a small picture, another one for each seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[0:96, 0:128]
    pixels = np.stack([x * 2, y * 2 + 3 * (seed % 9), 255 - x - 9 * (seed % 7)], axis=-1)
    pixels[10 + seed % 5 * 9 : 40, 20:60] = (200 - 20 * (seed % 9), 40, 90)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)


@cache
def kept() -> Path:
    """Return a folder for what is made once; it is removed at the end."""
    import atexit

    folder = Path(mkdtemp(prefix="blocks-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def film(suffix: str) -> Path:
    """Return a film of twelve frames, six seconds long."""
    path = kept() / f"film{suffix}"
    save_picture(kept() / "frame.png", 0)
    with Image.open(kept() / "frame.png") as picture:
        frame = picture.copy()
    if suffix == ".gif":
        frame.save(path, save_all=True, append_images=[frame.rotate(90)], duration=100)
        return path
    from fractions import Fraction

    from reverie.media.video_write import VideoWriter

    with VideoWriter(path, (96, 128), Fraction(2)) as writer:  # type: ignore[call-arg]
        for _ in range(12):
            writer.write(np.asarray(frame))  # type: ignore[attr-defined]
    return path


@cache
def result(suffix: str) -> Path:
    """Return a dream of a picture (or a film) that lies beside it, with its job inside."""
    from reverie.apps.cli.main import main

    path, source = kept() / f"result{suffix}", kept() / "photo.png"
    save_picture(source, 0)
    if suffix in FILMS:
        source = film(suffix)
    main(["dream", str(source), "--steps", "1", "--octaves", "1", "--size", "64", "--quiet", "-o", str(path)])
    return path


def named_classes(words: Sequence[str]) -> list[str]:
    """Return the classes that a line names, which a network of the user's would have."""
    found = [words[k + 1] for k, word in enumerate(words[:-1]) if word in ("--class", "--target-class")]
    return [name for text in found for name in text.split(",") if name not in ("all", "NAME") and not name.isdecimal()]


def make_network(path: Path, words: Sequence[str]) -> None:
    """Put a shipped network of the fitting kind there; a classifier gets the classes that the line names."""
    from dataclasses import replace

    from reverie.weights.checkpoint import load_model, save_model

    models = PACKAGE / "models"
    if "latent" in words or "--latent" in words or "stylegan2" in words:
        shutil.copyfile(models / "flowers.safetensors", path)
    elif "translate" in words or "export" in words or "--targets" in words:
        shutil.copyfile(models / "sobel.safetensors", path)
    else:
        state, about = load_model(models / "embedded.safetensors")
        named = named_classes(words)
        save_model(path, state, replace(about, classes=(*named, *about.classes[len(named) :])))


def make_zip(path: Path) -> None:
    """Write a zip of class folders."""
    save_picture(kept() / "frame.png", 0)
    with zipfile.ZipFile(path, "w") as archive:
        for folder in ("a", "b"):
            for number in range(10):
                save_picture(kept() / "zipped.png", number)
                archive.write(kept() / "zipped.png", f"{folder}/{number}.png")


def make_text(path: Path, before: str, words: Sequence[str]) -> None:
    """Write a small file of settings, a list or a table, by the option that it stands behind and its ending."""
    if (ROOT / path).is_file():
        shutil.copyfile(ROOT / path, path)
    elif path.suffix == ".yaml" and "latent" in words and before != "--map" and before != "--rules":
        shutil.copyfile(ROOT / "examples" / "journey.yaml", path)
    elif path.suffix == ".yaml":
        kind = "styles" if before == "--keyframes" and "style" in words else before.lstrip("-")
        path.write_text(TEXTS.get(kind, TEXTS["keyframes"]), "utf-8")
    elif path.suffix in (".txt", ".csv", ".edl"):
        path.write_text(TEXTS[{".txt": "classes", ".csv": "places", ".edl": "edit"}[path.suffix]], "utf-8")
    elif path.suffix in (".wav", ".mp3"):
        make_song(path)


def make_song(path: Path) -> None:
    """Write two seconds of a tone that beats."""
    import wave

    t = np.arange(2 * 22050) / 22050
    tone = (9000 * np.sin(2 * np.pi * 220 * t) * (t % 0.5 < 0.1)).astype("<i2")
    with wave.open(str(path.with_suffix(".wav")), "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(22050)
        file.writeframes(tone.tobytes())
    if path.suffix != ".wav":
        path.with_suffix(".wav").rename(path)


if __name__ == "__main__":
    sys.exit("docs/site/blocks.py uses this")
