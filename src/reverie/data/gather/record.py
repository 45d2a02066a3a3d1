"""What a search gives: a picture's address, and whose it is under which licence."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Literal, Protocol

from reverie.data.net.client import Client

TAG = re.compile(r"<[^>]*>")
MOST_TEXT = 500  # characters of a title, a creator or an attribution
Licence = Literal["any", "modify", "commercial", "public"]
LICENCES: tuple[Licence, ...] = ("any", "modify", "commercial", "public")
PUBLIC = re.compile(r"\bcc0\b|public domain|\bpdm?\b|publicdomain|no known copyright", re.IGNORECASE)
OPEN = re.compile(r"\bcc\b|\bby\b|creativecommons\.org|\bgfdl\b|free art|attribution", re.IGNORECASE)


@dataclass(frozen=True)
class Record:
    """One picture that a source offers.

    Attributes:
        url: of the picture, at about the size that was asked for.
        thumbnail: address of a small one, or "".
        title, creator: as the source has them, without markup.
        licence: in words, such as "CC BY-SA 4.0"; "unknown" where the source says none.
        licence_url: of its text, or "".
        attribution: the line to print beside the picture.
        page: where a person sees it.
        sha1: of the original file, where the source tells; 40 hexadecimal digits or "".
        source: name of the source.
        artwork: pictures with the same one show the same work; "" where nobody knows.
    """

    url: str
    thumbnail: str = ""
    title: str = ""
    creator: str = ""
    licence: str = "unknown"
    licence_url: str = ""
    attribution: str = ""
    page: str = ""
    sha1: str = ""
    source: str = ""
    artwork: str = ""

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @staticmethod
    def parse(text: str) -> Record:
        """Return the record that `text` made."""
        known = {field.name for field in fields(Record)}
        return Record(**{name: str(value) for name, value in json.loads(text).items() if name in known})


@dataclass(frozen=True)
class Page:
    """Some results, and where the next ones begin; `cursor` None: there are no more."""

    records: tuple[Record, ...]
    cursor: str | None = None


class Source(Protocol):
    """A place that can be searched.

    Attributes:
        name: for the command line and the records.
        api: address of its service, without a slash at the end.
        pause_s: least time between two requests to it that its documentation allows.
        terms: one sentence on what its pictures may be used for.
    """

    @property
    def name(self) -> str: ...
    @property
    def api(self) -> str: ...
    @property
    def pause_s(self) -> float: ...
    @property
    def terms(self) -> str: ...

    def page(self, client: Client, words: str, cursor: str | None) -> Page:
        """Return the results that begin at a cursor; None is the start.

        Raises:
            RefusedError: the source will not answer this, ever.
            FetchError: it does not answer now.
        """
        ...


def allowed(record: Record, licence: Licence) -> bool:
    """Tell whether a licence lets the picture be used so: "modify" leaves out ND, "commercial" also NC."""
    if licence == "any":
        return True
    text = f"{record.licence} {record.licence_url}"
    if PUBLIC.search(text):
        return True
    if licence == "public" or not OPEN.search(text):
        return False
    parts = set(re.split(r"[^a-z]+", text.lower()))
    return "nd" not in parts and (licence == "modify" or "nc" not in parts)


def plain(text: object) -> str:
    """Return text without markup, in one line of bounded length; "" for what is no text."""
    if not isinstance(text, (str, int, float)):
        return ""
    line = " ".join(html.unescape(TAG.sub(" ", str(text))).split())
    return line if len(line) <= MOST_TEXT else line[: MOST_TEXT - 1] + "…"


def attribution_of(title: str, creator: str, licence: str, place: str) -> str:
    """Return a line of attribution: title, author, licence, source."""
    by = f" by {creator}" if creator else ""
    return f"{title or 'untitled'}{by}, {licence}, via {place}"


def mapping(value: object) -> Mapping[str, object]:
    """Return a JSON object, or an empty one where something else stands."""
    return value if isinstance(value, Mapping) else {}


def rows(value: object) -> list[Mapping[str, object]]:
    """Return the objects of a JSON list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def count(value: object, default: int = 0) -> int:
    """Return a whole number of JSON, or the default."""
    return value if isinstance(value, int) and not isinstance(value, bool) else default
