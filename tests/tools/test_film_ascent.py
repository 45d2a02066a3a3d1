"""Guides, artworks and groups in films: read once, faded by keyframes, kept inside their masks."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Generator

from clips import pan, texture
from reverie.errors import InputError
from reverie.media.deep import to_uint8
from reverie.numerics.color import with_chroma_of
from reverie.numerics.gradient import mean_abs_normalized
from reverie.numerics.motion import Rates, moved, steady
from reverie.objective.target import MomentsScore
from reverie.optimize.gradient import Ascent
from reverie.optimize.together import Together
from reverie.tools.dream import references
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream_film.ascent import FilmAscent
from reverie.tools.dream_film.loop import loop_frames, plan_loop, to_picture
from reverie.tools.dream_film.video import dream_video
from reverie.tools.dream_steps.ascent import dream_steps
from reverie.tools.films.loop_config import LoopConfig, plan_film
from reverie.tools.films.video_config import VideoConfig
from reverie.tools.keyframes.file import parse_keyframes

SIZE = (64, 80)
QUICK = {"octaves": 1, "steps": 2, "jitter": 4}


def tensor(frame: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(frame.copy()).permute(2, 0, 1)[None].float() / 255


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder with a guide, an artwork, and a mask of each side with a gap between them."""
    for number, name in enumerate(("guide", "art")):
        Image.fromarray(texture(64, 64, seed=20 + number)).save(tmp_path / f"{name}.png")
    for name, columns in (("left", slice(0, 32)), ("right", slice(48, 80))):
        mask = np.zeros(SIZE, np.uint8)
        mask[:, columns] = 255
        Image.fromarray(mask).save(tmp_path / f"{name}.png")
    return tmp_path


def groups(files: Path) -> DreamConfig:
    left, right = f"mask={files / 'left.png'},layer=conv1", f"mask={files / 'right.png'},guide={files / 'guide.png'}"
    return DreamConfig(group=(left, right), **QUICK)


def film(config: DreamConfig, critic, keys: str = "", **options) -> FilmAscent:
    keyframes = {"keyframes": parse_keyframes(keys)} if keys else {}
    return FilmAscent(config, critic, length_s=1, rate=Fraction(10), **keyframes, **options)


def at(raised: FilmAscent, config: DreamConfig, time_s: float) -> Ascent | Together:
    return raised.at(raised.settings(config, time_s), time_s)


