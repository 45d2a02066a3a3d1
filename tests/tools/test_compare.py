"""How much style and content stylized pictures have: the ends of the scale, the order between, and who may judge."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import reverie
from reverie.api.styling import Styling
from reverie.critic.critic import IMAGE, Critic
from reverie.critic.open import open_critic
from reverie.critic.style_layers import style_layers
from reverie.errors import InputError, PictureError, ReverieError
from reverie.media.metadata import read_settings
from reverie.tools.compare.comparison import compare_pictures
from reverie.tools.compare.config import CompareConfig
from reverie.tools.compare.measure import wasserstein
from reverie.tools.compare.networks import held_out
from reverie.tools.style.config import StyleConfig

pytestmark = pytest.mark.real
CONFIG = CompareConfig(device="cpu", layers=3)


def stripes(size: int, seed: int) -> np.ndarray:
    y, x = np.mgrid[0:size, 0:size] / size
    random = np.random.default_rng(seed)
    waves = [np.sin(2 * np.pi * (random.integers(2, 9) * x + random.integers(2, 9) * y)) for _ in range(3)]
    return (255 * np.clip(0.5 + 0.4 * np.stack(waves, -1), 0, 1)).astype(np.uint8)


opened = functools.cache(open_critic)


@pytest.fixture(scope="module")
def critic() -> Critic:
    return opened("embedded", None, device="cpu", precision="fp32")


@pytest.fixture(autouse=True)
def networks_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open every network once: that takes longer than a comparison."""
    monkeypatch.setattr("reverie.tools.compare.networks.open_critic", opened)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, critic: Critic) -> Path:
    """Content, style, and a picture stylized from them, all 80 px."""
    folder = tmp_path_factory.mktemp("compare")
    for number, name in enumerate(("content", "style")):
        Image.fromarray(stripes(80, number)).save(folder / f"{name}.png")
    config = StyleConfig(style=(str(folder / "style.png"),), size=80, min_size=80, steps=10, precision="fp32")
    Styling(folder / "content.png", config, critic).save(folder / "stylized.png")
    return folder


@pytest.mark.slow
def test_content_style_and_a_stylized_picture_stand_in_order(files: Path) -> None:
    content, style, stylized = (files / f"{name}.png" for name in ("content", "style", "stylized"))
    found = compare_pictures(content, style, [content, stylized, style], CONFIG)
    itself, between, other = found.pictures
    assert itself.style == pytest.approx(1, abs=1e-9) and itself.content == 0
    assert other.style < 1e-5 and other.content > 0.3
    assert other.style < between.style < 0.8 and 0.01 < between.content < other.content
    for row in between.rows:
        assert 0 < row.style < 1.2, row


@pytest.mark.slow
def test_the_same_pictures_give_the_same_numbers(files: Path) -> None:
    arguments = (files / "content.png", files / "style.png", [files / "stylized.png"], CONFIG)
    assert compare_pictures(*arguments).record() == compare_pictures(*arguments).record()


@pytest.mark.slow
def test_layers_that_were_matched_do_not_judge(files: Path, critic: Critic) -> None:
    found = compare_pictures(files / "content.png", files / "style.png", [files / "stylized.png"], CONFIG)
    (scorer,) = found.scorers
    preset = style_layers(critic)
    assert set(scorer.matched) == {name for name, _ in (*preset.style, *preset.content)} - {IMAGE}
    assert not set(scorer.layers) & set(scorer.matched) and len(scorer.layers) == 3
    assert any("--judge" in note for note in found.notes)


@pytest.mark.slow
def test_layers_stored_in_the_picture_are_those_that_were_matched(files: Path, critic: Critic, tmp_path: Path) -> None:
    config = StyleConfig(
        style=(str(files / "style.png"),), style_layer=("mixed3b:2",), content_layer=("mixed4b",), size=48, steps=1,
        min_steps=1, min_size=48, precision="fp32",
    )  # fmt: skip
    made = Styling(files / "content.png", config, critic).save(tmp_path / "a.png")
    found = compare_pictures(files / "content.png", files / "style.png", [made], CONFIG)
    assert found.scorers[0].matched == ("mixed3b", "mixed4b")
    assert "conv1" in found.scorers[0].layers


