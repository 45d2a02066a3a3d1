"""What tests of several tools share."""

from __future__ import annotations

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


@pytest.fixture(scope="module")
def critic(request: pytest.FixtureRequest, small_files: Path) -> Critic:
    """Return the embedded network, with few channels but in modules that are marked to need it as it is."""
    real = request.node.get_closest_marker("real") is not None
    with nullcontext() if real else small_networks(small_files):
        return open_critic("embedded", device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("style")
    for number in range(3):
        Image.fromarray((texture(80, number) * 255).astype(np.uint8)).save(folder / f"{number}.png")
    return folder
