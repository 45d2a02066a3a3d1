"""A network learns a filter: it gets near, it resumes to the same weights, and it says of itself what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from reverie.data.examples import Drawing, held_out
from reverie.errors import DataError, InputError, WeightsError
from reverie.jobs.session import Session
from reverie.media.image import read_picture
from reverie.models.translator import Autoencoder, Can, Shape, build_translator, parse_shape
from reverie.models.translator_file import load_translator, translator_path
from reverie.numerics.edge_filters import sobel
from reverie.numerics.resample import resize
from reverie.tools.translate.tiles import translated
from reverie.train.run_folder import RunFolder
from reverie.train.translate.config import TranslateConfig
from reverie.train.translate.evaluate import open_measurement
from reverie.train.translate.measure import compared
from reverie.train.translate.task import given_parameters, open_task
from reverie.train.translate.tool import PreparedTraining
from reverie.train.translate.training import TranslatorTraining
from reverie.weights.checkpoint import Description, load_model, save_model

MakePhoto = Callable[..., torch.Tensor]


@pytest.fixture
def pictures(tmp_path: Path, make_photo: MakePhoto) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(6):
        rows = make_photo(70, 90, seed)[0].permute(1, 2, 0).numpy()
        Image.fromarray((rows * 255).astype(np.uint8)).save(folder / f"{seed}.png")
    return folder


def small(data: Path, **changes: object) -> TranslateConfig:
    usual = {"width": 8, "depth": 2, "steps": 12, "batch": 2, "crop_px": 32, "device": "cpu"}
    return TranslateConfig(data=str(data), **(usual | changes))  # type: ignore[arg-type]


def network(config: TranslateConfig, folder: Path) -> tuple[dict[str, torch.Tensor], Description]:
    work = PreparedTraining(config, Session()).work(None, 0, scratch=folder)
    for _ in work:
        pass
    work.outputs()[0].write(folder.with_suffix(".safetensors"), {}, 92)
    work.close()
    return load_model(folder.with_suffix(".safetensors"))


def test_it_learns_a_blur(pictures: Path, tmp_path: Path, make_photo: MakePhoto):
    config = small(pictures, filter="gaussian", filter_param=("sigma=0.5",), steps=250, lr=0.01, ema=0.95)
    _, about = network(config, tmp_path / "run")
    task, image = open_task(config), make_photo(40, 40)
    before = compared(build_translator(task.shape), image, task.examples.target(image))
    assert about.metrics["psnr_whole"] > 24 > before["psnr"] + 5
    assert about.metrics["ssim_whole"] > 0.8
    assert about.data["filter"] == "gaussian"
    assert about.data["parameters"] == {"sigma": 0.5}
    assert about.data["held_out"] == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_stopped_run_goes_on_to_the_same_weights(pictures: Path, tmp_path: Path):
    whole, _ = network(small(pictures), tmp_path / "whole")
    stopped = PreparedTraining(small(pictures), Session()).work(None, 0, scratch=tmp_path / "parts")
    for report in stopped:
        if report.done == 5:
            break
    stopped.close()
    assert (tmp_path / "parts" / "checkpoint.pt").is_file()
    parts, _ = network(small(pictures), tmp_path / "parts")
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_a_checkpoint_of_other_settings_is_refused(pictures: Path, tmp_path: Path):
    training = TranslatorTraining(open_task(small(pictures)), RunFolder(tmp_path / "run"))
    training.run.create()
    training.loop.save()
    with pytest.raises(InputError, match=r"--lr is 0\.01, but the run being resumed has 0\.003"):
        TranslatorTraining(open_task(small(pictures, lr=0.01)), RunFolder(tmp_path / "run"))


def test_held_out_pictures_are_not_learned_from(pictures: Path):
    task = open_task(small(pictures, held_out=0.5))
    assert task.examples.held == 3
    assert task.examples.count == 3
    assert held_out(["a", "b", "c"], 0.3, 1) == held_out(["c", "b", "a"], 0.3, 1)
    assert held_out(["a"], 0.5, 0) == ()


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 5), (33, 47)])
@pytest.mark.parametrize("architecture", ["can", "autoencoder"])
def test_any_size_comes_back_as_it_was(architecture: str, size: tuple[int, int]):
    net = build_translator(Shape(architecture, 3, 1, 8, (1, 2, 1))).eval()
    assert net(torch.rand(2, 3, *size)).shape == (2, 1, *size)


@pytest.mark.parametrize("tile", [16, 23, 40])
@pytest.mark.parametrize("architecture", ["can", "autoencoder"])
def test_tiles_are_the_whole(architecture: str, tile: int, make_photo: MakePhoto):
    torch.manual_seed(0)
    net = build_translator(Shape(architecture, 3, 3, 8, (1, 4, 2, 1))).eval()
    image = make_photo(76, 104)
    assert (translated(net, image, tile) - translated(net, image)).abs().max() < 1e-6


@pytest.mark.parametrize(("net", "reach"), [(Can(Shape("can", 3, 1, 8, (1, 3, 1))), 5), (Autoencoder(Shape()), 6)])
def test_a_pixel_sees_as_far_as_it_says_and_no_farther(net: Can | Autoencoder, reach: int, make_photo: MakePhoto):
    assert net.reach_px == reach
    image = make_photo(96, 96).requires_grad_()
    seen = 0
    for at in range(40, 44):  # every phase of the stride
        (gradient,) = torch.autograd.grad(net.eval()(image)[0, 0, at, at], image)
        places = (gradient.abs().sum(1)[0] > 0).nonzero() - at
        seen = max(seen, int(places.abs().max()))
    assert 0 < seen <= reach
    assert seen == reach


def test_the_shipped_sobel_is_near_the_filter_at_any_size(make_photo: MakePhoto):
    path = translator_path("sobel")
    assert path.stat().st_size <= 200_000
    net = load_translator(path).net
    rgb = read_picture(Path(__file__).parents[2] / "examples" / "valley.jpg").rgb
    photo = torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None]
    for image in (resize(photo, (64, 64)).clamp(0, 1), photo[..., :301, :233]):
        found = compared(net, image, sobel(image))
        assert found["psnr"] >= 40
        assert found["ssim"] >= 0.99
    noise = make_photo(64, 64)  # channels that know nothing of each other: no photograph is like that
    assert compared(net, noise, sobel(noise))["psnr"] >= 35


def folder_of(pictures: Path, name: str, change: Callable[[np.ndarray], np.ndarray]) -> Path:
    folder = pictures.with_name(name)
    folder.mkdir()
    for path in sorted(pictures.glob("*.png")):
        Image.fromarray(change(np.asarray(Image.open(path)))).save(folder / path.name)
    return folder


def test_pairs_of_two_folders_are_cropped_at_the_same_place(pictures: Path):
    negatives = folder_of(pictures, "negatives", lambda rgb: 255 - rgb)
    examples = open_task(small(pictures, targets=str(negatives))).examples
    given, wanted = examples.draw(4, 24, torch.Generator().manual_seed(0), Drawing())
    assert given.shape == wanted.shape == (4, 3, 24, 24)
    assert torch.allclose(given + wanted, torch.ones(1), atol=1e-5)
    assert (examples.count, examples.held) == (5, 1)
    assert all(torch.allclose(a + b, torch.ones(1), atol=1e-5) for a, b in examples.held_out())


@pytest.mark.slow
def test_a_negative_is_learned_from_pairs_side_by_side(pictures: Path, tmp_path: Path):
    both = folder_of(pictures, "both", lambda rgb: np.concatenate([rgb, 255 - rgb], axis=1))
    config = small(both, side_by_side=True, steps=400, depth=1, lr=0.02, ema=0.95)
    _, about = network(config, tmp_path / "run")
    assert about.metrics["psnr_whole"] > 25
    assert about.data["pairs"] == 5


def test_missing_partners_are_named_or_left_out(pictures: Path):
    negatives = folder_of(pictures, "negatives", lambda rgb: 255 - rgb)
    (negatives / "3.png").unlink()
    with pytest.raises(DataError, match=r"1 picture has no partner of the same name: 3\.png; --skip-unpaired"):
        open_task(small(pictures, targets=str(negatives)))
    examples = open_task(small(pictures, targets=str(negatives), skip_unpaired=True)).examples
    assert examples.count + examples.held == 5
    assert "3.png" in examples.notes[0]


def test_pairs_of_unequal_sizes_are_refused(pictures: Path):
    smaller = folder_of(pictures, "smaller", lambda rgb: rgb[:-1])
    message = (
        r"6 pairs have two sizes: '0\.png' is 90 x 70 px, but its target '0\.png' is 90 x 69 px, .* and 3 more; --sk"
    )
    for skip in (False, True):  # nothing would be left
        with pytest.raises(DataError, match=message):
            open_task(small(pictures, targets=str(smaller), skip_unpaired=skip))


def test_single_pairs_of_unequal_sizes_are_left_out_if_told(pictures: Path):
    negatives = folder_of(pictures, "negatives", lambda rgb: 255 - rgb)
    Image.new("RGB", (70, 90)).save(negatives / "3.png")
    with pytest.raises(
        DataError, match=r"1 pair has two sizes: '3\.png' is 90 x 70 px, but its target '3\.png' is 70 x"
    ):
        open_task(small(pictures, targets=str(negatives)))
    examples = open_task(small(pictures, targets=str(negatives), skip_unpaired=True)).examples
    assert examples.count + examples.held == 5
    assert "left out 1 pair has two sizes" in examples.notes[0]


def test_pairs_that_cannot_be_read_are_left_out_with_a_line_each(pictures: Path, tmp_path: Path):
    negatives = folder_of(pictures, "negatives", lambda rgb: 255 - rgb)
    whole = (negatives / "3.png").read_bytes()
    (negatives / "3.png").write_bytes(whole[: len(whole) // 2])  # its header is there
    (pictures / "2.png").write_bytes(b"no picture")
    work = PreparedTraining(small(pictures, targets=str(negatives), skip_unpaired=False), Session())
    training = work.work(None, 0, scratch=tmp_path / "run")
    for _ in training:
        pass
    training.close()
    lines = [line for line in training.notes if line.startswith("left out")]
    assert len(lines) == 2
    assert any(f"'{negatives}/3.png' is cut short" in line for line in lines)
    assert any(f"'{pictures}/2.png'" in line for line in lines)


def test_pictures_of_a_filter_that_cannot_be_read_are_left_out_with_a_line_each(pictures: Path, tmp_path: Path):
    for name in ("0.png", "1.png"):
        (pictures / name).write_bytes(b"no picture")
    training = PreparedTraining(small(pictures, filter="sobel", held_out=0.5), Session()).work(
        None, 0, scratch=tmp_path / "run"
    )
    for _ in training:
        pass
    training.close()
    lines = [line for line in training.notes if line.startswith("left out")]
    assert sorted(name for line in lines for name in ("0.png", "1.png") if f"'{pictures}/{name}'" in line) == [
        "0.png", "1.png"
    ]  # fmt: skip


def test_pairs_of_which_none_can_be_read_are_refused(pictures: Path):
    negatives = folder_of(pictures, "negatives", lambda rgb: 255 - rgb)
    for path in negatives.iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"none of the 5 pairs can be read; left out: '.*negatives/"):
        open_task(small(pictures, targets=str(negatives)))


def test_one_picture_is_learned_from_and_nothing_is_held_out(pictures: Path, tmp_path: Path):
    prepared = PreparedTraining(small(pictures / "0.png"), Session())
    assert "no picture is held out; nothing is measured" in prepared.notes
    for path in list(pictures.glob("*.png"))[1:]:
        path.unlink()
    assert PreparedTraining(small(pictures), Session()).task.examples.count == 1


def test_one_pair_is_not_enough(pictures: Path):
    for path in list(pictures.glob("*.png"))[1:]:
        path.unlink()
    with pytest.raises(DataError, match="gives 1 pair; learning needs two or more"):
        open_task(small(pictures, targets=str(pictures)))


# -- bad input ---------------------------------------------------------------------------------------------------------


def saved(path: Path, shape: dict[str, object], net: torch.nn.Module, kind: str = "translator") -> Path:
    about = Description("can", (), (0.0,) * 3, (1.0,) * 3, 32, kind=kind, options=shape)
    save_model(path, net.state_dict(), about)
    return path


def test_files_that_do_not_fit_what_they_say_are_refused(tmp_path: Path):
    net, record = Can(Shape(width=8)), Shape(width=8).record()
    load_translator(saved(tmp_path / "good.safetensors", record, net))
    cases = [
        (record | {"width": 9}, "translator", "the weight 'layers.0.weight' does not fit"),
        (record | {"width": 10**9}, "translator", "says width 1000000000; expected 1 to 512"),
        (record | {"width": "8"}, "translator", "says width '8'"),
        (record | {"dilations": [1] * 99}, "translator", "names no list of 1 to 32 dilations"),
        (record | {"architecture": "gan"}, "translator", "of kind 'gan'; known: can, autoencoder, unet, resnet"),
        (record | {"extra": 1}, "translator", "'extra' is unknown or missing"),
        (record | {"inputs": 7}, "translator", "takes 7 channels and gives 1; expected 3 for 'color' pictures, and 1"),
        (record | {"given": "labels:99999"}, "translator", "is no kind of picture"),
        (record | {"planes": [{"name": "sigma"}]}, "translator", "names no list of planes"),
        (record | {"architecture": "unet", "depth": 40}, "translator", "says depth 40; expected 1 to 8"),
        (record, "student", "holds a network of kind 'student'; translating needs a translator"),
    ]
    for shape, kind, message in cases:
        with pytest.raises(WeightsError, match=message):
            load_translator(saved(tmp_path / "bad.safetensors", shape, net, kind))


def test_an_unknown_translator_names_the_shipped_ones():
    with pytest.raises(WeightsError, match="there is no translator 'sobell'; shipped: sobel"):
        translator_path("sobell")


def test_parameters_are_numbers_by_name():
    assert given_parameters(("sigma=1.5", "radius=1..3")) == ({"sigma": 1.5}, {"radius": (1, 3)})
    for text in ("sigma", "sigma=", "=", "sigma=wide", "sigma=3..1", "sigma=1.."):
        with pytest.raises(InputError, match="takes NAME=NUMBER"):
            given_parameters((text,))


def test_shapes_are_parsed_as_they_were_written():
    shape = Shape("can", 3, 1, 12, (1, 2, 4))
    assert parse_shape(shape.record(), "a") == shape


USERS = """
import numpy as np
def dark(picture): return picture.mean(2) / 2
def wrong(picture): return picture[::2]
def broken(picture): raise ValueError("no")
def nan(picture): return picture * np.nan
"""


@pytest.mark.slow
def test_a_function_of_ones_own_is_a_filter(pictures: Path, tmp_path: Path, make_photo: MakePhoto, monkeypatch):
    (tmp_path / "mine.py").write_text(USERS)
    monkeypatch.chdir(tmp_path)
    config = small(pictures, filter="mine.py:dark", steps=2)
    task = open_task(config)
    image = make_photo(20, 30)
    assert task.shape.outputs == 1
    assert torch.allclose(task.examples.target(image), image.mean(1, keepdim=True) / 2, atol=1e-6)
    network(config, tmp_path / "run")
    made = load_translator(tmp_path / "run.safetensors")

    def measured(name: str | None):
        return open_measurement(made, pictures, None, side_by_side=False, filter_name=name, values={})

    assert measured(config.filter).examples.held == 1
    with pytest.raises(InputError, match="which it does not hold; give it with --filter"):
        measured(None)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("wrong", DataError, r"the filter 'wrong' gave \[8, 24, 3\] for a picture of 24 x 16 px"),
        ("broken", DataError, "the filter 'broken' raised ValueError: no"),
        ("nan", DataError, "gave values that are no numbers"),
        ("absent", InputError, "'mine.py' has no function 'absent'"),
    ],
)
def test_unfit_functions_are_named_in_one_line(
    pictures: Path, tmp_path: Path, name: str, kind: type[Exception], message: str
):
    (tmp_path / "mine.py").write_text(USERS)
    with pytest.raises(kind, match=message):
        open_task(small(pictures, filter=f"{tmp_path / 'mine.py'}:{name}"))


def test_an_empty_folder_and_a_missing_one_are_refused(tmp_path: Path):
    with pytest.raises(DataError, match="there is no picture in"):
        open_task(small(tmp_path))
    with pytest.raises(DataError, match="no dataset at"):
        open_task(small(tmp_path / "none"))


@pytest.mark.slow
def test_a_record_cannot_ask_for_a_function_to_be_run(pictures: Path, tmp_path: Path, monkeypatch, capsys):
    from reverie.apps.cli.main import main
    from reverie.jobs.stored import stored_record

    ran = tmp_path / "ran"
    (tmp_path / "mine.py").write_text(
        f"import pathlib; pathlib.Path({str(ran)!r}).touch()\ndef dark(p): return p.mean(2) / 2\n"
    )
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "m.safetensors"
    arguments = ["train", "translate", str(pictures), "--steps", "2", "--crop-px", "16", "--width", "4", "--depth", "1"]
    assert main([*arguments, "--filter", f"{tmp_path / 'mine.py'}:dark", "-o", str(made)]) == 0
    record = stored_record(made)
    assert record["config"]["filter"] == "mine.py:dark"  # no folder of this machine
    assert str(tmp_path) not in str(record)
    ran.unlink()
    capsys.readouterr()
    for command in (["replay", str(made)], [*arguments, "--like", str(made), "-o", str(tmp_path / "n.safetensors")]):
        assert main(command) == 2
        assert "a file cannot ask for it to be run" in capsys.readouterr().err
        assert not ran.exists()
    (tmp_path / "mine.py").write_text("def dark(p): return p.mean(2) / 3\n")  # another function of the same name
    assert main([*arguments, "--filter", f"{tmp_path / 'mine.py'}:dark", "-o", str(made)]) == 0
    assert (tmp_path / "m-2.safetensors").exists()


@pytest.mark.parametrize("name", ["cifar100", "pets", "coco-minitrain"])
def test_a_public_collection_that_is_not_here_says_how_to_get_it(name: str, tmp_path: Path, monkeypatch, capsys):
    from reverie.apps.cli.main import main

    monkeypatch.chdir(tmp_path)
    assert main(["train", "translate", name, "--filter", "sobel"]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert f"the public collection '{name}' is not here; fetch it first" in said[0]
    assert said[0].endswith(f": reverie gather public {name} -o {name}")