@pytest.mark.slow
def test_other_pictures_are_read_once_for_a_film(small_critic, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    original = references.read_picture

    def read(path, *arguments, **options):
        seen.append(Path(path).name)
        return original(path, *arguments, **options)

    monkeypatch.setattr(references, "read_picture", read)
    list(dream_video(iter(pan(3, size=SIZE)), groups(files), VideoConfig(), critic=small_critic))
    assert sorted(seen) == ["guide.png", "left.png", "right.png"]
    seen.clear()
    config = DreamConfig(guide=str(files / "guide.png"), target_from=str(files / "art.png"), **QUICK)
    keys = parse_keyframes("layer: {0: conv1, 100%: conv4}\nrotate: {0: 9}")
    loop = plan_loop(SIZE, config, plan_film(LoopConfig(seconds=0.3, fps="10")), small_critic, keyframes=keys)
    made: list[np.ndarray] = []
    for frame in loop_frames(loop, tensor(texture(*SIZE)), lambda i: made[i]):
        made.append(frame.pixels)
    assert sorted(seen) == ["art.png", "guide.png"]


def test_a_frame_of_a_film_raises_what_a_picture_raises(small_critic, files: Path) -> None:
    frame = pan(1, size=SIZE)[0]
    for config in (groups(files), DreamConfig(guide_class="church", target_from=str(files / "art.png"), **QUICK)):
        (step,) = dream_video(iter([frame]), config, VideoConfig(), critic=small_critic)
        alone = [s.images for s in dream_steps(tensor(frame), config, critic=small_critic)][-1]
        assert np.array_equal(step.dream, to_uint8(alone[0].permute(1, 2, 0).numpy()))


def test_keyed_groups_without_masks_fade_from_one_to_the_other(small_critic) -> None:
    config = DreamConfig(group=("layer=conv1", "layer=conv4,strength=2"), **QUICK)
    raised = film(config, small_critic, "group: {0: 1, 10f: 2}")
    photo, none = tensor(texture(*SIZE)), ()

    def direction(ascent: Ascent | Together) -> torch.Tensor:
        return ascent.on(photo).direction(photo, Generator().manual_seed(1), none, None, mean_abs_normalized)[1]

    ends = [direction(film(DreamConfig(layer=(name,), **QUICK), small_critic).at(config, 0)) for name in
            ("conv1", "conv4")]  # fmt: skip
    for share in (0, 0.25, 0.5, 1):
        wanted = (1 - share) * ends[0] + 2 * share * ends[1]
        assert torch.allclose(direction(at(raised, config, share)), wanted, atol=1e-5)


def test_a_group_that_is_faded_out_takes_no_steps_and_the_rest_none_of_its_place(small_critic, files: Path) -> None:
    config = groups(files)
    raised = film(config, small_critic, "group: {0: {1: 1, 2: 0}, 5f: {1: 0, 2: 0}}")
    photo = tensor(texture(*SIZE))
    first = raised.settings(config, 0)
    last = [s.images for s in dream_steps(photo, first, critic=small_critic, ascent=at(raised, config, 0))][-1]
    changed = (last - photo).abs().amax((0, 1, 2))
    assert (changed[:32] > 0).all() and not changed[32:].any()
    assert raised.settings(config, 0.5).steps == 0


def test_an_artwork_weighs_the_same_whatever_the_layers_do(small_critic, files: Path) -> None:
    config = DreamConfig(target_from=str(files / "art.png"), target_layer=("conv1",), target_weight=4, **QUICK)
    raised = film(config, small_critic, "layer: {0: {conv1: 1, conv4: 2}, 1s: {conv4: 0.5}}")
    for time_s in (0, 0.5, 1):
        found = at(raised, config, time_s)
        assert isinstance(found, Ascent)
        assert [weight for weight, term in found.objective.terms() if isinstance(term, MomentsScore)] == [4]


@pytest.mark.parametrize(
    ("settings", "keys", "words"),
    [
        ({"guide": "guide.png"}, "class: {0: church}", "line 1: --class does not go with --guide"),
        ({"caricature": True}, "class: {0: church}", "line 1: --class does not go with --caricature"),
        ({"group": ("layer=conv1",)}, "layer: {0: conv4}", "line 1: --layer does not go with --group"),
        (
            {"group": ("layer=conv1",)},
            "group: {0: 2}",
            "line 1: no group '2'; expected 1 to 1",
        ),
        ({}, "group: {0: 1}", "line 1: 'group' is for the regions of --group; leave it out here"),
    ],
)
def test_keys_that_contradict_the_settings_are_refused(small_critic, files, monkeypatch, settings, keys, words) -> None:
    monkeypatch.chdir(files)
    with pytest.raises(InputError) as caught:
        film(DreamConfig(**settings), small_critic, keys)
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("share", ["-0.5", "2"])
def test_the_weight_of_a_group_is_a_share(share: str) -> None:
    with pytest.raises(InputError, match=r"line 1, group, 1: expected 0 to 1; got"):
        parse_keyframes(f"group: {{0: {{1: {share}}}}}")


@pytest.mark.parametrize("coherence", ["flow", "blend"])
def test_what_no_group_covers_stays_bit_for_bit_in_a_video(small_critic, files: Path, coherence: str) -> None:
    clip = pan(4, (0, 5), SIZE)  # what was under a mask moves out of it
    steps = dream_video(iter(clip), groups(files), VideoConfig(coherence=coherence), critic=small_critic)
    for step, frame in zip(steps, clip, strict=True):
        assert np.array_equal(step.dream[:, 32:48], frame[:, 32:48])
        assert np.abs(step.dream[:, :28].astype(int) - frame[:, :28]).mean() > 1
        assert np.abs(step.dream[:, 52:].astype(int) - frame[:, 52:]).mean() > 1


def test_a_half_mask_holds_half_a_dream_in_every_frame(small_critic) -> None:
    """Things move from where little is dreamt to where all is; every place keeps its share of the dream."""
    mask = torch.ones(1, 1, *SIZE)
    mask[..., :40] = 0.5
    clip, config = pan(7, (0, 3), SIZE), DreamConfig(octaves=1, steps=6, jitter=4, step_size=0.02)
    sides = []
    for step in dream_video(iter(clip), config, VideoConfig(), critic=small_critic, mask=mask):
        change = np.abs(step.dream.astype(float) - clip[step.index])[8:-8]
        sides.append(change[:, 8:32].mean() / change[:, 48:72].mean())
    assert sides == pytest.approx([0.5] * 7, abs=0.15)


def test_what_comes_into_a_mask_gets_all_its_steps(small_critic) -> None:
    mask = torch.zeros(1, 1, *SIZE)
    mask[..., :40] = 1
    clip = pan(3, (0, 6), SIZE)  # moves to the left, into the mask
    config, video = DreamConfig(octaves=1, steps=4, jitter=4), VideoConfig(later_steps=2, blend=0.05)
    _, second, third = dream_video(iter(clip), config, video, critic=small_critic, mask=mask)
    assert (second.strength[16:48, 10:30] >= 254).all()
    assert second.strength[16:48, 36:39].mean() == pytest.approx(127, abs=8)  # two of four steps
    assert (third.strength[16:48, 30:33] >= 245).all()


@pytest.mark.parametrize("coherence", ["flow", "blend"])
def test_frames_of_a_video_keep_their_own_colors(small_critic, coherence: str) -> None:
    clip, video = pan(4, (0, 3), SIZE), VideoConfig(coherence=coherence)
    for settings in ({"steps": 6}, {"steps": 6, "step_size": 0.03}):
        config = DreamConfig(octaves=1, jitter=4, keep_colors=True, **settings)
        for step in dream_video(iter(clip), config, video, critic=small_critic):
            again = with_chroma_of(tensor(step.dream), tensor(clip[step.index]))
            assert (again - tensor(step.dream)).abs().mean() < 0.5 / 255  # rounding to 8 bits
            assert np.abs(step.dream.astype(int) - clip[step.index]).mean() > 2


def test_a_film_keeps_the_colors_of_its_picture(small_critic) -> None:
    grey = torch.from_numpy(texture(*SIZE)).float().mean(2)[None, None].expand(1, 3, -1, -1) / 255
    config = DreamConfig(keep_colors=True, **QUICK)
    loop = plan_loop(SIZE, config, plan_film(LoopConfig(zoom="2", seconds=0.5, fps="8")), small_critic)
    made: list[np.ndarray] = []
    for frame in loop_frames(loop, grey, lambda i: made[i]):
        made.append(frame.pixels)
        assert np.ptp(frame.pixels, axis=2).max() < 1e-4
    assert np.abs(made[-1] - made[0]).mean() > 0.01


def test_a_caricature_in_a_video_exaggerates_the_frame_and_not_the_dream(small_critic) -> None:
    photo, start = tensor(texture(*SIZE)), tensor(texture(*SIZE, seed=3))
    config = DreamConfig(caricature=True, octaves=1, steps=1, jitter=0)
    scores = {}
    for name, own in (("own", photo), ("none", None), ("itself", start)):
        (step,) = dream_steps(start, config, critic=small_critic, own=own)
        scores[name] = step.score
    assert scores["none"] == scores["itself"] > scores["own"]


def test_groups_stay_in_their_place_while_the_view_moves(small_critic, files: Path) -> None:
    loop = plan_loop(SIZE, groups(files), plan_film(LoopConfig(zoom="2", seconds=0.4, fps="10")), small_critic)
    made: list[np.ndarray] = []
    for frame in loop_frames(loop, tensor(texture(*SIZE)), lambda i: made[i]):
        made.append(frame.pixels)
    device = small_critic.device
    for before, after in pairwise(made):
        plain = moved(to_picture(before, device), steady(Rates(2), 0.1, SIZE), loop.film.border)[0].clamp(0, 1)
        change = (to_picture(after, device)[0] - plain).abs().amax((0, 1))
        assert change[32:48].max() < 1e-4
        assert (change[:32] > 1e-3).all() and (change[48:] > 1e-3).all()
