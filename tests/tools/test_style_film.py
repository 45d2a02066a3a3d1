"""Painting frame after frame: where a frame begins, what it stays near, cuts, styles over time, going on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import reverie.tools.style_film_work
from clips import pan, sound_packets, texture, write_clip
from reverie.critic.critic import Critic
from reverie.errors import InputError
from reverie.media.animation import AnimationWriter, read_animation
from reverie.media.flow import Motion, motion, softened, warp
from reverie.media.metadata import read_settings
from reverie.media.video import read_video
from reverie.objective.temporal import Temporal
from reverie.tools.film_steps import VideoStep, film_steps
from reverie.tools.style import StyleState, style_steps
from reverie.tools.style_config import StyleConfig
from reverie.tools.style_film import StyleHand, later_steps, reach_of, shares_at
from reverie.tools.style_film_config import StyleFilmConfig
from reverie.tools.style_film_work import StyleFilm
from reverie.tools.style_plan import Scale, plan_style
from reverie.tools.style_sources import Style, StylePictures
from reverie.tools.style_terms import StyleTerms
from reverie.tools.style_work import layer_names

Work = Callable[..., StyleFilm]
SIZE = (48, 64)
CLIP = pan(6, (1, 2), SIZE)
OTHER = texture(*SIZE, seed=9)
CONFIG = StyleConfig(
    score="gram", size=64, min_size=40, steps=6, min_steps=4, style_layer=("conv1", "conv2"), content_layer=("conv2",),
    precision="fp32", device="cpu",
)  # fmt: skip


def tensor(frame: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(frame)).permute(2, 0, 1)[None].float() / 255


def to_bytes(images: Tensor) -> np.ndarray:
    return (images[0].permute(1, 2, 0).clamp(0, 1).numpy() * 255 + 0.5).astype(np.uint8)


def style(seed: int, weight: float = 1.0) -> Style:
    return Style(f"{seed}.png", tensor(texture(60, 60, seed)), None, weight)


def hand(
    critic: Critic, clip: np.ndarray = CLIP, styles: tuple[Style, ...] = (), config: StyleConfig = CONFIG,
    **film: object,
) -> StyleHand:  # fmt: skip
    pictures = StylePictures(styles or (style(3),))
    plan = plan_style(SIZE, config, critic, layer_names(config, critic))
    terms = StyleTerms(config, critic, pictures, tensor(clip[0]), None)
    return StyleHand(config, StyleFilmConfig(**film), plan, pictures, terms, motion, len(clip))  # type: ignore[arg-type]


def run(critic: Critic, clip: np.ndarray = CLIP, cuts: bool = True, **options: object) -> list[VideoStep]:
    return list(film_steps(iter(clip), hand(critic, clip, **options), cuts=cuts, estimate=motion))  # type: ignore[arg-type]


def painted(maker: StyleHand, frame: np.ndarray) -> np.ndarray:
    """Return a frame painted as a picture of its own, by the tool for pictures."""
    steps = list(style_steps(tensor(frame), maker.pictures, maker.config, maker.plan, maker.all_terms))
    return to_bytes(steps[-1].whole())


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).max())


# -- frames -----------------------------------------------------------------------------------------------------


def test_without_coherence_every_frame_is_painted_as_a_picture(small_critic: Critic) -> None:
    maker = hand(small_critic, coherence="none")
    for step, frame in zip(run(small_critic, CLIP[:3], coherence="none"), CLIP, strict=False):
        assert np.array_equal(step.dream, painted(maker, frame))


def test_a_later_frame_begins_with_the_one_before_moved_along_and_hidden_places_with_the_content(
    small_critic: Critic,
) -> None:
    """Without a step, what is shown is the start itself: c * warped + (1 - c) * content."""
    steps = run(small_critic, CLIP[:2], later_steps=0)
    moved = motion(CLIP[1], CLIP[0])
    near = softened(moved.seen)[..., None]
    assert 0 < near.mean() < 1
    wanted = near * warp(steps[0].dream.astype(np.float32), moved.flow) + (1 - near) * CLIP[1]
    assert apart(steps[1].dream, (wanted.clip(0, 255) + 0.5).astype(np.uint8)) <= 1
    hidden = near[..., 0] == 0
    assert apart(steps[1].dream[hidden], CLIP[1][hidden]) <= 1


def test_later_frames_follow_the_formula_of_their_score(small_critic: Critic) -> None:
    """Objectives of the first frame, plus weight / 0.01 times the temporal score, from the warped start on."""
    weight = 2.0
    steps = run(small_critic, CLIP[:2], temporal=weight, anchor=(1,), later_steps=3)
    maker = hand(small_critic)
    last = maker.plan.scales[-1]
    first = maker.all_terms.at(tensor(CLIP[0]), last)
    moved = motion(CLIP[1], CLIP[0])
    near = softened(moved.seen)
    held = Temporal(tensor(warp(steps[0].dream, moved.flow)), torch.from_numpy(near)[None, None])

    class Terms:
        critic = small_critic

        def at(self, content: Tensor, scale: Scale):
            return first + weight / 0.01 * held

        def change(self, size: tuple[int, int]) -> None:
            return None

    share = near[..., None]
    start = (share * warp(steps[0].dream.astype(np.float32), moved.flow) + (1 - share) * CLIP[1]).clip(0, 255) / 255
    state = StyleState(pixels=torch.from_numpy(start).permute(2, 0, 1)[None].float().contiguous())
    plan = replace(maker.plan, scales=(Scale(last.size, 3, last.tile_px),))
    made = list(style_steps(tensor(CLIP[1]), maker.pictures, CONFIG, plan, Terms(), state))
    assert apart(steps[1].dream, to_bytes(made[-1].whole())) <= 1
    assert steps[1].score == pytest.approx(made[-1].score, rel=1e-4)


def test_a_large_weight_holds_the_picture_before_where_it_is_seen(small_critic: Critic) -> None:
    """And none lets go of it; what is hidden moves either way."""
    clip, moved = CLIP[:2], motion(CLIP[1], CLIP[0])
    inside = softened(moved.seen) > 0.99
    left = {}
    for weight in (0.0, 1.0, 1000.0):
        steps = run(small_critic, clip, temporal=weight, later_steps=20)
        before = warp(steps[0].dream, moved.flow)
        left[weight] = np.abs(steps[1].dream.astype(float) - before)[inside].mean()
    assert left[1000.0] < left[1.0] < left[0.0]
    assert left[1000.0] < 0.5 * left[0.0]


def test_flow_flickers_less_than_frames_apart(small_critic: Critic) -> None:
    means = {}
    for coherence in ("none", "flow"):
        steps = run(small_critic, coherence=coherence)
        assert steps[0].flicker is None
        means[coherence] = np.mean([s.flicker for s in steps[1:]])  # type: ignore[arg-type]
    assert means["flow"] < 0.7 * means["none"]


def test_a_held_frame_is_painted_once(small_critic: Critic) -> None:
    steps = run(small_critic, CLIP[[0, 1, 1]])
    assert [s.held for s in steps] == [False, False, True]
    assert np.array_equal(steps[1].dream, steps[2].dream) and steps[2].flicker == 0


def test_a_cut_begins_anew_with_all_scales(small_critic: Critic) -> None:
    clip = np.stack([*CLIP[:2], OTHER])
    steps = run(small_critic, clip)
    assert [s.cut for s in steps] == [False, False, True] and steps[2].flicker is None
    assert np.array_equal(steps[2].dream, painted(hand(small_critic, clip), OTHER))
    carried = run(small_critic, clip, cuts=False)
    assert not carried[2].cut and not np.array_equal(carried[2].dream, steps[2].dream)


def test_styles_are_looked_at_once_for_all_frames(small_critic: Critic, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[tuple[int, int]] = []
    original = StyleTerms._seen

    def counted(self: StyleTerms, style: Style, size: tuple[int, int], scale: Scale) -> dict[str, Tensor]:
        looked.append(size)
        return original(self, style, size, scale)

    monkeypatch.setattr(StyleTerms, "_seen", counted)
    clip = np.stack([*CLIP[:3], OTHER, texture(*SIZE, seed=11)])  # three scenes
    maker = hand(small_critic, clip)
    assert sum(s.cut for s in film_steps(iter(clip), maker, cuts=True, estimate=motion)) == 2
    assert len(looked) == len(maker.plan.scales)


# -- anchors ----------------------------------------------------------------------------------------------------


def held_at(critic: Critic, number: int, anchor: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> list[Temporal]:
    """Return the temporal scores that a frame was painted with."""
    seen: dict[int, list[Temporal]] = {}
    maker = hand(critic, anchor=anchor, later_steps=1)
    original = maker._painted

    def kept(*arguments: object):
        seen[len(seen)] = [term for _, term in maker.scene.held]  # type: ignore[misc]
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(maker, "_painted", kept)
    list(film_steps(iter(CLIP[: number + 1]), maker, cuts=True, estimate=motion))
    return seen[number]


def test_anchors_reach_back_as_far_as_the_scene_does(small_critic: Critic, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = [len(held_at(small_critic, n, (1, 3), monkeypatch)) for n in range(5)]
    assert counts == [0, 1, 1, 2, 2]
    assert held_at(small_critic, 2, (), monkeypatch) == []


def test_a_farther_anchor_counts_where_the_nearer_one_sees_nothing(
    small_critic: Critic, monkeypatch: pytest.MonkeyPatch
) -> None:
    near, far = held_at(small_critic, 4, (3, 1), monkeypatch)  # in whatever order they are given
    one, three = (softened(motion(CLIP[4], CLIP[4 - back]).seen) for back in (1, 3))
    assert np.allclose(near.weight[0, 0].numpy(), one)
    assert np.allclose(far.weight[0, 0].numpy(), (three - one).clip(0))


def test_how_far_back_a_film_looks() -> None:
    assert reach_of(StyleFilmConfig(anchor=(1, 8))) == 8
    assert reach_of(StyleFilmConfig(anchor=())) == 1
    assert reach_of(StyleFilmConfig(anchor=(1, 8), coherence="none")) == 1


def test_steps_of_later_frames() -> None:
    last = Scale((48, 64), 50)
    assert later_steps(StyleFilmConfig(), last) == 20
    assert later_steps(StyleFilmConfig(), Scale((48, 64), 1)) == 1
    assert [later_steps(StyleFilmConfig(later_steps=n), last) for n in (0, 7)] == [0, 7]


# -- styles over time -------------------------------------------------------------------------------------------


def test_shares_go_evenly_through_all_styles() -> None:
    assert [shares_at(n, 5, 2) for n in range(5)] == [[1, 0], [0.75, 0.25], [0.5, 0.5], [0.25, 0.75], [0, 1]]
    assert [shares_at(n, 5, 3) for n in (0, 1, 2, 4)] == [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]]
    assert shares_at(0, 1, 3) == [1, 0, 0]
    assert all(sum(shares_at(n, 17, 4)) == pytest.approx(1) for n in range(17))


def test_interpolation_begins_with_the_first_style_alone_and_ends_with_the_last(small_critic: Critic) -> None:
    both = (style(3), style(4))
    steps = run(small_critic, CLIP[:3], styles=both, interpolate=True, coherence="none")
    for number, single in ((0, both[0]), (2, both[1])):
        alone = painted(hand(small_critic, styles=(single,)), CLIP[number])
        assert apart(steps[number].dream, alone) <= 2
    assert apart(steps[1].dream, painted(hand(small_critic, styles=(both[0],)), CLIP[1])) > 2


def test_interpolated_frames_of_a_still_scene_are_not_held(small_critic: Critic) -> None:
    steps = run(small_critic, CLIP[[0, 0, 0]], styles=(style(3), style(4)), interpolate=True)
    assert not any(s.held for s in steps)
    assert not np.array_equal(steps[0].dream, steps[2].dream)


# -- films as jobs ----------------------------------------------------------------------------------------------


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", list(CLIP), Fraction(30000, 1001), sound="aac")


@pytest.fixture
def work(tmp_path: Path, small_critic: Critic, monkeypatch: pytest.MonkeyPatch) -> Work:
    """Return a function that makes a job with the small network."""
    monkeypatch.setattr(reverie.tools.style_film_work, "open_critic", lambda *a, **k: small_critic)
    for seed in (3, 4):
        Image.fromarray(texture(60, 60, seed)).save(tmp_path / f"{seed}.png")

    def made(source: Path, target: str, styles: tuple[int, ...] = (3,), config: StyleConfig = CONFIG, **film: object):
        named = tuple(str(tmp_path / f"{seed}.png") for seed in styles)
        return StyleFilm(source, tmp_path / target, replace(config, style=named), StyleFilmConfig(**film))  # type: ignore[arg-type]

    return made


def test_a_job_writes_a_film_with_sound_and_settings(tmp_path: Path, clip: Path, work: Work) -> None:
    job = work(clip, "out.mp4")
    assert [step.index for step in job] == list(range(6))
    measured = job.finish()
    info = read_video(tmp_path / "out.mp4")
    assert (info.rate, info.frames, info.size) == (Fraction(30000, 1001), 6, SIZE)
    assert [p[1] for p in sound_packets(tmp_path / "out.mp4")] == [p[1] for p in sound_packets(clip)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["3.png", "4.png", "clip.mp4", "out.mp4"]
    settings = read_settings(tmp_path / "out.mp4")
    assert settings["tool"] == "style-film" and settings["flicker"] == measured["flicker"] > 0
    assert settings["config"]["style"] == ["3.png:1"] and settings["files"]["style 1"]["sha256"]
    assert settings["video"] | {"coherence": "flow", "temporal": 1.0, "anchor": [1, 8]} == settings["video"]
    assert str(tmp_path) not in str(settings)


@pytest.mark.parametrize(
    "film", [{}, {"anchor": (2, 4)}, {"coherence": "none"}, {"interpolate": True}],
    ids=["flow", "anchors", "none", "interpolate"],
)  # fmt: skip
def test_a_stopped_job_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path, work: Work, film: dict[str, object]
) -> None:
    """Stopped before, at and behind a cut, whose frame sets what the scene is measured by."""
    source = write_clip(tmp_path / "cut.mp4", [*CLIP[:3], OTHER, *pan(3, (1, 2), SIZE, seed=9)[1:]])
    whole = work(source, "whole.mp4", (3, 4), **film)
    assert [s.index for s in whole if s.cut][:1] == [3]
    whole.finish()
    for stop in (1, 3, 4, 5, 6):
        first = iter(work(source, f"stopped{stop}.mp4", (3, 4), **film))
        for _ in range(stop):
            next(first)
        del first
        second = work(source, f"stopped{stop}.mp4", (3, 4), **film)
        assert [s.index for s in second] == list(range(stop, 6))
        second.finish()
        assert (tmp_path / f"stopped{stop}.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_a_job_does_not_go_on_with_frames_of_another(clip: Path, work: Work) -> None:
    next(iter(work(clip, "out.mp4")))
    with pytest.raises(InputError, match=r"video temporal: 1\.0 then, 3\.0 now"):
        next(iter(work(clip, "out.mp4", temporal=3.0)))
    with pytest.raises(InputError, match="style"):
        next(iter(work(clip, "out.mp4", (4,))))
    assert [s.index for s in work(clip, "out.mp4", crf=30)] == [1, 2, 3, 4, 5]  # the codec is no matter of the frames


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_an_animation_keeps_times_loops_and_transparency(tmp_path: Path, suffix: str, work: Work) -> None:
    alpha = np.full(SIZE, 255, np.uint8)
    alpha[:20, :30] = 0
    with AnimationWriter(tmp_path / f"a{suffix}", SIZE, plays=3, transparent=True) as writer:
        for frame, duration in zip(CLIP[:3], (50, 80, 400), strict=True):
            writer.write(np.dstack([frame, alpha]), duration)
    job = work(tmp_path / f"a{suffix}", f"b{suffix}")
    list(job)
    job.finish()
    info = read_animation(tmp_path / f"b{suffix}")
    assert (info.durations_ms, info.plays, info.transparent, info.size) == ((50, 80, 400), 3, True, SIZE)


def test_a_region_that_is_kept_stays_as_it_is_in_all_frames(tmp_path: Path, clip: Path, work: Work) -> None:
    mask = np.zeros(SIZE, np.uint8)
    mask[:, :32] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    config = replace(CONFIG, region=(f"mask={tmp_path / 'mask.png'},keep=1",))
    job = work(clip, "out.mkv", config=config)
    for number, step in enumerate(job):
        source = read_frame(clip, number)
        assert apart(step.dream[:, :31], source[:, :31]) <= 1
        assert np.abs(step.dream[:, 34:].astype(int) - source[:, 34:]).mean() > 2


def read_frame(path: Path, number: int) -> np.ndarray:
    from reverie.media.video import frames

    return list(frames(path))[number]


@pytest.mark.parametrize(
    ("styles", "film", "expected"),
    [
        ((3,), {"interpolate": True}, "--interpolate goes from one style to another; name two or more"),
        ((3,), {"anchor": (0,)}, "--anchor counts frames back, from 1 to 64; got 0"),
        ((3,), {"anchor": (1, 65)}, "got 1, 65"),
    ],
)
def test_what_a_film_has_no_use_for_is_refused(
    clip: Path, work: Work, styles: tuple[int, ...], film: dict[str, object], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        work(clip, "out.mp4", styles, **film)


def test_motion_that_explains_nothing_takes_nothing_over(small_critic: Critic) -> None:
    maker = hand(small_critic, later_steps=0)
    shown, _ = maker.fresh(CLIP[0])
    nothing = Motion(np.zeros((*SIZE, 2), np.float32), np.zeros(SIZE, bool))
    later, _ = maker.later(CLIP[1], [shown], nothing, 1)
    assert apart(later.dream, CLIP[1]) <= 1
