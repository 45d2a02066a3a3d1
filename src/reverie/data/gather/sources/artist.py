"""The works of one artist, in whichever source: the words are "category:Paintings by NAME"."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from reverie.data.gather.record import Page, Source
from reverie.data.net.client import Client

PREFIX = "category:Paintings by "


@dataclass(frozen=True)
class ByArtist:
    """Asks a source for an artist as that source wants to be asked; others' works in the results are left out."""

    source: Source

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def api(self) -> str:
        return self.source.api

    @property
    def pause_s(self) -> float:
        return self.source.pause_s

    @property
    def terms(self) -> str:
        return self.source.terms

    def page(self, client: Client, words: str, cursor: str | None) -> Page:
        """See `Source`."""
        if self.name == "commons":
            return self.source.page(client, words, cursor)
        artist = words.removeprefix(PREFIX)
        page = self.source.page(client, f"creator:{artist}" if self.name == "rijksmuseum" else artist, cursor)
        own = tuple(record for record in page.records if _family(artist) in _plain(record.creator).split())
        return Page(own, page.cursor)


def _family(artist: str) -> str:
    return (_plain(artist).split() or [""])[-1]


def _plain(name: str) -> str:
    """Return a name in small letters without accents or punctuation."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return "".join(c if c.isalnum() else " " for c in bare.lower())
