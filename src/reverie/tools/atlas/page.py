"""The parts of an atlas that are looked at: a contact sheet per layer and one page to browse all tiles.

The page is a single file without any request to a network; tiles are loaded as they come into view.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reverie.critic.critic import Critic
from reverie.errors import OutputError
from reverie.media.image import read_picture, to_uint8
from reverie.media.sheet import contact_sheet
from reverie.media.write import write_picture
from reverie.settings import to_record
from reverie.tools.atlas.config import AtlasConfig
from reverie.tools.atlas.drawing import Page
from reverie.version import __version__
from reverie.weights.atomic import write_bytes

TEMPLATE = Path(__file__).with_name("page.html")
INDEX, SHEETS = "index.html", "sheets"
COLUMNS = 8
OURS = b"const atlas = "  # in every page that was made here


def write_sheet(folder: Path, page: Page, config: AtlasConfig, critic: Critic) -> Path:
    """Write the contact sheet of one finished layer from its tile files; returns its path."""
    tiles = [to_uint8(read_picture(folder / t.file).rgb) for t in page.tiles]
    captions = [t.label for t in page.tiles]
    sheet = contact_sheet(
        tiles, columns=COLUMNS, captions=captions, tile_px=config.size, title=f"{critic.identity.name}  {page.name}"
    )
    path = folder / SHEETS / f"{page.file_name}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_picture(path, sheet, settings=_record(config, critic), quality=88)
    return path


def write_page(folder: Path, pages: Sequence[Page], config: AtlasConfig, critic: Critic) -> Path:
    """Write the page to browse what is there; returns its path."""
    data = {
        "network": critic.identity.name,
        "made": f"Reverie {__version__}, prior {config.prior}, {config.steps} steps, {config.size} px",
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


def check_page(folder: Path) -> None:
    """Refuse to go on in a folder whose page somebody replaced by one of his own.

    Raises:
        OutputError: it did.
    """
    path = folder / INDEX
    if path.is_file() and OURS not in path.read_bytes():
        raise OutputError(f"'{INDEX}' in the folder was not made by Reverie; name another folder with -o")


def _record(config: AtlasConfig, critic: Critic) -> dict[str, Any]:
    """Return what a sheet says of itself; a replay makes its whole atlas again, from the folder."""
    settings = to_record(config) | {"precision": critic.precision, "device": "auto"}
    for name in ("model", "weights"):
        if settings[name]:
            settings[name] = Path(settings[name].replace("\\", "/")).name
    model = {"name": critic.identity.name, "sha256": critic.identity.sha256}
    return {"tool": "atlas --sheet", "version": __version__, "config": settings, "model": model}
