"""Single passes of Sentinel-2 over a place and a time, found through STAC and read in windows from COGs.

Free to keep and to change, with the line "contains modified Copernicus Sentinel data YEAR". Needs `rasterio`.
Source: STAC API 1.0 (item search by GET); Earth Search v1, collection sentinel-2-l2a: asset `visual` (eight bits), or
`red`, `green`, `blue` as reflectance by `scale` and `offset` of `raster:bands`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np

from reverie.data.gather.record import mapping, rows
from reverie.data.net.client import Client
from reverie.data.tiles.mercator import HALF_M, Window
from reverie.errors import InputError, OfflineError

API = "https://earth-search.aws.element84.com/v1"
COLLECTION = "sentinel-2-l2a"
COLORS = ("red", "green", "blue")
MOST_SCENES = 60  # of a search, and MOST_READ of them are read
MOST_READ = 12
COVERED = 0.999  # of a picture, from which no further pass is read
BRIGHTEST = 0.3  # reflectance that becomes white; clouds and snow are above it
GAMMA = 1.6  # lifts forests and water, whose reflectance is a few hundredths
GDAL = {  # no listing of folders, only TIFFs, no waiting without end
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".tif,.tiff,.TIF",
    "GDAL_HTTP_TIMEOUT": "60", "GDAL_HTTP_CONNECTTIMEOUT": "15", "GDAL_HTTP_MAX_RETRY": "3",
    "GDAL_HTTP_RETRY_DELAY": "2",
    "GDAL_HTTP_MULTIRANGE": "YES", "VSI_CACHE": "TRUE", "GDAL_HTTP_NETRC": "NO",
}  # fmt: skip


@dataclass(frozen=True)
class Band:
    """One file of a scene: its address, and how its numbers become reflectance."""

    url: str
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Scene:
    """One pass: eight-bit colors in one file, or reflectance in three."""

    name: str
    day: str
    clouds: float
    bands: tuple[Band, ...]


def find_scenes(client: Client, window: Window, date: str, clouds: float, api: str = API) -> list[Scene]:
    """Return the passes over a window with at most `clouds` percent of clouds, the clearest first.

    Args:
        client: sends the request.
        window: of the world.
        date: a day or two with a slash, as STAC has them: 2024-06-01/2024-08-31.
        clouds: percent.
        api: address of the STAC service.

    Raises:
        RefusedError, FetchError: the service does not answer, or refuses.
    """
    west, south, east, north = window.bounds()
    boxes = [(west, south, east, north)]
    if east > 180:
        boxes = [(west, south, 180.0, north), (-180.0, south, east - 360, north)]
    elif west < -180:
        boxes = [(west + 360, south, 180.0, north), (-180.0, south, east, north)]
    found: dict[str, Scene] = {}
    for box in boxes:
        params = {
            "collections": COLLECTION, "bbox": ",".join(f"{v:.6f}" for v in box), "limit": MOST_SCENES,
            "datetime": "/".join(_moment(day, last=index == 1) for index, day in enumerate(_days(date))),
        }  # fmt: skip
        for item in rows(mapping(client.json(f"{api}/search", params, pause_s=0.5)).get("features")):
            scene = _scene(item)
            if scene is not None and scene.clouds <= clouds:
                found[scene.name] = scene
    return sorted(found.values(), key=lambda scene: (scene.clouds, scene.name))


def fill_from_scenes(
    rgb: np.ndarray, window: Window, scenes: Sequence[Scene], client: Client
) -> Iterator[tuple[Scene, float]]:
    """Fill ``[H, W, 3]`` uint8 with the clearest scenes, and what they leave open with the next ones.

    Yields each scene that was read and the fraction that is covered now.

    Raises:
        InputError: rasterio is not installed.
        RefusedError, FetchError: a file is not there, or in a private place.
        OfflineError: a scene cannot be read.
    """
    rasterio = rasterio_package()
    open_ = np.ones(rgb.shape[:2], bool)
    for scene in scenes[:MOST_READ]:
        scene = replace(scene, bands=tuple(replace(band, url=client.final(band.url)) for band in scene.bands))
        try:
            with rasterio.Env(**GDAL, GDAL_HTTP_USERAGENT=client.agent):
                colors, seen = _read(scene, window)
        except rasterio.errors.RasterioError as error:
            raise OfflineError(
                f"the scene {scene.name} cannot be read ({' '.join(str(error).split())[:120]})"
            ) from error
        new = open_ & seen
        rgb[new] = colors[new]
        open_ &= ~seen
        covered = 1 - float(open_.mean())
        yield scene, covered
        if covered >= COVERED:
            return


def true_color(reflectance: np.ndarray) -> np.ndarray:
    """Return reflectance ``[H, W, 3]`` as uint8: ``255 * clip(r / 0.3, 0, 1) ** (1 / 1.6)``."""
    return (255 * np.clip(reflectance / BRIGHTEST, 0, 1) ** (1 / GAMMA) + 0.5).astype(np.uint8)


def _read(scene: Scene, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Return colors ``[H, W, 3]`` uint8 and where there are any, warped into the window; 0 stands for nothing."""
    layers = [_warped(band.url, window, 3 if len(scene.bands) == 1 else 1) for band in scene.bands]
    raw = np.concatenate(layers).transpose(1, 2, 0)
    seen = (raw != 0).any(-1)
    if len(scene.bands) == 1:
        return raw.astype(np.uint8), seen
    scale = np.array([band.scale for band in scene.bands], np.float32)
    offset = np.array([band.offset for band in scene.bands], np.float32)
    return true_color(raw * scale + offset), seen


