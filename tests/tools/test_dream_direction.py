"""A dream from one class toward another, along the difference of their centers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from reverie.api import Dream
from reverie.critic.class_centers import centers_description, centers_state, measured_centers
from reverie.errors import InputError
from reverie.tools.dream.config import DreamConfig
from reverie.weights.checkpoint import save_model

QUICK = {"octaves": 1, "steps": 4, "jitter": 4}


@pytest.fixture
def centers(small_critic, tmp_path):
    channels = small_critic.layer("conv2").channels
    rows = torch.randn(20, channels, generator=torch.Generator().manual_seed(3))
    found = measured_centers(
        {"conv2": rows}, torch.arange(20) % 2, ("monet", "munch"), "small", small_critic.identity.sha256
    )
    save_model(tmp_path / "centers.safetensors", centers_state(found), centers_description(found, 64))
    return tmp_path / "centers.safetensors"


@pytest.fixture
def photo(make_photo, tmp_path):
    pixels = make_photo(70, 90)[0].permute(1, 2, 0).numpy()
    Image.fromarray((pixels * 255).round().astype(np.uint8)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_a_dream_moves_activations_along_the_direction_and_its_opposite_the_other_way(small_critic, centers, photo):
    from reverie.critic.class_centers import load_centers

    along = load_centers(centers).direction("monet-munch", "conv2")

    def place(rgb):
        images = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None]
        return float(small_critic(images, ["conv2"])["conv2"].mean((0, 2, 3)) @ along)

    def dreamt(text):
        config = DreamConfig(direction=text, direction_from=str(centers), layer=("conv2",), **QUICK)
        return place(Dream(photo, config, small_critic).array())

    before = place(np.asarray(Image.open(photo), np.float32) / 255)
    assert dreamt("monet-munch") > before > dreamt("munch-monet")


def test_the_file_is_recorded_and_without_a_direction_nothing_is(small_critic, centers, photo):
    config = DreamConfig(direction="monet-munch", direction_from=str(centers), **QUICK)
    record = Dream(photo, config, small_critic).settings()
    assert record["config"]["direction_from"] == "centers.safetensors"
    assert len(record["files"]["direction_from"]["sha256"]) == 64
    assert "direction" not in Dream(photo, DreamConfig(**QUICK), small_critic).settings()["config"]
    with pytest.raises(InputError, match="--direction goes with --direction-from"):
        Dream(photo, DreamConfig(direction="monet-munch"), small_critic)
