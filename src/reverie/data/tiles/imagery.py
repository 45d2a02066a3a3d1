"""What fills a map: tiles of a provider, or single scenes of Sentinel-2; one face for both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from reverie.data.net.client import Client, FetchError, RefusedError
from reverie.data.tiles.cache import TileCache
from reverie.data.tiles.mercator import Window
from reverie.data.tiles.mosaic import Mosaic
from reverie.data.tiles.provider import Provider
from reverie.data.tiles.scenes import API, fill_from_scenes, find_scenes, rasterio_package
from reverie.errors import OfflineError

SCENES = "Sentinel2.Scenes"


class Imagery(Protocol):
    """Fills pictures.

    Attributes:
        attribution: the line beside them; complete when all are filled.
        unit: what is counted.
    """

    @property
    def attribution(self) -> str: ...
    @property
    def unit(self) -> str: ...

    def count(self, windows: Sequence[Window]) -> int:
        """Return how many units the windows take, at most."""
        ...

    def fill(self, mosaic: Mosaic, client: Client) -> Iterator[None]:
        """Fill one picture, yielding after each unit.

        Raises:
            OfflineError: nothing can be fetched.
        """
        ...

    def notes(self) -> list[str]:
        """Return what a user should know at the end."""
        ...


class Tiles:
    """Tiles of a provider, through the cache."""

    unit = "tiles"

    def __init__(self, provider: Provider, cache: TileCache, pause_s: float) -> None:
        self._provider, self._cache, self._pause_s = provider, cache, pause_s
        self.attribution, self._done = provider.attribution, 0

    def count(self, windows: Sequence[Window]) -> int:
        """Return the number of tiles."""
        return sum(len(window.tiles(self._provider.side_px)) for window in windows)

    def fill(self, mosaic: Mosaic, client: Client) -> Iterator[None]:
        """See `Imagery`."""
        for _ in mosaic.fill(self._provider, self._cache, client, self._pause_s):
            self._done += 1
            yield

    def notes(self) -> list[str]:
        """Return how many were asked for."""
        notes = [f"{self._cache.asked} of {self._done} tiles were asked for, the others were here"]
        if self._cache.stale:
            notes.append(f"{self._cache.stale} tiles may be out of date: the server did not answer")
        return notes


class Scenes:
    """Single passes of Sentinel-2, the clearest of a time."""

    unit = "pictures"

    def __init__(self, date: str, clouds: float, api: str = API) -> None:
        rasterio_package()  # what is missing is said before anything is asked
        self._date, self._clouds, self._api = date, clouds, api
        self.attribution = "Contains modified Copernicus Sentinel data"
        self._used: list[str] = []

    def count(self, windows: Sequence[Window]) -> int:
        """Return one for each picture."""
        return len(windows)

    def fill(self, mosaic: Mosaic, client: Client) -> Iterator[None]:
        """See `Imagery`."""
        try:
            found = find_scenes(client, mosaic.window, self._date, self._clouds, self._api)
        except (FetchError, RefusedError) as error:
            raise OfflineError(f"no scenes of Sentinel-2 could be searched: {error}") from error
        if not found:
            raise OfflineError(
                f"no scene of {self._date} has at most {self._clouds:g} % of clouds here; give more --date or --clouds"
            )
        covered = 0.0
        for scene, fraction in fill_from_scenes(mosaic.rgb, mosaic.window, found, client):
            self._used.append(f"{scene.name} of {scene.day}, {scene.clouds:.0f} % of clouds")
            covered, year = fraction, scene.day[:4]
            if year not in self.attribution:
                self.attribution += f" {year}"
        if covered < 1:
            self._used.append(f"{100 * (1 - covered):.1f} % of the picture has no scene and is gray")
        yield

    def notes(self) -> list[str]:
        """Return the scenes that were used."""
        return self._used