def _warped(url: str, window: Window, count: int) -> np.ndarray:
    """Return ``[count, H, W]`` of a file on the window's own pixels; only what is needed is fetched."""
    rasterio = rasterio_package()
    from rasterio.enums import Resampling
    from rasterio.vrt import WarpedVRT

    left = (window.left_m + HALF_M) % (2 * HALF_M) - HALF_M
    transform = rasterio.transform.from_origin(left, window.top_m, window.pixel_m, window.pixel_m)
    with rasterio.open(url) as source, WarpedVRT(
        source, crs="EPSG:3857", transform=transform, width=window.width, height=window.height, src_nodata=0, nodata=0,
        resampling=Resampling.bilinear,
    ) as view:  # fmt: skip
        return view.read(list(range(1, count + 1)))


def _scene(item: Mapping[str, object]) -> Scene | None:
    about, assets = mapping(item.get("properties")), mapping(item.get("assets"))
    clouds = about.get("eo:cloud_cover")
    day, name = str(about.get("datetime") or "")[:10], str(item.get("id") or "")
    bands = tuple(b for b in (_band(assets.get(color)) for color in COLORS) if b is not None)
    visual = _band(assets.get("visual"))
    chosen = (visual,) if visual is not None else bands
    if len(chosen) not in (1, 3) or not name or not isinstance(clouds, (int, float)):
        return None
    return Scene(name, day, float(clouds), chosen)


def _band(asset: object) -> Band | None:
    about = mapping(asset)
    url = about.get("href")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return None
    raster = next(iter(rows(about.get("raster:bands"))), {})
    scale, offset = raster.get("scale", 1.0), raster.get("offset", 0.0)
    return Band(url, *(float(v) if isinstance(v, (int, float)) else d for v, d in ((scale, 1.0), (offset, 0.0))))


def _days(date: str) -> list[str]:
    days = date.split("/")
    days = days * 2 if len(days) == 1 else days
    if len(days) != 2 or any(len(day) != 10 or not day.replace("-", "").isdecimal() for day in days):
        raise InputError(f"--date is a day or two with a slash, such as 2024-06-01/2024-08-31; got '{date}'")
    return days


def _moment(day: str, *, last: bool) -> str:
    return f"{day}T23:59:59Z" if last else f"{day}T00:00:00Z"


def rasterio_package() -> ModuleType:
    """Return the optional package.

    Raises:
        InputError: it is not installed.
    """
    try:
        rasterio = importlib.import_module("rasterio")
        importlib.import_module("rasterio.transform")
    except ImportError as error:
        raise InputError("single scenes of Sentinel-2 need a package: pip install 'reverie[geo]'") from error
    return rasterio
