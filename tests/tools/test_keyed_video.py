from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from film_case import finished

from reverie.critic.critic import Critic
from reverie.errors import InputError
from reverie.media.video_write import VideoWriter
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream_film.ascent import FilmAscent
from reverie.tools.dream_film.video import dream_video
from reverie.tools.dream_film.video_work import VideoDream
from reverie.tools.films.steps import VideoStep
from reverie.tools.films.video_config import VideoConfig
from reverie.tools.keyframes.file import parse_keyframes
from reverie.tools.keyframes.keyframes import Keyframes

DREAM = DreamConfig(octaves=1, steps=3, jitter=4)
RATE = Fraction(10)


@pytest.fixture
def clip(make_photo) -> list[np.ndarray]:
    whole = (make_photo(64, 100)[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    return [np.ascontiguousarray(whole[:, 2 * n : 2 * n + 80]) for n in range(6)]


FLOW = VideoConfig()


def dreamt(clip: list[np.ndarray], critic: Critic, keys: str, video: VideoConfig = FLOW) -> list[VideoStep]:
    length_s, tracks = len(clip) / float(RATE), parse_keyframes(keys) if keys else Keyframes({})
    raised = FilmAscent(DREAM, critic, keyframes=tracks, length_s=length_s, rate=RATE)
    return list(dream_video(iter(clip), DREAM, video, critic=critic, raised=raised))


def test_strength_fades_a_dream_in(small_critic, clip):
    steps = dreamt(clip, small_critic, "strength: {0f: 0, 5f: 1}", VideoConfig(coherence="none"))
    assert np.array_equal(steps[0].dream, clip[0])
    added = [float(np.abs(s.dream.astype(float) - f).mean()) for s, f in zip(steps, clip, strict=True)]
    assert added == sorted(added)
    whole = dreamt(clip, small_critic, "", VideoConfig(coherence="none"))
    assert np.array_equal(steps[5].dream, whole[5].dream)


def test_layers_morph_over_a_video(small_critic, clip):
    steps = dreamt(clip, small_critic, "layer: {0%: conv1, 5f: conv4}", VideoConfig(coherence="none"))
    for step, name in ((steps[0], "conv1"), (steps[5], "conv4")):
        config = DreamConfig(octaves=1, steps=3, jitter=4, layer=(name,))
        (alone,) = dream_video(iter([clip[step.index]]), config, VideoConfig(coherence="none"), critic=small_critic)
        assert np.array_equal(step.dream, alone.dream)


def test_the_blend_of_flow_can_be_keyed(small_critic, clip):
    fixed = dreamt(clip, small_critic, "", VideoConfig(blend=0.8))
    keyed = dreamt(clip, small_critic, "blend: {0: 0.8}")
    assert all(np.array_equal(a.dream, b.dream) for a, b in zip(fixed, keyed, strict=True))
    other = dreamt(clip, small_critic, "blend: {0: 0.8, 5f: 0.1}")
    assert not np.array_equal(other[5].dream, fixed[5].dream)


def test_still_frames_go_on_changing_where_something_is_keyed(small_critic, clip):
    still = [clip[0]] * 3
    assert all(s.held for s in dreamt(still, small_critic, "")[1:])
    assert not any(s.held for s in dreamt(still, small_critic, "layer: {0f: conv1, 2f: conv4}"))


def test_a_keyed_video_goes_on_where_it_was_and_remembers_its_keys(small_critic, clip, tmp_path: Path):
    source, target = tmp_path / "clip.mkv", tmp_path / "out.mkv"
    with VideoWriter(source, (64, 80), RATE, codec="ffv1") as writer:
        for frame in clip:
            writer.write(frame)
    keyframes = parse_keyframes("layer: {0%: conv1, 100%: conv4}\nstep_size: {0: 0.004, 5f: 0.02}", "k.yaml")

    def work(name: Path, keys=keyframes) -> VideoDream:
        return VideoDream(source, name, DREAM, VideoConfig(codec="ffv1"), keyframes=keys, critic=small_critic)

    first = work(target)
    for step in first:
        if step.index == 2:
            break
    with pytest.raises(InputError, match=r"keyframes text: .* then, .* now"):
        list(work(target, parse_keyframes("layer: {0: conv1}", "k.yaml")))
    again = work(target)
    assert [s.index for s in again] == [3, 4, 5]
    finished(again)
    whole = work(tmp_path / "whole.mkv")
    assert len(list(whole)) == 6
    finished(whole)
    assert target.read_bytes() == (tmp_path / "whole.mkv").read_bytes()
    assert whole.settings()["keyframes"] == {"name": "k.yaml", "text": keyframes.text}


def test_motion_of_the_view_is_refused(small_critic, clip, tmp_path: Path):
    source = tmp_path / "clip.mkv"
    with VideoWriter(source, (64, 80), RATE, codec="ffv1") as writer:
        writer.write(clip[0])
    with pytest.raises(InputError, match="'keyframes' line 1: 'zoom' is for films from a still picture"):
        VideoDream(
            source, tmp_path / "o.mkv", DREAM, VideoConfig(codec="ffv1"), keyframes=parse_keyframes("zoom: {0: 2}"),
            critic=small_critic,
        )  # fmt: skip
