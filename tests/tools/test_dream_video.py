"""Dreaming frame after frame: against a naive loop, what is carried over, cuts, masks, resuming."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from film_case import as_work, finished
from torch import Tensor

from clips import pan, sound_packets, texture, write_clip
from reverie.critic.critic import Critic
from reverie.errors import InputError
from reverie.media.animation import AnimationWriter, read_animation
from reverie.media.flow import motion, softened, warp
from reverie.media.metadata import read_settings
from reverie.media.video import frames, read_video
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream_film.video import dream_video, fresh_share, later_steps
from reverie.tools.dream_film.video_work import VideoDream
from reverie.tools.dream_steps.ascent import dream_steps
from reverie.tools.films.steps import Shown, VideoStep
from reverie.tools.films.video_config import VideoConfig

CONFIG = DreamConfig(octaves=2, steps=4, step_size=0.02, jitter=8, model="small")
SIZE = (80, 112)
CLIP = pan(6, (1, 2), SIZE)


def tensor(frame: np.ndarray) -> Tensor:
    return torch.from_numpy(frame.copy()).permute(2, 0, 1)[None].float() / 255


def dreamt(start: np.ndarray, config: DreamConfig, critic: Critic, weight: np.ndarray | None = None) -> np.ndarray:
    picture = tensor(start) if start.dtype == np.uint8 else float_tensor(start)
    mask = None if weight is None else torch.from_numpy(weight)[None, None].float()
    images = list(dream_steps(picture, config, critic=critic, mask=mask))
    return (images[-1].images[0].permute(1, 2, 0).numpy() * 255 + 0.5).astype(np.uint8)


def float_tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.clip(0, 255) / 255).float().permute(2, 0, 1)[None].contiguous()


def run(critic: Critic, video: VideoConfig, clip: np.ndarray = CLIP, **options: object) -> list[VideoStep]:
    return list(dream_video(iter(clip), CONFIG, video, critic=critic, **options))  # type: ignore[arg-type]


def test_without_coherence_every_frame_is_dreamt_as_a_picture(small_critic: Critic) -> None:
    for step, frame in zip(run(small_critic, VideoConfig(coherence="none"), CLIP[:3]), CLIP, strict=False):
        assert np.array_equal(step.dream, dreamt(frame, CONFIG, small_critic))


def test_flow_follows_its_formula(small_critic: Critic) -> None:
    """Frame + (1 - blend) * the dream's difference, moved and masked; then as many steps as each pixel lacks."""
    blend, later = 0.2, 2
    steps = run(small_critic, VideoConfig(blend=blend, later_steps=later), CLIP[:3])
    before, complete = dreamt(CLIP[0], CONFIG, small_critic), np.ones(SIZE, np.float32)
    assert np.array_equal(steps[0].dream, before) and (steps[0].strength == 255).all()
    for number in (1, 2):
        moved = motion(CLIP[number], CLIP[number - 1])
        kept = (1 - blend) * softened(moved.seen)
        start = CLIP[number] + kept[..., None] * warp(before.astype(np.float32) - CLIP[number - 1], moved.flow)
        complete = kept * warp(complete, moved.flow).clip(0, 1)
        weight = ((1 - complete) * CONFIG.steps / later).clip(0, 1)
        complete = np.round(255 * (complete + weight * later / CONFIG.steps)) / 255
        before = dreamt(start.astype(np.float32), replace(CONFIG, steps=later), small_critic, weight)
        assert np.abs(steps[number].dream.astype(int) - before).max() <= 1
        assert np.abs(steps[number].strength / 255 - complete).max() <= 1 / 255
        assert steps[number].seen == pytest.approx(moved.seen.mean())


def test_strength_is_restored_and_what_is_new_catches_up(small_critic: Critic) -> None:
    """Well inside, the dream stays complete; where the camera finds new ground it is complete after a few frames."""
    video = VideoConfig(blend=0.05, later_steps=2)
    strengths = [s.strength for s in run(small_critic, video, pan(5, (0, 6), SIZE))]
    assert all((s[20:60, 20:60] >= 254).all() for s in strengths)
    fresh = [s[20:60, -3:].mean() for s in strengths]
    assert fresh[1] == pytest.approx(127, abs=3)  # two of four steps
    strip = [strengths[1][20:60, -6:-3].mean(), strengths[3][20:60, -18:-15].mean()]
    assert strip[1] >= 254 > strip[0]


def test_blend_follows_its_formula(small_critic: Critic) -> None:
    steps = run(small_critic, VideoConfig(coherence="blend", blend=0.3, later_steps=2), CLIP[:2])
    start = 0.3 * CLIP[1].astype(np.float32) + 0.7 * steps[0].dream
    wanted = dreamt(start.astype(np.float32), replace(CONFIG, steps=2), small_critic)
    assert np.abs(steps[1].dream.astype(int) - wanted).max() <= 1


