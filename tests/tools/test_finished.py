"""Results that are there already: ours, finished, older, or somebody else's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reverie.errors import InputError
from reverie.media.write import write_picture
from reverie.settings import to_record
from reverie.tools.dream_config import DreamConfig
from reverie.tools.finished import Wanted, is_finished, sha256_of

CONFIG = DreamConfig(layer=("conv4",), seed=3, class_name="a/b")
PIXELS = np.full((6, 7, 3), 0.4, np.float32)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.fromarray(np.full((6, 7, 3), 90, np.uint8)).save(path)
    return path


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights")
    return path


def wanted(source: Path, network: Path, **settings) -> Wanted:
    return Wanted("dream", replace(CONFIG, model=str(network), **settings), source, 92, {"model": network})


def made(target: Path, source: Path, network: Path, **changes) -> Path:
    config = to_record(CONFIG) | {"model": network.name, "precision": "bf16", "tile": 128}
    record = {
        "tool": "dream", "config": config, "input": {"name": source.name, "sha256": sha256_of(source)},
        "model": {"sha256": sha256_of(network)}, "quality": 92,
    }  # fmt: skip
    write_picture(target, PIXELS, settings=record | changes)
    return target


@pytest.mark.parametrize("name", ["out.png", "out.jpg", "out.tif"])
def test_the_same_settings_from_the_same_file_are_finished(tmp_path, source, network, name):
    target = tmp_path / name
    assert not is_finished(target, wanted(source, network))
    made(target, source, network)
    assert is_finished(target, wanted(source, network))
    assert not is_finished(target, wanted(source, network), overwrite=True)


def test_settings_that_do_not_change_the_result_do_not_matter(tmp_path, source, network):
    target = made(tmp_path / "out.png", source, network)
    assert is_finished(target, wanted(source, network, device="cpu", max_memory="1GB", tile=128))
    assert is_finished(target, replace(wanted(source, network), quality=50))  # PNG knows no quality


@pytest.mark.parametrize(
    "change", [{"seed": 4}, {"layer": ("conv3",)}, {"steps": 11}, {"size": 64}, {"precision": "fp32"}, {"tile": 64}]
)
def test_any_other_setting_makes_it_anew(tmp_path, source, network, change):
    target = made(tmp_path / "out.png", source, network)
    assert not is_finished(target, wanted(source, network, **change))


def test_another_quality_makes_a_lossy_one_anew(tmp_path, source, network):
    target = made(tmp_path / "out.jpg", source, network)
    assert not is_finished(target, replace(wanted(source, network), quality=50))


def test_an_older_version_that_did_not_know_a_setting_used_its_default(tmp_path, source, network):
    config = to_record(CONFIG) | {"model": network.name}
    del config["smooth"], config["channel"]
    target = made(tmp_path / "out.png", source, network, config=config)
    assert is_finished(target, wanted(source, network))
    assert not is_finished(target, wanted(source, network, smooth=0.5))


def test_a_changed_source_network_or_mask_makes_it_anew(tmp_path, source, network):
    mask = tmp_path / "mask.png"
    mask.write_bytes(b"white")
    target = made(
        tmp_path / "out.png", source, network, files={"mask": {"name": "mask.png", "sha256": sha256_of(mask)}}
    )
    with_mask = replace(wanted(source, network), files={"model": network, "mask": mask})
    assert is_finished(target, with_mask)
    mask.write_bytes(b"black!")
    assert not is_finished(target, with_mask)
    mask.write_bytes(b"white")
    network.write_bytes(b"weights trained further")
    assert not is_finished(target, with_mask)
    network.write_bytes(b"weights")
    assert is_finished(target, with_mask)
    Image.fromarray(np.full((6, 7, 3), 91, np.uint8)).save(source)
    assert not is_finished(target, with_mask)


def test_what_was_stopped_is_not_finished(tmp_path, source, network):
    target = made(tmp_path / "out.png", source, network, stopped_at_step=3)
    assert not is_finished(target, wanted(source, network))


def test_files_of_others_are_refused_unless_overwriting(tmp_path, source, network):
    target = tmp_path / "out.png"
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(target)
    with pytest.raises(InputError, match="not made by Reverie; --overwrite"):
        is_finished(target, wanted(source, network))
    assert not is_finished(target, wanted(source, network), overwrite=True)
    made(target, source, network, input={"name": "other.jpg", "sha256": ""})
    with pytest.raises(InputError, match=r"of 'other\.jpg'; --overwrite"):
        is_finished(target, wanted(source, network))
    made(target, source, network, input=None)
    with pytest.raises(InputError, match="of noise"):
        is_finished(target, wanted(source, network))
    made(target, source, network, tool="style")
    with pytest.raises(InputError, match="a style of"):
        is_finished(target, wanted(source, network))


def test_a_source_is_never_replaced_not_even_by_another_name_or_when_overwriting(tmp_path, source, network):
    link = tmp_path / "link.jpg"
    link.hardlink_to(source)
    for target in (source, link):
        with pytest.raises(InputError, match="its own source"):
            is_finished(target, wanted(source, network), overwrite=True)


def test_pictures_from_a_pipe_are_told_apart_by_their_bytes(tmp_path, network):
    config = replace(CONFIG, model=str(network))
    record = {"tool": "dream", "config": to_record(config) | {"model": network.name}, "quality": 92}
    write_picture(tmp_path / "out.png", PIXELS, settings=record | {"input": {"name": "stdin", "sha256": "abc"}})
    assert is_finished(tmp_path / "out.png", Wanted("dream", config, None, 92, {}, ("stdin", "abc")))
    assert not is_finished(tmp_path / "out.png", Wanted("dream", config, None, 92, {}, ("stdin", "abd")))
