"""Looks of an exhibition that come from a folder: one for each painting, or for each artist's folder."""

from __future__ import annotations

import json
import time
from pathlib import Path

from reverie.apps.web.studio.studio import Studio
from reverie.errors import InputError
from reverie.jobs.files import recorded_files, without_folders
from reverie.jobs.job import sections
from reverie.jobs.queue.store import new_id
from reverie.media.suffixes import PICTURES
from reverie.settings import to_record

MOST_LOOKS = 60
OWNER = "artists"  # in front of the id of a look that came from a folder


def artworks(folder: Path) -> list[tuple[str, Path]]:
    """Return name and picture of each look: every painting, or the first of every artist's folder.

    Raises:
        InputError: there are none, or too many.
    """
    if not folder.is_dir():
        raise InputError(f"no folder of paintings at '{folder}'; name one with --artists")
    found = [(_called(path), path) for path in sorted(folder.iterdir()) if _is_picture(path)]
    for inner in sorted(path for path in folder.iterdir() if path.is_dir()):
        first = next((path for path in sorted(inner.rglob("*")) if _is_picture(path)), None)
        if first is not None:
            found.append((_called(inner), first))
    if not found:
        raise InputError(f"'{folder}' holds no paintings; gather some with 'reverie gather artists'")
    if len(found) > MOST_LOOKS:
        raise InputError(f"'{folder}' holds {len(found)} paintings; visitors choose among at most {MOST_LOOKS}")
    return found


def offer_artists(studio: Studio, folder: Path, size_px: int) -> int:
    """Offer visitors the paintings of a folder, in one pass of the any-style network; return how many there are.

    Raises:
        InputError: see `artworks`.
    """
    works = artworks(folder)
    forget_artists(studio)
    for name, path in works:
        item = studio.files.adopt(path)
        record = stylized_record(path, size_px)
        studio.post_check(record)
        with studio.queue.database.writing() as db:
            db.execute(
                "INSERT INTO presets (id, name, tool, record, picture, booth, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (f"{OWNER}-{new_id()}", name, "style", json.dumps(record), item.sha256, 1, time.time()),
            )
    return len(works)


def forget_artists(studio: Studio) -> None:
    """Take back the looks that came from a folder."""
    with studio.queue.database.writing() as db:
        db.execute("DELETE FROM presets WHERE id LIKE ?", (f"{OWNER}-%",))


def stylized_record(path: Path, size_px: int) -> dict[str, object]:
    """Return the job of painting like a picture, without what is stylized."""
    from reverie.tools.style.config import StyleConfig

    config = StyleConfig(style=(str(path),), fast="any", size=size_px)
    files = {role: item.record() for role, item in recorded_files(config).items()}
    named = sections(without_folders(config))
    return {"tool": "style", **{name: to_record(part) for name, part in named.items()}, "files": files}


def _is_picture(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and path.suffix.lower() in PICTURES


def _called(path: Path) -> str:
    return path.stem.replace("_", " ").replace("-", " ").strip()[:60] or "untitled"
