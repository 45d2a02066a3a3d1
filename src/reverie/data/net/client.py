"""Ask servers politely: who we are, not too often, not again when told so, never more bytes than allowed.

One request to a host at a time and a pause between two; `Retry-After` and errors of a server make the pause longer; a
host that fails again and again is left alone for the rest of the run. Redirects are followed one by one, each checked
like the first address.
"""

from __future__ import annotations

import functools
import json
import logging
import random
import ssl
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin
from urllib.request import getproxies

from reverie.data.net.address import RefusedError, check_peer, check_place, place_of, split_address
from reverie.data.net.answer import Answer, FetchError, UnreachableError, accepted, as_failure, retry_after
from reverie.data.net.consent import NAME, ROBOTS_BYTES, Rules, check_headers, rules_for
from reverie.data.net.pace import Pace, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

__all__ = ["Answer", "Client", "FetchError", "RefusedError", "Stopped"]

CONNECT_S, READ_S = 10.0, 30.0
MOST_REDIRECTS = 5
ATTEMPTS = 4  # of one request
AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))
FIRST_BACKOFF_S = 1.0
LONGEST_WAIT_S = 120.0  # a host that asks for more is left alone for this run
GIVE_UP = 5  # requests that failed one after the other
API_BYTES = 16 << 20


