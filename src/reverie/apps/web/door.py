"""Who may come in to the live view: a secret in the address, known host names, and a password on open networks.

The address holds a random token, so other users of the machine and other pages in the browser cannot guess it. A page
elsewhere that makes its own name point to this machine (DNS rebinding) is refused by the Host header, and one that
sends a form or a script's request here (cross-site request forgery) by Origin and by the type of the content.
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))


@dataclass(frozen=True)
class Door:
    """What a request must show.

    Attributes:
        host: the address that is listened on.
        password: asked for beside the token, by HTTP Basic; ``None`` on the loopback.
        token: first part of every path.
    """

    host: str = "127.0.0.1"
    password: str | None = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    def refusal(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Return status and reason for a request that must not pass, or ``None``."""
        if not known_host(headers.get("Host", ""), self.host):
            return 421, "this address is not known here; use the one that was printed"
        first = path.split("?")[0].split("/")[1:2]
        if not first or not _same(first[0], self.token):
            return 404, "nothing here; use the whole address that was printed"
        if self.password is not None and not self._knows_password(headers.get("Authorization", "")):
            return 401, "the password is needed; any name will do"
        return self._foreign(headers) if method == "POST" else None

    def _knows_password(self, header: str) -> bool:
        kind, _, coded = header.partition(" ")
        try:
            given = base64.b64decode(coded, validate=True).decode("utf-8").partition(":")[2]
        except ValueError:
            return False
        return kind.lower() == "basic" and _same(given, self.password or "")

    def _foreign(self, headers: Mapping[str, str]) -> tuple[int, str] | None:
        origin = headers.get("Origin")
        if origin is not None and origin.partition("://")[2].lower() != headers.get("Host", "").lower():
            return 403, "the request comes from another page"
        if headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            return 403, "the request comes from another page"
        if headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            return 415, "expected application/json"
        return None


def known_host(header: str, host: str, names: Iterable[str] = ()) -> bool:
    """Tell whether a Host header names a server of ours that listens on `host`; `names` are allowed besides."""
    name = _name(header)
    if name in LOOPBACK or name in names:
        return True
    if host in LOOPBACK:
        return False
    own = socket.gethostname().lower()
    return name in (host.lower(), own, f"{own}.local") or _is_address(name)


def _name(header: str) -> str:
    """Return the host of a Host header, without its port and brackets."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
