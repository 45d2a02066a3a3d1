"""Whose tiles: providers of `xyzservices`, a default of free imagery, or a server of one's own.

Keys come from the environment and go nowhere but into the request.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reverie.errors import InputError, unknown_name

DEFAULT = "Sentinel2.Cloudless"
OWN: dict[str, dict[str, Any]] = {
    DEFAULT: {
        "name": DEFAULT,
        "url": "https://tiles.maps.eox.at/wmts/1.0.0/s2cloudless_3857/default/g/{z}/{y}/{x}.jpg",
        "attribution": "Sentinel-2 cloudless (s2maps.eu) by EOX IT Services GmbH, CC BY 4.0 "
        "(contains modified Copernicus Sentinel data 2016 & 2017)",
        "max_zoom": 15,
    }
}
TERMS = {  # first part of a name → what its terms say to programs that keep tiles
    "OpenStreetMap": "tiles of openstreetmap.org are for looking at, not for collections: take few, or choose another",
    "Esri": "Esri's terms forbid keeping its imagery without a plan of theirs",
    "MapTiler": "MapTiler's terms decide what may be kept and shown; read those of your plan",
    "MapBox": "Mapbox's terms decide what may be kept and shown; read those of your plan",
    "HERE": "HERE's terms decide what may be kept and shown; read those of your plan",
    "Gaode": "tiles of Gaode are shifted against the coordinates that everybody else uses",
}
FIELD = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Provider:
    """Where tiles come from.

    Attributes:
        name: for records and the cache.
        attribution: the line that belongs beside every picture.
        least_zoom, most_zoom: that it has.
        side_px: of its tiles.
        terms: a line on what its terms say, or "".
        key: whether requests carry one.
    """

    name: str
    attribution: str
    least_zoom: int
    most_zoom: int
    side_px: int
    terms: str
    key: bool
    _template: str
    _values: Mapping[str, str]

    def url(self, column: int, row: int, zoom: int) -> str:
        """Return the address of a tile; it may hold a key, so it is never shown or stored."""
        values = {**self._values, "x": str(column), "y": str(row), "z": str(zoom)}
        return FIELD.sub(lambda match: values.get(match[1], ""), self._template)


def open_provider(name: str, *, date: str | None = None, attribution: str | None = None) -> Provider:
    """Return a provider.

    Args:
        name: one of `xyzservices`, such as "USGS.USImagery"; or an address with {z}, {x} and {y}.
        date: of imagery that has one, as 2024-06-30.
        attribution: for an own address.

    Raises:
        InputError: unknown, not in Web Mercator, or without its key.
    """
    if "{z}" in name:
        return _own(name, attribution)
    about = OWN.get(name) or _listed(name)
    if about.get("crs") not in (None, "EPSG:3857"):
        raise InputError(f"{name} is not in Web Mercator (EPSG:3857), so its tiles do not fit together here")
    if about.get("status") == "broken":
        raise InputError(f"{name} is known not to work any more; choose another with --provider")
    values = {key: str(value) for key, value in about.items() if isinstance(value, (str, int, float))}
    key = False
    for field in FIELD.findall(str(about["url"])):
        if "<insert" in values.get(field, ""):
            values[field], key = _key(name, field), True
    if "time" in FIELD.findall(str(about["url"])) and (date or not values.get("time")):
        values["time"] = date or "default"
    values |= {"r": "", "s": (about.get("subdomains") or "abc")[0]}
    side = int(about.get("tileSize", 256))
    terms = TERMS.get(name.split(".")[0], "")
    return Provider(
        name, str(about.get("attribution", "")), max(int(about.get("min_zoom", 0)), int(side == 512)),
        int(about.get("max_zoom", 18)),
        side if side in (256, 512) else 256, terms, key, str(about["url"]), values,
    )  # fmt: skip


def _own(template: str, attribution: str | None) -> Provider:
    if not template.startswith(("http://", "https://")) or not all(f"{{{n}}}" in template for n in "xyz"):
        raise InputError(
            "an own --provider is an address with {z}, {x} and {y}, such as http://127.0.0.1/{z}/{x}/{y}.png"
        )
    if not attribution:
        raise InputError("an own --provider needs --attribution, the line that belongs beside its pictures")
    key = "{key}" in template
    values = {"key": _key("own", "key")} if key else {}
    return Provider("own", attribution, 0, 22, 256, "", key, template, values)


def _listed(name: str) -> Mapping[str, Any]:
    import xyzservices.providers

    found = xyzservices.providers.flatten()
    if name not in found:
        raise InputError(unknown_name("provider", name, [*OWN, *found]))
    return found[name]


def _key(name: str, field: str) -> str:
    variable = f"REVERIE_KEY_{name.split('.')[0].upper()}"
    key = os.environ.get(variable, "")
    if not key:
        raise InputError(f"{name} needs a key ({field}); set {variable} in the environment")
    return key
