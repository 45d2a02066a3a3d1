"""`reverie gather map`: geometry, tiles, cache, keys, GeoTIFF read by an independent program."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from gather_server import Fault, Server, tile
from reverie.apps.cli.main import main
from reverie.data.tiles.mercator import HALF_M, MOST_LAT, around, between, degrees, pixels
from reverie.data.tiles.mosaic import decoded
from reverie.data.tiles.provider import open_provider
from reverie.errors import InputError
from reverie.jobs.stored import stored_record


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REVERIE_CONTACT", "a@example.org")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server():
    with Server() as running:
        yield running


def asked(server, *words: str, out: str = "map.png") -> list[str]:
    return ["gather", "map", *words, "--pause", "0", "--provider", f"{server.url}/tile/{{z}}/{{x}}/{{y}}.png",
            "--attribution", "(C) Testers", "-o", out]  # fmt: skip


def test_places_are_where_the_formula_says_and_back():
    rng = np.random.default_rng(0)
    for lon, lat in zip(rng.uniform(-180, 180, 200), rng.uniform(-85, 85, 200), strict=True):
        x, y = pixels(lon, lat, 12)
        assert degrees(x, y, 12) == pytest.approx((lon, lat), abs=1e-9)
    assert pixels(0, 0, 0) == (128, 128) and pixels(-180, MOST_LAT, 3) == pytest.approx((0, 0), abs=1e-6)
    window = around(48.8584, 2.2945, 15, (256, 256))
    ground = window.pixel_m * math.cos(math.radians(48.8584))
    assert ground == pytest.approx(156543.034 * math.cos(math.radians(48.8584)) / 2**15, rel=1e-6)
    assert window.left_m + 128 * window.pixel_m == pytest.approx(2.2945 / 180 * HALF_M, abs=window.pixel_m)


@pytest.mark.parametrize(("lat", "lon"), [(85.06, 0), (-86, 0), (math.nan, 0), (0, 400), (0, math.inf)])
def test_places_off_the_map_are_refused(lat, lon):
    with pytest.raises(InputError):
        around(lat, lon, 5, (100, 100))


def test_windows_wrap_at_the_antimeridian_and_end_at_the_poles():
    window = between(170, -20, -170, 20, 5)
    assert window.width == math.ceil(20 / 360 * 256 * 32)
    west, south, east, north = window.bounds()
    assert (west, east) == pytest.approx((170, 190), abs=0.1) and (south, north) == pytest.approx((-20, 20), abs=0.1)
    assert {column % 32 for column, _ in window.tiles()} == {0, 31}
    top = around(85, 0, 3, (100, 500))
    assert top.top == 0 and top.height < 500
    assert around(0, 0, 0, (1000, 1000)).tiles() == [(0, 0)]  # the world is not repeated
    for box in ((0, 5, 10, 5), (0, 9, 10, 5), (3, 0, 3, 5)):
        with pytest.raises(InputError):
            between(*box, 4)


def test_a_picture_of_a_place_its_geotiff_and_its_cache(server, tmp_path, capsys):
    """Each pixel comes from the tile that the formula names; rasterio finds the same places; a repeat asks nobody."""
    assert main([*asked(server, "-33.9", "18.4", "--zoom", "10", "--size", "700x500"), "--no-caption"]) == 0
    rgb = np.asarray(Image.open("map.png").convert("RGB"))
    assert rgb.shape == (500, 700, 3)
    window = around(-33.9, 18.4, 10, (700, 500))
    for y, x in ((0, 0), (250, 350), (499, 699), (100, 600)):
        column, row = (window.left + x) // 256, (window.top + y) // 256
        inside = np.asarray(Image.open(__import__("io").BytesIO(tile(10, column, row))))
        assert (rgb[y, x] == inside[(window.top + y) % 256, (window.left + x) % 256]).all()
    record = stored_record(tmp_path / "map.png")
    assert record["attribution"] == "(C) Testers"
    rasterio = pytest.importorskip("rasterio")
    from rasterio.warp import transform

    with rasterio.open("map-geo.tif") as raster:
        assert raster.crs.to_epsg() == 3857 and raster.tags()["TIFFTAG_COPYRIGHT"] == "(C) Testers"
        assert (raster.read().transpose(1, 2, 0) == rgb).all()
        x, y = raster.xy(250, 350, offset="ul")
        (lon,), (lat,) = transform(raster.crs, "EPSG:4326", [x], [y])
        assert (lat, lon) == pytest.approx((-33.9, 18.4), abs=360 / (256 << 10))
    before = len(server.log)
    assert main([*asked(server, "-33.9", "18.4", "--zoom", "10", "--size", "700x500", out="again.png")]) == 0
    assert len(server.log) == before and "0 of 12 tiles" in capsys.readouterr().err


def test_old_tiles_are_asked_whether_they_changed_and_serve_when_nobody_answers(server, tmp_path, capsys):
    words = ("10", "20", "--zoom", "6", "--size", "100")
    assert main(asked(server, *words)) == 0
    for about in (tmp_path / "home").rglob("*.json"):
        about.write_text(about.read_text().replace('"until": ', '"until": -'))
    count = len(server.log)
    assert main(asked(server, *words, out="b.png")) == 0
    assert len(server.log) > count and "if-none-match" in server.log[-1][2]
    for about in (tmp_path / "home").rglob("*.json"):
        about.write_text(about.read_text().replace('"until": ', '"until": -'))
    for path in {p for _, p, _ in server.log}:
        server.faults[path] = [Fault(404)] * 9
    assert main(asked(server, *words, out="c.png")) == 1  # gone is gone
    assert "no tile" in capsys.readouterr().err


def test_missing_and_equal_tiles_are_said(server, capsys):
    window = around(10, 20, 6, (600, 600))
    column, row = window.tiles()[0]
    server.faults[f"/tile/6/{column}/{row}.png"] = [Fault(404)]
    for other, line in window.tiles()[1:]:
        server.bodies[f"/tile/6/{other}/{line}.png"] = b""
        server.faults[f"/tile/6/{other}/{line}.png"] = [Fault(body=tile(0, 0, 0))]
    assert main([*asked(server, "10", "20", "--zoom", "6", "--size", "600"), "--no-caption"]) == 0
    err = capsys.readouterr().err
    assert "1 tiles are missing and gray" in err and "no imagery" in err


def test_the_antimeridian_has_no_seam(server):
    assert main([*asked(server, "10", "180", "--zoom", "3", "--size", "200"), "--no-caption"]) == 0
    rgb = np.asarray(Image.open("map.png").convert("RGB"))
    assert rgb[50, 50, 0] == 7 and rgb[50, 150, 0] == 0


def test_many_places_become_a_sheet_and_folders(server, tmp_path):
    (tmp_path / "p.csv").write_text(
        "name,lat,lon,zoom,class\nCape,-33.9,18.4,,city\nParis,48.85,2.35,9,city\nNull,0,0,3,sea\n"
    )
    assert main(asked(server, "--list", "p.csv", "--size", "128")) == 0
    assert (tmp_path / "map-places" / "city" / "0001-paris.png").is_file()
    assert len(list((tmp_path / "map-geotiff").glob("*.tif"))) == 3
    assert "(C) Testers" in (tmp_path / "map-places" / "ATTRIBUTION.csv").read_text()


def test_a_folder_of_somebody_else_is_not_replaced(server, tmp_path):
    (tmp_path / "p.csv").write_text("lat,lon\n1,2\n")
    (tmp_path / "map-places").mkdir()
    (tmp_path / "map-places" / "mine.txt").write_text("mine")
    assert main(asked(server, "--list", "p.csv", "--size", "64")) == 0
    assert [file.name for file in (tmp_path / "map-places").iterdir()] == ["mine.txt"]
    assert (tmp_path / "map-places-2" / "ATTRIBUTION.csv").is_file()


@pytest.mark.parametrize(
    ("words", "part"),
    [(["10", "20", "--size", "60000"], "than 16384"), (["10", "20", "--size", "9000", "--zoom", "9"], "--most-tiles"),
     (["10"], "latitude and a longitude"), (["x", "20"], "no number"), (["--bbox", "1,2,3"], "west,south,east,north"),
     (["88", "1"], "off the map"), (["--list", "none.csv"], "cannot be read"),
     (["1", "2", "--size", "ax3"], "WIDTHxHEIGHT")],
)  # fmt: skip
def test_mistakes_are_one_sentence_and_ask_nobody(server, words, part, capsys):
    assert main(asked(server, *words)) == 2
    assert part in capsys.readouterr().err and server.log == []


def test_keys_come_from_the_environment_and_go_nowhere_else(server, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("REVERIE_KEY_MAPTILER", raising=False)
    with pytest.raises(InputError, match="REVERIE_KEY_MAPTILER"):
        open_provider("MapTiler.Satellite")
    monkeypatch.setenv("REVERIE_KEY_MAPTILER", "hidden-key")
    assert open_provider("MapTiler.Satellite").url(1, 2, 3).endswith("/3/1/2.jpg?key=hidden-key")
    monkeypatch.setenv("REVERIE_KEY_OWN", "hidden-key")
    command = asked(server, "10", "20", "--zoom", "6", "--size", "64")
    command[command.index("--provider") + 1] += "?key={key}"
    assert main(command) == 0
    assert all("hidden-key" in path for _, path, _ in server.log)
    for path in (p for p in tmp_path.rglob("*") if p.is_file()):
        assert b"hidden-key" not in path.read_bytes(), path
    out = capsys.readouterr()
    assert "hidden-key" not in out.out + out.err


def test_a_record_cannot_send_requests_where_it_likes(server, tmp_path, capsys):
    """A picture of a stranger names its own tile server: replay, --like and a posted job refuse it."""
    assert main(asked(server, "10", "20", "--zoom", "6", "--size", "64")) == 0
    count = len(server.log)
    assert main(["replay", "map.png"]) == 2
    assert main(["gather", "map", "11", "21", "--like", "map.png", "-o", "b.png"]) == 2
    assert len(server.log) == count and "cannot ask for --provider" in capsys.readouterr().err


def test_providers():
    default = open_provider("Sentinel2.Cloudless")
    assert "Copernicus" in default.attribution and default.url(3, 4, 5).endswith("/5/4/3.jpg")
    monkey = open_provider("OpenStreetMap.Mapnik")
    assert monkey.terms and monkey.url(1, 2, 3) == "https://tile.openstreetmap.org/3/1/2.png"
    for name, part in (
        ("OpenStreetMap.Mapnick", "nearest"),
        ("http://x/{z}/{x}.png", "with {z}"),
        ("NASAGIBS.BlueMarble3413", "Mercator"),
    ):
        with pytest.raises(InputError, match=part):
            open_provider(name)
    assert decoded(tile(1, 0, 0, 512), 256).shape == (256, 256, 3)
