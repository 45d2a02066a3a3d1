"""Flickr, for who has a key: FLICKR_API_KEY. Only pictures under free licences are asked for.

Source: https://www.flickr.com/services/api/flickr.photos.search.html and flickr.photos.licenses.getInfo (3600 an hour)
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from reverie.data.gather.record import Page, Record, attribution_of, count, mapping, plain, rows
from reverie.data.net.client import Client, RefusedError
from reverie.errors import InputError

PAGE_SIZE = 100
CC = "https://creativecommons.org"
LICENCES = {
    "1": ("CC BY-NC-SA 2.0", f"{CC}/licenses/by-nc-sa/2.0/"), "2": ("CC BY-NC 2.0", f"{CC}/licenses/by-nc/2.0/"),
    "3": ("CC BY-NC-ND 2.0", f"{CC}/licenses/by-nc-nd/2.0/"), "4": ("CC BY 2.0", f"{CC}/licenses/by/2.0/"),
    "5": ("CC BY-SA 2.0", f"{CC}/licenses/by-sa/2.0/"), "6": ("CC BY-ND 2.0", f"{CC}/licenses/by-nd/2.0/"),
    "7": ("No known copyright restrictions", "https://www.flickr.com/commons/usage/"),
    "8": ("United States Government Work, public domain", "https://www.usa.gov/government-works"),
    "9": ("CC0 1.0", f"{CC}/publicdomain/zero/1.0/"), "10": ("Public Domain Mark 1.0", f"{CC}/publicdomain/mark/1.0/"),
}  # fmt: skip
SIZES = ("url_l", "url_c", "url_z")  # 1024, 800 and 640 px


@dataclass(frozen=True)
class Flickr:
    """Search api.flickr.com."""

    api: str = "https://api.flickr.com"
    name: str = "flickr"
    pause_s: float = 1.0
    terms: str = "Creative Commons and public domain; each picture names its own"

    def page(self, client: Client, words: str, cursor: str | None) -> Page:
        """See `Source`."""
        number = int(cursor or 1)
        params: dict[str, str | int] = {
            "method": "flickr.photos.search", "api_key": flickr_key(), "text": words, "license": ",".join(LICENCES),
            "extras": f"license,owner_name,{','.join(SIZES)}", "per_page": PAGE_SIZE, "page": number,
            "sort": "relevance", "content_type": 1, "safe_search": 1, "format": "json", "nojsoncallback": 1,
        }  # fmt: skip
        data = mapping(client.json(f"{self.api}/services/rest/", params, pause_s=self.pause_s))
        if data.get("stat") != "ok":
            raise RefusedError(f"Flickr refuses '{words}': {plain(data.get('message'))}")
        photos = mapping(data.get("photos"))
        found = tuple(r for r in map(_record, rows(photos.get("photo"))) if r is not None)
        return Page(found, str(number + 1) if number < count(photos.get("pages")) else None)


def flickr_key() -> str:
    """Return the key.

    Raises:
        InputError: there is none.
    """
    key = os.environ.get("FLICKR_API_KEY", "")
    if not key:
        raise InputError("Flickr needs a key: set FLICKR_API_KEY, or leave out --source flickr")
    return key


def _record(row: object) -> Record | None:
    row = mapping(row)
    url = next((str(row[size]) for size in SIZES if row.get(size)), None)
    if url is None:
        return None
    licence, text = LICENCES.get(str(row.get("license")), ("unknown", ""))
    title, creator = plain(row.get("title")), plain(row.get("ownername"))
    return Record(
        url=url, thumbnail=str(row.get("url_z") or url), title=title, creator=creator, licence=licence,
        licence_url=text, attribution=attribution_of(title, creator, licence, "Flickr"),
        page=f"https://www.flickr.com/photos/{row.get('owner')}/{row.get('id')}", source="flickr",
    )  # fmt: skip
