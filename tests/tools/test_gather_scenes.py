"""Single scenes of Sentinel-2 for `reverie gather map`: STAC, windows of cloud-optimized TIFFs, true color."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gather_server import Fault, Server
from reverie.apps.cli.main import main
from reverie.data.tiles.mercator import around
from reverie.data.tiles.scenes import Scene, _scene, true_color

rasterio = pytest.importorskip("rasterio")
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # inside rasterio itself
PIXEL_M, SIDE, LEFT_M, TOP_M = 40.0, 1024, 440_000.0, 5_420_000.0  # in UTM zone 31, around Paris
LAT, LON = 48.75, 2.40


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("REVERIE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("REVERIE_CONTACT", "a@example.org")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server():
    with Server() as running:
        yield running


def cog(path, pixels: np.ndarray) -> bytes:
    """A cloud-optimized TIFF ``[bands, H, W]`` in UTM."""
    with rasterio.open(
        path, "w", driver="COG", width=SIDE, height=SIDE, count=len(pixels), dtype=pixels.dtype,
        crs="EPSG:32631", nodata=0,
        transform=rasterio.transform.from_origin(LEFT_M, TOP_M, PIXEL_M, PIXEL_M), blocksize=256, compress="deflate",
    ) as file:  # fmt: skip
        file.write(pixels)
    return path.read_bytes()


def gradient(blue: int, half: bool = False) -> np.ndarray:
    """Easting in red, northing in green; with `half`, nothing in the west."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    pixels = np.stack([1 + columns // 5, 1 + rows // 5, np.full((SIDE, SIDE), blue)]).astype(np.uint8)
    if half:
        pixels[:, :, : SIDE // 2] = 0
    return pixels


def item(server, name: str, clouds: float, **assets: str) -> dict:
    found = {key: {"href": f"{server.url}/cog/{file}"} for key, file in assets.items()}
    for key in set(found) - {"visual"}:
        found[key]["raster:bands"] = [{"scale": 0.0001, "offset": -0.1}]
    return {"id": name, "properties": {"datetime": "2024-07-03T10:56:21Z", "eo:cloud_cover": clouds}, "assets": found}


def asked(server, *words: str) -> list[str]:
    where = ["gather", "map", str(LAT), str(LON), "--zoom", "11", "--size", "400x300", "--provider", "Sentinel2.Scenes"]
    how = ["--pause", "0", "--no-caption", "--endpoint", f"stac={server.url}/stac", "-o", "paris.png"]
    return [*where, *how, *words]


@pytest.mark.slow
def test_the_clearest_scene_and_what_it_leaves_open_from_the_next(server, tmp_path, capsys):
    """Each pixel is where the projection puts it; the clear scene covers the east, the other one the west."""
    server.bodies["/cog/east.tif"] = cog(tmp_path / "east.tif", gradient(50, half=True))
    server.bodies["/cog/all.tif"] = cog(tmp_path / "all.tif", gradient(200))
    server.stac_items = [
        item(server, "ALL", 12, visual="all.tif"), item(server, "EAST", 3, visual="east.tif"),
        item(server, "CLOUDY", 60, visual="none.tif"), {"id": "broken"},
    ]  # fmt: skip
    assert main(asked(server, "--date", "2024-06-01/2024-08-31")) == 0
    rgb = np.asarray(Image.open("paris.png").convert("RGB")).astype(int)
    assert rgb.shape == (300, 400, 3) and set(np.unique(rgb[..., 2])) <= set(range(50, 201))
    assert (rgb[:, 300:, 2] == 50).mean() > 0.95 and (rgb[:, :60, 2] == 200).mean() > 0.95
    window = around(LAT, LON, 11, (400, 300))
    from rasterio.warp import transform

    for y, x in ((20, 30), (150, 200), (280, 390)):
        east, north = transform("EPSG:3857", "EPSG:32631", [window.left_m + (x + 0.5) * window.pixel_m],
                                [window.top_m - (y + 0.5) * window.pixel_m])  # fmt: skip
        column, row = (east[0] - LEFT_M) / PIXEL_M, (TOP_M - north[0]) / PIXEL_M
        assert abs(rgb[y, x, 0] - (1 + column // 5)) <= 1 and abs(rgb[y, x, 1] - (1 + row // 5)) <= 1
    (query,) = server.stac_queries
    assert query["datetime"] == "2024-06-01T00:00:00Z/2024-08-31T23:59:59Z"
    err = capsys.readouterr().err
    assert err.index("EAST of 2024-07-03") < err.index("ALL of") and "CLOUDY" not in err
    with rasterio.open("paris-geo.tif") as raster:
        assert raster.crs.to_epsg() == 3857 and raster.tags()["TIFFTAG_COPYRIGHT"].endswith("Sentinel data 2024")


def test_only_the_window_is_fetched(server, tmp_path):
    rng = np.random.default_rng(0)
    blob = cog(tmp_path / "noise.tif", rng.integers(1, 255, (3, SIDE, SIDE), dtype=np.uint8))
    server.bodies["/cog/noise.tif"] = blob
    server.stac_items = [item(server, "NOISE", 1, visual="noise.tif")]
    sizes: list[int] = []
    send = server._send
    server._send = lambda handler, body, fault: (sizes.append(len(body)), send(handler, body, fault))[1]
    words = asked(server, "--date", "2024-07-03")
    words[words.index("400x300")] = "100"
    assert main(words) == 0
    assert sum(sizes) < 0.2 * len(blob)


def test_reflectance_becomes_true_color(server, tmp_path):
    for name, value in (("r", 2500), ("g", 1900), ("b", 1150)):
        server.bodies[f"/cog/{name}.tif"] = cog(tmp_path / f"{name}.tif", np.full((1, SIDE, SIDE), value, np.uint16))
    server.stac_items = [item(server, "BANDS", 0, red="r.tif", green="g.tif", blue="b.tif")]
    assert main(asked(server, "--date", "2024-07-03")) == 0
    rgb = np.asarray(Image.open("paris.png").convert("RGB"))
    expected = true_color(np.array([[[0.15, 0.09, 0.015]]]))[0, 0]
    assert np.abs(rgb[150, 200].astype(int) - expected).max() <= 1
    assert list(true_color(np.array([[[-1.0, 0.3, 9.0]]]))[0, 0]) == [0, 255, 255]


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        ((), 2, "needs a time"),
        (("--date", "last summer"), 2, "a day or two"),
        (("--date", "2024-07-03"), 1, "no scene of"),
    ],
)
def test_mistakes_are_one_sentence(server, words, code, part, capsys):
    assert main(asked(server, *words)) == code
    assert part in capsys.readouterr().err


def test_files_in_private_places_are_not_opened(server, capsys):
    evil = item(server, "EVIL", 0, visual="x.tif")
    evil["assets"]["visual"]["href"] = "http://169.254.169.254/latest/x.tif"
    server.stac_items = [evil]
    assert main(asked(server, "--date", "2024-07-03")) == 1
    assert "private" in capsys.readouterr().err
    evil["assets"]["visual"]["href"] = f"{server.url}/cog/moved.tif"
    server.faults["/cog/moved.tif"] = [Fault(302, {"Location": "http://10.0.0.1/x.tif"})]
    assert main(asked(server, "--date", "2024-07-03")) == 1
    assert "private" in capsys.readouterr().err
    for href in ("file:///etc/passwd", "/vsicurl/http://x/y.tif", "s3://bucket/x.tif"):
        evil["assets"]["visual"]["href"] = href
        assert _scene(evil) is None


def test_windows_across_the_antimeridian_are_searched_on_both_sides(server, tmp_path):
    from reverie.data.net.address import place_of, split_address
    from reverie.data.net.client import Client
    from reverie.data.net.pace import Pace
    from reverie.data.tiles.scenes import find_scenes

    server.stac_items = [item(server, "ONE", 1, visual="x.tif")]
    client = Client("a@b.org", Pace(tmp_path / "p"), pause_s=0,
                    trusted=[place_of(split_address(server.url))])  # fmt: skip
    found = find_scenes(client, around(0, 180, 5, (300, 100)), "2024-07-03", 20, f"{server.url}/stac")
    client.close()
    assert [s.name for s in found] == ["ONE"] and isinstance(found[0], Scene)
    assert [q["bbox"].split(",")[0][:4] for q in server.stac_queries] == ["173.", "-180"] or len(
        server.stac_queries
    ) == 2
