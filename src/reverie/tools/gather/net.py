"""The client that the settings of a gathering ask for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.tools.gather.config import NetSettings

if TYPE_CHECKING:
    from reverie.data.net.client import Client


class Net:
    """How servers are asked: opened when the first one is.

    Raises:
        InputError: nobody to contact, or an endpoint that is no NAME=URL.
    """

    def __init__(self, config: NetSettings) -> None:
        self.contact = config.contact or os.environ.get("REVERIE_CONTACT", "")
        if not self.contact.strip() or not self.contact.isascii() or not self.contact.isprintable():
            raise InputError(
                "servers are told whom to write to: give --contact you@example.org, or set REVERIE_CONTACT"
            )
        self.pause_s, self.workers = config.pause, config.workers
        self.endpoints = dict(map(_endpoint, config.endpoint))

    def client(self, own: str | None = None) -> Client:
        """Return a client; the times of requests are shared with all others. `own` is one more server to trust."""
        from reverie.data.net.address import place_of, split_address
        from reverie.data.net.client import Client
        from reverie.data.net.pace import Pace
        from reverie.version import __version__
        from reverie.weights.fetch import cache_dir

        named = [*self.endpoints.values(), *([own] if own else [])]
        trusted = [place_of(split_address(url)) for url in named]
        pace = Pace(cache_dir() / "gather" / "pace.sqlite")
        return Client(self.contact.strip(), pace, pause_s=self.pause_s, trusted=trusted, version=__version__)


def _endpoint(text: str) -> tuple[str, str]:
    name, equals, url = text.partition("=")
    if not equals or not url.startswith(("http://", "https://")):
        raise InputError(f"--endpoint {text} is no NAME=URL, such as commons=http://127.0.0.1:8000")
    return name, url
