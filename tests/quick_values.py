"""Values of a parametrized test of which the quick suite takes a few, and the slow one the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeVar

import pytest
from _pytest.mark.structures import ParameterSet

T = TypeVar("T")


def quick_values(values: Iterable[T], quick: Collection[T]) -> list[T | ParameterSet]:
    """Return all values, marked slow but for those in `quick`."""
    return [value if value in quick else pytest.param(value, marks=pytest.mark.slow) for value in values]
