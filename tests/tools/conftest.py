"""What tests of several tools share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from style_case import texture

from reverie.critic.critic import Critic
from reverie.critic.open import open_critic


@pytest.fixture(scope="module")
def critic() -> Critic:
    return open_critic("embedded", device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("style")
    for number in range(3):
        Image.fromarray((texture(80, number) * 255).astype(np.uint8)).save(folder / f"{number}.png")
    return folder
