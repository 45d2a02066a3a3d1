"""The Rijksmuseum: a search gives identifiers, which lead as Linked Art from object to view to file.

Three look-ups a picture: HumanMadeObject → shows → digitally_shown_by → access_point, an address of its IIIF server.
Source: https://data.rijksmuseum.nl/docs/search and https://data.rijksmuseum.nl/docs/http/; https://linked.art/model/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from reverie.data.gather.record import Page, Record, attribution_of, mapping, plain, rows
from reverie.data.net.client import Client, RefusedError

AT_ONCE = 10  # objects looked up for one page of results
ENGLISH = "http://vocab.getty.edu/aat/300388277"
IIIF_SIZE = re.compile(r"/full/[^/]+/0/")


@dataclass(frozen=True)
class Rijksmuseum:
    """Search data.rijksmuseum.nl by title; `creator:Name` searches by maker. `side_px` is the wanted width."""

    api: str = "https://data.rijksmuseum.nl"
    side_px: int = 1280
    name: str = "rijksmuseum"
    pause_s: float = 0.25
    terms: str = "public domain and CC0; each picture names its own"

    def page(self, client: Client, words: str, cursor: str | None) -> Page:
        """See `Source`; a cursor is the museum's page token and a place on that page."""
        token, _, begin = (cursor or "/0").rpartition("/")
        params: dict[str, str | int] = {"imageAvailable": "true", "type": "painting", **_where(words)}
        params |= {"pageToken": token} if token else {}
        data = mapping(client.json(f"{self.api}/search/collection", params, pause_s=self.pause_s))
        items = [str(row["id"]) for row in rows(data.get("orderedItems")) if row.get("id")]
        end = int(begin) + AT_ONCE
        found = [self._record(client, item) for item in items[int(begin) : end]]
        following = f"{token}/{end}" if end < len(items) else _token(data)
        return Page(tuple(r for r in found if r is not None), following)

    def _look_up(self, client: Client, identifier: str) -> Mapping[str, object]:
        number = identifier.rstrip("/").rpartition("/")[2]
        headers = {"Accept": "application/ld+json", "Accept-Profile": "<https://linked.art/ns/v1/linked-art.json>"}
        return mapping(client.json(f"{self.api}/{number}", pause_s=self.pause_s, headers=headers))

    def _record(self, client: Client, identifier: str) -> Record | None:
        try:
            thing = self._look_up(client, identifier)
            view = self._look_up(client, _first(thing, "shows"))
            file = self._look_up(client, _first(view, "digitally_shown_by"))
            url = _first(file, "access_point")
        except RefusedError:  # no picture, or one that may not be shown
            return None
        title, creator = _title(thing), _creator(thing)
        rights = _right(file) or _right(view)
        licence = "CC0 1.0" if "zero" in rights else "Public Domain Mark" if "publicdomain" in rights else "unknown"
        return Record(
            url=IIIF_SIZE.sub(f"/full/{self.side_px},/0/", url), thumbnail=IIIF_SIZE.sub("/full/200,/0/", url),
            title=title, creator=creator, licence=licence if rights else "unknown", licence_url=rights,
            attribution=attribution_of(title, creator, licence, "Rijksmuseum"), page=identifier,
            source="rijksmuseum", artwork=f"rijksmuseum/{identifier}",
        )  # fmt: skip


def _where(words: str) -> dict[str, str | int]:
    name, colon, rest = words.partition(":")
    return {"creator": rest.strip()} if colon and name.strip().lower() == "creator" else {"title": words}


def _token(data: Mapping[str, object]) -> str | None:
    address = str(mapping(data.get("next")).get("id") or "")
    token = parse_qs(urlsplit(address).query).get("pageToken", [""])[0]
    return f"{token}/0" if token else None


def _first(thing: Mapping[str, object], key: str) -> str:
    """Return the identifier of the first thing that a property leads to."""
    for row in rows(thing.get(key)):
        if row.get("id"):
            return str(row["id"])
    raise RefusedError(f"an object of the Rijksmuseum has no '{key}'")


def _title(thing: Mapping[str, object]) -> str:
    names = [row for row in rows(thing.get("identified_by")) if row.get("type") == "Name"]
    english = [n for n in names if any(item.get("id") == ENGLISH for item in rows(n.get("language")))]
    return next((plain(name.get("content")) for name in (*english, *names) if plain(name.get("content"))), "")


def _creator(thing: Mapping[str, object]) -> str:
    made = mapping(thing.get("produced_by"))
    for text in (
        *rows(made.get("referred_to_by")),
        *(r for p in rows(made.get("part")) for r in rows(p.get("referred_to_by"))),
    ):
        if plain(text.get("content")):
            return plain(text.get("content"))
    return ""


def _right(thing: Mapping[str, object]) -> str:
    for right in rows(thing.get("subject_to")):
        for kind in rows(right.get("classified_as")):
            if "creativecommons.org" in str(kind.get("id")):
                return str(kind["id"])
    return ""
