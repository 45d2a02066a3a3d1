"""All sources by name."""

from __future__ import annotations

from collections.abc import Mapping

from reverie.data.gather.record import Source
from reverie.data.gather.sources.aic import ArtInstitute
from reverie.data.gather.sources.commons import Commons
from reverie.data.gather.sources.flickr import Flickr, flickr_key
from reverie.data.gather.sources.met import Met
from reverie.data.gather.sources.openverse import Openverse
from reverie.data.gather.sources.rijksmuseum import Rijksmuseum
from reverie.data.gather.sources.web import WebSearch, ddgs_package
from reverie.errors import InputError, unknown_name

NAMES = ("openverse", "commons", "met", "aic", "rijksmuseum", "flickr", "web")
UNLICENSED = ("web",)


def open_source(name: str, *, side_px: int = 1280, endpoints: Mapping[str, str] | None = None) -> Source:
    """Return a source.

    Args:
        name: one of `NAMES`.
        side_px: wanted width of the pictures, where the source has a choice.
        endpoints: other addresses of services, by name: mirrors, and servers for tests; they set no pace of their own.

    Raises:
        InputError: unknown, without its key, or without its package.
    """
    own = {"api": endpoints[name].rstrip("/"), "pause_s": 0.0} if endpoints and name in endpoints else {}
    match name:
        case "openverse":
            return Openverse(**own)
        case "commons":
            return Commons(side_px=side_px, **own)
        case "met":
            return Met(**own)
        case "aic":
            return ArtInstitute(**own)
        case "rijksmuseum":
            return Rijksmuseum(side_px=side_px, **own)
        case "flickr":
            flickr_key()
            return Flickr(**own)
        case "web":
            ddgs_package()
            return WebSearch(**own)
    raise InputError(unknown_name("source", name, NAMES))
