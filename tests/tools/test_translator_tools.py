"""A translator for pairs from end to end, and what is said of translators: evaluation, export, arguments swapped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from cyclopts import App
from PIL import Image

from reverie.apps.cli.tool_command import command_for
from reverie.errors import DataError, InputError, WeightsError
from reverie.media.image import read_picture
from reverie.models.translator import Plane, Shape, build_translator
from reverie.models.translator_file import KIND
from reverie.tools.registry import find_tool
from reverie.weights.checkpoint import Description, save_model

MakePhoto = Callable[..., torch.Tensor]


def call(tool: str, *tokens: object) -> int:
    app = App(result_action="return_value")
    app.default(command_for(find_tool(tool), find_tool))
    return app([str(token) for token in tokens], exit_on_error=False, print_error=False)


def network(path: Path, shape: Shape, **about: object) -> Path:
    torch.manual_seed(0)
    described = Description(
        shape.architecture, (), (0.0,) * 3, (1.0,) * 3, 32, kind=KIND, options=dict(shape.record()), **about
    )
    save_model(path, build_translator(shape).state_dict(), described)
    return path


@pytest.fixture
def photos(tmp_path: Path, make_photo: MakePhoto) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(4):
        rgb = make_photo(70, 90, seed)[0].permute(1, 2, 0).numpy()
        Image.fromarray((rgb * 255).astype(np.uint8)).save(folder / f"{seed}.png")
    return folder


@pytest.mark.slow
def test_pix2pix_from_a_folder_of_pairs_to_a_picture(photos: Path, tmp_path: Path):
    maps = tmp_path / "maps"
    maps.mkdir()
    for path in sorted(photos.glob("*.png")):
        Image.fromarray((np.asarray(Image.open(path)).mean(2) > 128).astype(np.uint8)).save(maps / path.name)
    net = tmp_path / "maps.safetensors"
    train = ("--wanted", "labels:2", "--architecture", "pix2pix", "--width", 4, "--depth", 2, "--steps", 2,
             "--crop-px", 24, "--batch", 1)  # fmt: skip
    assert call("train translate", photos, "--targets", maps, *train, "-o", net) == 0
    assert {p.name for p in tmp_path.glob("maps-*")} == {"maps-curves.png", "maps-curves.html", "maps-samples.png"}
    assert call("translate", net, photos / "0.png", "--numbers", "-o", tmp_path / "whole.png") == 0
    assert call("translate", net, photos / "0.png", "--numbers", "--tile", 32, "-o", tmp_path / "tiles.png") == 0
    whole, tiles = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("whole", "tiles"))
    assert whole.shape == (70, 90, 3)
    assert set(np.unique(whole)) <= {0, 1}
    assert np.mean(whole != tiles) < 0.001
    assert call("translator evaluate", net, photos, "--targets", maps, "-o", tmp_path / "found.json") == 0
    rows = json.loads((tmp_path / "found.json").read_text())["rows"]
    assert rows[0]["which"] == "held out from training"
    assert rows[0]["pictures"] == 1
    assert 0 <= rows[0]["accuracy"] <= 1
    assert 0 < rows[0]["ssim_decided"] <= 1


def test_transparency_goes_through_a_network_that_learned_it(photos: Path, tmp_path: Path):
    net = network(tmp_path / "a.safetensors", Shape("can", 4, 4, 8, (1,), given="alpha", wanted="alpha"))
    assert call("translate", net, photos / "0.png", "-o", tmp_path / "made.png") == 0
    assert read_picture(tmp_path / "made.png").alpha is not None


def test_a_number_beside_the_picture_changes_it(photos: Path, tmp_path: Path):
    plane = Plane("sigma", 1.0, 0.5, 3.0)
    net = network(tmp_path / "blur.safetensors", Shape("can", 4, 3, 8, (1,), planes=(plane,)))
    made = []
    for name, texts in (("usual", ()), ("same", ("--param", "sigma=1")), ("other", ("--param", "sigma=3"))):
        assert call("translate", net, photos / "0.png", *texts, "-o", tmp_path / f"{name}.png") == 0
        made.append(np.asarray(Image.open(tmp_path / f"{name}.png")).astype(int))
    assert np.array_equal(made[0], made[1])
    assert np.abs(made[0] - made[2]).mean() > 1
    for text, message in (
        ("sigma=9", r"has learned sigma from 0\.5 to 3; got 9"),
        ("radius=1", "has no parameter 'radius'; it takes sigma"),
        ("sigma", "--param takes NAME=NUMBER"),
    ):
        with pytest.raises(InputError, match=message):
            call("translate", net, photos / "0.png", "--param", text)
    with pytest.raises(InputError, match="'sobel' has no parameter 'sigma'; it takes none"):
        call("translate", "sobel", photos / "0.png", "--param", "sigma=1")


def test_swapped_arguments_are_said(photos: Path):
    from reverie.tools.translate.config import TranslateConfig, check_order

    with pytest.raises(InputError, match=r"0\.png' is a picture"):
        call("translate", photos / "0.png", "sobel")
    with pytest.raises(InputError, match=r"the network comes first: reverie translate sobel a\.jpg"):
        check_order(TranslateConfig(model="a.jpg"))


@pytest.mark.slow
def test_a_student_is_a_filter(photos: Path, tmp_path: Path):
    from reverie.data.user_filter import chosen_filter
    from reverie.models.student import StudentNet

    student = StudentNet(4, 1)
    about = Description("student", (), (0.0,) * 3, (1.0,) * 3, 32, kind="student", options=student.options)
    save_model(tmp_path / "waves.safetensors", student.state_dict(), about)
    made = chosen_filter(f"style:{tmp_path / 'waves.safetensors'}").apply(torch.rand(1, 3, 22, 31))
    assert made.shape == (1, 3, 22, 31)
    net = tmp_path / "learned.safetensors"
    few = ("--steps", 1, "--width", 4, "--depth", 1, "--crop-px", 16, "--batch", 1)
    assert call("train translate", photos, "--filter", f"style:{tmp_path / 'waves.safetensors'}", *few, "-o", net) == 0
    from reverie.jobs.stored import stored_record

    record = stored_record(net)
    assert record["config"]["filter"] == "style:waves.safetensors"  # no folder of this machine
    assert "waves.safetensors" in json.dumps(record["files"])
    with pytest.raises(WeightsError, match="of kind 'translator'; style: needs a student"):
        call("train translate", photos, "--filter", f"style:{net}", *few)
    with pytest.raises(InputError, match=r"learned from 'style:waves\.safetensors', which it does not hold"):
        call("translator evaluate", net, photos)


@pytest.mark.slow
def test_evaluation_measures_unseen_sizes_reach_and_speed(photos: Path, tmp_path: Path):
    assert call("translator evaluate", "sobel", photos, "--most", 1, "-o", tmp_path / "found.json") == 0
    rows = json.loads((tmp_path / "found.json").read_text())["rows"]
    quality = {row["size"]: row for row in rows if row["what"] == "quality"}
    assert list(quality) == ["as they are", "64 x 64", "512 x 512", "1001 x 733"]
    assert quality["512 x 512"]["psnr"] > 40
    reach = next(row for row in rows if row["what"] == "reach")
    assert (reach["found_px"], reach["built_px"], reach["filter_px"], reach["sees_enough"]) == (4, 4, 2, "yes")
    assert rows[-1]["megapixels_per_s"] > 0
    assert read_picture(tmp_path / "found-samples.png").rgb.shape[2] == 3


def test_evaluation_of_pairs_needs_pairs_of_as_many_channels(photos: Path, tmp_path: Path):
    net = network(tmp_path / "a.safetensors", Shape("can", 3, 1, 8, (1,)), data={"pairs": 3})
    with pytest.raises(InputError, match="learned from pairs; name theirs with --targets or --side-by-side"):
        call("translator evaluate", net, photos)
    other = network(tmp_path / "b.safetensors", Shape("can", 3, 3, 8, (1,)), data={"filter": "sobel"})
    with pytest.raises(DataError, match=r"'b\.safetensors' gives 3 channels, the targets have 1"):
        call("translator evaluate", other, photos)


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("shape", [Shape("can", 3, 1, 8, (1, 2)), Shape("unet", 3, 3, 8, (1,), depth=2)])
def test_exported_networks_compute_the_same(shape: Shape, photos: Path, tmp_path: Path):
    ort = pytest.importorskip("onnxruntime")
    net = network(tmp_path / "a.safetensors", shape)
    few = ("--pictures", 2, "--crop-px", 32)
    assert call("translator export", net, "--data", photos, *few, "-o", tmp_path / "out") == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert max(max(d.values()) for d in report["largest_difference"].values()) < 1e-4
    assert set(report["bytes"]) == {"ours", "model.onnx", "model.pt2", "model-int8.onnx"}
    assert report["int8_against_float32"]["psnr"] > 25
    image = torch.rand(1, 3, 48, 80)
    session = ort.InferenceSession(str(tmp_path / "out" / "model.onnx"), providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, {"image": image.numpy()})
    torch.manual_seed(0)
    ours = build_translator(shape).eval()(image).clamp(0, 1)
    assert (torch.from_numpy(theirs) - ours).abs().max() < 1e-4


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    from reverie.tools.fast import packages

    monkeypatch.setattr(packages, "PACKAGES", ("a_package_that_is_not_there",))
    with pytest.raises(InputError, match=r"exporting needs a_package_that_is_not_there; get it with: pip install"):
        call("translator export", "sobel", "-o", tmp_path / "out")


def test_a_folder_is_not_named_like_a_file(tmp_path: Path):
    with pytest.raises(InputError, match=r"t1\.onnx is the name of a file; reverie translator export writes a folder"):
        call("translator export", "sobel", "-o", tmp_path / "t1.onnx")
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_one_command_evaluates_every_kind_of_network(photos: Path, tmp_path: Path, capsys):
    net = network(tmp_path / "a.safetensors", Shape("can", 3, 1, 8, (1,)), data={"filter": "sobel"})
    assert call("train evaluate", net, photos, "--most", 1, "-o", tmp_path / "report") == 0
    assert {p.name for p in (tmp_path / "report").iterdir()} == {"evaluation.json", "samples.png", "job.json"}
    rows = json.loads((tmp_path / "report" / "evaluation.json").read_text())["rows"]
    assert [row["what"] for row in rows] == ["quality"] * 4 + ["reach", "speed"]
    capsys.readouterr()
    assert call("train evaluate", net, photos, "--most", 1) == 0
    assert capsys.readouterr().out.startswith("as they are: PSNR ")
    with pytest.raises(InputError, match="--filter is for translators; 'embedded' is another kind of network"):
        call("train evaluate", "embedded", photos, "--filter", "sobel")


@pytest.mark.slow
@pytest.mark.real
def test_one_command_exports_every_kind_of_network(photos: Path, tmp_path: Path):
    pytest.importorskip("onnxruntime")
    net = network(tmp_path / "a.safetensors", Shape("can", 3, 1, 8, (1,)))
    few = ("--data", photos, "--pictures", 2, "--crop-px", 32)
    assert call("export", net, *few, "-o", tmp_path / "b.onnx") == 0
    assert {p.name for p in tmp_path.glob("b*")} == {
        "b.onnx", "b-program.pt2", "b-program.pt2.job.json", "b-int8.onnx", "b-report.json"
    }  # fmt: skip
    report = json.loads((tmp_path / "b-report.json").read_text())
    assert report["int8_against_float32"]["psnr"] > 25
    with pytest.raises(InputError, match="--data is for translators; 'any' is another kind of network"):
        call("export", "any", *few)
