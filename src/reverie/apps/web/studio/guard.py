"""Who may come in to the studio, from which page, and how often; and what every answer says about itself.

A page elsewhere that points its own name at this machine (DNS rebinding) is refused by the Host header; one that sends
requests here is refused by Origin and Sec-Fetch-Site. Whoever is not on this machine shows a password. The cookie holds
an opaque name of the browser, signed; it survives restarts of the server and says nothing about the person.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reverie.apps.web.door import known_host
from reverie.apps.web.studio.settings import StudioSettings

COOKIE = "reverie"
COOKIE_S = 90 * 86400
PROGRAMS = ("/api/", "/gradio_api/", "/config")  # are told in words, not led to a form
PAGES = ("/moderate", "/wall", "/booth")  # that a password leads to; else the studio
OPEN_PATHS = ("/login", "/static/", "/favicon.ico", "/manifest.json")
GUEST_PATHS = ("/booth", "/wall", "/api/booth", "/api/wall")  # visitors of an exhibition: no password, little power
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self'; manifest-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
FIXED = {  # with "no-referrer" browsers would call the origin of our own forms "null"
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin", "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}  # fmt: skip


@dataclass
class Bucket:
    """A rate limit: so many requests at once, and so many more each second."""

    left: float
    at: float


class Rates:
    """Rate limits by who asks; the oldest are forgotten where there are too many."""

    def __init__(self, burst: float, each_s: float, most: int = 4096) -> None:
        self.burst, self.each_s, self.most = burst, each_s, most
        self._buckets: dict[str, Bucket] = {}

    def take(self, who: str) -> bool:
        """Count one request; False where it is one too many."""
        now = time.monotonic()
        if len(self._buckets) >= self.most and who not in self._buckets:
            self._buckets.pop(next(iter(self._buckets)))
        bucket = self._buckets.setdefault(who, Bucket(self.burst, now))
        bucket.left = min(self.burst, bucket.left + (now - bucket.at) * self.each_s)
        bucket.at = now
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True

    def empty(self, who: str) -> bool:
        """Tell whether the next request would be one too many, without counting it."""
        bucket = self._buckets.get(who)
        return bucket is not None and bucket.left + (time.monotonic() - bucket.at) * self.each_s < 1


class Passes:
    """Signed cookies: an opaque name of a browser, and whether it has shown the password.

    Args:
        key_file: holds the key; made if absent.
        password: a changed one makes earlier passes worthless.
    """

    def __init__(self, key_file: Path, password: str | None) -> None:
        if not key_file.exists():
            key_file.touch(mode=0o600)
            key_file.write_bytes(secrets.token_bytes(32))
        self._key = key_file.read_bytes() + (password or "").encode()

    def made(self, owner: str, *, member: bool) -> str:
        """Return a new pass."""
        text = f"{owner}.{int(member)}.{int(time.time()) + COOKIE_S}"
        return f"{text}.{self._signed(text)}"

    def read(self, value: str) -> tuple[str, bool] | None:
        """Return owner and whether the password was shown; None for a pass that is not ours or is old."""
        text, _, signature = value.rpartition(".")
        parts = text.split(".")
        if len(parts) != 3 or not hmac.compare_digest(signature.encode(), self._signed(text).encode()):
            return None
        return (parts[0], parts[1] == "1") if int(parts[2]) > time.time() else None

    def token(self, key: str) -> str:
        """Return what opens the files of one result to its own page."""
        return self._signed(f"inside {key}")[:40]

    def _signed(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


class Guard:
    """Stands before the whole application.

    Args:
        app: what is behind it.
        settings: host, password, names.
        passes: the cookies.
    """

    def __init__(self, app: ASGIApp, settings: StudioSettings, passes: Passes) -> None:
        self.app, self.settings, self.passes = app, settings, passes
        self.changes, self.logins = Rates(120, 6), Rates(6, 0.2)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or let through with the owner in the scope and our headers on the answer."""
        if scope["type"] == "websocket":
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]
        found = self._cookie(headers)
        owner, member = found or (secrets.token_hex(8), False)
        member = member or self.settings.password is None or self._shows_password(scope, headers)
        scope["owner"], scope["member"] = owner, member
        refused = self._refusal(scope, headers, path)
        fresh = None if found is not None and found[1] == member else self.passes.made(owner, member=member)
        secure = scope["scheme"] == "https"

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                for name, value in FIXED.items():
                    out.setdefault(name, value)
                out.setdefault("Content-Security-Policy", POLICY)
                out.setdefault("Cache-Control", "no-store")
                if fresh is not None and not path.startswith("/static/") and refused is None:
                    flags = f"Path=/; Max-Age={COOKIE_S}; HttpOnly; SameSite=Strict" + ("; Secure" if secure else "")
                    out.append("Set-Cookie", f"{COOKIE}={fresh}; {flags}")
            await send(message)

        if refused is not None:
            await self._refuse(refused, path, answered)
            return
        await self.app(scope, receive, answered)

    # -- inside -------------------------------------------------------------------------------------------------------

    def _refusal(self, scope: Scope, headers: Headers, path: str) -> tuple[int, str] | None:
        if not known_host(headers.get("host", ""), self.settings.host, self.settings.names):
            return 421, "this address is not known here; use the one that was printed, or add --name"
        if path.startswith("/inside/") and scope["method"] in ("GET", "HEAD"):
            return None  # shows its own token, see `api_pages`
        if foreign(scope["method"], headers):
            return 403, "the request comes from another page"
        client = (scope.get("client") or ("local", 0))[0]
        if path == "/login" and scope["method"] == "POST" and not self.logins.take(client):
            return 429, "too many tries; wait a minute"
        guest = self.settings.exhibition and any(path == p or path.startswith(f"{p}/") for p in GUEST_PATHS)
        if not scope["member"] and not guest and not path.startswith(OPEN_PATHS):
            return 401, "the password is needed"
        if scope["method"] not in ("GET", "HEAD") and not self.changes.take(client):
            return 429, "too many requests; wait a moment"
        return None

    async def _refuse(self, refused: tuple[int, str], path: str, send: Send) -> None:
        status, reason = refused
        if status == 401 and not path.startswith(PROGRAMS):
            back = f"?next={path}" if path in PAGES else ""
            headers = [(b"location", f"/login{back}".encode())]
            await send({"type": "http.response.start", "status": 303, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        body = json.dumps({"error": reason}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if status == 401:
            headers.append((b"www-authenticate", b'Bearer realm="Reverie"'))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _cookie(self, headers: Mapping[str, str]) -> tuple[str, bool] | None:
        try:
            jar = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return None
        return self.passes.read(jar[COOKIE].value) if COOKIE in jar else None

    def _shows_password(self, scope: Scope, headers: Headers) -> bool:
        """Tell whether a program shows the password: as a bearer's token, or by HTTP Basic with any name."""
        kind, _, value = headers.get("authorization", "").partition(" ")
        client = (scope.get("client") or ("local", 0))[0]
        if not value or self.logins.empty(client):
            return False
        if self._right(kind, value):
            return True
        self.logins.take(client)
        return False

    def _right(self, kind: str, value: str) -> bool:
        given = value
        if kind.lower() == "basic":
            try:
                given = base64.b64decode(value, validate=True).decode().partition(":")[2]
            except ValueError:
                return False
        return same(given, self.settings.password or "")


def same(one: str, other: str) -> bool:
    """Compare two secrets in a time that says nothing about them."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def foreign(method: str, headers: Mapping[str, str]) -> bool:
    """Tell whether another site's page sends a request here; following a link to a page of ours is allowed."""
    site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "")
    if method in ("GET", "HEAD"):
        return site not in ("none", "same-origin") and mode != "navigate"
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower():
        return True
    return site not in ("none", "same-origin")
