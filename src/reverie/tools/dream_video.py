"""Dream a video so that it holds still: every frame starts from its own picture plus the dream before it.

What is carried over is the *difference* that the dream made, moved along by the optical flow and left out where
something new comes into view; a few steps then renew it. The photo itself is never smeared. All frames look through
the same series of jitters, because independent ones are a flicker of their own.
Source: the temporal consistency of Ruder, Dosovitskiy, Brox 2016, arXiv 1604.08610, section 3.
Differs: they carry the stylized picture; here it is what the dream added, so that light and noise stay the frame's own.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Generator, Tensor

from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.media.deep import to_uint8
from reverie.media.flow import Motion, flicker, is_cut, motion, softened, warp
from reverie.numerics.resample import resize
from reverie.settings import check_settings
from reverie.tools.dream import Plan, dream_steps, final_size, plan_dream, seed_for
from reverie.tools.dream_config import DreamConfig
from reverie.tools.video_config import VideoConfig

BLEND = {"blend": 0.5, "flow": 0.1}
LATER_SHARE = {"none": 1.0, "blend": 0.5, "flow": 0.3}  # of the first frame's steps


@dataclass(frozen=True, eq=False)
class Shown:
    """A frame and what was dreamt on it, both ``[H, W, 3]`` uint8."""

    source: np.ndarray
    dream: np.ndarray


@dataclass(frozen=True, eq=False)
class VideoStep:
    """One finished frame.

    Attributes:
        index: its number, from 0.
        dream: ``[H, W, 3]`` uint8.
        score: value of the objective before the last step; None if no step was made.
        flicker: how much the dream changed beyond motion, warped RMS of 255; None at the start and at cuts.
        source_flicker: the same of the source, from its noise and from errors of the flow.
        seen: share of the frame that was visible in the one before.
        cut: whether a new scene begins.
        held: whether the source is the same as before, and so is the dream.
        seconds: duration of the work on it.
    """

    index: int
    dream: np.ndarray
    score: float | None
    flicker: float | None
    source_flicker: float | None
    seen: float
    cut: bool
    held: bool
    seconds: float


def dream_video(
    frames: Iterator[np.ndarray], config: DreamConfig, video: VideoConfig, *, critic: Critic | None = None,
    mask: Tensor | None = None, previous: Shown | None = None, first: int = 0,
) -> Iterator[VideoStep]:  # fmt: skip
    """Dream frames one by one and yield each when it is done; memory does not grow with their number.

    Args:
        frames: ``[H, W, 3]`` uint8, from number `first` on.
        config: settings of the dream; its `size` applies to the frames.
        video: what holds the frames together.
        critic: an open network; opened from the settings if absent.
        mask: ``[1, 1, H, W]`` in [0, 1] at the final size, one where to dream.
        previous: frame `first` - 1 at its final size and its dream, to go on with.
        first: number of the first frame given.

    Raises:
        InputError: settings that do not fit the network or the frames.
        GradientError: nothing reaches the frames.
    """
    check_settings(config)
    check_settings(video)
    critic = critic or open_critic(config.model, config.weights, device=config.device, precision=config.precision)
    later = replace(config, steps=later_steps(config, video))
    plans: dict[int, Plan] = {}
    for index, frame in enumerate(frames, start=first):
        began = time.perf_counter()
        source = at_final_size(frame, config)
        moved = None if previous is None else motion(source, previous.source)
        held = previous is not None and np.array_equal(source, previous.source)
        cut = moved is not None and previous is not None and is_cut(source, previous.source, moved) and video.cuts
        if previous is not None and held:
            dream, score = previous.dream, None
        else:
            fresh = previous is None or cut or video.coherence == "none"
            chosen = config if fresh else later
            start = _tensor(source) if fresh else _start(source, previous, moved, video, config.seed, index, mask)
            if chosen.steps not in plans:
                plans[chosen.steps] = plan_dream((source.shape[0], source.shape[1]), chosen, critic)
            dream, score = _dreamt(start, chosen, critic, mask, plans[chosen.steps])
        apart = _flickers(source, dream, previous, moved) if not cut else (None, None)
        seen = 0.0 if moved is None else float(moved.seen.mean())
        previous = Shown(source, dream)
        yield VideoStep(index, dream, score, *apart, seen, cut, held, time.perf_counter() - began)


def later_steps(config: DreamConfig, video: VideoConfig) -> int:
    """Return the steps per octave of every frame that takes something from the one before."""
    if video.coherence == "none":
        return config.steps
    if video.later_steps is not None:
        return video.later_steps
    return min(config.steps, max(1, round(LATER_SHARE[video.coherence] * config.steps)))


def fresh_share(video: VideoConfig, seed: int, index: int) -> float:
    """Return how much of frame `index` is its own where the dream before is taken over, in [0, 1]."""
    middle = BLEND.get(video.coherence, 1.0) if video.blend is None else video.blend
    draw = Generator().manual_seed(seed_for(seed, f"blend/{index}"))
    vary = {
        "constant": lambda: 0.0,
        "uniform": lambda: 2 * torch.rand((), generator=draw).item() - 1,
        "gaussian": lambda: torch.randn((), generator=draw).item(),
        "schedule": lambda: math.sin(2 * math.pi * index / video.blend_period),
    }[video.blend_mode]()
    return min(1.0, max(0.0, middle + video.blend_spread * vary))


def at_final_size(frame: np.ndarray, config: DreamConfig) -> np.ndarray:
    """Return a frame at the size that it will be dreamt at, ``[H, W, 3]`` uint8."""
    size = final_size((frame.shape[0], frame.shape[1]), config)
    if size == frame.shape[:2]:
        return frame
    return _bytes(resize(_tensor(frame), size).clamp(0, 1))


def _start(
    source: np.ndarray, previous: Shown | None, moved: Motion | None, video: VideoConfig, seed: int, index: int,
    mask: Tensor | None,
) -> Tensor:  # fmt: skip
    """Return what a frame starts from, ``[1, 3, H, W]``: itself and what it takes from the dream before."""
    assert previous is not None and moved is not None
    kept = 1 - fresh_share(video, seed, index)
    own = source.astype(np.float32)
    if video.coherence == "blend":
        added = kept * (previous.dream.astype(np.float32) - own)
    else:
        difference = previous.dream.astype(np.float32) - previous.source.astype(np.float32)
        added = kept * warp(difference, moved.flow) * softened(moved.seen)[..., None]
    if mask is not None:
        added *= mask[0, 0, ..., None].cpu().numpy()
    return torch.from_numpy((own + added) / 255).clamp_(0, 1).permute(2, 0, 1)[None].contiguous()


def _dreamt(
    start: Tensor, config: DreamConfig, critic: Critic, mask: Tensor | None, plan: Plan
) -> tuple[np.ndarray, float | None]:
    last = None
    for step in dream_steps(start, config, critic=critic, mask=mask, plan=plan):
        last = step
    if last is None or config.steps == 0:
        return _bytes(start), None
    return _bytes(last.images), last.score


def _flickers(
    source: np.ndarray, dream: np.ndarray, previous: Shown | None, moved: Motion | None
) -> tuple[float | None, float | None]:
    if previous is None or moved is None:
        return None, None
    return flicker(dream, previous.dream, moved), flicker(source, previous.source, moved)


def _tensor(frame: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float() / 255


def _bytes(images: Tensor) -> np.ndarray:
    return to_uint8(np.ascontiguousarray(images[0].permute(1, 2, 0).cpu().numpy()))
