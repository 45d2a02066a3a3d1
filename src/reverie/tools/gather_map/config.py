"""Settings of `reverie gather map`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.settings import setting
from reverie.tools.gather.config import NetSettings


@dataclass(frozen=True, kw_only=True)
class MapConfig(NetSettings):
    """Which part of the earth, in whose pictures."""

    lat: str | None = setting(None, "Latitude in degrees, north is positive.")
    lon: str | None = setting(None, "Longitude in degrees, east is positive.")
    zoom: int = setting(13, "Zoom: 0 is the world in 256 px; each further one doubles it.", minimum=0, maximum=22)
    size: str = setting("1024x1024", "Width and height in pixels, such as 1024x768.")
    bbox: str | None = setting(
        None, "A box instead of a place: west,south,east,north in degrees.", excludes=("places",)
    )
    places: str | None = setting(
        None, "A CSV file of places with the columns name, lat, lon, and perhaps zoom and class.", flag="--list",
        file="text",
    )  # fmt: skip
    provider: str = setting(
        "Sentinel2.Cloudless",
        "A name of xyzservices, such as USGS.USImagery; Sentinel2.Scenes, with --date; an address with {z}, {x}, {y}.",
        user_only="://",
    )
    date: str | None = setting(None, "Day of imagery that has one, as 2024-06-30; of scenes, two with a slash.")
    clouds: float = setting(20.0, "Most percent of clouds of a scene.", minimum=0, maximum=100, expert=True)
    attribution: str | None = setting(None, "Line to print beside pictures of an own provider.", expert=True)
    caption: bool = setting(True, "Write the attribution into the lower right corner.")
    most_tiles: int = setting(256, "Most tiles of one job; a higher number confirms that more are wanted.", minimum=1)
    pause: float = setting(
        0.25, "Least seconds between two requests to one host.", minimum=0, replay=False, group="servers"
    )
