"""Wikimedia Commons: full-text search, or the files of a category, through the MediaWiki action API.

Pictures are fetched as thumbnails at the widths that Wikimedia keeps, never as originals, as its rules for programs
ask. `category:Paintings by Paul Klee` in place of search words lists a category.
Source: https://www.mediawiki.org/wiki/API:Imageinfo, https://www.mediawiki.org/wiki/Common_thumbnail_sizes
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import cast

from reverie.data.gather.record import Page, Record, attribution_of, mapping, plain, rows
from reverie.data.net.client import Client, RefusedError

WIDTHS = (250, 330, 500, 960, 1280, 1920, 3840)
PAGE_SIZE = 50
PICTURES = ("image/jpeg", "image/png", "image/webp", "image/tiff")
CATEGORY = re.compile(r"category:\s*(.+)", re.IGNORECASE)
DEEPEST, MOST_CATEGORIES = 2, 300  # levels below a category, and categories of one walk
ASIDE = re.compile(  # categories below "Paintings by X" that hold something else
    r"\b(details?|cop(y|ies)|after|frames?|stamps?|photographs?|exhibitions?|reproductions?|forger|attributed|follower"
    r"|circle|workshop|x-?ray|signature|drawings?|prints?|engravings?|black and white)\b",
    re.IGNORECASE,
)
_BASE: dict[str, str | int] = {"action": "query", "format": "json", "formatversion": 2, "maxlag": 5}
DETAIL = re.compile(r"\b(detail|cropped|crop|retouched|frame[d]?|edit(ed)?|version|copy)\b|[()\[\]_.,;:-]+")


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
        category = CATEGORY.fullmatch(words.strip())
        if category is not None:
            return self._category_page(client, Walk.parse(cursor) or Walk(f"Category:{category[1].strip()}"))
        search: dict[str, str | int] = {
            "generator": "search", "gsrsearch": f"filetype:bitmap {words}", "gsrnamespace": 6, "gsrlimit": PAGE_SIZE,
        }  # fmt: skip
        data = self._asked(client, self._pictures() | search | _parameters(cursor))
        following = _continued(data)
        return Page(_records(data), json.dumps(following) if following else None)

    def _category_page(self, client: Client, walk: Walk) -> Page:
        """Return files of one category; after them come those of its subcategories."""
        members: dict[str, str | int] = {
            "generator": "categorymembers", "gcmtitle": walk.title, "gcmtype": "file", "gcmlimit": PAGE_SIZE,
        }  # fmt: skip
        data = self._asked(client, self._pictures() | members | walk.following)
        following = _continued(data)
        if following:
            return Page(_records(data), replace(walk, following=following).text())
        below: list[str] = []
        if walk.depth < DEEPEST and len(walk.seen) < MOST_CATEGORIES:
            listing: dict[str, str | int] = {
                "list": "categorymembers", "cmtitle": walk.title, "cmtype": "subcat", "cmlimit": MOST_CATEGORIES,
            }  # fmt: skip
            found = rows(mapping(self._asked(client, _BASE | listing).get("query")).get("categorymembers"))
            below = [title for row in found if not ASIDE.search(title := plain(row.get("title")))]
        return Page(_records(data), walk.next(below))

    def _pictures(self) -> dict[str, str | int]:
        width = next((w for w in WIDTHS if w >= self.side_px), WIDTHS[-1])
        return _BASE | {
            "prop": "imageinfo", "iiprop": "url|size|mime|sha1|extmetadata", "iiurlwidth": width,
            "iiextmetadatafilter": "LicenseShortName|LicenseUrl|Artist|ObjectName|Attribution",
        }  # fmt: skip

    def _asked(self, client: Client, params: dict[str, str | int]) -> Mapping[str, object]:
        data = mapping(client.json(f"{self.api}/w/api.php", params, pause_s=self.pause_s, busy=_lags))
        if "error" in data:
            raise RefusedError(f"Wikimedia Commons refuses: {plain(mapping(data['error']).get('info'))}")
        return data


@dataclass(frozen=True)
class Walk:
    """Where a walk through a category and those below it stands.

    Attributes:
        title: of the category whose files come now.
        depth: of it below the first one.
        following: parameters of its next page.
        waiting: (title, depth) of those that come later.
        seen: all that are or were in it.
    """

    title: str
    depth: int = 0
    following: dict[str, str | int] = field(default_factory=dict)
    waiting: tuple[tuple[str, int], ...] = ()
    seen: tuple[str, ...] = ()

    def text(self) -> str:
        """Return it as a cursor."""
        return json.dumps(asdict(self))

    @staticmethod
    def parse(cursor: str | None) -> Walk | None:
        """Return the walk of a cursor."""
        if not cursor:
            return None
        data = json.loads(cursor)
        waiting = tuple((str(title), int(depth)) for title, depth in data["waiting"])
        return Walk(data["title"], data["depth"], data["following"], waiting, tuple(data["seen"]))

    def next(self, below: Sequence[str]) -> str | None:
        """Return the cursor after the last file of a category with these subcategories; None at the end."""
        seen = {*self.seen, self.title}
        new = [title for title in dict.fromkeys(below) if title not in seen][: MOST_CATEGORIES - len(seen)]
        waiting = (*self.waiting, *((title, self.depth + 1) for title in new))
        if not waiting:
            return None
        (title, depth), *rest = waiting
        return Walk(title, depth, {}, tuple(rest), tuple(sorted(seen | set(new)))).text()


def _parameters(cursor: str | None) -> dict[str, str | int]:
    return cast("dict[str, str | int]", json.loads(cursor)) if cursor else {}


def _continued(data: Mapping[str, object]) -> dict[str, str | int]:
    return {str(k): v for k, v in mapping(data.get("continue")).items() if isinstance(v, (str, int))}


def _records(data: Mapping[str, object]) -> tuple[Record, ...]:
    pages = sorted(rows(mapping(data.get("query")).get("pages")), key=lambda p: cast("int", p.get("index") or 0))
    return tuple(record for record in map(_record, pages) if record is not None)


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
