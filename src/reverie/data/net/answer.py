"""What a server answered, and the ways in which it did not."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from reverie.data.net.address import RefusedError
from reverie.errors import OfflineError


class FetchError(OfflineError):
    """A server did not deliver now; it may later."""


class UnreachableError(FetchError):
    """There is no connection to a host at all."""


@dataclass(frozen=True)
class Answer:
    """A successful answer."""

    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes


def accepted(answer: Answer, host: str) -> Answer:
    """Return an answer that is one.

    Raises:
        RefusedError: it is a no.
    """
    if answer.status < 400:
        return answer
    raise RefusedError(f"{host} answered {answer.status}", answer.status)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a `Retry-After`, given as a number or as a date (RFC 9110, 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    if not text:
        return None
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


@contextmanager
def as_failure(host: str) -> Iterator[None]:
    """Turn what the connection raises into one sentence."""
    import httpx

    try:
        yield
    except httpx.ConnectError as error:
        raise UnreachableError(f"no connection to {host} ({_reason(error)})") from error
    except httpx.TimeoutException as error:
        raise FetchError(f"{host} did not answer in time") from error
    except httpx.InvalidURL as error:
        raise RefusedError(f"an address at {host} cannot be read") from error
    except httpx.HTTPError as error:
        raise FetchError(f"the answer of {host} broke off ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:100] or type(error).__name__
