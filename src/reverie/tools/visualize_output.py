"""Where drawn pictures go: one file, a sheet of several, or a folder with one file for each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reverie.errors import InputError, OutputError, PictureError
from reverie.media.image import read_picture, to_uint8
from reverie.media.metadata import read_settings
from reverie.media.sheet import contact_sheet
from reverie.media.write import ENCODERS, check_writable, write_picture
from reverie.tools.attention import opacity
from reverie.tools.dream.targets import Target
from reverie.tools.visualize import Drawing
from reverie.tools.visualize_config import VisualizeConfig

OPAQUE = (".jpg", ".jpeg")
SHEET, SHEET_COLUMNS, SHEET_TILE_PX = "sheet.jpg", 5, 256


@dataclass(frozen=True)
class Places:
    """Files by target, in order: none where only a sheet is wanted. `sheet` is None for a single picture."""

    files: dict[Target, tuple[Path, ...]]
    sheet: Path | None


def plan_places(output: str | None, model: str, targets: Sequence[Target], config: VisualizeConfig) -> Places:
    """Decide where everything goes, and check that it can be written.

    Raises:
        InputError: alpha asked of a format without it.
        OutputError: a folder or file that cannot be written.
    """
    stem = re.sub(r"[^\w.+-]+", "-", Path(model).stem) or "network"
    several = len(targets) * config.batch > 1
    given = Path(output) if output is not None else None
    if given is None:
        given = Path(f"{stem}-pictures") if several else _free(Path(f"{stem}-{targets[0].file_name}.png"))
    is_file = given.suffix.lower() in ENCODERS and not given.is_dir()
    if is_file and config.alpha and given.suffix.lower() in OPAQUE:
        raise InputError(f"{given.suffix} cannot be transparent; --alpha needs .png, .webp, .avif or .tiff")
    if is_file:
        check_writable(given)
        return Places(dict.fromkeys(targets, () if several else (given,)), given if several else None)
    _make_folder(given)
    names = _file_names(targets)
    files = {t: tuple(given / f"{n}{_number(k, config.batch)}.png" for k in range(config.batch)) for t, n in names}
    return Places(files, given / SHEET if several else None)


def is_current(paths: Sequence[Path], asked: str) -> bool:
    """Tell whether all of a target's pictures are there and were asked for just so.

    Raises:
        OutputError: a file of that name was made otherwise.
    """
    for path in paths:
        if not path.exists():
            return False
        try:
            found = read_settings(path).get("asked")
        except PictureError:
            found = None
        if found != asked:
            raise OutputError(f"'{path}' is there already, made with other settings; --overwrite, or another folder")
    return bool(paths)


def save_drawing(
    drawing: Drawing, paths: Sequence[Path], records: Sequence[dict[str, Any]], *, alpha: bool, quality: int
) -> None:
    """Write the pictures of a drawing with their settings inside.

    Raises:
        OutputError: one cannot be written; nothing is left behind of it.
    """
    opaque = opacity(drawing.attention).numpy() if alpha else None
    for number, (path, record) in enumerate(zip(paths, records, strict=True)):
        rgb = drawing.images[number].permute(1, 2, 0).float().numpy()
        layer = None if opaque is None else opaque[number]
        write_picture(path, rgb, alpha=layer, settings=record | {"quality": quality}, quality=quality)


def tiles_of(drawing: Drawing) -> list[np.ndarray]:
    """Return the pictures as ``[H, W, 3]`` uint8."""
    return [to_uint8(image.permute(1, 2, 0).float().numpy()) for image in drawing.images]


def tiles_from(paths: Sequence[Path]) -> list[np.ndarray]:
    """Return pictures that were drawn earlier, as `tiles_of` does."""
    return [to_uint8(read_picture(path).rgb) for path in paths]


def write_sheet(path: Path, tiles: Sequence[np.ndarray], captions: Sequence[str], record: dict[str, Any]) -> None:
    """Write a contact sheet of all pictures."""
    side = min(SHEET_TILE_PX, max(max(t.shape) for t in tiles))
    columns = min(SHEET_COLUMNS, len(tiles)) if len(tiles) <= 40 else 10
    sheet = contact_sheet(tiles, columns=columns, captions=captions, tile_px=side)
    write_picture(path, sheet, settings=record, quality=88)


def _free(path: Path) -> Path:
    number, candidate = 1, path
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return candidate


def _make_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"cannot write to '{folder}': it is a file; expected a folder, or a name that ends in .png")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder '{folder}': {error.strerror or error}") from error
    check_writable(folder / SHEET)


def _file_names(targets: Sequence[Target]) -> list[tuple[Target, str]]:
    """Return targets with file names that differ from each other whatever a file system makes of their case."""
    counts = Counter(t.file_name.lower() for t in targets)
    return [(t, t.file_name + ("" if counts[t.file_name.lower()] == 1 else f"~{i}")) for i, t in enumerate(targets)]


def _number(index: int, batch: int) -> str:
    return "" if batch == 1 else f"-{index + 1}"
