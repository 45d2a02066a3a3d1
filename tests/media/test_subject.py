"""The subject of a picture is found by transparency or by what differs from the border."""

import numpy as np
import pytest

from reverie.errors import PictureError
from reverie.media.image import Picture
from reverie.media.subject import subject_mask


def picture(rgb, alpha=None):
    return Picture(rgb.astype(np.float32), alpha, 8, "", "guide.png")


def disc(side=96, radius=30):
    y, x = np.mgrid[:side, :side] - side / 2 + 0.5
    return x**2 + y**2 < radius**2


def overlap(one, two):
    return (one & two).sum() / (one | two).sum()


def test_transparency_is_taken_as_it_is():
    alpha = disc().astype(np.float32)
    assert np.array_equal(subject_mask(picture(np.zeros((96, 96, 3)), alpha)), alpha)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_disc_on_a_noisy_slope_is_found(seed):
    draw = np.random.default_rng(seed)
    ground = np.linspace(0.6, 0.9, 96)[None, :, None] + draw.normal(0, 0.02, (96, 96, 3))
    rgb = np.where(disc()[..., None], draw.uniform(0, 0.4, 3) + draw.normal(0, 0.05, (96, 96, 3)), ground)
    assert overlap(subject_mask(picture(rgb.clip(0, 1))) > 0.5, disc()) > 0.96


def test_rings_keep_their_hole():
    ring = disc() & ~disc(radius=15)
    found = subject_mask(picture(np.where(ring[..., None], 0.1, 0.95).repeat(3, 2))) > 0.5
    assert overlap(found, ring) > 0.9


def test_a_picture_of_nothing_is_refused():
    for rgb in (np.full((64, 64, 3), 0.5), np.random.default_rng(0).uniform(0.49, 0.51, (64, 64, 3))):
        with pytest.raises(PictureError, match="no subject stands out"):
            subject_mask(picture(rgb))
