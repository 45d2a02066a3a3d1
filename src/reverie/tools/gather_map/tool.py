"""`reverie gather map`: places on earth from tiles, as PNG and as GeoTIFF, with the line of attribution inside."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.job import Json
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan, Report
from reverie.tools.gather_map.config import MapConfig

if TYPE_CHECKING:
    import numpy as np

    from reverie.data.tiles.imagery import Imagery
    from reverie.data.tiles.mercator import Window
    from reverie.data.tiles.mosaic import Mosaic
    from reverie.jobs.output import Output

MOST_PX = 16384
MOST_BYTES, MOST_PLACES = 4 << 20, 10_000
SHEET_PX, SHEET_COLUMNS = 320, 5


@dataclass(frozen=True)
class Place:
    """One picture to make."""

    name: str
    window: Window
    label: str = ""


class PreparedMap:
    """The places, the provider and the number of tiles, before anything is asked."""

    def __init__(self, config: MapConfig, session: Session) -> None:
        from reverie.tools.gather.net import Net

        self.config, self.net = config, Net(config)
        self.places = places(config)
        self.notes: list[str] = []
        self.imagery = self._opened()
        self.notes.insert(0, f"{config.provider.split('?')[0]}: {self.imagery.attribution}")
        self.units = self.imagery.count([place.window for place in self.places])
        self._check()

    def _opened(self) -> Imagery:
        from reverie.data.tiles.cache import TileCache
        from reverie.data.tiles.imagery import SCENES, Scenes, Tiles
        from reverie.data.tiles.provider import open_provider
        from reverie.data.tiles.scenes import API
        from reverie.weights.fetch import cache_dir

        config = self.config
        if config.provider == SCENES:
            if config.date is None:
                raise InputError(f"{SCENES} needs a time: --date 2024-06-01/2024-08-31")
            api = self.net.endpoints.get("stac", API)
            return Scenes(config.date, config.clouds, api)
        own = open_provider(config.provider, date=config.date, attribution=config.attribution)
        self.notes += [own.terms] if own.terms else []
        for place in self.places:
            if not own.least_zoom <= place.window.zoom <= own.most_zoom:
                raise InputError(f"{own.name} has zoom {own.least_zoom} to {own.most_zoom}, not {place.window.zoom}")
        return Tiles(own, TileCache(cache_dir() / "gather" / "tiles" / _cache_name(config)), config.pause)

    def _check(self) -> None:
        for place in self.places:
            if max(place.window.width, place.window.height) > MOST_PX:
                raise InputError(
                    f"'{place.name}' would be {place.window.width} x {place.window.height} px, more than {MOST_PX}; "
                    "lower --zoom or the size"
                )
        if self.units > self.config.most_tiles:
            minutes = self.units * self.config.pause / 60
            raise InputError(
                f"this takes {self.units} {self.imagery.unit}, about {minutes:.0f} minutes of requests at least; "
                f"--most-tiles {self.units} confirms that you want them"
            )

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the fetching of all imagery."""
        from reverie.data.tiles.mosaic import Mosaic

        mosaics = [Mosaic(place.window) for place in self.places]
        notes: list[str] = []
        decisions = {self.imagery.unit: self.units, "provider": self.config.provider.split("?")[0],
                     "places": len(self.places)}  # fmt: skip
        (first, *_) = self.places
        size = f"{first.window.width} x {first.window.height} px"
        summary = size if len(self.places) == 1 else f"{len(self.places)} places"
        more: dict[str, Json] = {"attribution": self.imagery.attribution}
        if len(self.places) == 1:
            more["bounds"] = [round(value, 7) for value in first.window.bounds()]
        config = {"provider": self.config.provider.split("?")[0]}  # a key may stand behind it
        return Steps(
            self._steps(mosaics, notes, more), lambda: self._outputs(mosaics),
            plan=Plan(decisions, self.units, summary), chosen=Chosen(config=config, more=more), notes=notes,
        )  # fmt: skip

    def _steps(self, mosaics: Sequence[Mosaic], notes: list[str], more: dict[str, Json]) -> Iterator[Report]:
        client, done = self.net.client(self.config.provider if "{z}" in self.config.provider else None), 0
        try:
            for place, mosaic in zip(self.places, mosaics, strict=True):
                for _ in self.imagery.fill(mosaic, client):
                    done += 1
                    yield Report(done, self.units, self.imagery.unit, place.name, preview=lambda m=mosaic: m.rgb)
                notes += [f"{place.name}: {note}" for note in mosaic.notes()]
        finally:
            client.close()
        more["attribution"] = self.imagery.attribution
        notes += self.imagery.notes()

    def _outputs(self, mosaics: Sequence[Mosaic]) -> list[Output]:
        from reverie.jobs.output import Bytes, Folder, Picture

        if len(mosaics) == 1 and self.config.places is None:
            (mosaic,) = mosaics
            tiff = Bytes(lambda _, record: self._geotiff(mosaic, record), (".tif",), "geo", inside=True)
            return [Picture(self._captioned(mosaic.rgb)), tiff]
        return [
            Picture(self._sheet(mosaics)),
            Folder(lambda folder: self._fill(folder, mosaics), "places"),
            Folder(lambda folder: self._fill_geo(folder, mosaics), "geotiff"),
        ]

    def _geotiff(self, mosaic: Mosaic, record: Mapping[str, Json]) -> bytes:
        from reverie.media.geotiff import encode_geotiff

        window = mosaic.window
        return encode_geotiff(
            mosaic.rgb, window.left_m, window.top_m, window.pixel_m, attribution=self.imagery.attribution,
            settings=record,
        )  # fmt: skip

    def _captioned(self, rgb: np.ndarray) -> np.ndarray:
        from reverie.tools.gather_map.caption import captioned

        return captioned(rgb, self.imagery.attribution) if self.config.caption else rgb

    def _sheet(self, mosaics: Sequence[Mosaic]) -> np.ndarray:
        from reverie.media.sheet import contact_sheet

        sheet = contact_sheet(
            [mosaic.rgb for mosaic in mosaics], columns=SHEET_COLUMNS, tile_px=SHEET_PX,
            captions=[place.name for place in self.places],
        )  # fmt: skip
        return self._captioned(sheet)

    def _fill(self, folder: Path, mosaics: Sequence[Mosaic]) -> None:
        """Write a PNG of each place, below its class if it has one, and a list."""
        from reverie.data.gather.layout import file_name
        from reverie.media.write import write_picture

        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("file", "class", "name", "zoom", "west", "south", "east", "north", "attribution"))
        for number, (place, mosaic) in enumerate(zip(self.places, mosaics, strict=True)):
            name = f"{file_name(place.label)}/" if place.label else ""
            name += f"{number:04d}-{file_name(place.name)}"
            (folder / name).parent.mkdir(exist_ok=True)
            write_picture(folder / f"{name}.png", self._captioned(mosaic.rgb))
            bounds = (f"{value:.7f}" for value in place.window.bounds())
            writer.writerow(
                (f"{name}.png", place.label, place.name, place.window.zoom, *bounds, self.imagery.attribution)
            )
        (folder / "ATTRIBUTION.csv").write_text(text.getvalue(), encoding="utf-8")

    def _fill_geo(self, folder: Path, mosaics: Sequence[Mosaic]) -> None:
        """Write a GeoTIFF of each place."""
        from reverie.data.gather.layout import file_name

        for number, (place, mosaic) in enumerate(zip(self.places, mosaics, strict=True)):
            blob = self._geotiff(mosaic, {"attribution": self.imagery.attribution})
            (folder / f"{number:04d}-{file_name(place.name)}.tif").write_bytes(blob)