@pytest.mark.slow
def test_another_network_judges_by_the_layers_that_carry_style_in_it(files: Path) -> None:
    config = CompareConfig(judge="squeezenet1_1,random", device="cpu", layers=2)
    found = compare_pictures(files / "content.png", files / "style.png", [files / "content.png"], config)
    assert [j.name for j in found.scorers] == ["embedded", "squeezenet1_1"]
    assert found.scorers[1].layers == ("relu1", "fire3") and found.scorers[1].matched == ()
    assert {r.network for r in found.pictures[0].rows} == {"embedded", "squeezenet1_1"}
    assert found.pictures[0].style == pytest.approx(1, abs=1e-9)


@pytest.mark.slow
def test_what_another_network_stylized_is_judged_by_the_embedded_one_too(files: Path, tmp_path: Path) -> None:
    critic = opened("squeezenet1_1", "random", device="cpu", precision="fp32")
    config = StyleConfig(
        style=(str(files / "style.png"),), model="squeezenet1_1", weights="random", size=64, min_size=64, steps=1,
        min_steps=1, precision="fp32",
    )  # fmt: skip
    made = Styling(files / "content.png", config, critic).save(tmp_path / "a.png")
    found = compare_pictures(files / "content.png", files / "style.png", [made], CONFIG)
    assert [j.name for j in found.scorers] == ["squeezenet1_1", "embedded"]
    assert found.scorers[0].matched and not found.scorers[1].matched


def test_a_network_that_is_gone_is_said_and_the_embedded_one_judges(files: Path, tmp_path: Path) -> None:
    from reverie.media.write import write_picture

    record = read_settings(files / "stylized.png")
    record["config"]["model"] = "gone.safetensors"
    write_picture(tmp_path / "a.png", stripes(80, 3), settings=record)
    found = compare_pictures(files / "content.png", files / "style.png", [tmp_path / "a.png"], CONFIG)
    assert [j.name for j in found.scorers] == ["embedded"]
    assert any("gone.safetensors" in note for note in found.notes)


@pytest.mark.slow
def test_other_sizes_are_resized_and_said(files: Path, tmp_path: Path) -> None:
    with Image.open(files / "content.png") as image:
        image.resize((120, 120), Image.Resampling.BICUBIC).save(tmp_path / "large.png")
    found = compare_pictures(files / "content.png", files / "style.png", [tmp_path / "large.png"], CONFIG)
    assert found.size == (80, 80)
    assert any("'large.png' is 120 x 120 px; compared at 80 x 80 px" in note for note in found.notes)
    assert found.pictures[0].style == pytest.approx(1, abs=0.1) and found.pictures[0].content < 0.1


@pytest.mark.slow
def test_other_originals_are_said(files: Path) -> None:
    found = compare_pictures(files / "style.png", files / "content.png", [files / "stylized.png"], CONFIG)
    assert any("from another picture" in note for note in found.notes)
    assert any("in another style" in note for note in found.notes)


@pytest.mark.slow
def test_transparent_places_do_not_count(files: Path, tmp_path: Path) -> None:
    rgba = np.dstack([stripes(80, 0), np.full((80, 80), 255, np.uint8)])
    rgba[:, 56:, 3] = 0
    found = []
    for color in (0, 255):
        rgba[:, 56:, :3] = color
        Image.fromarray(rgba).save(tmp_path / "content.png")
        found.append(
            compare_pictures(tmp_path / "content.png", files / "style.png", [files / "stylized.png"], CONFIG).pictures[
                0
            ]
        )
    assert found[0].rows == found[1].rows


