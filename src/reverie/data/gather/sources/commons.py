"""Wikimedia Commons: full-text search, or the files of a category, through the MediaWiki action API.

Pictures are fetched as thumbnails at the widths that Wikimedia keeps, never as originals, as its rules for programs
ask. `category:Paintings by Paul Klee` in place of search words lists a category.
Source: https://www.mediawiki.org/wiki/API:Imageinfo, https://www.mediawiki.org/wiki/Common_thumbnail_sizes
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import cast

from reverie.data.gather.client import Client, Refusal
from reverie.data.gather.record import Page, Record, attribution_of, mapping, plain, rows

WIDTHS = (250, 330, 500, 960, 1280, 1920, 3840)
PAGE_SIZE = 50
PICTURES = ("image/jpeg", "image/png", "image/webp", "image/tiff")
CATEGORY = re.compile(r"category:\s*(.+)", re.IGNORECASE)
DETAIL = re.compile(r"\b(detail|cropped|crop|retouched|frame[d]?|edit(ed)?|version|copy)\b|[\d()\[\]_.,;:-]+")


@dataclass(frozen=True)
class Commons:
    """Search commons.wikimedia.org; `side_px` is the wanted width."""

    api: str = "https://commons.wikimedia.org"
    side_px: int = 1280
    name: str = "commons"
    pause_s: float = 0.5
    terms: str = "free licences and public domain; each picture names its own"

    def page(self, client: Client, words: str, cursor: str | None) -> Page:
        """See `Source`."""
        width = next((w for w in WIDTHS if w >= self.side_px), WIDTHS[-1])
        params: dict[str, str | int] = {
            "action": "query", "format": "json", "formatversion": 2, "maxlag": 5,
            "prop": "imageinfo", "iiprop": "url|size|mime|sha1|extmetadata", "iiurlwidth": width,
            "iiextmetadatafilter": "LicenseShortName|LicenseUrl|Artist|ObjectName|Attribution",
        }  # fmt: skip
        params |= _generator(words)
        params |= cast("dict[str, str | int]", json.loads(cursor)) if cursor else {}
        data = mapping(client.json(f"{self.api}/w/api.php", params, pause_s=self.pause_s, busy=_lags))
        if "error" in data:
            raise Refusal(f"Wikimedia Commons refuses '{words}': {plain(mapping(data['error']).get('info'))}")
        pages = sorted(rows(mapping(data.get("query")).get("pages")), key=lambda p: cast("int", p.get("index") or 0))
        found = tuple(r for r in map(_record, pages) if r is not None)
        following = mapping(data.get("continue"))
        kept = {str(k): v for k, v in following.items() if isinstance(v, (str, int))}
        return Page(found, json.dumps(kept) if kept else None)


def _generator(words: str) -> dict[str, str | int]:
    category = CATEGORY.fullmatch(words.strip())
    if category is not None:
        title = f"Category:{category[1].strip()}"
        return {"generator": "categorymembers", "gcmtitle": title, "gcmtype": "file", "gcmlimit": PAGE_SIZE}
    text = f"filetype:bitmap {words}"
    return {"generator": "search", "gsrsearch": text, "gsrnamespace": 6, "gsrlimit": PAGE_SIZE}


def _lags(data: object) -> bool:
    """Tell whether the answer says that the servers are behind: `maxlag` comes with status 200."""
    return mapping(mapping(data).get("error")).get("code") in ("maxlag", "ratelimited")


def _record(page: object) -> Record | None:
    info = next(iter(rows(mapping(page).get("imageinfo"))), {})
    url = info.get("thumburl")
    if not isinstance(url, str) or info.get("mime") not in PICTURES:
        return None
    about = mapping(info.get("extmetadata"))
    said = {key: plain(mapping(about.get(key)).get("value")) for key in about}
    file = plain(mapping(page).get("title")).removeprefix("File:").rpartition(".")[0]
    title, creator = said.get("ObjectName") or file, said.get("Artist", "")
    licence = said.get("LicenseShortName") or "unknown"
    work = " ".join(DETAIL.sub(" ", title.lower()).split())
    return Record(
        url=url, thumbnail=url, title=title, creator=creator, licence=licence, licence_url=said.get("LicenseUrl", ""),
        attribution=said.get("Attribution") or attribution_of(title, creator, licence, "Wikimedia Commons"),
        page=str(info.get("descriptionurl") or ""), sha1=str(info.get("sha1") or ""), source="commons",
        artwork=f"{creator}/{work}" if creator and work else "",
    )  # fmt: skip
