"""A dream on disk is the dream in memory: same octaves, steps, masks and blends, with files in place of arrays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from reverie.api import Dream, Steering
from reverie.errors import InputError, OutputError, PictureError
from reverie.jobs.job import Change
from reverie.media.metadata import read_settings
from reverie.optimize.tiles import plan_tiles
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.references import References
from reverie.tools.dream_steps import disk as dream_disk
from reverie.tools.dream_steps.ascent import Plan
from reverie.tools.dream_steps.disk import DiskDream
from reverie.tools.dream_steps.objective import build_ascent

CONFIG = DreamConfig(octaves=1, steps=1, tile=96, jitter=16)
SIZE = (167, 203)


@pytest.fixture
def photo(make_photo, tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    pixels = make_photo(*SIZE)[0].permute(1, 2, 0).numpy()
    Image.fromarray((pixels * 255).round().astype(np.uint8)).save(path)
    return path


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    values = np.zeros((80, 100), np.uint8)
    values[20:60, 30:70] = 255
    values[60:66, 30:70] = 90
    Image.fromarray(values).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


@pytest.fixture(autouse=True)
def _same_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut both kinds of dream into the same tiles: other borders alone would change the last bits."""

    def tiles(plan: Plan, size: tuple[int, int]):
        found = plan_tiles(size, plan.tile_px, plan.halo_px, plan.align_px) if plan.tile_px else ()
        return found if len(found) > 1 else ()

    monkeypatch.setattr(Plan, "tiles", tiles)


def disked(source: Path, config: DreamConfig, critic, folder: Path | None = None, steering=None) -> Dream:
    work = Dream(source, replace(config, disk="yes"), critic, folder=folder, steering=steering)
    assert isinstance(work.work, DiskDream)
    return work


def both(photo: Path, critic, config: DreamConfig) -> tuple[np.ndarray, np.ndarray]:
    in_memory = Dream(photo, config, critic).array()
    work = disked(photo, config, critic, photo.parent)
    found = work.array()
    work.close()
    return in_memory, found


def relative(found: np.ndarray, expected: np.ndarray, before: np.ndarray) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected - before))


@pytest.mark.parametrize(
    "settings",
    [
        {}, {"normalize": "std"}, {"layer": ("conv4", "conv2:2"), "smooth": 0.1}, {"jitter": 0}, {"size": 150},
        {"class_name": "sunflower"}, {"tile": 512},
    ],
)  # fmt: skip
def test_one_step_is_the_same_to_the_last_digits(small_critic, photo, settings):
    config = replace(CONFIG, **settings)
    in_memory, on_disk = both(photo, small_critic, config)
    before = Dream(photo, replace(config, steps=0), small_critic).array()
    assert relative(on_disk, in_memory, before) < 2e-3  # F.interpolate and strips round differently, bit by bit
    if settings.get("size") is None:
        assert np.abs(on_disk - in_memory).max() < 1e-5


@pytest.mark.parametrize(
    "settings",
    [{}, {"iterations": 2, "blend": 0.4}, {"normalize": "std", "octave_scale": 1.8}, {"seed": 5, "keep_colors": True}],
)
@pytest.mark.slow
def test_whole_dreams_are_the_same_within_what_rounding_grows_to(small_critic, photo, settings):
    config = replace(CONFIG, octaves=3, steps=3, **settings)
    in_memory, on_disk = both(photo, small_critic, config)
    before = Dream(photo, replace(config, steps=0), small_critic).array()
    assert np.abs(in_memory - before).mean() > 0.005
    assert relative(on_disk, in_memory, before) < 0.02


@pytest.mark.slow
def test_a_caricature_compares_with_the_picture_on_disk(small_critic, photo):
    config = replace(CONFIG, octaves=2, steps=2, caricature=True, layer=("conv4",))
    in_memory, on_disk = both(photo, small_critic, config)
    before = Dream(photo, replace(config, steps=0), small_critic).array()
    assert relative(on_disk, in_memory, before) < 0.02


@pytest.mark.parametrize("normalize", ["mean-abs", "std"])
@pytest.mark.slow
def test_masks_keep_every_bit_outside(small_critic, photo, mask, normalize):
    config = replace(CONFIG, octaves=2, steps=2, mask=str(mask), normalize=normalize, tile=64)
    in_memory, on_disk = both(photo, small_critic, config)
    before = Dream(photo, replace(config, steps=0, mask=None), small_critic).array()
    assert np.array_equal(on_disk[:30], before[:30])
    assert np.array_equal(on_disk[:, :50], before[:, :50])
    assert relative(on_disk, in_memory, before) < 0.02
    work = disked(photo, config, small_critic)
    assert work.settings()["files"] == Dream(photo, config, small_critic).settings()["files"]
    work.close()


def test_no_steps_give_the_picture_back_bit_for_bit(small_critic, photo):
    _, on_disk = both(photo, small_critic, replace(CONFIG, steps=0, octaves=3))
    assert np.array_equal(on_disk, np.asarray(Image.open(photo)) / np.float32(255))


