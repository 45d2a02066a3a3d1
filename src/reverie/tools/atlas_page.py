"""The parts of an atlas that are looked at: a contact sheet per layer and one page to browse all tiles.

The page is a single file without any request to a network; tiles are loaded as they come into view.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import reverie
from reverie.critic.critic import Critic
from reverie.errors import InputError, OutputError
from reverie.media.image import read_picture, to_uint8
from reverie.media.sheet import contact_sheet
from reverie.media.write import check_writable, write_picture
from reverie.settings import to_record
from reverie.tools.atlas import Page
from reverie.tools.atlas_config import AtlasConfig
from reverie.weights.checkpoint import write_bytes

TEMPLATE = Path(__file__).with_name("atlas.html")
SETTINGS, INDEX, SHEETS = "atlas.json", "index.html", "sheets"
COLUMNS = 8
FREE = ("layer", "device", "precision")  # may differ between two runs into one folder


def open_folder(folder: Path, config: AtlasConfig, critic: Critic, *, overwrite: bool) -> None:
    """Make the folder of an atlas, or check that the one that is there is of the same network and settings.

    Raises:
        InputError: it holds another atlas.
        OutputError: it cannot be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"cannot write to '{folder}': it is a file; expected a folder")
    try:
        (folder / SHEETS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder '{folder}': {error.strerror or error}") from error
    check_writable(folder / "sheet.jpg")
    path, record = folder / SETTINGS, _record(config, critic)
    if path.is_file() and not overwrite and _comparable(_read(path)) != _comparable(record):
        raise InputError(
            f"'{folder}' holds an atlas made with other settings or of another network; take another folder, "
            "or --overwrite"
        )
    write_bytes(path, (json.dumps(record, indent=1) + "\n").encode())


def write_sheet(folder: Path, page: Page, config: AtlasConfig, critic: Critic) -> Path:
    """Write the contact sheet of one finished layer from its tile files; returns its path."""
    tiles = [to_uint8(read_picture(folder / t.file).rgb) for t in page.tiles]
    captions = [t.label for t in page.tiles]
    sheet = contact_sheet(
        tiles, columns=COLUMNS, captions=captions, tile_px=config.size, title=f"{critic.identity.name}  {page.name}"
    )
    path = folder / SHEETS / f"{page.file_name}.jpg"
    write_picture(path, sheet, settings=_record(config, critic) | {"tool": "atlas --sheet"}, quality=88)
    return path


def write_page(folder: Path, pages: Sequence[Page], config: AtlasConfig, critic: Critic) -> Path:
    """Write the page to browse what is there; returns its path."""
    data = {
        "network": critic.identity.name,
        "made": f"Reverie {reverie.__version__}, prior {config.prior}, {config.steps} steps, {config.size} px",
        "pages": [
            {
                "name": page.name, "note": page.note, "channels": page.channels,
                "sheet": f"{SHEETS}/{page.file_name}.jpg",
                "tiles": [[t.label, t.file] for t in page.tiles if (folder / t.file).is_file()],
            }
            for page in pages
        ],
        "px": config.size,
    }  # fmt: skip
    text = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")  # no name can end the script
    html = TEMPLATE.read_text(encoding="utf-8").replace("/*DATA*/null", text)
    path = folder / INDEX
    write_bytes(path, html.encode())
    return path


def _record(config: AtlasConfig, critic: Critic) -> dict[str, Any]:
    settings = to_record(config) | {"precision": critic.precision, "device": "auto"}
    for name in ("model", "weights"):
        if settings[name]:
            settings[name] = Path(settings[name].replace("\\", "/")).name
    model = {"name": critic.identity.name, "sha256": critic.identity.sha256}
    return {"tool": "atlas", "version": reverie.__version__, "config": settings, "model": model}


def _comparable(record: dict[str, Any]) -> dict[str, Any]:
    config = {k: v for k, v in record.get("config", {}).items() if k not in FREE}
    return {"config": config, "model": record.get("model")}


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
