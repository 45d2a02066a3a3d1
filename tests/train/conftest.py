"""Small sets of textures that a small network learns in seconds, and short runs over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from trained import train_classifier

from reverie.train.classifier import ClassifierConfig, TrainStep
from small_networks import small_networks

CLASSES = ("dots", "plain", "stripes")


def texture(name: str, px: int, random: np.random.Generator) -> np.ndarray:
    """Return one picture ``[px, px, 3]`` uint8: a class is a pattern, whatever its phase, scale and color."""
    y, x = np.mgrid[:px, :px]
    phase, frequency = random.uniform(0, 2 * np.pi, 2), random.uniform(0.6, 1.2)
    pattern = {
        "stripes": np.sin(frequency * x + phase[0]),
        "dots": np.sin(frequency * x + phase[0]) * np.sin(frequency * y + phase[1]),
        "plain": np.sin(0.08 * x + phase[0]),
    }[name]
    image = 128 + 60 * pattern[..., None] * random.uniform(0.5, 1.5, 3) + random.normal(0, 10, (px, px, 3))
    return image.clip(0, 255).astype(np.uint8)


def write_textures(folder: Path, counts: dict[str, int], px: int = 32, seed: int = 0) -> Path:
    random = np.random.default_rng(seed)
    for name, count in counts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            Image.fromarray(texture(name, px, random)).save(folder / name / f"{index:03}.png")
    return folder


@pytest.fixture(autouse=True)
def open_networks(networks: None) -> None:
    """Train networks of few channels, and let them learn from such."""


@pytest.fixture(scope="session")
def textures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of 40 pictures, 32 px."""
    return write_textures(tmp_path_factory.mktemp("textures") / "set", dict.fromkeys(CLASSES, 40))


@pytest.fixture(scope="session")
def make_textures() -> Callable[..., Path]:
    return write_textures


@pytest.fixture(scope="session")
def quick() -> Callable[..., ClassifierConfig]:
    """Settings for a run of a second or two."""

    def build(**changes: object) -> ClassifierConfig:
        defaults = {
            "architecture": "vgg", "input_px": 32, "batch": 16, "epochs": 1.0, "ema": 0.9, "precision": "fp32",
            "device": "cpu",
        }  # fmt: skip
        return ClassifierConfig(**(defaults | changes))  # type: ignore[arg-type]

    return build


@pytest.fixture(scope="session")
def last() -> Callable[[Iterable[TrainStep]], TrainStep]:
    """Return the last record of a run."""

    def run(steps: Iterable[TrainStep]) -> TrainStep:
        return list(steps)[-1]

    return run


@pytest.fixture(scope="session")
def finished(textures, quick, small_files, tmp_path_factory):
    """One run of six epochs, with the state of the global generator before and after."""
    output = tmp_path_factory.mktemp("finished") / "run"
    before = torch.get_rng_state()
    with small_networks(small_files):
        steps = list(train_classifier(textures, output, quick(epochs=6.0, progressive=True), report=True))
    return output, steps, torch.equal(before, torch.get_rng_state())