def _cache_name(config: MapConfig) -> str:
    """Return the folder of a provider's tiles; another date, or another own server, has another one."""
    import hashlib

    return hashlib.sha256(f"{config.provider} {config.date}".encode()).hexdigest()[:16]


def places(config: MapConfig) -> list[Place]:
    """Return what the settings ask for.

    Raises:
        InputError: nothing, or something that is no place.
    """
    from reverie.data.tiles.mercator import around, between

    if config.places is not None:
        return _listed(Path(config.places), config)
    if config.bbox is not None:
        if config.lat is not None:
            raise InputError("give a place or --bbox, not both")
        numbers = [_number(part, "--bbox") for part in config.bbox.split(",")]
        if len(numbers) != 4:
            raise InputError("--bbox is west,south,east,north in degrees, such as 2.25,48.84,2.35,48.88")
        west, south, east, north = numbers
        return [Place(f"box {config.bbox}", between(west, south, east, north, config.zoom))]
    if config.lat is None or config.lon is None:
        raise InputError("give a latitude and a longitude, such as 48.8584 2.2945, or --bbox, or --list")
    lat, lon = _number(config.lat, "the latitude"), _number(config.lon, "the longitude")
    return [Place(f"{lat:g} {lon:g}", around(lat, lon, config.zoom, _size(config.size)))]


def _listed(path: Path, config: MapConfig) -> list[Place]:
    from reverie.data.tiles.mercator import around

    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"'{path}' is too large for a list of places")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [{str(k).strip().lower(): (v or "").strip() for k, v in row.items() if isinstance(v, str)}
                    for row in csv.DictReader(file)]  # fmt: skip
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"the list of places '{path}' cannot be read: {error}") from error
    if not rows or not {"lat", "lon"} <= rows[0].keys():
        raise InputError(f"'{path}' needs a first line 'name,lat,lon', and a place in every further line")
    if len(rows) > MOST_PLACES:
        raise InputError(f"'{path}' has {len(rows)} places, more than {MOST_PLACES}")
    found: list[Place] = []
    for number, row in enumerate(rows, start=2):
        where = f"line {number} of '{path.name}'"
        lat, lon = _number(row["lat"], where), _number(row["lon"], where)
        zoom = round(_number(row["zoom"], where)) if row.get("zoom") else config.zoom
        if not 0 <= zoom <= 22:
            raise InputError(f"{where}: zoom {zoom} is not between 0 and 22")
        name = row.get("name") or f"{lat:g} {lon:g}"
        found.append(Place(name, around(lat, lon, zoom, _size(config.size)), row.get("class", "")))
    return found


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"{what}: '{text}' is no number") from error


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not width.isdecimal() or not (height or width).isdecimal() or int(width) < 1 or int(height or width) < 1:
        raise InputError(f"--size is WIDTHxHEIGHT in pixels, such as 1024x768; got '{text}'")
    return int(width), int(height or width)


def _name(config: MapConfig) -> str:
    if config.places is not None:
        return Path(config.places).stem
    return f"map{config.lat}_{config.lon}" if config.lat is not None else "map-box"


MAP: Tool[MapConfig] = Tool(
    name="gather map", doing="fetching tiles", ending="", summary="Make pictures of places on earth, from map tiles.",
    config=MapConfig, prepare=PreparedMap, name_of=_name,
    roles=(
        Role("lat", "text", "Latitude in degrees, north is positive.", required=False),
        Role("lon", "text", "Longitude in degrees, east is positive.", required=False),
    ),
    examples=(
        "reverie gather map 48.8584 2.2945 --zoom 13 --contact me@example.org -o paris.png",
        "reverie gather map --list places.csv --provider USGS.USImagery -o sheet.png",
    ),
)  # fmt: skip
