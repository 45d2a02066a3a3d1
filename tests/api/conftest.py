"""Small networks for what surrounds them."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def open_networks(networks: None) -> None:
    """Have small networks where nothing else is asked for."""
