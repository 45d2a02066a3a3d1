"""The Art Institute of Chicago: search of public-domain works, pictures through IIIF.

Source: https://api.artic.edu/docs/ (60 requests a minute without a key; 843 px is the width that its caches keep)
"""

from __future__ import annotations

from dataclasses import dataclass

from reverie.data.gather.record import Page, Record, attribution_of, count, mapping, plain, rows
from reverie.data.net.client import Client

PAGE_SIZE = 100
FIELDS = "id,title,artist_title,image_id,is_public_domain"
CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"


@dataclass(frozen=True)
class ArtInstitute:
    """Search api.artic.edu."""

    api: str = "https://api.artic.edu"
    name: str = "aic"
    pause_s: float = 1.0
    terms: str = "CC0"

    def page(self, client: Client, words: str, cursor: str | None) -> Page:
        """See `Source`."""
        params: dict[str, str | int] = {
            "q": words, "query[term][is_public_domain]": "true", "fields": FIELDS, "limit": PAGE_SIZE,
            "page": int(cursor or 1),
        }  # fmt: skip
        data = mapping(client.json(f"{self.api}/api/v1/artworks/search", params, pause_s=self.pause_s))
        config = mapping(data.get("config"))
        iiif, site = str(config.get("iiif_url") or ""), str(config.get("website_url") or "https://www.artic.edu")
        found = tuple(_record(row, iiif, site) for row in rows(data.get("data")) if row.get("image_id") and iiif)
        pages = mapping(data.get("pagination"))
        number = count(pages.get("current_page"), int(cursor or 1))
        return Page(found, str(number + 1) if number < count(pages.get("total_pages")) else None)


def _record(row: object, iiif: str, site: str) -> Record:
    row = mapping(row)
    image, title, creator = plain(row["image_id"]), plain(row.get("title")), plain(row.get("artist_title"))
    return Record(
        url=f"{iiif}/{image}/full/843,/0/default.jpg", thumbnail=f"{iiif}/{image}/full/200,/0/default.jpg",
        title=title, creator=creator, licence="CC0 1.0", licence_url=CC0,
        attribution=attribution_of(title, creator, "CC0", "Art Institute of Chicago"),
        page=f"{site}/artworks/{row.get('id')}", source="aic", artwork=f"aic/{row.get('id')}",
    )  # fmt: skip
