"""Pictures that a program hands over, in every form."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from reverie.errors import PictureError
from reverie.media.given import as_picture

PIXELS = np.random.default_rng(0).integers(0, 256, (9, 13, 3), dtype=np.uint8)


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "form",
    [
        lambda: PIXELS,
        lambda: PIXELS.astype(np.uint16) * 257,
        lambda: PIXELS / 255,
        lambda: (PIXELS / 255).astype(np.float32),
        lambda: np.dstack([PIXELS, np.full(PIXELS.shape[:2], 255, np.uint8)]),
        lambda: torch.from_numpy(PIXELS).permute(2, 0, 1),
        lambda: torch.from_numpy(PIXELS).permute(2, 0, 1)[None] / 255,
        lambda: Image.fromarray(PIXELS),
        lambda: Image.fromarray(PIXELS).convert("RGBA"),
        lambda: png(Image.fromarray(PIXELS)),
        lambda: io.BytesIO(png(Image.fromarray(PIXELS))),
    ],
)
def test_every_form_of_a_picture_gives_its_pixels(form):
    assert np.abs(as_picture(form()).rgb - PIXELS / 255).max() < 1e-6


def test_sixteen_bits_are_remembered():
    assert as_picture(PIXELS.astype(np.uint16)).bits == 16
    assert as_picture(PIXELS).bits == 8


def test_grey_arrays_get_three_equal_channels():
    rgb = as_picture(PIXELS[..., 0]).rgb
    assert rgb.shape == (9, 13, 3)
    assert np.array_equal(rgb[..., 0], rgb[..., 2])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([1, 2], "got list"),
        (3, "got int"),
        (np.zeros((4, 4, 3), np.int64), "got int64"),
        (np.zeros((4, 4, 2), np.uint8), r"got \[4, 4, 2\]"),
        (np.zeros((0, 4, 3), np.uint8), r"got \[0, 4, 3\]"),
        (np.full((4, 4, 3), 1.5), r"must lie in \[0, 1\]; got 1.5"),
        (np.full((4, 4, 3), np.nan), "must lie in"),
        (torch.zeros(4, 4), r"got \[4, 4\]"),
        (b"not a picture", "is not a picture"),
        (b"", "empty"),
    ],
)
def test_what_is_no_picture_is_refused_with_what_was_given(given, words):
    with pytest.raises(PictureError, match=words):
        as_picture(given)
