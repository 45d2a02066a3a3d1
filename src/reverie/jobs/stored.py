"""The jobs inside results, whatever their kind: where each format holds one, read within bounds.

What is read here is raw JSON; `reverie.jobs.job.parse` makes a job of it.
"""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

from reverie.errors import InputError, PictureError
from reverie.weights.file_names import LONGEST, fitted
from reverie.weights.in_folder import network_in

JOB_FILE = "job.json"  # inside a folder, and in the names of side files of formats that hold no text
OLDER_FILES = ("atlas.json",)  # what stood in its place in folders of earlier versions
ONNX_JOB = "reverie-job"  # the note of an ONNX file that holds it
PAGE_JOB = re.compile(r'<script type="application/json" id="reverie-job">(.*?)</script>', re.DOTALL)
MOST_BYTES = 256 << 20  # a page with its pictures inside


def holds_job(folder: Path) -> bool:
    """Tell whether a folder is a result of ours."""
    return any((folder / name).is_file() for name in (JOB_FILE, *OLDER_FILES))


def side_file(path: Path) -> Path:
    """Return where the job of a file stands whose format holds none."""
    name = f"{path.name}.{JOB_FILE}"
    return path.with_name(name if len(os.fsencode(name)) <= LONGEST else fitted(path.name, f".{JOB_FILE}"))


def stored_record(path: Path) -> dict[str, object]:
    """Return the raw record of a file or folder that Reverie made, whatever its kind; `parse` makes a job of it.

    The folder of a training stands for its network.

    Raises:
        InputError: it carries none.
    """
    if path.is_dir() and not holds_job(path):
        if network_in(path) == path:
            raise InputError(f"'{path}' carries no job of its own; if results lie in it, name one of them")
        path = network_in(path)
    if path.is_dir():
        older = [path / name for name in OLDER_FILES if (path / name).is_file() and not (path / JOB_FILE).is_file()]
        return _loaded(older[0] if older else path / JOB_FILE, path)
    if side_file(path).is_file():
        return _loaded(side_file(path), path)
    reader = READERS.get(path.suffix.lower(), _picture_record)
    found = reader(path)
    if found is None:
        raise InputError(f"'{path}' carries no job: it was not made by Reverie, or by an earlier version")
    return found


def _picture_record(path: Path) -> dict[str, object]:
    from reverie.media.metadata import read_settings
    from reverie.media.suffixes import PICTURES, VIDEOS_WRITTEN

    try:
        return dict(read_settings(path))
    except PictureError as error:
        if path.suffix.lower() in (*PICTURES, *VIDEOS_WRITTEN, ""):
            raise
        raise InputError(f"'{path}' says nothing of what made it: it was not made by Reverie") from error


def _network_record(path: Path) -> dict[str, object] | None:
    from reverie.weights.checkpoint import load_description

    found = job_beside_tensors(path) or load_description(path).recipe.get("job")
    return dict(found) if isinstance(found, dict) else None


def job_beside_tensors(path: Path) -> dict[str, object] | None:
    """Return the job in the notes of a safetensors file that is no network: latents, directions, states."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            notes = [json.loads(text) for name, text in (file.metadata() or {}).items() if name.startswith("reverie")]
    except (SafetensorError, OSError, ValueError, RecursionError):
        return None
    jobs = [about.get(key) for about in notes if isinstance(about, dict) for key in ("job", "record")]
    return next((job for job in jobs if isinstance(job, dict)), None)


def _table_record(path: Path) -> dict[str, object] | None:
    found = _loaded(path, path).get("job")
    return found if isinstance(found, dict) else None


def _page_record(path: Path) -> dict[str, object] | None:
    match = PAGE_JOB.search(_text(path))
    return None if match is None else _object(html.unescape(match[1]), path)


def _mesh_record(path: Path) -> dict[str, object] | None:
    from reverie.media.gltf_data import json_chunk, named

    return named(named(named(json_chunk(path).get("asset")).get("extras")).get("reverie")) or None


def _record_beside(path: Path) -> dict[str, object]:
    raise InputError(
        f"'{path}' carries no job: if Reverie made it, the job stood beside it in '{side_file(path).name}', "
        "which is missing; put it there again"
    )


def _onnx_record(path: Path) -> dict[str, object] | None:
    import importlib

    try:
        notes = importlib.import_module("onnx").load(path, load_external_data=False).metadata_props
    except Exception as error:  # a missing package, a damaged file: protobuf raises kinds of its own
        raise InputError(f"'{path}' carries no job that can be read ({type(error).__name__})") from error
    found = next((note.value for note in notes if note.key == ONNX_JOB), None)
    return None if found is None else _object(found, path)


READERS: dict[str, Callable[[Path], dict[str, object] | None]] = {  # by suffix; all others hold theirs as pictures do
    ".safetensors": _network_record, ".json": _table_record, ".html": _page_record, ".glb": _mesh_record,
    ".gltf": _mesh_record, ".onnx": _onnx_record, ".reverie": job_beside_tensors,
    **dict.fromkeys((".obj", ".ply", ".stl", ".csv", ".wav", ".flac"), _record_beside),
}  # fmt: skip


def _loaded(file: Path, made: Path) -> dict[str, object]:
    return _object(_text(file), made)


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            blob = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"'{file}' cannot be read: {error.strerror or error}") from error
    if len(blob) > MOST_BYTES:
        raise InputError(f"'{file}' is larger than a job or a page of ours can be")
    return blob.decode("utf-8", errors="replace")


def _object(text: str, made: Path) -> dict[str, object]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the job of '{made}' is damaged ({error})") from error
    if not isinstance(found, dict):
        raise InputError(f"the job of '{made}' is damaged: expected entries by name")
    return found