def test_flow_flickers_least(small_critic: Critic) -> None:
    means = {}
    for coherence in ("none", "blend", "flow"):
        steps = run(small_critic, VideoConfig(coherence=coherence))
        assert steps[0].flicker is None
        means[coherence] = np.mean([s.flicker for s in steps[1:]])
    assert means["flow"] < 0.6 * means["none"]
    assert means["flow"] < 0.8 * means["blend"]


def test_a_held_frame_gives_the_same_dream(small_critic: Critic) -> None:
    clip = CLIP[[0, 1, 1, 2]]
    steps = run(small_critic, VideoConfig(), clip)
    assert [s.held for s in steps] == [False, False, True, False]
    assert np.array_equal(steps[1].dream, steps[2].dream)
    assert steps[2].flicker == 0


def test_a_cut_begins_anew(small_critic: Critic) -> None:
    other = texture(*SIZE, seed=9)
    clip = np.stack([*CLIP[:2], other])
    steps = run(small_critic, VideoConfig(), clip)
    assert [s.cut for s in steps] == [False, False, True]
    assert steps[2].flicker is None
    assert np.array_equal(steps[2].dream, dreamt(other, CONFIG, small_critic))
    carried = run(small_critic, VideoConfig(cuts=False), clip)
    assert not carried[2].cut
    assert not np.array_equal(carried[2].dream, steps[2].dream)


