"""Picture search of the web through the package `ddgs`: fragile, and of unknown licence.

No search engine documents such a service; pages change, and requests are refused at any time. Nothing says who owns
the pictures: use them for yourself, and do not pass them on.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType

from reverie.data.gather.record import Page, Record, mapping, plain
from reverie.data.net.client import Client, FetchError
from reverie.errors import InputError

DEEPEST = 5  # pages


@dataclass(frozen=True)
class WebSearch:
    """Search through ddgs."""

    api: str = "https://duckduckgo.com"
    name: str = "web"
    pause_s: float = 5.0
    terms: str = "fragile, and of UNKNOWN licence: for yourself only"

    def page(self, client: Client, words: str, cursor: str | None) -> Page:
        """See `Source`."""
        number = int(cursor or 1)
        client.pause_for(self.api, self.pause_s)
        try:
            found = ddgs_package().DDGS(timeout=20).images(words, page=number, max_results=50)
        except Exception as error:  # ddgs raises its own errors and those of the engines behind it
            if "No results" in str(error):
                return Page(())
            raise FetchError(f"the web search failed ({' '.join(str(error).split())[:100]})") from error
        records = tuple(_record(row) for row in found if mapping(row).get("image"))
        return Page(records, str(number + 1) if records and number < DEEPEST else None)


def ddgs_package() -> ModuleType:
    """Return the optional package.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module("ddgs")
    except ImportError as error:
        raise InputError("the web search needs a package: pip install 'reverie[web]'") from error


def _record(row: object) -> Record:
    row = mapping(row)
    page = str(row.get("url") or "")
    return Record(
        url=str(row["image"]), thumbnail=str(row.get("thumbnail") or ""), title=plain(row.get("title")),
        licence="unknown", attribution=f"{plain(row.get('title'))}, unknown author and licence, {page}", page=page,
        source="web",
    )  # fmt: skip
