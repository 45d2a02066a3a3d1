"""What tests of several tools share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from style_case import texture

from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from small_networks import small_networks


@pytest.fixture(autouse=True)
def open_networks(networks: None) -> None:
    """Have small networks where nothing else is asked for."""


@pytest.fixture(scope="session")
def embedded_critics(small_files: Path) -> Callable[[bool], Critic]:
    """Return what opens the embedded network once: as it is, or with few channels."""

    @functools.cache
    def opened(shipped: bool) -> Critic:
        with nullcontext() if shipped else small_networks(small_files):
            return open_critic("embedded", device="cpu", precision="fp32")

    return opened


@pytest.fixture
def critic(request: pytest.FixtureRequest, embedded_critics: Callable[[bool], Critic]) -> Critic:
    """Return the embedded network, with few channels where `open_networks` has such."""
    return embedded_critics(request.node.get_closest_marker("real") is not None)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("style")
    for number in range(3):
        Image.fromarray((texture(80, number) * 255).astype(np.uint8)).save(folder / f"{number}.png")
    return folder