def test_tiles_give_the_numbers_of_one_piece(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = CompareConfig(device="cpu", layers=1, judge="squeezenet1_1,random", model="squeezenet1_1,random")
    arguments = (files / "content.png", files / "style.png", [files / "stylized.png"], config)
    whole = compare_pictures(*arguments).pictures[0]
    monkeypatch.setattr("reverie.tools.compare.measure.tile_for", lambda *_: 32)
    tiled = compare_pictures(*arguments).pictures[0]
    for one, other in zip(whole.rows, tiled.rows, strict=True):
        assert other.style == pytest.approx(one.style, rel=1e-4)
        assert other.content == pytest.approx(one.content, rel=1e-4)


@pytest.mark.slow
def test_the_python_interface_and_the_sheet(files: Path, tmp_path: Path) -> None:
    found = reverie.compare(
        Image.open(files / "content.png"), stripes(80, 1), files / "stylized.png", device="cpu", layers=2
    )
    assert found.pictures[0].name == "stylized.png"
    sheet = found.save_sheet(tmp_path / "sheet.png")
    with Image.open(sheet) as image:
        assert image.width > 3 * image.height / 2
    record = read_settings(sheet)
    assert record["tool"] == "compare" and record["pictures"][0]["style"] == round(found.pictures[0].style, 6)
    assert str(files) not in str(record)


def test_the_distance_is_that_of_two_gaussians_by_their_formula() -> None:
    generator = torch.Generator().manual_seed(0)

    def moments(values: torch.Tensor) -> torch.Tensor:
        wide = torch.cat([values, torch.ones(1, values.shape[1], dtype=values.dtype)])
        return wide @ wide.mT / values.shape[1]

    a, b = (torch.randn(4, 50, generator=generator, dtype=torch.float64) * scale for scale in (1.0, 2.0))
    first, second = (torch.cov(x, correction=0) for x in (a, b))
    shared = torch.linalg.eigvals(first @ second).real.clamp(min=0).sqrt().sum()
    expected = (a.mean(1) - b.mean(1)).square().sum() + first.trace() + second.trace() - 2 * shared
    assert wasserstein(moments(a), moments(b)) == pytest.approx(expected.item(), rel=1e-9)
    assert wasserstein(moments(a), moments(a)) < 1e-9


def test_layers_are_spread_from_shallow_to_deep(critic: Critic) -> None:
    names = [layer.name for layer in critic.named_layers if 0 < layer.stride <= 16]
    chosen = held_out(critic, (), 4)
    places = [names.index(name) for name in chosen]
    assert places[0] == 0 and places[-1] == len(names) - 1 and places == sorted(set(places))
    assert len(held_out(critic, (), 1)) == 1
    with pytest.raises(InputError, match="--judge"):
        held_out(critic, names, 3)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"judge": "vgg61"}, InputError, "vgg16"),
        ({"judge": ",random"}, InputError, "MODEL,WEIGHTS"),
        ({"size": 4}, InputError, "^size must"),
        ({"style_scale": 0.0}, InputError, "^style_scale must"),
        ({"device": "toaster"}, InputError, "toaster"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    files: Path, settings: dict, error: type[ReverieError], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        reverie.compare(files / "content.png", files / "style.png", files / "stylized.png", **settings)
    assert "\n" not in str(caught.value)


def test_pictures_that_are_not_there_are_refused(files: Path, tmp_path: Path) -> None:
    content, style = files / "content.png", files / "style.png"
    with pytest.raises(PictureError, match=r"gone\.png"):
        compare_pictures(content, style, [tmp_path / "gone.png"], CONFIG)
    with pytest.raises(InputError, match="no picture to compare"):
        compare_pictures(content, style, [], CONFIG)
    with pytest.raises(InputError, match="nowhere"):
        compare_pictures(content, style, [content], CONFIG, sheet=tmp_path / "nowhere" / "a.png")
    Image.fromarray(np.zeros((40, 40, 4), np.uint8)).save(tmp_path / "clear.png")
    with pytest.raises(InputError, match="transparent everywhere"):
        compare_pictures(content, style, [tmp_path / "clear.png"], CONFIG)
