"""Objectives that compare with another picture: tiled gradients agree with whole ones, and the base moves along."""

import pytest
import torch
from torch import Generator

from reverie.errors import InputError
from reverie.objective import caricature, guide_best_match, guide_channels, layer, target
from reverie.objective.base import BASE
from reverie.optimize.gradient import Ascent, _window, balanced
from reverie.optimize.tiles import plan_tiles
from reverie.optimize.transforms import Transforms

SIZE = (97, 331)


def objectives(critic, photo):
    seen = {name: critic(photo, [name])[name] for name in ("conv2", "mixed3", "conv4")}
    return {
        "match": guide_best_match("conv4", seen["conv4"]),
        "cosine": guide_best_match("mixed3", seen["mixed3"], "cosine"),
        "channels": guide_channels("conv4", seen["conv4"]),
        "moments": target("conv2", seen["conv2"]) + 2 * target("conv4", seen["conv4"]),
        "gram": target("mixed3", seen["mixed3"], "gram"),
        "mixed": 0.3 * target("mixed3", seen["mixed3"], "gram") + layer("conv4") - 2 * target("conv2", seen["conv2"]),
        "caricature": caricature("conv4", 2) + caricature("conv2"),
    }


@pytest.mark.parametrize("jitter", [0, 21])
@pytest.mark.parametrize("kind", ["match", "cosine", "channels", "moments", "gram", "mixed", "caricature"])
def test_tiles_agree_with_the_whole(small_critic, make_photo, kind, jitter):
    objective = objectives(small_critic, make_photo(64, 64, seed=5))[kind]
    ascent = Ascent(small_critic, objective, Transforms(jitter), base=make_photo(*SIZE, seed=7))
    names = sorted(objective.layers)
    tiles = plan_tiles(SIZE, 96, small_critic.halo(names), small_critic.stride(names))
    image = make_photo(*SIZE)
    score, whole = ascent.gradient(image, Generator().manual_seed(3))
    near, tiled = ascent.gradient(image, Generator().manual_seed(3), tiles)
    assert float((tiled - whole).norm() / whole.norm()) < 0.01
    assert near == pytest.approx(score, rel=0.2)


def test_the_statistics_of_tiles_are_those_of_the_whole_also_where_sizes_are_odd(small_critic, make_photo):
    image = make_photo(101, 213)
    ascent = Ascent(small_critic, layer("conv4"))
    art = small_critic(make_photo(60, 60, seed=2), ["conv4", "conv2"])
    terms = [target(name, art[name], form) for name in ("conv4", "conv2") for form in ("moments", "gram")]
    tiles = plan_tiles((101, 213), 64, small_critic.halo(["conv4"]), 8)
    means = ascent._means(terms, tiles, lambda tile: _window(image, tile, (9, -5)))  # type: ignore[arg-type]
    seen = small_critic(torch.roll(image, (9, -5), (-2, -1)), ["conv4", "conv2"])
    for term, mean in zip(terms, means, strict=True):
        a = seen[term.name]
        assert torch.allclose(mean, term.pool(a) / (a.shape[2] * a.shape[3]), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("transforms", [Transforms(16), Transforms(8, scale=0.1, rotate_deg=20, crop=0.8, noise=0.05)])
def test_the_base_is_looked_at_as_the_picture_is(small_critic, make_photo, transforms):
    photo = make_photo(72, 90)
    seen = []

    class Spy:
        def __getattr__(self, name):
            return getattr(small_critic, name)

        def __call__(self, images, names):
            seen.append(images.detach().clone())
            return small_critic(images, names)

    ascent = Ascent(Spy(), caricature("conv4"), transforms, base=photo)  # type: ignore[arg-type]
    ascent.gradient(photo.clone(), Generator().manual_seed(4))
    view, base = seen
    assert torch.equal(view, base)  # the same picture must look the same
    assert not torch.equal(view, photo)


def test_it_is_the_gradient_of_the_formula_at_that_window(small_critic, make_photo):
    photo, base = make_photo(64, 80), make_photo(64, 80, seed=1)
    _, gradient = Ascent(small_critic, caricature("conv4"), Transforms(0), base=base).gradient(photo, Generator())
    leaf = photo.clone().requires_grad_(True)
    found = {"conv4": small_critic(leaf, ["conv4"])["conv4"], BASE + "conv4": small_critic(base, ["conv4"])["conv4"]}
    (expected,) = torch.autograd.grad(caricature("conv4")(found).sum(), leaf)
    assert torch.allclose(gradient, expected, atol=1e-7)


def test_without_a_base_there_is_nothing_to_exaggerate(small_critic, make_photo):
    with pytest.raises(InputError, match="began with"):
        Ascent(small_critic, caricature("conv4")).gradient(make_photo(64, 64), Generator())


def test_terms_that_compare_are_balanced_like_any_other(small_critic, make_photo):
    photo = make_photo(80, 90)
    art = small_critic(make_photo(64, 64, seed=2), ["conv2"])["conv2"]
    objective = 5 * target("conv2", art) + 1e-6 * caricature("conv4")
    ascent = Ascent(small_critic, objective, Transforms(0), base=make_photo(80, 90, seed=1))
    scaled = balanced(ascent, photo, Generator())
    for (weight, term), (before, _) in zip(scaled.terms(), objective.terms(), strict=True):
        _, gradient = Ascent(small_critic, weight * term, Transforms(0), ascent.base).gradient(photo, Generator())
        assert float(gradient.abs().mean()) == pytest.approx(before, rel=1e-3)
