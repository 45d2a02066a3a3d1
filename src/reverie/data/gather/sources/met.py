"""The Metropolitan Museum of Art: a search gives numbers of objects, each object its picture; public domain is CC0.

Source: https://metmuseum.github.io/ (at most 80 requests a second; far fewer are sent)
"""

from __future__ import annotations

from dataclasses import dataclass

from reverie.data.gather.record import Page, Record, attribution_of, mapping, plain
from reverie.data.net.client import Client, RefusedError

AT_ONCE = 10  # objects looked up for one page of results
CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"


@dataclass(frozen=True)
class Met:
    """Search collectionapi.metmuseum.org; only what is in the public domain."""

    api: str = "https://collectionapi.metmuseum.org"
    name: str = "met"
    pause_s: float = 0.25
    terms: str = "CC0"

    def page(self, client: Client, words: str, cursor: str | None) -> Page:
        """See `Source`; the search is asked again for every page, since the museum has no pages."""
        base = f"{self.api}/public/collection/v1"
        data = mapping(client.json(f"{base}/search", {"q": words, "hasImages": "true"}, pause_s=self.pause_s))
        listed = data.get("objectIDs")
        numbers = [n for n in listed if isinstance(n, int)] if isinstance(listed, list) else []
        begin = int(cursor or 0)
        found: list[Record] = []
        for number in numbers[begin : begin + AT_ONCE]:
            try:
                about = mapping(client.json(f"{base}/objects/{number}", pause_s=self.pause_s))
            except RefusedError:  # numbers of removed objects stay in the index for a while
                continue
            if about.get("isPublicDomain") is True and about.get("primaryImage"):
                found.append(_record(about))
        end = begin + AT_ONCE
        return Page(tuple(found), str(end) if end < len(numbers) else None)


def _record(about: object) -> Record:
    about = mapping(about)
    title, creator = plain(about.get("title")), plain(about.get("artistDisplayName"))
    large, small = str(about["primaryImage"]), str(about.get("primaryImageSmall") or "")
    return Record(
        url=small or large, thumbnail=small, title=title, creator=creator, licence="CC0 1.0", licence_url=CC0,
        attribution=attribution_of(title, creator, "CC0", "The Metropolitan Museum of Art"),
        page=str(about.get("objectURL") or ""), source="met", artwork=f"met/{about.get('objectID')}",
    )  # fmt: skip
