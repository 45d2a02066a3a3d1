import json

import numpy as np
import pytest
import torch
from PIL import Image

from reverie.errors import InputError, PictureError
from reverie.jobs.files import without_folders
from reverie.settings import to_record
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.references import fitted_mask, pick_target, read_references
from reverie.tools.dream.tool import settle


@pytest.fixture
def pictures(tmp_path):
    """Write a mask (left half white), a guide and a folder of artworks."""
    half = np.zeros((20, 30), np.uint8)
    half[:, :15] = 255
    Image.fromarray(half).save(tmp_path / "half.png")
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (24, 16, 3), dtype=np.uint8)).save(tmp_path / "flower.png")
    for name in ("monet/lily.png", "monet/bridge.png", "munch/cry.png", "art.png"):
        (tmp_path / "art" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (12, 12, 3), dtype=np.uint8)).save(tmp_path / "art" / name)
    (tmp_path / "art" / "monet" / "notes.txt").write_text("no picture")
    (tmp_path / "art" / ".hidden.png").write_bytes(b"no picture")
    return tmp_path


def test_all_pictures_are_read_with_name_and_hash(pictures):
    config = DreamConfig(
        mask=str(pictures / "half.png"), guide=str(pictures / "flower.png"), target_from=str(pictures / "art/art.png")
    )
    found = read_references(config)
    assert found.mask is not None and found.guide is not None and found.target is not None
    assert tuple(found.mask.shape) == (1, 1, 20, 30)
    assert torch.equal(found.mask[0, 0, 3], torch.tensor([1.0] * 15 + [0.0] * 15))
    assert tuple(found.guide.shape) == (1, 3, 24, 16)
    with Image.open(pictures / "flower.png") as image:
        assert torch.allclose(found.guide[0].permute(1, 2, 0), torch.from_numpy(np.asarray(image) / 255).float())
    assert {role: about["name"] for role, about in found.files.items()} == {
        "mask": "half.png", "guide": "flower.png", "target_from": "art.png",
    }  # fmt: skip
    assert all(len(about["sha256"]) == 64 for about in found.files.values())


def test_groups_have_masks_and_guides_of_their_own(pictures):
    half, flower = pictures / "half.png", pictures / "flower.png"
    found = read_references(DreamConfig(group=(f"mask={half},layer=a", f"outside={half},guide={flower}", "class=b")))
    one, two, three = found.regions
    assert one.mask is not None and two.mask is not None and two.guide is not None
    assert torch.allclose(one.mask + two.mask, torch.ones(1, 1, 20, 30))
    assert one.guide is three.mask is three.guide is None
    assert set(found.files) == {"group 1 mask", "group 2 mask", "group 2 guide"}


def test_softening_is_a_gaussian_blur(pictures):
    found = read_references(DreamConfig(group=(f"mask={pictures / 'half.png'},soften=2",))).regions[0].mask
    assert found is not None
    edge = found[0, 0, 10]
    expected = torch.special.ndtr((14.5 - torch.arange(30.0)) / 2)
    assert torch.allclose(edge, expected, atol=0.01)
    assert torch.allclose(found[0, 0, 0], edge, atol=1e-5)  # borders are continued


def test_settings_are_stored_without_folders_and_name_the_artwork_that_was_picked(pictures):
    half = pictures / "half.png"
    config = DreamConfig(
        target_from=str(pictures / "art"), target_class="monet", mask=str(half), guide=str(pictures / "flower.png")
    )
    stored = to_record(without_folders(settle(config, "photo.jpg")))
    assert (stored["mask"], stored["guide"], stored["target_class"]) == ("half.png", "flower.png", None)
    assert stored["target_from"] in ("lily.png", "bridge.png")
    groups = DreamConfig(group=(f"outside={half},guide={pictures / 'flower.png'},strength=0.3",))
    stored = to_record(without_folders(groups))
    assert stored["group"] == ["outside=half.png,guide=flower.png,strength=0.3"]
    assert str(pictures) not in json.dumps(stored)


def test_an_artwork_is_picked_by_seed_and_file_name(pictures):
    art = str(pictures / "art")
    picks = {name: pick_target(art, None, 0, name) for name in (f"{i}.jpg" for i in range(30))}
    assert {p.name for p in picks.values()} == {"lily.png", "bridge.png", "cry.png", "art.png"}
    assert all(pick_target(art, None, 0, name) == path for name, path in picks.items())
    assert any(pick_target(art, None, 1, name) != path for name, path in picks.items())
    assert {pick_target(art, "munch", s, "a.jpg").name for s in range(5)} == {"cry.png"}
    assert {pick_target(art, "monet", s, "a.jpg").name for s in range(9)} == {"lily.png", "bridge.png"}
    assert pick_target(art + "/art.png", None, 3, "x").name == "art.png"


@pytest.mark.parametrize(
    ("source", "kind", "words"),
    [
        ("art", "mone", "no class of artworks called 'mone'; nearest: monet"),
        ("art/art.png", "monet", "picks from a folder"),
        ("empty", None, "no artworks in"),
    ],
)
def test_folders_that_cannot_be_picked_from(pictures, source, kind, words):
    (pictures / "empty").mkdir()
    with pytest.raises(InputError, match=words):
        pick_target(str(pictures / source), kind, 0, "a.jpg")


def test_masks_that_leave_nothing_are_refused(pictures):
    Image.new("L", (8, 8), 0).save(pictures / "black.png")
    Image.new("L", (8, 8), 255).save(pictures / "white.png")
    for settings in ({"mask": "black.png"}, {"group": "mask=black.png"}, {"group": "outside=white.png"}):
        ((field, text),) = settings.items()
        value = str(pictures / text) if field == "mask" else (text.replace("=", f"={pictures}/", 1),)
        with pytest.raises(PictureError, match="everywhere: it names no part"):
            read_references(DreamConfig(**{field: value}))


def test_a_missing_picture_is_one_line(pictures):
    with pytest.raises(PictureError, match=r"nearest: flower\.png"):
        read_references(DreamConfig(guide=str(pictures / "flowr.png")))


def test_a_mask_of_another_size_is_fitted_and_said():
    mask = torch.rand(1, 1, 10, 20)
    assert fitted_mask(mask, (10, 20))[0] is mask
    fitted, note = fitted_mask(mask, (30, 41), "the mask of group 2")
    assert tuple(fitted.shape) == (1, 1, 30, 41)
    assert 0 <= float(fitted.min()) <= float(fitted.max()) <= 1
    assert note == "the mask of group 2 is 20 x 10 px; resized to 41 x 30"


def test_transparent_parts_of_a_guide_are_grey(pictures):
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[:4] = (255, 0, 0, 255)
    Image.fromarray(rgba).save(pictures / "cut.png")
    guide = read_references(DreamConfig(guide=str(pictures / "cut.png"))).guide
    assert guide is not None
    assert torch.equal(guide[0, :, 1, 1], torch.tensor([1.0, 0, 0]))
    assert torch.equal(guide[0, :, 6, 6], torch.tensor([0.5, 0.5, 0.5]))
