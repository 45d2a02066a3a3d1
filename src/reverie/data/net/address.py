"""Which addresses may be asked: the public internet, and what the user named himself.

A result of a search is a stranger's text. Without this check it could make the user's machine ask its own services,
the router, or the data of the cloud machine it runs on (`169.254.169.254`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from reverie.errors import ReverieError

PRIVATE_NAMES = (".localhost", ".local", ".internal", ".home.arpa")


class RefusedError(ReverieError):
    """An address that is not asked, or an answer that cannot be used; trying again does not help.

    Attributes:
        status: of the answer; 0 where there was none.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


def split_address(url: str) -> SplitResult:
    """Return the parts of an address of the web.

    Raises:
        RefusedError: another protocol, no host, or a user's name inside.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RefusedError(f"'{shown(url)}' is no address") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise RefusedError(f"'{shown(url)}' is not an http or https address")
    if parts.username is not None or parts.password is not None:
        raise RefusedError(f"an address at {parts.hostname} has a user's name in it")
    return parts


def place_of(parts: SplitResult) -> tuple[str, int]:
    """Return host and port."""
    return (parts.hostname or "").lower().rstrip("."), parts.port or (443 if parts.scheme == "https" else 80)


def check_place(place: tuple[str, int], trusted: Collection[tuple[str, int]]) -> None:
    """Refuse names and numbers of private machines; names that only lead to one are caught by `check_peer`.

    Raises:
        RefusedError: a private place that the user did not name.
    """
    if place in trusted:
        return
    host = place[0]
    if _is_number(host):
        check_peer(host, place, trusted)
    elif "." not in host or host.endswith(PRIVATE_NAMES):
        raise RefusedError(f"{host} is a private machine; it is not asked")


def check_peer(address: str, place: tuple[str, int], trusted: Collection[tuple[str, int]]) -> None:
    """Refuse the number that a name led to, before anything is sent to it.

    Raises:
        RefusedError: it is private, local or reserved.
    """
    if place in trusted:
        return
    try:
        number = ipaddress.ip_address(address.split("%")[0].strip("[]"))
    except ValueError as error:
        raise RefusedError(f"{place[0]} leads to no address of the internet") from error
    inner = getattr(number, "ipv4_mapped", None) or number
    if not inner.is_global or inner.is_multicast:
        raise RefusedError(f"{place[0]} leads to the private address {inner}; it is not asked")


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def shown(url: str) -> str:
    """Return an address as it may be shown and stored: without its query, in which keys stand."""
    return url.split("?", 1)[0].split("#", 1)[0][:200]
