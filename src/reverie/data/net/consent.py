"""What the owners of servers and pictures allow: robots.txt before a picture is fetched, opt-out headers with it.

Source: RFC 9309 (robots.txt); the directives noai and noimageai of X-Robots-Tag; the W3C community report "TDM
Reservation Protocol" (header `tdm-reservation`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverie.data.net.address import RefusedError

if TYPE_CHECKING:
    from protego import Protego

NAME = "Reverie"  # the name that robots.txt may call us by
NO = frozenset(("noai", "noimageai", "noindex", "none", "noimageindex"))
ROBOTS_BYTES = 500 << 10  # RFC 9309: at least this much is read


@dataclass(frozen=True)
class Rules:
    """The rules of one host; `text` None: nothing is allowed, since the host could not say."""

    text: str | None

    def allows(self, path: str) -> bool:
        """Tell whether a path with its query may be fetched."""
        if self.text is None:
            return False
        return _parsed(self.text).can_fetch(path, NAME)

    def delay_s(self) -> float:
        """Return the pause that the host asks for; 0 for none."""
        delay = _parsed(self.text).crawl_delay(NAME) if self.text else None
        return min(float(delay or 0.0), 60.0)


def _parsed(text: str) -> Protego:
    from protego import Protego

    return Protego.parse(text)


def rules_for(status: int, text: str) -> Rules:
    """Return the rules of an answer to a request for robots.txt: no file allows all, a failing server nothing."""
    if 200 <= status < 300:
        return Rules(text)
    return Rules("") if 400 <= status < 500 and status != 429 else Rules(None)


def check_headers(headers: Mapping[str, str], place: str) -> None:
    """Refuse a picture whose owner reserved it.

    Raises:
        RefusedError: an opt-out stands in the headers.
    """
    said: set[str] = set()
    for part in headers.get("x-robots-tag", "").lower().split(","):
        agent, colon, directive = part.strip().partition(":")
        if colon and agent.strip() not in (NAME.lower(), "unavailable_after"):
            continue  # addressed to another program
        said.add((directive if colon else agent).strip())
    if said & NO:
        raise RefusedError(f"its owner at {place} does not want it in data sets ({', '.join(sorted(said & NO))})")
    if headers.get("tdm-reservation", "").strip() == "1":
        raise RefusedError(f"its owner at {place} reserves it (tdm-reservation)")
