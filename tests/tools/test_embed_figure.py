"""The map as one picture: nothing is cut at its edges, at any number of pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reverie.tools.embed_page.figure import FIGURE_PX, GROUND, draw_map


@pytest.mark.parametrize("count", [5, 40, 700])
def test_no_picture_is_cut_at_the_edge(count: int) -> None:
    generator = torch.Generator().manual_seed(count)
    places = torch.rand(count, 2, generator=generator)
    places[:4] = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    thumbs = [np.full((16, 16, 3), 200, np.uint8)] * count
    figure = draw_map(places, thumbs, torch.zeros(count, dtype=torch.long), ("all",), "a title")
    square = figure[:, :FIGURE_PX]
    plain = (square == np.array(GROUND, np.uint8)).all(2)
    for strip in (plain[-8:], plain[:, :8], plain[:, -8:], plain[:8]):
        assert strip.all()
    columns = np.flatnonzero(~plain[48:].all(0))
    assert columns.min() < 100 and columns.max() > FIGURE_PX - 100  # and the room is used
