"""Painting frame after frame: what is held, what begins anew, and going on after a stop."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import reverie.critic.open
from clips import pan, write_clip
from reverie.api.styling import Styling
from reverie.critic.critic import Critic
from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.many import scratch_of
from reverie.jobs.run import Run, open_run
from reverie.jobs.session import Session
from reverie.media.animation import AnimationWriter, read_animation
from reverie.media.flow import Motion
from reverie.media.metadata import read_settings
from reverie.media.video import read_video
from reverie.tools.fast import model as fast_style
from reverie.tools.films.motion_estimate import open_estimator
from reverie.tools.films.steps import Shown, VideoStep, film_steps
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.sources import read_styles
from reverie.tools.style_film.config import StyleFilmConfig, StyleFilmJob
from reverie.tools.style_film.frames import StyleFrames, frames_back, later_steps
from reverie.tools.style_film.keys import StyleKeys, parse_style_keys
from reverie.tools.style_film.tool import STYLE_FILM
from reverie.tools.style_film.work import StyleFilm
from reverie.tools.style_steps.plan import Scale, plan_style
from reverie.tools.style_steps.terms import StyleTerms
from reverie.tools.style_steps.transfer import layer_names

SIZE = (48, 64)
QUICK = {"min_size": 48, "steps": 2, "min_steps": 1, "score": "gram", "precision": "fp32", "device": "cpu"}
CLIP = pan(4, (1, 2), SIZE)
SCENES = np.concatenate([pan(2, (1, 2), SIZE), pan(4, (2, 0), SIZE, seed=9)])


@pytest.fixture(autouse=True)
def opened_once(critic: Critic, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (reverie.critic.open, fast_style):
        monkeypatch.setattr(module, "open_critic", lambda *_, **__: critic)


@pytest.fixture(scope="module")
def styles(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("styles")
    y, x = np.mgrid[0:70, 0:80] / 80
    for name, rate, shift in (("a", 50, 0), ("b", 25, 90)):
        waves = np.stack([np.sin(rate * x), np.sin(rate * y), np.sin(rate * (x + y))], -1)
        Image.fromarray((100 + shift / 2 + 100 * waves).clip(0, 255).astype(np.uint8)).save(folder / f"{name}.png")
    return str(folder / "a.png"), str(folder / "b.png")


def steps_of(
    critic: Critic, styles: tuple[str, ...], clip: np.ndarray = CLIP, estimate: Any = None, config: Any = (),
    keys: str = "", **film: Any,
) -> list[VideoStep]:  # fmt: skip
    how = StyleFilmConfig(**film)
    settings = StyleConfig(style=styles, **(QUICK | dict(config)))
    pictures = read_styles(settings)
    plan = plan_style(SIZE, settings, critic, layer_names(settings, critic))
    first = torch.from_numpy(clip[0].copy()).permute(2, 0, 1)[None].float() / 255
    terms = StyleTerms(settings, critic, pictures, first, None)
    estimate = estimate or open_estimator()
    names = [style.name for style in pictures.styles]
    keyframes = parse_style_keys(keys) if keys else None
    keyed = StyleKeys(keyframes, interpolate=how.interpolate, names=names, total=len(clip), rate=Fraction(2))
    hand = StyleFrames(settings, how, plan, pictures, terms, estimate, keyed)
    return list(film_steps(iter(clip), hand, cuts=how.cuts, estimate=estimate))


def stylized(critic: Critic, frame: np.ndarray, *styles: str, **config: Any) -> np.ndarray:
    settings = StyleConfig(style=styles, **(QUICK | config))
    return (Styling(frame, settings, critic).array() * 255 + 0.5).astype(np.uint8)


def style_distance(critic: Critic, styles: tuple[str, ...], source: np.ndarray, made: np.ndarray) -> float:
    from reverie.optimize.two_pass import TwoPass

    work = Styling(source, StyleConfig(style=styles, strength=1.0, smooth=0.0, **QUICK), critic)
    objective = work.terms.at(work.content, work.plan.scales[-1])
    tensor = torch.from_numpy(made.copy()).permute(2, 0, 1)[None].float() / 255
    values = TwoPass(critic, objective, work.content).values(tensor, torch.Generator())
    return -sum(w * v for (w, _), v in zip(objective.terms(), values, strict=True))


def test_without_coherence_every_frame_is_stylized_as_a_picture(critic: Critic, styles) -> None:
    for step, frame in zip(steps_of(critic, styles[:1], CLIP[:2], coherence="none"), CLIP, strict=False):
        assert np.array_equal(step.dream, stylized(critic, frame, styles[0]))
        assert (step.strength == 255).all() and not step.cut


@pytest.mark.real
@pytest.mark.slow
def test_flow_flickers_less_and_is_as_near_to_the_style(critic: Critic, styles) -> None:
    found = {}
    for coherence in ("none", "flow"):
        made = steps_of(critic, styles[:1], CLIP[:3], coherence=coherence, config={"steps": 8})
        flickers = [step.flicker for step in made[1:]]
        assert None not in flickers and made[0].flicker is None
        found[coherence] = np.mean(flickers), 1 - style_distance(critic, styles[:1], CLIP[2], made[-1].dream)
    assert found["flow"][0] < 0.7 * found["none"][0]
    assert found["flow"][1] > 0.8 * found["none"][1] > 0.01


@pytest.mark.real
@pytest.mark.slow
def test_more_temporal_weight_flickers_less(critic: Critic, styles) -> None:
    means = []
    for temporal in (0, 20):
        made = steps_of(critic, styles[:1], CLIP[:2], config={"steps": 8}, temporal=temporal)
        means.append(made[1].flicker)
    assert means[1] < 0.9 * means[0]


def test_a_cut_begins_anew(critic: Critic, styles) -> None:
    clip = SCENES[:3]
    made = steps_of(critic, styles[:1], clip)
    assert [s.cut for s in made] == [False, False, True]
    assert made[2].flicker is None
    assert np.array_equal(made[2].dream, stylized(critic, clip[2], styles[0]))
    carried = steps_of(critic, styles[:1], clip, cuts=False)
    assert not carried[2].cut and not np.array_equal(carried[2].dream, made[2].dream)


def test_a_held_frame_gives_the_same_picture(critic: Critic, styles) -> None:
    made = steps_of(critic, styles[:1], CLIP[[0, 1, 1]])
    assert [s.held for s in made] == [False, False, True]
    assert np.array_equal(made[1].dream, made[2].dream) and made[2].flicker == 0
    keyed = steps_of(critic, styles, CLIP[[0, 1, 1]], interpolate=True)
    assert not keyed[2].held and not np.array_equal(keyed[1].dream, keyed[2].dream)


@pytest.mark.slow
def test_frames_further_back_are_looked_at_where_the_one_before_does_not_see(critic: Critic, styles) -> None:
    """An occluder hides the left in the third frame; the fourth stays near to the second there, by its anchor."""
    clip = np.stack([CLIP[0]] * 4)
    clip[2, :, :24] = 255 - clip[2, :, :24]
    clip[3, -1, -1] ^= 1  # frames of the same bytes would be held
    back: list[int] = []

    def estimate(current: np.ndarray, previous: np.ndarray) -> Motion:
        numbers = [n for n in range(4) if np.array_equal(clip[n], previous)]
        back.append(numbers[-1])
        seen = np.ones(SIZE, bool)
        if np.array_equal(previous, clip[2]):
            seen[:, :24] = False
        return Motion(np.zeros((*SIZE, 2), np.float32), seen)

    clip[1, 0, 0] ^= 1
    config = {"steps": 8, "content_layer": ("mixed4a",)}
    near = steps_of(critic, styles[:1], clip, estimate, config, anchor=(1,), cuts=False, temporal=100)
    assert back == [0, 1, 2]
    back.clear()
    far = steps_of(critic, styles[:1], clip, estimate, config, anchor=(1, 2), cuts=False, temporal=100)
    assert back == [0, 1, 0, 2, 1]
    apart = [np.abs(made[3].dream[:, :16].astype(int) - made[1].dream[:, :16]).mean() for made in (near, far)]
    assert apart[1] < 0.7 * apart[0]


def test_anchors_do_not_reach_behind_a_cut(critic: Critic, styles) -> None:
    """What follows a cut is the same whatever came before it."""
    made = steps_of(critic, styles[:1], SCENES[:5], anchor=(1, 2, 3))
    alone = steps_of(critic, styles[:1], SCENES[2:5], anchor=(1, 2, 3))
    assert [s.cut for s in made] == [False, False, True, False, False]
    for a, b in zip(made[2:], alone, strict=True):
        assert np.array_equal(a.dream, b.dream)


def test_interpolation_goes_from_the_first_style_to_the_last(critic: Critic, styles) -> None:
    made = steps_of(critic, styles, CLIP[:3], interpolate=True, coherence="none")
    assert np.array_equal(made[0].dream, stylized(critic, CLIP[0], styles[0]))
    assert np.array_equal(made[2].dream, stylized(critic, CLIP[2], styles[1]))
    assert np.array_equal(made[1].dream, stylized(critic, CLIP[1], *styles))


def test_keyed_styles_and_strengths_hold_at_their_frames(critic: Critic, styles) -> None:
    keys = "style: {0: a, 0.5: {a.png: 1, 2: 3}, 1s: b.png}\nstrength: {0f: 0.2, 2f: 0.8}"
    made = steps_of(critic, styles, CLIP[:3], keys=keys, coherence="none")
    assert np.array_equal(made[0].dream, stylized(critic, CLIP[0], styles[0], strength=0.2))
    assert np.array_equal(made[1].dream, stylized(critic, CLIP[1], f"{styles[0]}:1", f"{styles[1]}:3", strength=0.5))
    assert np.array_equal(made[2].dream, stylized(critic, CLIP[2], styles[1], strength=0.8))


def test_keyed_strength_leaves_regions_with_their_own(critic: Critic, styles, tmp_path: Path) -> None:
    Image.fromarray(np.repeat(np.uint8([0, 255]), 32)[None].repeat(48, 0)).save(tmp_path / "right.png")
    settings = StyleConfig(
        style=styles[:1],
        region=(f"mask={tmp_path}/right.png,strength=0.9", f"outside={tmp_path}/right.png,style={styles[1]}"),
        **QUICK,
    )
    terms = StyleTerms(settings, critic, read_styles(settings), torch.zeros(1, 3, *SIZE), None)
    assert [area.strength for area in terms.turned(None, 0.1).areas] == [0.9, 0.1, 0.1]
    assert [area.strength for area in terms.areas] == [0.9, 0.5, 0.5]


def test_steps_and_reach_follow_the_settings() -> None:
    assert later_steps(StyleFilmConfig(), Scale((4, 4), 100, 0)) == 40
    assert later_steps(StyleFilmConfig(), Scale((4, 4), 1, 0)) == 1
    assert later_steps(StyleFilmConfig(later_steps=0), Scale((4, 4), 100, 0)) == 0
    assert frames_back(StyleFilmConfig()) == 8 and frames_back(StyleFilmConfig(anchor=())) == 1
    assert frames_back(StyleFilmConfig(coherence="none")) == 1


@pytest.mark.slow
def test_a_still_picture_is_not_held_back_unless_asked(tmp_path: Path, styles) -> None:
    Image.fromarray(CLIP[0]).save(tmp_path / "still.png")
    how = {"interpolate": True, "seconds": 1, "fps": "3", "later_steps": 16, "config": {"steps": 16}}
    free = frames_of(film(tmp_path / "still.png", tmp_path / "a.mp4", styles, **how))
    held = frames_of(film(tmp_path / "still.png", tmp_path / "b.mp4", styles, temporal=50.0, **how))
    assert (free.video.temporal, held.video.temporal) == (0, 50)
    apart = [np.abs(made[2].dream.astype(int) - made[0].dream).mean() for made in (list(free), list(held))]
    assert apart[1] < 0.5 * apart[0]


def test_without_later_steps_what_was_stylized_is_moved_along(critic: Critic, styles) -> None:
    made = steps_of(critic, styles[:1], CLIP[:2], later_steps=0, config={"color": "style"})
    assert made[1].score is None
    assert made[1].flicker is not None and made[1].flicker < 3


# -- films on disk ------------------------------------------------------------------------------------------------


def film(source: Path, target: Path, styles: tuple[str, ...], config: Any = (), **how: Any) -> Run:
    plain = {"fast": "any", "precision": "fp32", "device": "cpu"}
    chosen = dict(config)
    settings = StyleConfig(style=styles, **((plain if chosen.get("fast") else QUICK) | chosen))
    job = StyleFilmJob(settings, StyleFilmConfig(audio=False, **how))
    return open_run(STYLE_FILM, job, Given(source, kind="film"), Session(), scratch=scratch_of(target))


def frames_of(run: Run) -> StyleFilm:
    """The frames of a run, one by one, with what was measured of each."""
    frames: StyleFilm = run.work.job  # type: ignore[attr-defined]
    return frames


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", list(SCENES), Fraction(25))


def finished(run: Run, target: Path) -> bytes:
    list(run)
    run.save(target)
    run.close()
    return target.read_bytes()


@pytest.mark.parametrize(
    ("config", "how", "count"),
    [
        ({"min_size": 32}, {"anchor": (1, 2)}, 1),
        ({"color": "match", "steps": 1}, {"interpolate": True}, 2),
        pytest.param({"fast": "any"}, {}, 1, marks=pytest.mark.real),
        pytest.param({"fast": "any", "color": "match"}, {"interpolate": True}, 2, marks=pytest.mark.real),
    ],
    ids=["flow", "interpolate", "fast", "fast-interpolate"],
)
@pytest.mark.slow
def test_a_stopped_film_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path, clip: Path, styles, config: dict, how: dict, count: int
) -> None:
    used = styles[:count]
    whole = film(clip, tmp_path / "whole.mp4", used, config, **how)
    frames = [step.dream for step in frames_of(whole)]
    assert [n for n in range(6) if frames_of(whole).folder.record(n)["cut"]] == [2]
    finished(whole, tmp_path / "whole.mp4")
    for stop in (1, 4):  # in the first scene, and in the middle of the second
        target = tmp_path / f"stopped{stop}.mp4"
        first = iter(film(clip, target, used, config, **how))
        for _ in range(stop):
            next(first)
        del first
        second = film(clip, target, used, config, **how)
        seen = {step.index: step.dream for step in frames_of(second)}
        assert list(seen) == list(range(stop, 6))
        assert all(np.array_equal(frames[n], made) for n, made in seen.items())
        assert finished(second, target) == (tmp_path / "whole.mp4").read_bytes()
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".mp4"] * 3


def test_a_film_carries_its_settings_and_no_folder(tmp_path: Path, clip: Path, styles) -> None:
    work = film(clip, tmp_path / "out.mp4", styles[:1], {"steps": 1, "min_steps": 1, "size": 48})
    finished(work, tmp_path / "out.mp4")
    record = read_settings(tmp_path / "out.mp4")
    assert record["tool"] == "style-film" and record["config"]["style"] == ["a.png:1"]
    assert record["input"]["name"] == "clip.mp4" and record["cuts"] == [2] and record["frames"] == 6
    assert record["video"]["later_steps"] == 1 and record["video"]["anchor"] == [1, 8]
    assert str(Path(styles[0]).parent) not in str(record) and str(tmp_path) not in str(record)
    assert read_video(tmp_path / "out.mp4").size == (36, 48)


def test_frames_of_another_job_are_not_gone_on_with(tmp_path: Path, clip: Path, styles) -> None:
    next(iter(film(clip, tmp_path / "out.mp4", styles[:1])))
    with pytest.raises(InputError, match=r"video temporal: 1\.0 then, 2\.0 now"):
        next(iter(film(clip, tmp_path / "out.mp4", styles[:1], temporal=2.0)))
    with pytest.raises(InputError, match=r"config style"):
        next(iter(film(clip, tmp_path / "out.mp4", styles[1:])))


@pytest.mark.parametrize("fast", [False, pytest.param(True, marks=pytest.mark.real)])
def test_an_animation_keeps_times_loops_and_transparency(tmp_path: Path, styles, fast: bool) -> None:
    alpha = np.full(SIZE, 255, np.uint8)
    alpha[:20, :30] = 0
    with AnimationWriter(tmp_path / "a.gif", SIZE, plays=3, transparent=True) as writer:
        for frame, duration in zip(CLIP[:2], (50, 80), strict=True):
            writer.write(np.dstack([frame, alpha]), duration)
    work = film(tmp_path / "a.gif", tmp_path / "b.gif", styles[:1], {"fast": "any"} if fast else {})
    finished(work, tmp_path / "b.gif")
    info = read_animation(tmp_path / "b.gif")
    assert (info.durations_ms, info.plays, info.transparent, info.size) == ((50, 80), 3, True, SIZE)


@pytest.mark.real
def test_frames_of_the_fast_hand_are_blended_with_those_before(tmp_path: Path, clip: Path, styles) -> None:
    """Where all is seen and nothing moves, half of what is shown comes from the frame before."""
    still = np.stack([CLIP[0]] * 3)
    still[1, 10:20, 10:20] = 255
    source = write_clip(tmp_path / "still.mp4", list(still))
    how = (styles[:1], {"fast": "any"})
    alone = [s.dream for s in frames_of(film(source, tmp_path / "a.mp4", *how, coherence="none"))]
    half = list(frames_of(film(source, tmp_path / "b.mp4", *how)))
    none = [s.dream for s in frames_of(film(source, tmp_path / "c.mp4", *how, temporal=0.0))]
    assert all(np.array_equal(a, b) for a, b in zip(alone, none, strict=True))
    assert [s.score for s in half] == [None] * 3
    assert np.array_equal(half[0].dream, alone[0])
    where = np.s_[30:44, 36:60]
    wanted = (half[0].dream[where].astype(float) + alone[1][where]) / 2
    assert np.abs(half[1].dream[where] - wanted).max() <= 1.5


@pytest.mark.real
def test_flow_makes_the_fast_hand_flicker_less(tmp_path: Path, styles) -> None:
    noisy = CLIP + np.random.default_rng(0).normal(0, 6, CLIP.shape)
    source = write_clip(tmp_path / "noisy.mp4", list(noisy.clip(0, 255).astype(np.uint8)))
    means = {}
    for coherence in ("none", "flow"):
        made = film(source, tmp_path / f"{coherence}.mp4", styles[:1], {"fast": "any"}, coherence=coherence)
        means[coherence] = np.mean([s.flicker for s in frames_of(made) if s.flicker is not None])
    assert means["flow"] < 0.8 * means["none"]


@pytest.mark.parametrize(
    ("config", "how", "words"),
    [
        ({}, {"interpolate": True}, "two or more"),
        ({}, {"anchor": (0,)}, "from 1 to 64"),
        ({}, {"anchor": (65,)}, "from 1 to 64"),
        ({"init_picture": "a.png"}, {}, "goes with a picture"),
        pytest.param({"fast": "any", "steps": 7}, {}, "no use for --steps", marks=pytest.mark.real),
    ],
)
def test_what_a_film_has_no_use_for_is_refused(tmp_path: Path, clip: Path, styles, config, how, words) -> None:
    if "init_picture" in config:
        config = {"init_picture": styles[1]}
    with pytest.raises(InputError, match=words):
        film(clip, tmp_path / "out.mp4", styles[:1], config, **how)
    assert not list(tmp_path.iterdir())


def test_a_frame_made_before_is_taken_as_it_was_stored(critic: Critic, styles) -> None:
    """Frames 2 and 3 follow from what was shown of 0 and 1 and from the first frame of their scene alone."""
    how = StyleFilmConfig(anchor=(1, 2))
    settings = StyleConfig(style=styles[:1], **QUICK)
    pictures = read_styles(settings)
    plan = plan_style(SIZE, settings, critic, layer_names(settings, critic))
    first = torch.from_numpy(CLIP[0].copy()).permute(2, 0, 1)[None].float() / 255
    whole = steps_of(critic, styles[:1], anchor=(1, 2))
    terms = StyleTerms(settings, critic, pictures, first, None)
    hand = StyleFrames(settings, how, plan, pictures, terms, open_estimator())
    hand.enter(CLIP[0])
    history = [Shown(CLIP[n], whole[n].dream, whole[n].strength) for n in (0, 1)]
    rest = film_steps(iter(CLIP[2:]), hand, cuts=True, estimate=open_estimator(), history=history, first=2)
    for a, b in zip(whole[2:], rest, strict=True):
        assert np.array_equal(a.dream, b.dream) and a.flicker == b.flicker