@dataclass
class _Host:
    """What is known of one host during a run."""

    failed: int = 0
    gone: str = ""  # why it is left alone
    rules: Rules | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Client:
    """Sends requests; safe to share between threads.

    Args:
        contact: an address of mail or web by which an operator reaches the user.
        pace: when hosts may be asked.
        pause_s: between two requests to one host, unless more is asked for.
        trusted: (host, port) that the user named himself, which may be private.
        deadline_s: for one request with its whole answer.
        backoff_s: first wait after a failure; each further one is twice as long.
    """

    def __init__(
        self, contact: str, pace: Pace, *, pause_s: float = 1.0, trusted: Collection[tuple[str, int]] = (),
        deadline_s: float = 120.0, backoff_s: float = FIRST_BACKOFF_S, version: str = "",
    ) -> None:  # fmt: skip
        import httpx

        logging.getLogger("httpx").addFilter(_no_addresses)
        self.stop = threading.Event()
        self.waited: dict[str, int] = {}  # host → how often it asked to wait
        self._pace, self._pause_s, self._trusted = pace, pause_s, frozenset(trusted)
        self._deadline_s, self._backoff_s = deadline_s, backoff_s
        self._hosts: dict[tuple[str, int], _Host] = {}
        self._guard = threading.Lock()
        self._direct = not getproxies()
        self.agent = f"{NAME}/{version or '0'} (gathers pictures for one user; contact: {contact})"
        self._http = httpx.Client(
            headers={"User-Agent": self.agent, "AIC-User-Agent": self.agent}, follow_redirects=False,
            verify=_certificates(),
            timeout=httpx.Timeout(READ_S, connect=CONNECT_S), limits=httpx.Limits(max_connections=16),
        )  # fmt: skip

    # -- what is asked -------------------------------------------------------------------------------------------------

    def json(
        self, url: str, params: Mapping[str, str | int] | None = None, *, pause_s: float = 0.0,
        headers: Mapping[str, str] | None = None, busy: Callable[[object], bool] | None = None,
    ) -> object:  # fmt: skip
        """Ask a documented service, and return the JSON it answers.

        Args:
            url: of the service.
            params: of the query.
            pause_s: that the service's documentation asks for.
            headers: further ones; dropped when another host is redirected to.
            busy: tells whether an answer of status 200 says "later".

        Raises:
            RefusedError: it answers no, or no JSON.
            FetchError: it does not answer now.
            Stopped: the run is to end.
        """
        found: list[object] = []

        def check(answer: Answer) -> bool:
            try:
                found[:] = [json.loads(answer.content)]
            except (ValueError, RecursionError) as error:
                raise RefusedError(f"{place_of(split_address(url))[0]} did not answer with JSON") from error
            return busy is not None and busy(found[0])

        self._asked(url, dict(params or {}), headers or {}, pause_s, API_BYTES, check, robots=False)
        return found[0]

    def picture(self, url: str, most_bytes: int) -> Answer:
        """Fetch a picture that its host and its owner let programs have.

        Raises:
            RefusedError, FetchError, Stopped: as `json`; also where robots.txt or a header
                forbids it, or it is too large.
        """

        def check(answer: Answer) -> bool:
            kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
            if kind.startswith("text/") or kind in ("application/json", "application/xhtml+xml"):
                raise RefusedError(
                    f"{place_of(split_address(answer.url))[0]} sent a page instead of a picture ({kind})"
                )
            return False

        plain_bytes = {"Accept": "image/*", "Accept-Encoding": "identity"}
        return self._asked(url, {}, plain_bytes, 0.0, most_bytes, check, robots=True)

    def conditional(self, url: str, headers: Mapping[str, str], most_bytes: int, pause_s: float = 0.0) -> Answer:
        """Fetch a file that may be in a cache already: status 304 says that it is.

        Raises:
            RefusedError, FetchError, Stopped: as `json`.
        """
        return self._asked(url, {}, headers, pause_s, most_bytes, lambda _: False, robots=False)

    @contextmanager
    def opened(self, url: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """Open a large file of a documented collection, to be read in pieces; redirects are followed and checked.

        Raises:
            RefusedError: it is not there, or leads to a private place.
            FetchError: the server does not deliver now.
            Stopped: the run is to end.
        """
        for _ in range(MOST_REDIRECTS + 1):
            place = place_of(split_address(url))
            check_place(place, self._trusted)
            self._pace.wait(_spelled(place), self._pause_s, self.stop)
            peers = {"trace": self._peer_check(place)} if self._direct else {}
            with (
                as_failure(place[0]),
                self._http.stream("GET", url, headers=dict(headers), extensions=peers) as answer,
            ):
                if answer.status_code in AGAIN:
                    raise FetchError(f"{place[0]} answered {answer.status_code}")
                if answer.status_code not in (301, 302, 303, 307, 308):
                    accepted(Answer(url, answer.status_code, answer.headers, b""), place[0])
                    yield answer
                    return
                url = urljoin(url, answer.headers.get("location", ""))
        raise RefusedError(f"{place_of(split_address(url))[0]} leads on more than {MOST_REDIRECTS} times")

    def final(self, url: str) -> str:
        """Return where an address leads in the end, every step checked; one byte is asked for.

        Raises:
            RefusedError, FetchError, Stopped: as `opened`.
        """
        with self.opened(url, {"Range": "bytes=0-0"}) as answer:
            return str(answer.url)

    def pause_for(self, url: str, pause_s: float) -> None:
        """Wait until a host may be asked, for who asks it by other means.

        Raises:
            Stopped: the run is to end.
        """
        self._pace.wait(_spelled(place_of(split_address(url))), max(pause_s, self._pause_s), self.stop)

    def answers(self, url: str) -> bool:
        """Tell whether the host of an address is still asked in this run; also where it will be refused."""
        try:
            return not self._host(place_of(split_address(url))).gone
        except RefusedError:
            return True

    def left_alone(self) -> dict[str, str]:
        """Return why hosts are not asked any more in this run, by host."""
        return {place[0]: host.gone for place, host in self._hosts.items() if host.gone}

    def close(self) -> None:
        """Close all connections, and the file of times."""
        self._http.close()
        self._pace.close()

    # -- how it is asked -----------------------------------------------------------------------------------------------

    def _host(self, place: tuple[str, int]) -> _Host:
        with self._guard:
            return self._hosts.setdefault(place, _Host())

    def _asked(
        self, url: str, params: dict[str, str | int], headers: Mapping[str, str], pause_s: float, most_bytes: int,
        check: Callable[[Answer], bool], *, robots: bool,
    ) -> Answer:  # fmt: skip
        for hop in range(MOST_REDIRECTS + 1):
            parts = split_address(url)
            place = place_of(parts)
            check_place(place, self._trusted)
            if robots:
                self._check_robots(url, place)
            answer = self._tried(url, params, headers, pause_s, most_bytes, check, place)
            if answer.status not in (301, 302, 303, 307, 308):
                if robots:
                    check_headers(answer.headers, place[0])
                return answer
            if hop == MOST_REDIRECTS:
                break
            target = urljoin(url, answer.headers.get("location", ""))
            if parts.scheme == "https" and split_address(target).scheme != "https":
                raise RefusedError(f"{place[0]} leads from https to http; it is not followed")
            if place_of(split_address(target)) != place:
                headers = {k: v for k, v in headers.items() if k.lower() not in ("authorization", "cookie")}
            url, params = target, {}
        raise RefusedError(f"{place_of(split_address(url))[0]} leads on more than {MOST_REDIRECTS} times")

    def _check_robots(self, url: str, place: tuple[str, int]) -> None:
        host = self._host(place)
        parts = split_address(url)
        with host.lock:
            if host.rules is None:
                address = f"{parts.scheme}://{parts.netloc}/robots.txt"
                host.rules = self._rules(address, place)
        if not host.rules.allows(parts.path + (f"?{parts.query}" if parts.query else "")):
            raise RefusedError(f"{place[0]} does not let programs fetch this (robots.txt)")

    def _rules(self, address: str, place: tuple[str, int]) -> Rules:
        try:
            answer = self._asked(address, {}, {}, 0.0, ROBOTS_BYTES, lambda _: False, robots=False)
        except RefusedError as error:
            return rules_for(error.status or 404, "")
        return rules_for(answer.status, answer.content.decode("utf-8", errors="replace"))

    def _tried(
        self, url: str, params: dict[str, str | int], headers: Mapping[str, str], pause_s: float, most_bytes: int,
        check: Callable[[Answer], bool], place: tuple[str, int],
    ) -> Answer:  # fmt: skip
        """Ask one address until it answers or has failed often enough."""
        host, why = self._host(place), ""
        for attempt in range(ATTEMPTS):
            if host.gone:
                raise FetchError(host.gone)
            wait_s = self._backoff_s * 2**attempt * random.uniform(0.75, 1.25)
            pause = self._pause(host, pause_s)
            self._pace.wait(_spelled(place), pause, self.stop)
            try:
                answer, asked_s = self._once(url, params, headers, most_bytes, place, pause)
                if answer.status not in AGAIN and not (answer.status == 200 and check(answer)):
                    host.failed = 0
                    return accepted(answer, place[0])
                why = f"{place[0]} answered {answer.status}" if answer.status != 200 else f"{place[0]} is busy"
                if asked_s is not None:
                    self.waited[place[0]] = self.waited.get(place[0], 0) + 1
                wait_s = max(wait_s, asked_s or 0.0)
            except FetchError as error:
                why = str(error)
                if isinstance(error, UnreachableError) and attempt > 0:
                    break  # a network that is away stays away for longer than this
            if wait_s > LONGEST_WAIT_S:
                self._pace.hold(_spelled(place), wait_s)
                host.gone = f"{why} and asks to wait {wait_s / 60:.0f} minutes"
                raise FetchError(host.gone)
            self._pace.hold(_spelled(place), wait_s)
        self._count(host, why)
        raise FetchError(why)

    def _count(self, host: _Host, why: str) -> None:
        host.failed += 1
        if host.failed >= GIVE_UP:
            host.gone = f"{why}; it failed {host.failed} times one after the other"

    def _pause(self, host: _Host, pause_s: float) -> float:
        asked = host.rules.delay_s() if host.rules is not None else 0.0
        return max(self._pause_s, pause_s, asked)

    def _once(
        self, url: str, params: dict[str, str | int], headers: Mapping[str, str], most_bytes: int,
        place: tuple[str, int], pause_s: float,
    ) -> tuple[Answer, float | None]:  # fmt: skip
        """Send one request; return the answer and the seconds that it asks to wait.

        The pause counts from the first byte of the answer, so that it holds for the server too, however long the
        request was on its way.
        """
        peers = {"trace": self._peer_check(place)} if self._direct else {}
        with as_failure(place[0]), self._http.stream(
            "GET", url, params=params or None, headers=dict(headers), extensions=peers
        ) as answer:  # fmt: skip
            self._pace.hold(_spelled(place), pause_s)
            if answer.status_code in AGAIN:
                return Answer(url, answer.status_code, answer.headers, b""), retry_after(answer.headers)
            content = b"" if 300 <= answer.status_code < 400 else self._body(answer, most_bytes, place[0])
            return Answer(url, answer.status_code, answer.headers, content), retry_after(answer.headers)

    def _body(self, answer: httpx.Response, most_bytes: int, host: str) -> bytes:
        limit = f"{host} sends more than {most_bytes / 2**20:.0f} MB"
        told = answer.headers.get("content-length", "")
        if told.isdecimal() and int(told) > most_bytes:
            raise RefusedError(limit)
        began, pieces, size = time.monotonic(), [], 0
        for piece in answer.iter_bytes():  # as they come: pieces of one size would wait for a slow server
            size += len(piece)
            if size > most_bytes:
                raise RefusedError(limit)
            if time.monotonic() - began > self._deadline_s:
                raise FetchError(f"{host} is too slow: {size} bytes in {self._deadline_s:.0f} s")
            if self.stop.is_set():
                raise Stopped
            pieces.append(piece)
        return b"".join(pieces)

    def _peer_check(self, place: tuple[str, int]) -> Callable[[str, Mapping[str, object]], None]:
        def trace(event: str, info: Mapping[str, object]) -> None:
            if event == "connection.connect_tcp.complete":
                stream = info["return_value"]
                address = stream.get_extra_info("server_addr")  # type: ignore[attr-defined]
                try:
                    check_peer(str(address[0]) if address else "", place, self._trusted)
                except RefusedError:
                    stream.close()  # type: ignore[attr-defined]
                    raise

        return trace


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Return the certificates that are trusted; loading them takes longer than a request."""
    import httpx

    return httpx.create_ssl_context()


def _no_addresses(line: logging.LogRecord) -> bool:
    """Keep httpx from logging addresses, in which keys stand."""
    return line.levelno > logging.INFO


def _spelled(place: tuple[str, int]) -> str:
    return place[0] if place[1] in (80, 443) else f"{place[0]}:{place[1]}"
