"""What tests of several tools share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from style_case import texture

from kept_networks import networks_kept
from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from small_networks import small_networks


@pytest.fixture(autouse=True)
def networks_shared() -> Iterator[None]:
    """Share open networks."""
    with networks_kept():
        yield


@pytest.fixture(scope="session")
def critic(small_files: Path) -> Critic:
    """Return the embedded network with few channels."""
    with small_networks(small_files):
        return open_critic("embedded", device="cpu", precision="fp32")


@pytest.fixture(scope="session")
def real_critic() -> Critic:
    """Return the embedded network as it is, for tests of what pictures look like."""
    return open_critic("embedded", device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("style")
    for number in range(3):
        Image.fromarray((texture(80, number) * 255).astype(np.uint8)).save(folder / f"{number}.png")
    return folder