def test_the_same_seed_gives_the_same_bytes(small_critic, photo, tmp_path):
    blobs = set()
    for number in range(2):
        work = disked(photo, replace(CONFIG, steps=2, octaves=2), small_critic, tmp_path)
        blobs.add(work.save(tmp_path / f"{number}.png").read_bytes())
        work.close()
    assert len(blobs) == 1


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_results_are_written_with_settings_alpha_and_bits(small_critic, tmp_path, suffix):
    deep = (np.random.default_rng(0).random((90, 120, 4)) * 65535).astype(np.uint16)
    deep[:, :60, 3] = 65535
    tifffile.imwrite(tmp_path / "deep.tif", deep, photometric="rgb", extrasamples=["unassalpha"])
    work = disked(tmp_path / "deep.tif", CONFIG, small_critic, tmp_path)
    path = work.save(tmp_path / f"out{suffix}", quality=80)
    record = read_settings(path)
    assert record["disk"] is True
    assert record["quality"] == 80
    assert record["input"] == {"name": "deep.tif", "sha256": work.work.picture.sha256, "width": 120, "height": 90}
    expected = work.array()
    if suffix == ".tif":
        values = tifffile.imread(path)
        assert np.array_equal(values[..., 3], deep[..., 3])
        assert np.abs(values[..., :3] / 65535 - expected).max() < 1e-5
    elif suffix == ".png":
        with Image.open(path) as image:
            assert image.mode == "RGBA"
            assert np.abs(np.asarray(image)[..., :3] / 255 - expected).max() < 0.006
    assert len(work.encoded(suffix)) > 1000
    work.close()
    assert {p.name for p in tmp_path.iterdir()} == {"deep.tif", path.name}


@pytest.mark.slow
def test_a_stopped_dream_is_kept_at_its_final_size(small_critic, photo, tmp_path):
    config = replace(CONFIG, octaves=3, steps=2)
    for last in (1, 3, 5):
        ordinary, steering = Dream(photo, config, small_critic), Steering()
        work = disked(photo, config, small_critic, tmp_path, steering)
        for one, other in zip(ordinary, work, strict=False):
            assert (one.index, one.octave, one.size, one.total) == (other.index, other.octave, other.size, other.total)
            assert one.score == pytest.approx(other.score, rel=0.02)
            if one.index == last:
                break
        steering.stop()
        path = work.save(tmp_path / f"kept-{last}.png")
        assert read_settings(path)["stopped_at_step"] == last
        kept = np.asarray(Image.open(path)) / 255
        assert np.abs(kept - ordinary.current()).mean() < 0.004
        work.close()


def test_strength_can_be_steered_and_a_layer_is_refused(small_critic, photo, tmp_path):
    steering = Steering([Change(2, {"strength": 3.0})])
    work = disked(photo, replace(CONFIG, steps=3), small_critic, tmp_path, steering)
    ordinary = Dream(photo, replace(CONFIG, steps=3), small_critic, steering=Steering([Change(2, {"strength": 3.0})]))
    assert np.abs(work.array() - ordinary.array()).max() < 1e-3
    assert work.settings()["steering"] == [[2, {"strength": 3.0}]]
    work.close()


def test_previews_are_small_and_follow_the_steps(small_critic, make_photo, tmp_path):
    pixels = make_photo(96, 1200)[0].permute(1, 2, 0).numpy()
    Image.fromarray((pixels * 255).astype(np.uint8)).save(tmp_path / "wide.png")
    work = disked(tmp_path / "wide.png", replace(CONFIG, steps=2), small_critic, tmp_path)
    seen = [step.images.clone() for step in work]
    assert all(tuple(images.shape) == (1, 3, 32, 400) for images in seen)
    assert not torch.equal(seen[0], seen[1])
    work.close()


def test_tiles_are_shared_by_several_critics(make_critic, photo):
    critic = make_critic()
    alone = disked(photo, replace(CONFIG, tile=48), critic, photo.parent)
    expected = alone.array()
    critic.replicas = (make_critic(), make_critic())
    shared = disked(photo, replace(CONFIG, tile=48), critic, photo.parent)
    assert np.abs(shared.array() - expected).max() < 1e-5
    alone.close()
    shared.close()


def test_what_needs_the_whole_picture_in_memory_is_refused_with_a_reason(small_critic, photo, tmp_path, monkeypatch):
    for settings, words in (({"normalize": "laplacian"}, "laplacian"), ({"jitter_rotate": 5.0}, "rotation")):
        plan = disked(photo, CONFIG, small_critic, tmp_path).plan
        config = replace(CONFIG, **settings)
        ascent = build_ascent(config, small_critic)
        with pytest.raises(InputError, match=words):
            next(iter(DiskDream(photo, config, small_critic, plan, References(), ascent, tmp_path)))
    with pytest.raises(InputError, match=r"written as \.png, \.tif"):
        disked(photo, CONFIG, small_critic, tmp_path).check_target(tmp_path / "out.webp")
    monkeypatch.setattr(dream_disk, "free_bytes", lambda _folder: 1e5)
    with pytest.raises(OutputError, match=r"203 x 167 px .*left"):
        disked(photo, CONFIG, small_critic, tmp_path)


def test_broken_pictures_and_black_masks_are_said_before_the_first_step(small_critic, photo, tmp_path):
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "black.png")
    with pytest.raises(PictureError, match="black"):
        next(iter(disked(photo, replace(CONFIG, mask=str(tmp_path / "black.png")), small_critic)))
    photo.write_bytes(photo.read_bytes()[:3000])
    with pytest.raises(PictureError, match="cut short"):
        next(iter(disked(photo, CONFIG, small_critic)))