def test_outside_the_mask_nothing_changes(small_critic: Critic) -> None:
    mask = torch.zeros(1, 1, *SIZE)
    mask[..., : SIZE[1] // 2] = 1
    for coherence in ("blend", "flow"):
        steps = run(small_critic, VideoConfig(coherence=coherence), CLIP[:3], mask=mask)
        for step, frame in zip(steps, CLIP, strict=False):
            assert np.array_equal(step.dream[:, SIZE[1] // 2 :], frame[:, SIZE[1] // 2 :])
            assert np.abs(step.dream[:, : SIZE[1] // 2 - 4].astype(int) - frame[:, : SIZE[1] // 2 - 4]).mean() > 2


@pytest.mark.parametrize("mode", ["constant", "uniform", "gaussian", "schedule"])
def test_a_run_can_go_on_anywhere(small_critic: Critic, mode: str) -> None:
    """Frames 3 to 5 depend on frame 2 and its dream alone, however the share varies."""
    video = VideoConfig(blend_mode=mode, blend=0.4)
    whole = run(small_critic, video)
    rest = run(small_critic, video, CLIP[3:], previous=Shown(CLIP[2], whole[2].dream, whole[2].strength), first=3)
    assert [s.index for s in rest] == [3, 4, 5]
    for a, b in zip(whole[3:], rest, strict=True):
        assert np.array_equal(a.dream, b.dream)
        assert (a.flicker, a.seen, a.cut) == (b.flicker, b.seen, b.cut)


def test_shares_have_the_distributions_they_are_named_for() -> None:
    def shares(mode: str) -> np.ndarray:
        video = VideoConfig(blend=0.5, blend_mode=mode, blend_spread=0.1, blend_period=40)
        return np.array([fresh_share(video, 7, n) for n in range(400)])

    assert (shares("constant") == 0.5).all()
    uniform, gaussian, schedule = shares("uniform"), shares("gaussian"), shares("schedule")
    assert 0.4 <= uniform.min() < 0.42 and 0.58 < uniform.max() <= 0.6
    assert uniform.std() == pytest.approx(0.1 / np.sqrt(3), rel=0.1)
    assert gaussian.std() == pytest.approx(0.1, rel=0.1) and gaussian.mean() == pytest.approx(0.5, abs=0.02)
    assert schedule[10] == pytest.approx(0.6) and schedule[30] == pytest.approx(0.4) and schedule[20] == schedule[0]
    wide = VideoConfig(blend=0.9, blend_mode="gaussian", blend_spread=1.0)
    assert all(0 <= fresh_share(wide, 0, n) <= 1 for n in range(50))


def test_steps_of_later_frames() -> None:
    config = DreamConfig(steps=10)
    assert later_steps(config, VideoConfig(coherence="none", later_steps=3)) == 10
    assert later_steps(config, VideoConfig(later_steps=3)) == 3
    assert 1 <= later_steps(config, VideoConfig()) < later_steps(config, VideoConfig(coherence="blend")) < 10
    assert later_steps(DreamConfig(steps=1), VideoConfig()) == 1
    assert later_steps(DreamConfig(steps=0), VideoConfig()) == 0


def work(source: Path, target: Path, critic: Critic, **settings: object) -> VideoDream:
    config = replace(CONFIG, precision="fp32")
    return VideoDream(source, target, config, VideoConfig(**settings), critic=critic)  # type: ignore[arg-type]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", list(CLIP), Fraction(30000, 1001), sound="aac")


def test_a_job_writes_a_video_with_sound_and_settings(tmp_path: Path, clip: Path, small_critic: Critic) -> None:
    job = work(clip, tmp_path / "out.mp4", small_critic)
    seen = [step.index for step in job]
    assert seen == list(range(6))
    assert job.folder.count() == 6
    measured = finished(job)
    info = read_video(tmp_path / "out.mp4")
    assert (info.rate, info.frames, info.size) == (Fraction(30000, 1001), 6, SIZE)
    assert [p[1] for p in sound_packets(tmp_path / "out.mp4")] == [p[1] for p in sound_packets(clip)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clip.mp4", "out.mp4"]
    settings = read_settings(tmp_path / "out.mp4")
    assert settings["tool"] == "dream-video"
    assert settings["flicker"] == measured["flicker"] > 0
    assert settings["input"]["name"] == "clip.mp4"
    assert settings["video"]["coherence"] == "flow"
    assert str(tmp_path) not in str(settings)


@pytest.mark.slow
def test_a_stopped_job_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path, clip: Path, make_critic: Callable[..., Critic]
) -> None:
    whole = work(clip, tmp_path / "whole.mp4", make_critic())
    list(whole)
    finished(whole)
    for stop in (1, 4, 6):
        target = tmp_path / f"stopped{stop}.mp4"
        first = iter(work(clip, target, make_critic()))
        for _ in range(stop):
            next(first)
        del first
        (tmp_path / f"{target.name}.frames" / ".000099.png.x.part").write_bytes(b"half a frame")
        (tmp_path / f".{target.name}.123.part").write_bytes(b"half a video")
        second = work(clip, target, make_critic())
        made = as_work(second)
        assert [progress.done for progress in made] == list(range(stop + 1, 7))
        finished(second, made)
        assert target.read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".mp4"] * 5


def test_a_job_does_not_go_on_with_frames_of_another(tmp_path: Path, clip: Path, small_critic: Critic) -> None:
    next(iter(work(clip, tmp_path / "out.mp4", small_critic)))
    with pytest.raises(InputError, match=r"video blend: None then, 0\.3 now"):
        next(iter(work(clip, tmp_path / "out.mp4", small_critic, blend=0.3)))
    again = work(clip, tmp_path / "out.mp4", small_critic, crf=30)  # the codec is no matter of the frames
    assert [s.index for s in again] == [1, 2, 3, 4, 5]
    other = write_clip(tmp_path / "other.mp4", list(CLIP[::-1]))
    next(iter(work(clip, tmp_path / "b.mp4", small_critic)))
    with pytest.raises(InputError, match=r"input name: clip\.mp4 then, other\.mp4 now"):
        next(iter(work(other, tmp_path / "b.mp4", small_critic)))


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_an_animation_keeps_times_loops_and_transparency(tmp_path: Path, suffix: str, small_critic: Critic) -> None:
    alpha = np.full(SIZE, 255, np.uint8)
    alpha[:30, :40] = 0
    with AnimationWriter(tmp_path / f"a{suffix}", SIZE, plays=3, transparent=True) as writer:
        for frame, duration in zip(CLIP[:4], (50, 80, 30, 400), strict=True):
            writer.write(np.dstack([frame, alpha]), duration)
    job = work(tmp_path / f"a{suffix}", tmp_path / f"b{suffix}", small_critic)
    list(job)
    finished(job)
    info = read_animation(tmp_path / f"b{suffix}")
    assert (info.durations_ms, info.plays, info.transparent, info.size) == ((50, 80, 30, 400), 3, True, SIZE)
    assert read_settings(tmp_path / f"b{suffix}")["frames"] == 4


def test_frames_take_the_size_asked_for(tmp_path: Path, clip: Path, small_critic: Critic) -> None:
    job = VideoDream(
        clip, tmp_path / "out.mp4", replace(CONFIG, size=96, steps=1), VideoConfig(audio=False), critic=small_critic
    )
    assert all(step.dream.shape == (69, 96, 3) for step in job)
    finished(job)
    assert "96 x 70 px instead of 96 x 69" in job.notes[-1]
    assert next(frames(tmp_path / "out.mp4")).shape == (70, 96, 3)
    assert not read_video(tmp_path / "out.mp4").audio
