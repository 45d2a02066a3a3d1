"""Pairs: pix2pix learns them, with and without a discriminator, resumes to the same weights, and says what it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from reverie.errors import DataError, InputError
from reverie.jobs.output import Network, Page, Picture
from reverie.jobs.session import Session
from reverie.models.picture_kinds import class_colors, parse_kind
from reverie.models.pix2pix import PatchDiscriminator, UNet
from reverie.models.translator import Plane, Shape, build_translator, parse_shape, told
from reverie.numerics.similarity import ssim, structural_similarity
from reverie.tools.translate.tiles import bytes_per_px, translated
from reverie.train.run_folder import RunFolder
from reverie.train.stylegan2.augment import diff_augment
from reverie.train.translate.config import TranslateConfig, check_config, upgraded
from reverie.train.translate.task import dilations, filter_reach_px, open_task
from reverie.train.translate.tool import PreparedTraining
from reverie.train.translate.training import TranslatorTraining, entropy
from reverie.train.validation import Validation
from reverie.weights.checkpoint import load_description, load_model

MakePhoto = Callable[..., torch.Tensor]
CLASSES = 3


@pytest.fixture
def pairs(tmp_path: Path, make_photo: MakePhoto) -> tuple[Path, Path]:
    """Photographs, and maps of three classes: how bright they are."""
    photos, maps = tmp_path / "photos", tmp_path / "maps"
    photos.mkdir()
    maps.mkdir()
    for seed in range(8):
        rgb = make_photo(52, 60, seed)[0].permute(1, 2, 0).numpy()
        Image.fromarray((rgb * 255).astype(np.uint8)).save(photos / f"{seed}.png")
        classes = np.digitize(rgb.mean(2), [0.4, 0.6]).astype(np.uint8)
        Image.fromarray(classes).save(maps / f"{seed}.png")
    return photos, maps


def small(data: Path, targets: Path, **changes: object) -> TranslateConfig:
    usual = {
        "architecture": "pix2pix", "width": 8, "depth": 2, "steps": 8, "batch": 2, "crop_px": 32, "device": "cpu",
        "validate_every": 4, "held_out": 0.25,
    }  # fmt: skip
    return TranslateConfig(data=str(data), targets=str(targets), **(usual | changes))  # type: ignore[arg-type]


def trained(config: TranslateConfig, scratch: Path) -> dict[str, torch.Tensor]:
    work = PreparedTraining(config, Session()).work(None, 0, scratch=scratch)
    for _ in work:
        pass
    work.outputs()[0].write(scratch.with_suffix(".safetensors"), {}, 92)
    return load_model(scratch.with_suffix(".safetensors"))[0]


# -- networks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [Shape("unet", 3, 2, 8, (1,), depth=3), Shape("resnet", 3, 2, 8, (1,), depth=1)])
def test_tiles_of_networks_with_norms_are_the_whole(shape: Shape, make_photo: MakePhoto):
    torch.manual_seed(0)
    net = build_translator(Shape(**(vars(shape) | {"wanted": "labels:2"}))).eval()
    image = make_photo(123, 90)
    whole = translated(net, image)
    assert whole.shape == (1, 2, 123, 90)
    assert (translated(net, image, 48) - whole).abs().max() < 1e-5
    assert bytes_per_px(net) > 4 * 8
    own = net(image[..., :64, :64])[..., :40, :40]  # statistics of a part alone are others: the test can fail
    assert (own - whole[..., :40, :40]).abs().max() > 1e-4


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (17, 5), (64, 64)])
@pytest.mark.parametrize("architecture", ["unet", "resnet"])
def test_any_size_comes_back_as_it_was(architecture: str, size: tuple[int, int]):
    net = build_translator(Shape(architecture, 5, 4, 8, (1,), depth=2, wanted="alpha")).eval()
    made = net(torch.rand(2, 5, *size))
    assert made.shape == (2, 4, *size)
    assert 0 <= made.min() <= made.max() <= 1


@pytest.mark.parametrize(("architecture", "depth"), [("unet", 1), ("unet", 3), ("resnet", 2)])
def test_norms_are_numbered_and_a_pixel_sees_no_farther_than_it_says(architecture: str, depth: int):
    net = build_translator(Shape(architecture, 3, 3, 8, (1,), depth=depth)).eval()
    numbers: list[int] = []

    def fixed(index: int, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        numbers.append(index)
        return torch.zeros(1, x.shape[1], 1, 1), torch.ones(1, x.shape[1], 1, 1)

    image = torch.rand(1, 3, 160, 160, generator=torch.Generator().manual_seed(1)).requires_grad_()
    made = net(image, fixed)
    assert numbers == list(range(net.norms))
    (slope,) = torch.autograd.grad(made[0, 0, 80, 80], image)
    far = int(((slope.abs().sum(1)[0] > 0).nonzero() - 80).abs().max())
    assert net.reach_px / 4 < far <= net.reach_px


def test_training_and_use_are_the_same_function():
    net = UNet(3, 3, 8, 3)
    image = torch.rand(4, 3, 32, 32)
    with torch.no_grad():
        batch, alone = net.train()(image), net.eval()(image[:1])
    assert (batch[:1] - alone).abs().max() < 1e-5


def test_a_discriminator_scores_patches_at_every_scale():
    scores, features = PatchDiscriminator(5, 8, 2)(torch.rand(3, 5, 96, 96) * 2 - 1)
    assert [tuple(score.shape) for score in scores] == [(3, 100), (3, 16)]  # 96 / 8 - 2 and 48 / 8 - 2 in a row
    assert len(features) == 8


def test_a_patch_is_70_pixels_wide():
    net = PatchDiscriminator(3, 8)
    image = torch.rand(1, 3, 256, 256, requires_grad=True)
    x = image
    for layer in net.scales[0]:  # without norms, which see the whole
        x = layer(x)
    (slope,) = torch.autograd.grad(x[0, 0, 15, 15], image)
    rows = (slope.abs().sum((0, 1, 3)) > 0).nonzero()
    assert int(rows.max() - rows.min()) + 1 == 70


def test_a_pair_is_augmented_alike_and_only_the_target_gets_other_colors():
    images = torch.rand(2, 5, 24, 24)
    changed = diff_augment(images, torch.Generator().manual_seed(3), 3)
    kept = changed[:, :2]
    assert kept.shape == (2, 2, 24, 24)
    values = set(images[:, :2].flatten().tolist())
    assert all(v == 0 or v in values for v in kept.flatten().tolist())  # shifted and cut, no other color
    assert not set(changed[:, 2:].flatten().tolist()) <= set(images.flatten().tolist()) | {0.0}


# -- what the channels mean --------------------------------------------------------------------------------------------


def test_class_numbers_become_planes_and_numbers_again():
    kind = parse_kind("labels:4")
    numbers = np.array([[0, 1], [3, 255]], np.float32)
    stored = kind.pixels(np.repeat(numbers[..., None] / 255, 3, 2), None, "a")
    planes = kind.planes(torch.from_numpy(stored).permute(2, 0, 1)[None])
    assert planes[0].sum(0).tolist() == [[1, 1], [1, 0]]  # 255 is no class
    rgb, _ = kind.picture(planes[0], numbers=True)
    assert np.rint(rgb[0, :, 0] * 255).tolist() == [0, 1]
    assert np.allclose(kind.picture(planes[0])[0][1, 0], class_colors(4)[3])
    with pytest.raises(DataError, match=r"'a' has the class number 7; labels:4 has 0 to 3"):
        kind.pixels(np.full((1, 1, 3), 7 / 255, np.float32), None, "a")


def test_colors_of_classes_are_told_apart():
    colors = class_colors(20)
    far = np.abs(colors[:, None] - colors[None]).sum(2) + np.eye(20)
    assert far.min() > 0.1


def test_transparency_is_a_channel():
    kind = parse_kind("alpha")
    rgb, alpha = np.full((2, 2, 3), 0.5, np.float32), np.eye(2, dtype=np.float32)
    planes = torch.from_numpy(kind.pixels(rgb, alpha, "a")).permute(2, 0, 1)
    back, back_alpha = kind.picture(planes)
    assert np.array_equal(back, rgb)
    assert np.array_equal(back_alpha, alpha)


@pytest.mark.parametrize("text", ["labels", "labels:1", "labels:900", "rgb", "color:3", "labels:x"])
def test_other_kinds_are_refused(text: str):
    with pytest.raises(InputError, match="is no kind of picture; known: color, grey, alpha, or labels:N"):
        parse_kind(text)


def test_shapes_are_parsed_as_they_were_written():
    plane = Plane("sigma", 1.5, 0.5, 3.0)
    shape = Shape("unet", 13, 4, 12, (1,), 3, 0.5, "labels:12", "alpha", (plane,))
    assert parse_shape(shape.record(), "a") == shape
    assert told(torch.zeros(1, 2, 1, 1), (plane,), {"sigma": 3.0})[0, :, 0, 0].tolist() == [0, 0, 1]


# -- training ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_map_of_classes_is_learned_by_difference_alone(pairs: tuple[Path, Path], tmp_path: Path):
    config = small(*pairs, wanted=f"labels:{CLASSES}", gan=0.0, feature_matching=0.0, steps=90, lr=8e-3, ema=0.9,
                   validate_every=30, augment="turns")  # fmt: skip
    trained(config, tmp_path / "run")
    about = load_description(tmp_path / "run.safetensors")
    assert about.metrics["accuracy_whole"] > 0.8
    assert about.options["wanted"] == "labels:3"
    assert about.options["architecture"] == "unet"
    assert about.metrics["best_step"] in (30, 60, 90)


@pytest.mark.slow
def test_a_stopped_run_with_a_discriminator_goes_on_to_the_same_weights(pairs: tuple[Path, Path], tmp_path: Path):
    config = small(pairs[1], pairs[0], given=f"labels:{CLASSES}", scales=2, dropout=0.3, diff_augment=True, batch=1,
                   crop_px=48)  # fmt: skip
    whole = trained(config, tmp_path / "whole")
    for last in (4, 6):  # once just where it is measured
        stopped = PreparedTraining(config, Session()).work(None, 0, scratch=tmp_path / "parts")
        for report in stopped:
            if report.done == last:
                break
        stopped.close()
    work = PreparedTraining(config, Session()).work(None, 0, scratch=tmp_path / "parts")
    list(work)
    network, curves, page, samples = work.outputs()
    assert isinstance(network, Network)
    assert all(torch.equal(whole[name], network.state[name]) for name in whole)
    assert isinstance(curves, Picture)
    assert isinstance(page, Page)
    assert isinstance(samples, Picture)
    assert page.text.count("<tr>") == 1 + 2  # two measurements
    assert "discriminator training" in page.text
    assert samples.rgb.std() > 10


def test_the_discriminator_changes_what_is_learned(pairs: tuple[Path, Path], tmp_path: Path):
    alone = small(*pairs, gan=0.0, feature_matching=0.0, held_out=0.0)
    one, two = trained(alone, tmp_path / "one"), trained(small(*pairs, held_out=0.0), tmp_path / "two")
    assert any(not torch.equal(one[name], two[name]) for name in one)


def test_the_best_weights_are_the_result_and_a_run_ends_early(tmp_path: Path):
    values = iter([20.0, 24.0, 22.0, 21.0])
    net, run = torch.nn.Linear(1, 1), RunFolder(tmp_path)
    validation = Validation(lambda _: {"psnr": next(values)}, 2, patience=2)
    for step in (2, 4, 6, 8):
        assert validation.due(step)
        assert not validation.exhausted if step > 2 else True
        torch.nn.init.constant_(net.weight, step)
        validation.take(net, step, 0.0, run, {"mse": 0.1})
        assert not validation.due(step)
    assert validation.exhausted
    run.load_best_into(net)
    assert net.weight.item() == 4
    assert validation.history[0]["mse_training"] == 0.1


def test_learning_by_heart_is_said_once():
    found = iter([(0.3, 0.3), (0.2, 0.2), (0.21, 0.1), (0.3, 0.05), (0.4, 0.01)])
    validation = Validation(lambda _: dict(zip(("l1", "l1_learned"), next(found), strict=True)), 1, keep_best=False)
    said = []
    for step in range(1, 6):
        validation.take(torch.nn.Identity(), step, 0.0, RunFolder(Path()), {})
        said.append(validation.warning())
    assert [bool(text) for text in said] == [False, False, False, True, False]
    assert "overfitting at epoch 4: the mean difference is 0.3 on held-out pictures, was 0.2" in said[3]


def test_a_parameter_becomes_a_plane_that_the_network_is_told(pairs: tuple[Path, Path]):
    config = TranslateConfig(data=str(pairs[0]), filter="gaussian", filter_param=("sigma=0.5..2",), crop_px=24)
    task = open_task(config)
    assert task.shape.inputs == 4
    given, wanted = task.examples.draw(3, 24, torch.Generator().manual_seed(0), task.drawing)
    assert given.shape == (3, 4, 24, 24)
    for image, target in zip(given, wanted, strict=True):
        sigma = 0.5 + 1.5 * image[3, 0, 0].item()
        assert torch.allclose(task.examples.target(image[None], {"sigma": sigma}), target[None], atol=1e-6)


def test_how_far_a_filter_sees_is_found_by_trying(pairs: tuple[Path, Path]):
    def task(**changes: object):
        return open_task(TranslateConfig(data=str(pairs[0]), crop_px=24, **changes))  # type: ignore[arg-type]

    assert filter_reach_px(task(filter="sobel")) == 2
    assert filter_reach_px(task(filter="median", filter_param=("radius=3",))) == 3
    assert filter_reach_px(task(filter="posterize")) == 0
    wide = task(filter="kuwahara", filter_param=("radius=6",))
    assert "the filter sees 6 px far, the network 4 px" in wide.notes[0]
    assert not task(filter="kuwahara", filter_param=("radius=6",), dilated=True).notes
    assert dilations(4, dilated=True) == (1, 2, 4, 1)


def test_16_bits_are_learned_as_they_are(tmp_path: Path):
    from reverie.media.write import write_picture

    (tmp_path / "deep").mkdir()
    for i in range(2):
        rgb = np.linspace(0.5, 0.503, 32 * 32, dtype=np.float32).reshape(32, 32, 1).repeat(3, 2)
        write_picture(tmp_path / "deep" / f"{i}.png", rgb, bits=16)
    task = open_task(small(tmp_path / "deep", tmp_path / "deep", crop_px=32))
    _, wanted = task.examples.draw(1, 32, torch.Generator(), task.drawing)
    assert len(wanted.unique()) > 100  # of 8 bits there are two


# -- bad input ---------------------------------------------------------------------------------------------------------


def test_pictures_of_one_color_are_refused(tmp_path: Path, pairs: tuple[Path, Path]):
    (tmp_path / "flat").mkdir()
    for i in range(8):
        Image.new("RGB", (60, 52), (40 + i, 80, 120)).save(tmp_path / "flat" / f"{i}.png")
    with pytest.raises(DataError, match=r"the pictures of '.*flat' are of one color each; there is nothing to learn"):
        open_task(TranslateConfig(data=str(tmp_path / "flat")))
    with pytest.raises(DataError, match=r"the targets of '.*photos' are of one color each"):
        open_task(small(pairs[0], tmp_path / "flat"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keep": "psnr", "held_out": 0.0}, "--keep psnr needs held-out pictures"),
        ({"patience": 3, "held_out": 0.0}, "--patience needs held-out pictures"),
        ({"scales": 2}, "a discriminator at 2 scales needs crops of 48 px; got --crop-px 32"),
        ({"depth": 9}, "a U-Net is halved 1 to 8 times; got --depth 9"),
    ],
)
def test_settings_that_contradict_each_other_are_named(changes: dict[str, object], message: str):
    with pytest.raises(InputError, match=message):
        check_config(small(Path("a"), Path("b"), **changes))


def test_a_class_that_is_too_large_names_the_file(pairs: tuple[Path, Path]):
    with pytest.raises(DataError, match=r"'\d\.png' has the class number 2; labels:2 has 0 to 1"):
        open_task(small(*pairs, wanted="labels:2"))


def test_a_translator_can_be_dreamt_with(tmp_path: Path):
    from reverie.critic.open import open_critic
    from reverie.errors import WeightsError
    from reverie.models.translator_file import KIND
    from reverie.weights.checkpoint import Description, save_model

    for inputs, given in ((3, "color"), (5, "labels:5")):
        shape = Shape("unet", inputs, 3, 8, (1,), depth=3, given=given)
        about = Description("unet", (), (0.0,) * 3, (1.0,) * 3, 64, kind=KIND, options=dict(shape.record()))
        save_model(tmp_path / f"{inputs}.safetensors", build_translator(shape).state_dict(), about)
    critic = open_critic(str(tmp_path / "3.safetensors"), device="cpu", precision="fp32")
    assert critic.identity.default_layers == ("down.2",)
    image = torch.rand(1, 3, 64, 64, requires_grad=True)
    seen = critic(image, ("down.1",))["down.1"]
    assert seen.shape == (1, 16, 16, 16)
    seen.square().mean().backward()
    assert image.grad is not None
    assert image.grad.abs().max() > 0
    with pytest.raises(WeightsError, match="takes 5 channels; what is dreamt has the three of a picture"):
        open_critic(str(tmp_path / "5.safetensors"), device="cpu", precision="fp32")


def test_entropy_counts_the_right_class_where_there_is_one(pairs: tuple[Path, Path]):
    wanted = torch.tensor([[[[1.0, 0]], [[0, 0]]]])  # the second pixel is of no class
    made = torch.tensor([[[[0.25, 0.9]], [[0.75, 0.1]]]], requires_grad=True)
    found = entropy(made, wanted)
    assert found.item() == pytest.approx(-np.log(0.2501), rel=1e-5)
    (slope,) = torch.autograd.grad(found, made)
    assert slope[..., 1].abs().max() == 0
    with pytest.raises(InputError, match="--loss entropy is for classes: --wanted labels:N"):
        open_task(small(*pairs, loss="entropy"))


def test_what_is_usual_follows_from_what_is_learned(pairs: tuple[Path, Path]):
    photos, maps = pairs
    task = open_task(small(maps, photos, given=f"labels:{CLASSES}"))
    assert (task.loss, task.ssim, task.perceptual, task.gan_after) == ("l1", 30.0, 10.0, 0.6)
    assert (task.settled.ssim, task.settled.perceptual, task.settled.gan_after) == (30.0, 10.0, 0.6)
    alone = open_task(small(maps, photos, given=f"labels:{CLASSES}", gan=0.0, feature_matching=0.0))
    assert (alone.loss, alone.ssim, alone.perceptual) == ("l1", 0.0, 0.0)
    classes = open_task(small(photos, maps, wanted=f"labels:{CLASSES}"))
    assert (classes.loss, classes.perceptual) == ("entropy", 0.0)  # the network knows photographs, not classes
    assert open_task(TranslateConfig(data=str(photos), device="cpu")).settled.ssim is None


def test_older_records_of_pix2pix_are_what_they_were():
    old = {"version": "0.1.0", "config": {"architecture": "pix2pix", "gan_after": 0.5}}
    assert upgraded(old)["config"] == {
        "architecture": "pix2pix", "gan_after": 0.5, "ssim": 0.0, "loss": "l1", "perceptual": 0.0,
    }  # fmt: skip
    later = {"architecture": "pix2pix", "ssim": 30.0}
    assert upgraded({"config": later}) == {"config": {**later, "perceptual": 0.0}}
    now = {**later, "perceptual": 20.0}
    for other in ({"config": {"architecture": "can"}}, {"config": now}, {}):
        assert upgraded(other) == other


def test_ssim_and_a_late_discriminator_take_part(pairs: tuple[Path, Path], tmp_path: Path):
    config = small(*pairs, ssim=20.0, gan_after=0.5, steps=8)
    training = TranslatorTraining(open_task(config), RunFolder(tmp_path / "run"))
    seen = [set(step.metrics) for step in training.steps() if step.phase == "train"]
    assert all({"l1", "ssim"} <= names for names in seen)
    assert ["discriminator" in names for names in seen] == [False] * 4 + [True] * 4
    a, b = torch.rand(2, 3, 20, 20), torch.rand(2, 3, 20, 20)
    assert torch.allclose(structural_similarity(a, b), ssim(a, b).float(), atol=1e-5)
