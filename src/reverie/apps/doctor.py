"""What this installation and this machine have, and what is missing: facts for `reverie doctor`."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from reverie.version import __version__

State = Literal["good", "missing", "bad"]
NAMED = ("torch", "torchvision", "numpy", "pillow", "av", "opencv-python-headless", "numba", "scipy", "cyclopts")
FOR_WORK = ("dev", "docs")  # extras for those who change Reverie; nobody else misses them
GB = 1e9


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        part: what it is about: "device", "extra", "file".
        name: of the thing.
        state: "good"; "missing" for what one can do without; "bad" for what has to be mended.
        what: what was found.
        advice: what to do where something is missing or bad.
    """

    part: str
    name: str
    state: State
    what: str
    advice: str = ""


def examine() -> Iterator[Finding]:
    """Yield what was found, part by part; nothing is downloaded and nothing is written."""
    for part in (_versions, _threads, _devices, _memory, _formats, _shipped, _extras, _fetched):
        try:
            yield from part()
        except (ImportError, OSError, RuntimeError) as error:  # a broken part must not hide what the others say
            name = part.__name__.strip("_")
            yield Finding(name, name, "bad", " ".join(str(error).split())[:200], "install Reverie again")


def as_json(findings: list[Finding]) -> dict[str, object]:
    """Return the report as plain JSON types."""
    return {
        "reverie": __version__,
        "well": all(f.state != "bad" for f in findings),
        "findings": [*map(asdict, findings)],
    }


def _versions() -> Iterator[Finding]:
    yield Finding("version", "reverie", "good", f"{__version__} in {Path(__file__).parents[1]}")
    python = f"{platform.python_version()} on {platform.system()} {platform.release()}, {platform.machine()}"
    yield Finding("version", "python", "good", python)
    for name in NAMED:
        try:
            yield Finding("version", name, "good", importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding("version", name, "bad", "not installed", f"pip install {name}")
    from reverie.weights.vision import torchvision

    torchvision()  # a pair of torch and torchvision that do not fit fails here


def _threads() -> Iterator[Finding]:
    import torch

    from reverie.threads import usable_cores

    own = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY") if name in os.environ}
    said = "".join(f"; {name}={value}" for name, value in own.items())
    yield Finding("threads", "torch", "good", f"{torch.get_num_threads()} of {usable_cores()} usable cores{said}")


def _devices() -> Iterator[Finding]:
    import torch

    from reverie.critic.precision import bf16_is_faster

    kind = "bf16" if bf16_is_faster("cpu") else "fp32"
    yield Finding("device", "cpu", "good", f"{platform.processor() or platform.machine()}; networks run in {kind}")
    for index in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(index)
        yield Finding("device", f"cuda:{index}", "good", f"{about.name}, {about.total_memory / GB:.0f} GB")
    if torch.backends.mps.is_available():
        yield Finding("device", "mps", "good", "Apple GPU")
    if torch.cuda.device_count() == 0 and shutil.which("nvidia-smi"):
        advice = "install a build of torch for CUDA, see docs/containers.md"
        yield Finding(
            "device", "cuda", "missing", f"there is an NVIDIA driver, but torch {torch.__version__} has no GPU", advice
        )


def _memory() -> Iterator[Finding]:
    import psutil

    from reverie.weights.fetch import cache_dir

    memory = psutil.virtual_memory()
    state, advice = ("good", "") if memory.available > GB else ("bad", "close other programs, or give --max-memory")
    yield Finding("memory", "free", state, f"{memory.available / GB:.1f} of {memory.total / GB:.1f} GB", advice)
    for name, place in (("here", Path.cwd()), ("cache", cache_dir())):
        there = next(folder for folder in (place, *place.parents) if folder.exists())
        yield Finding("disk", name, "good", f"{shutil.disk_usage(there).free / GB:.1f} GB free at {place}")


def _formats() -> Iterator[Finding]:
    from reverie.media.codecs import picture_formats, video_encoders

    for part, found in (("picture", picture_formats()), ("film", video_encoders())):
        for name, there in found.items():
            advice = "" if there else "reinstall " + ("pillow and pillow-heif" if part == "picture" else "av")
            yield Finding(part, name, "good" if there else "missing", "yes" if there else "no", advice)


def _shipped() -> Iterator[Finding]:
    from reverie.weights.shipped import shipped_state, shipped_sums

    for name, digest in shipped_sums().items():
        found = shipped_state(name, digest)
        whole = found == "whole"
        what = f"whole, sha256 {digest[:12]}" if whole else found
        yield Finding("file", name, "good" if whole else "bad", what, "" if whole else "install Reverie again")


def _extras() -> Iterator[Finding]:
    for extra, packages in extras(importlib.metadata.requires("reverie") or ()).items():
        absent = [name for name in packages if not _installed(name)]
        if extra in FOR_WORK:
            continue
        what = f"lacks {', '.join(absent)}" if absent else ", ".join(packages)
        advice = f"pip install 'reverie[{extra}]'" if absent else ""
        yield Finding("extra", extra, "missing" if absent else "good", what, advice)


def extras(requirements: Sequence[str]) -> Mapping[str, list[str]]:
    """Return the packages of every extra, from lines such as "segno>=1.6; extra == 'studio'"."""
    found: dict[str, list[str]] = {}
    for line in requirements:
        name, mark, rest = re.split(r"[<>=!~\[; ]", line, maxsplit=1)[0], "extra == ", line.partition(";")[2]
        if mark in rest:
            found.setdefault(rest.partition(mark)[2].strip("'\" )"), []).append(name)
    return found


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _fetched() -> Iterator[Finding]:
    from reverie.weights.catalogue import CATALOGUE
    from reverie.weights.fetch import cached

    here = [name for name in CATALOGUE if cached(name)]
    yield Finding("networks", "fetched", "good", ", ".join(here) or "none; 'reverie models' lists what there is")


def try_out() -> Finding:
    """Dream a tiny picture from noise, to see that all parts work together."""
    import time

    from reverie.api import dream

    began = time.perf_counter()
    dream(None, size=64, octaves=1, steps=2).pil(progress=False)
    return Finding("trial", "dream", "good", f"64 px, 2 steps in {time.perf_counter() - began:.1f} s")
