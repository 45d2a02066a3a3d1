"""Several parts in one step: each is what it would be alone inside its mask, and soft borders blend."""

import pytest
import torch
from torch import Generator

from reverie.canvas.pixels import PixelCanvas
from reverie.errors import GradientError
from reverie.numerics.gradient import NORMALIZATIONS
from reverie.objective import caricature, channel, layer
from reverie.optimize.ascend import StepRule, ascend_pixels
from reverie.optimize.gradient import Ascent
from reverie.optimize.tiles import plan_tiles
from reverie.optimize.together import Part, Together
from reverie.optimize.transforms import Transforms

SIZE = (72, 96)
NORMALIZE = NORMALIZATIONS["mean-abs"]


def halves(soft_px: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    left = torch.zeros(1, 1, *SIZE)
    left[..., :48] = 1
    if soft_px:
        left[..., 48 - soft_px : 48 + soft_px] = torch.linspace(1, 0, 2 * soft_px)
    return left, 1 - left


@pytest.fixture
def ascents(small_critic):
    return (
        Ascent(small_critic, layer("conv4"), Transforms(8)),
        Ascent(small_critic, channel("conv2", 3), Transforms(8)),
    )


def stepped(ascent, photo, mask=None, tiles=(), seed=5):
    return ascent.direction(photo, Generator().manual_seed(seed), tiles, mask, NORMALIZE)


def test_parts_apart_are_what_each_would_be_alone(ascents, make_photo):
    photo, (left, right) = make_photo(*SIZE), halves()
    score, step = stepped(Together((Part(ascents[0], left), Part(ascents[1], right, 3.0))), photo)
    one, two = stepped(ascents[0], photo, left), stepped(ascents[1], photo, right)
    assert torch.allclose(step, one[1] + 3 * two[1], atol=1e-6)
    assert score == pytest.approx(one[0] + 3 * two[0])


def test_strengths_are_equal_whatever_the_scale_of_the_objectives(small_critic, make_photo):
    photo, (left, right) = make_photo(*SIZE), halves()
    parts = Part(Ascent(small_critic, 1e-6 * layer("conv4")), left), Part(Ascent(small_critic, layer("conv1")), right)
    _, step = stepped(Together(parts), photo)
    assert float(step[..., :48].abs().mean()) == pytest.approx(1, rel=1e-4)
    assert float(step[..., 48:].abs().mean()) == pytest.approx(1, rel=1e-4)


def test_soft_borders_blend_and_overlaps_share(ascents, make_photo):
    photo, (left, right) = make_photo(*SIZE), halves(soft_px=12)
    _, step = stepped(Together((Part(ascents[0], left), Part(ascents[1], right))), photo)
    ones = [stepped(a, photo, m)[1] for a, m in zip(ascents, (left, right), strict=True)]
    assert torch.allclose(step, ones[0] + ones[1], atol=1e-6)  # masks that add up to one share nothing
    _, everywhere = stepped(Together((Part(ascents[0]), Part(ascents[1]))), photo)
    full = [stepped(a, photo)[1] for a in ascents]
    assert torch.allclose(everywhere, (full[0] + full[1]) / 2, atol=1e-6)


def test_one_part_without_a_mask_is_the_ascent_itself(ascents, make_photo):
    photo = make_photo(*SIZE)
    mask = halves(10)[0]
    for inside in (None, mask):
        alone, together = stepped(ascents[0], photo, inside), stepped(Together((Part(ascents[0]),)), photo, inside)
        assert together[0] == pytest.approx(alone[0])
        assert torch.allclose(together[1], alone[1], atol=1e-6)


def test_the_mask_of_all_cuts_the_masks_of_each(ascents, make_photo):
    photo, (left, right) = make_photo(*SIZE), halves()
    upper = torch.zeros(1, 1, *SIZE)
    upper[..., :36, :] = 1
    _, step = stepped(Together((Part(ascents[0], left), Part(ascents[1], right))), photo, upper)
    assert not step[..., 36:, :].any()
    assert torch.allclose(step[..., :36, :48], stepped(ascents[0], photo, left * upper)[1][..., :36, :48], atol=1e-6)


def test_tiles_agree_with_the_whole(small_critic, ascents, make_photo):
    photo = make_photo(97, 331)
    left = torch.zeros(1, 1, 97, 331)
    left[..., :150] = 1
    base = make_photo(97, 331, seed=2)
    third = Ascent(small_critic, caricature("conv4"), Transforms(8), base=base)
    together = Together((Part(ascents[0], left), Part(ascents[1], 1 - left, 2.0), Part(third)))
    tiles = plan_tiles((97, 331), 96, small_critic.halo(["conv2", "conv4"]), 8)
    whole, tiled = stepped(together, photo)[1], stepped(together, photo, tiles=tiles)[1]
    assert float((tiled - whole).norm() / whole.norm()) < 0.01
    assert together.layers == {"conv4", "conv2"}
    assert together.local


def test_all_parts_draw_the_same_view_and_leave_the_same_generator(ascents, make_photo):
    photo = make_photo(*SIZE)
    alone, together = Generator().manual_seed(1), Generator().manual_seed(1)
    ascents[0].direction(photo, alone, (), None, NORMALIZE)
    Together((Part(ascents[0]), Part(ascents[0]))).direction(photo, together, (), None, NORMALIZE)
    assert torch.equal(alone.get_state(), together.get_state())


def test_masks_follow_the_octave_and_cover_what_they_cover(small_critic, make_photo):
    left, right = halves(10)
    parts = Together(
        (Part(Ascent(small_critic, caricature("conv4")), left), Part(Ascent(small_critic, layer("conv2")), right))
    )
    base = make_photo(36, 48)
    small = parts.on(base)
    assert [tuple(p.mask.shape[-2:]) for p in small.parts if p.mask is not None] == [(36, 48)] * 2
    assert small.parts[0].ascent.base is base
    assert small.parts[1].ascent.base is None
    cover = parts.cover((36, 48))
    assert cover is not None and torch.allclose(cover, torch.ones(1, 1, 36, 48), atol=0.02)
    assert Together((Part(small.parts[0].ascent), small.parts[1])).cover((36, 48)) is None
    only = Together((parts.parts[0],)).cover((72, 96))
    assert only is not None and not only[..., 70:].any()


def test_balancing_is_done_part_by_part_and_keeps_masks(small_critic, make_photo):
    photo, (left, right) = make_photo(*SIZE), halves()
    mixed = Ascent(small_critic, layer("conv1") + 1e-5 * layer("conv4"), Transforms(0))
    found = Together((Part(mixed, left), Part(mixed, right, 2.0))).balanced(photo, Generator())
    for part, mask in zip(found.parts, (left, right), strict=True):
        assert part.mask is mask
        terms = part.ascent.objective.terms()
        sizes = [
            Ascent(small_critic, w * t, Transforms(0)).gradient(photo, Generator())[1].abs().mean() for w, t in terms
        ]
        assert float(sizes[0]) == pytest.approx(1, rel=1e-3)
        assert float(sizes[1]) == pytest.approx(1e-5, rel=1e-3)


def test_a_mask_too_small_for_an_octave_is_left_out(ascents, make_photo):
    photo = make_photo(*SIZE)
    nothing = torch.zeros(1, 1, *SIZE)
    _, step = stepped(Together((Part(ascents[0], nothing), Part(ascents[1]))), photo)
    assert torch.allclose(step, stepped(ascents[1], photo)[1], atol=1e-6)


def test_a_dead_part_says_which_it_is(make_critic, ascents, make_photo):
    dead = make_critic()
    with torch.no_grad():
        for parameter in dead.net.stages.conv1.parameters():
            parameter.zero_()
    with pytest.raises(GradientError, match="group 2"):
        stepped(Together((Part(ascents[0]), Part(Ascent(dead, layer("conv4"))))), make_photo(*SIZE))


def test_pixels_climb_by_the_common_step(ascents, make_photo):
    photo, (left, right) = make_photo(*SIZE), halves()
    together = Together((Part(ascents[0], left), Part(ascents[1], right)))
    canvas = PixelCanvas(photo)
    list(ascend_pixels(canvas, together, StepRule(0.01), 1, Generator().manual_seed(5)))
    expected = (photo + 0.01 * stepped(together, photo)[1]).clamp(0, 1)
    assert torch.allclose(canvas.pixels.detach(), expected, atol=1e-6)
