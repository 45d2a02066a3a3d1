"""Training that goes on from a generator: its shape is taken, and weights that fit, also with other classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from reverie.errors import InputError
from reverie.models.stylegan2.config import GeneratorConfig
from reverie.models.stylegan2.file import describe
from reverie.models.stylegan2.generator import Generator
from reverie.train.run_folder import RunFolder
from reverie.train.stylegan2.config import Stylegan2Config
from reverie.train.stylegan2.networks import Networks
from reverie.train.stylegan2.size import with_size
from reverie.weights.checkpoint import save_model

SHAPE = GeneratorConfig(
    channels=(8, 8, 4), z_dim=6, w_dim=7, c_dim=2, embed_dim=5, mapping_layers=3, mapping_width=9, mapping_lr=0.5,
    noise=False,
)  # fmt: skip


@pytest.fixture
def start(tmp_path: Path) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_model(tmp_path / "g.safetensors", Generator(SHAPE).state_dict(), describe(SHAPE, ("rose", "tulip")))
    return tmp_path / "g.safetensors"


def sized(start: Path, folder: Path, **settings: Any) -> Stylegan2Config:
    config = Stylegan2Config(start=str(start), against="own", anchor=0.0, precision="fp32", **settings)
    return with_size(config, RunFolder(folder / "run"), None)[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("classes", [("rose", "tulip"), ("cat", "dog", "cow"), ()])
def test_the_weights_of_the_start_are_taken_whatever_the_classes(start: Path, tmp_path: Path, classes: tuple[str, ...]):
    config = sized(start, tmp_path)
    assert (config.resolution, config.width, config.latent, config.mapping_layers) == (16, 64, 6, 3)
    source: Any = SimpleNamespace(classes=classes)
    made = Networks(config, source, None, torch.device("cpu")).generator  # type: ignore[arg-type]
    assert made.config == replace(SHAPE, c_dim=len(classes))
    from reverie.models.stylegan2.file import load_generator

    theirs, ours = load_generator(start).net.state_dict(), made.state_dict()
    for name, value in ours.items():
        if name == "mapping.fc0.weight":
            width = min(value.shape[1], theirs[name].shape[1])
            assert torch.equal(value[:, :width], theirs[name][:, :width])
        elif not name.startswith("mapping.embed.") or len(classes) == 2:
            assert torch.equal(value, theirs[name]), name
    z = torch.randn(2, 6)
    labels = torch.eye(len(classes))[:2] if classes else None
    assert torch.isfinite(made(z, labels)).all()


def test_a_size_that_the_start_has_not_is_refused(start: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"--resolution 32, but --start .* has --resolution 16"):
        sized(start, tmp_path, resolution=32)
    assert sized(start, tmp_path, resolution=16).width == 64


def test_a_network_that_cannot_be_trained_is_refused(tmp_path: Path):
    wide = replace(SHAPE, base=(4, 6))
    save_model(tmp_path / "w.safetensors", Generator(wide).state_dict(), describe(wide))
    with pytest.raises(InputError, match="24 x 16 px in 3 channels; training takes square pictures"):
        sized(tmp_path / "w.safetensors", tmp_path)


def test_the_shipped_generator_is_started_from_by_name(tmp_path: Path):
    config = sized(Path("flowers"), tmp_path)
    assert (config.resolution, config.width, config.latent, config.start_from_latent) == (64, 2048, 64, True)
