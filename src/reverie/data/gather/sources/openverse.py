"""Openverse: pictures under open licences from dozens of collections, with ready lines of attribution.

Protocol: ``GET /v1/images/?q=&page=&page_size=``; without a token one request a second, 20 results a page and at most
240 results; OPENVERSE_TOKEN, of a registered application, allows more. Source: https://api.openverse.org/v1/
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from reverie.data.gather.record import Page, Record, count, mapping, plain, rows
from reverie.data.net.client import Client

PAGE_SIZE, DEEPEST = 20, 240


@dataclass(frozen=True)
class Openverse:
    """Search api.openverse.org."""

    api: str = "https://api.openverse.org"
    name: str = "openverse"
    pause_s: float = 1.0
    terms: str = "open licences of many kinds; each picture names its own"

    def page(self, client: Client, words: str, cursor: str | None) -> Page:
        """See `Source`."""
        number = int(cursor or 1)
        token = os.environ.get("OPENVERSE_TOKEN", "")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        params: dict[str, str | int] = {"q": words, "page": number, "page_size": PAGE_SIZE}
        data = mapping(client.json(f"{self.api}/v1/images/", params, pause_s=self.pause_s, headers=headers))
        found = tuple(_record(row) for row in rows(data.get("results")) if isinstance(row.get("url"), str))
        deeper = number < count(data.get("page_count")) and (bool(token) or (number + 1) * PAGE_SIZE <= DEEPEST)
        return Page(found, str(number + 1) if found and deeper else None)


def _record(row: dict[str, object] | object) -> Record:
    row = mapping(row)
    code, version = plain(row.get("license")), plain(row.get("license_version"))
    public = {"cc0": "CC0", "pdm": "Public Domain Mark"}
    licence = f"{public.get(code, f'CC {code.upper()}')} {version}".strip() if code else "unknown"
    return Record(
        url=str(row["url"]), thumbnail=str(row.get("thumbnail") or ""), title=plain(row.get("title")),
        creator=plain(row.get("creator")), licence=licence, licence_url=plain(row.get("license_url")),
        attribution=plain(row.get("attribution")), page=str(row.get("foreign_landing_url") or ""),
        source="openverse",
    )  # fmt: skip
