"""`reverie embed`, `embed place` and `embed layers` from end to end, as a user calls them."""

from __future__ import annotations

import base64
import csv
import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from cyclopts import App
from PIL import Image

from reverie.apps.cli.main import with_usual_command
from reverie.apps.cli.tool_command import command_for
from reverie.critic.class_centers import load_centers
from reverie.errors import DataError, InputError, LayerError
from reverie.jobs.stored import stored_record
from reverie.media.image import read_picture
from reverie.tools.embed.fit import load_fit
from reverie.tools.registry import find_tool

pytestmark = pytest.mark.real

EACH = 14
QUICK = ("--steps", 60, "--perplexity", 5, "--device", "cpu", "--precision", "fp32")


def call(tool: str, *tokens: object) -> int:
    app = App(result_action="return_value")
    app.default(command_for(find_tool(tool), find_tool))
    return app([str(token) for token in tokens], exit_on_error=False, print_error=False)


def stripes(seed: int, kind: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:48, :48]
    along = (x, y, x + y)[kind] + rng.integers(0, 12)
    base = 0.5 + 0.4 * np.sin(along * (0.5 + 0.1 * rng.random()))
    color = rng.random(3) * 0.5 + 0.5
    return (np.clip(base[..., None] * color + 0.03 * rng.standard_normal((48, 48, 3)), 0, 1) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data") / "stripes"
    for kind, name in enumerate(("across", "down", "slanted")):
        (root / name).mkdir(parents=True)
        for number in range(EACH):
            Image.fromarray(stripes(100 * kind + number, kind)).save(root / name / f"{number:02d}.png")
    Image.fromarray(stripes(0, 0)[:, ::-1]).save(root / "across" / "mirror.png")
    (root / "down" / "broken.png").write_bytes(b"no picture")
    return root


@pytest.fixture(scope="module")
def made(pictures: Path) -> Path:
    folder = pictures.parent / "stripes-map"
    assert call("embed map", pictures, *QUICK, "--projector", "-o", folder) == 0
    return folder


def data_of(folder: Path) -> dict:
    found = re.search(r"^const data = (.*);$", (folder / "index.html").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return json.loads(found[1])


def test_embed_alone_means_map():
    assert with_usual_command(["embed", "holiday", "--layer", "x"]) == ["embed", "map", "holiday", "--layer", "x"]
    assert with_usual_command(["embed", "place", "m", "a.jpg"]) == ["embed", "place", "m", "a.jpg"]
    assert with_usual_command(["embed", "--help"]) == ["embed", "--help"]
    assert with_usual_command(["embed"]) == ["embed"]
    assert with_usual_command(["dream", "a.jpg"]) == ["dream", "a.jpg"]


@pytest.mark.slow
def test_the_folder_holds_all_and_asks_no_server(made: Path):
    names = {p.relative_to(made).as_posix() for p in made.rglob("*") if p.is_file()}
    wanted = {"index.html", "map.png", "map.safetensors", "job.json", "pictures.csv", "duplicates.csv", "outliers.csv",
              "mislabelled.csv", "sheets/fine-000.jpg", "sheets/coarse-000.jpg", "projector/projector_config.pbtxt",
              "projector/vectors.tsv", "projector/names.tsv", "projector/sprite.jpg"}  # fmt: skip
    assert wanted <= names
    page = (made / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://", page)
    assert stored_record(made)["tool"] == "embed map"


def test_the_same_map_is_not_made_twice(made: Path, pictures: Path, capsys: pytest.CaptureFixture[str]):
    before = (made / "index.html").stat().st_mtime_ns
    assert call("embed map", pictures, *QUICK, "--projector", "-o", made) == 0
    assert "there already" in capsys.readouterr().err
    assert (made / "index.html").stat().st_mtime_ns == before
    assert not made.with_name(f"{made.name}-2").exists()


def test_the_page_says_the_same_as_the_fit(made: Path):
    data, fit = data_of(made), load_fit(made)
    assert data["count"] == len(fit.names) == 3 * EACH + 1
    row = {name: i for i, name in enumerate(fit.names)}
    places = np.frombuffer(base64.b64decode(data["places"]), "<u2").reshape(-1, 2) / 65535
    own = torch.stack([fit.places[row[name]] for name in data["names"]]).numpy()
    scale = (places.max(0) - places.min(0)) / (own.max(0) - own.min(0))
    assert np.allclose(scale, scale.mean(), rtol=1e-3)  # one scale for both axes
    neighbors = np.frombuffer(base64.b64decode(data["neighbors"]), "<u4").reshape(data["count"], -1)
    distances = torch.cdist(fit.space.points, fit.space.points).fill_diagonal_(torch.inf)
    for position, name in enumerate(data["names"]):
        assert data["names"][neighbors[position, 0]] == fit.names[int(distances[row[name]].argmin())]
    kind = data["kinds"][0]
    labels = np.frombuffer(base64.b64decode(kind["index"]), "<u2")
    assert all(kind["values"][v] == name.split("/")[0] for v, name in zip(labels, data["names"], strict=True))


def test_thumbnails_on_the_sheets_are_those_of_the_names(made: Path, pictures: Path):
    data = data_of(made)
    sheet = read_picture(made / data["fine"][0]).rgb
    side = data["thumb"]
    for position in (0, 7, 40):
        top, left = position // data["columns"] * side, position % data["columns"] * side
        own = Image.open(pictures / data["names"][position]).convert("RGB").resize((side, side))
        difference = sheet[top : top + side, left : left + side] - np.asarray(own) / 255
        assert np.sqrt((difference**2).mean()) < 0.06


def test_the_mirrored_copy_is_listed(made: Path):
    rows = list(csv.DictReader((made / "duplicates.csv").read_text().splitlines()))
    assert {(r["picture"], r["other"], r["kind"]) for r in rows} >= {("across/00.png", "across/mirror.png", "mirrored")}


def test_a_picture_of_the_map_finds_itself_in_less_than_a_second(made: Path, pictures: Path, tmp_path: Path):
    from reverie.jobs.given import Given
    from reverie.jobs.session import Session
    from reverie.tools.embed.config import PlaceConfig
    from reverie.tools.embed_place.place_tool import PreparedPlaces

    prepared = PreparedPlaces(PlaceConfig(map=str(made), device="cpu"), Session())
    given = Given(pictures / "slanted" / "05.png")
    began = time.process_time()  # other programs may take the processor meanwhile
    work = prepared.work(given, 0)
    seconds = time.process_time() - began
    row = work.outputs()[1].rows[0]
    assert row["nearest"][0] == "slanted/05.png"
    assert row["looks like"] == "slanted"
    assert not row["far"]
    fit = load_fit(made)
    away = fit.places[fit.names.index("slanted/05.png")] - torch.tensor([row["x"], row["y"]])
    assert away.norm() < 0.1 * (fit.places.amax(0) - fit.places.amin(0)).max()
    assert seconds < 1


@pytest.mark.slow
def test_place_writes_a_picture_and_a_table(made: Path, pictures: Path, tmp_path: Path):
    assert call("embed place", made, pictures / "down" / "03.png", "-o", tmp_path / "p.png") == 0
    assert read_picture(tmp_path / "p.png").rgb.shape[0] > 1600
    table = json.loads((tmp_path / "p-place.json").read_text())
    assert table["rows"][0]["nearest"][0] == "down/03.png"


def test_a_map_of_another_network_is_refused(made: Path, pictures: Path, tmp_path: Path):
    from reverie.weights.checkpoint import load_model, save_model

    state, about = load_model(made / "map.safetensors")
    about.options["sha256"] = "0" * 64
    save_model(tmp_path / "map.safetensors", state, about)
    with pytest.raises(InputError, match="is another network: its sha256 differs"):
        call("embed place", tmp_path, pictures / "down" / "03.png", "-o", tmp_path / "p.png")


def test_pictures_without_classes_are_laid_out_too(pictures: Path, tmp_path: Path):
    assert call("embed map", pictures / "down", *QUICK, "--method", "pca", "-o", tmp_path / "m") == 0
    data = data_of(tmp_path / "m")
    assert data["count"] == EACH
    assert [kind["name"] for kind in data["kinds"]] == ["prediction", "group"]
    assert data["lists"]["mislabelled"] == []


def test_what_is_stopped_early_can_be_written(pictures: Path, tmp_path: Path):
    from reverie.jobs.run import open_run
    from reverie.jobs.session import Session
    from reverie.tools.embed.config import MapConfig
    from reverie.tools.embed.tool import MAP

    run = open_run(MAP, MapConfig(data=str(pictures), device="cpu", precision="fp32", batch=16), None, Session())
    next(iter(run))
    run.save(tmp_path / "stopped", unfinished=True)
    run.close()
    assert data_of(tmp_path / "stopped")["count"] == 16


@pytest.mark.slow
def test_layers_are_compared_and_centers_kept(pictures: Path, tmp_path: Path):
    out = tmp_path / "l.png"
    assert call("embed layers", pictures, "--layer", "conv2", "--layer", "mixed3a", "--neighbors", 5, "-o", out,
                "--device", "cpu", "--precision", "fp32") == 0  # fmt: skip
    rows = json.loads((tmp_path / "l-table.json").read_text())["rows"]
    assert [row["layer"] for row in rows] == ["conv2", "mixed3a"]
    assert all(row["probe"] > 0.9 for row in rows)  # stripes of another direction
    centers = load_centers(tmp_path / "l-centers.safetensors")
    assert centers.classes == ("across", "down", "slanted")
    assert read_picture(out).rgb.std() > 0.05


def test_a_direction_between_classes_can_be_raised(pictures: Path, tmp_path: Path, critic):
    from reverie.objective.base import count_positions
    from reverie.tools.embed_atlas.dreaming import direction_goal

    call("embed layers", pictures, "--layer", "mixed3a", "-o", tmp_path / "l.png", "--device", "cpu",
         "--precision", "fp32")  # fmt: skip
    goal = direction_goal(tmp_path / "l-centers.safetensors", "across-down", critic, "mixed3a", power=0)

    def score(kind: int) -> float:
        image = torch.from_numpy(stripes(7, kind).copy()).permute(2, 0, 1)[None].float() / 255
        seen = critic(image, ["mixed3a"])
        return float(goal.score(seen, {name: count_positions(a) for name, a in seen.items()}))

    assert score(0) > score(2) > score(1)


def test_wrong_input_ends_with_one_line(pictures: Path, tmp_path: Path):
    with pytest.raises(LayerError, match="mixed5c"):
        call("embed map", pictures, "--layer", "mixed5c")
    with pytest.raises(DataError, match="no two class folders"):
        call("embed layers", pictures / "down")
    with pytest.raises(InputError, match="there is no map at"):
        call("embed place", tmp_path, pictures / "down" / "03.png")
    with pytest.raises(DataError, match="no dataset at"):
        call("embed map", tmp_path / "nothing")


def test_an_atlas_has_a_drawing_for_every_cell(pictures: Path, tmp_path: Path):
    out = tmp_path / "a.png"
    assert call("embed atlas", pictures, "--layer", "conv3", "--grid", 2, "--tile", 32, "--drawing-steps", 4,
                "--device", "cpu", "--precision", "fp32", "-o", out) == 0  # fmt: skip
    rgb, rows = read_picture(out).rgb, json.loads((tmp_path / "a-cells.json").read_text())["rows"]
    assert rgb.shape == (64, 64, 3)
    assert sum(row["pictures"] for row in rows) <= 3 * EACH + 1
    for row in rows:
        top, left = 32 * row["row"], 32 * row["column"]
        assert rgb[top : top + 32, left : left + 32].std() > 0.02
        assert row["class"] in ("across", "down", "slanted")


def test_a_list_of_the_page_becomes_a_folder_and_so_do_all_others(made: Path, pictures: Path, tmp_path: Path):
    chosen = ["across/03.png", "down/07.png"]
    (tmp_path / "selection.csv").write_text("picture,class\n" + "".join(f"{name},x\n" for name in chosen))
    assert call("embed pick", pictures, tmp_path / "selection.csv", "-o", tmp_path / "best") == 0
    found = [p.relative_to(tmp_path / "best").as_posix() for p in (tmp_path / "best").rglob("*.png")]
    assert sorted(found) == chosen
    assert (tmp_path / "best" / chosen[0]).read_bytes() == (pictures / chosen[0]).read_bytes()
    assert call("embed pick", pictures, made / "duplicates.csv", "--column", "other", "--others",
                "-o", tmp_path / "clean") == 0  # fmt: skip
    names = {p.relative_to(tmp_path / "clean").as_posix() for p in (tmp_path / "clean").rglob("*.png")}
    assert "across/mirror.png" not in names
    assert {"across/00.png", "slanted/05.png"} <= names


def test_a_list_that_names_strange_places_is_refused(pictures: Path, tmp_path: Path):
    (tmp_path / "list.txt").write_text("../../secret.png\n")
    with pytest.raises(InputError, match="is no name of a picture"):
        call("embed pick", pictures, tmp_path / "list.txt", "-o", tmp_path / "out")
    (tmp_path / "list.txt").write_text("across/99.png\n")
    with pytest.raises(DataError, match="across/99"):
        call("embed pick", pictures, tmp_path / "list.txt", "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_small_classes_are_not_outvoted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "few"
    for kind, name in enumerate(("across", "down")):
        (folder / name).mkdir(parents=True)
        for number in range(6):
            Image.fromarray(stripes(100 * kind + number, kind)).save(folder / name / f"{number:02d}.png")
    call("embed map", folder, "-o", tmp_path / "map", *QUICK)
    said = re.search(r"([\d.]+)% of the pictures lie among their own class \((\d+) nearest\)", capsys.readouterr().err)
    assert said is not None
    assert int(said[2]) == 5  # a picture has five of its class beside it; with 11 the other six always win
    assert float(said[1]) > 80


def test_too_few_pictures_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "few").mkdir()
    for number in range(3):
        Image.fromarray(stripes(number, 0)).save(tmp_path / "few" / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="3 pictures are too few for a map; it takes 5"):
        call("embed map", "few", *QUICK)
    assert [path.name for path in tmp_path.iterdir()] == ["few"]
