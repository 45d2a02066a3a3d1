"""Dream a video so that it holds still: every frame starts from its own picture plus the dream before it.

What is carried over is the *difference* that the dream made, moved along by the optical flow and left out where
something new comes into view. A few steps follow, and every pixel takes as much of them as it lacks: nearly nothing
where the dream is complete, all of them where it has just begun. So the dream neither boils nor grows without end.
All frames look through the same series of jitters, because independent ones are a flicker of their own.
Source: the temporal consistency of Ruder, Dosovitskiy, Brox 2016, arXiv 1604.08610, section 3.
Differs: they carry the stylized picture; here it is what the dream added, so that light and noise stay the frame's own,
and how complete it is, pixel by pixel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Generator, Tensor

from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.media.deep import to_uint8
from reverie.media.flow import Motion, motion, softened, warp
from reverie.numerics.resample import resize
from reverie.settings import check_settings
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream_film.ascent import FilmAscent
from reverie.tools.dream_steps.ascent import Plan, dream_steps, final_size, plan_dream, seed_for
from reverie.tools.films.motion_estimate import Estimator
from reverie.tools.films.steps import Shown, VideoStep, film_steps
from reverie.tools.films.video_config import VideoConfig

BLEND = {"blend": 0.5, "flow": 0.1}
LEAST_REACH = 1 / 255  # of a mask that counts as there
LATER_SHARE = {"none": 1.0, "blend": 0.5, "flow": 0.3}  # of the first frame's steps


def dream_video(
    frames: Iterator[np.ndarray], config: DreamConfig, video: VideoConfig, *, critic: Critic | None = None,
    mask: Tensor | None = None, estimate: Estimator = motion, previous: Shown | None = None, first: int = 0,
    raised: FilmAscent | None = None,
) -> Iterator[VideoStep]:  # fmt: skip
    """Dream frames one by one and yield each when it is done; memory does not grow with their number.

    Args:
        frames: ``[H, W, 3]`` uint8, from number `first` on.
        config: settings of the dream; its `size` applies to the frames.
        video: what holds the frames together.
        critic: an open network; opened from the settings if absent.
        mask: ``[1, 1, H, W]`` in [0, 1] at the final size, one where to dream.
        estimate: of the motion between frames; see `open_estimator`.
        previous: frame `first` - 1 at its final size and its dream, to go on with.
        first: number of the first frame given.
        raised: what is raised and how it changes from frame to frame; built from the settings if absent.

    Raises:
        InputError: settings that do not fit the network or the frames.
        GradientError: nothing reaches the frames.
    """
    check_settings(config)
    check_settings(video)
    critic = critic or open_critic(
        config.model, config.weights, device=config.device, precision=config.precision, fuse=True
    )
    work = _Work(config, video, critic, mask, raised or FilmAscent(config, critic))
    history = () if previous is None else (previous,)
    yield from film_steps(frames, work, cuts=video.cuts, estimate=estimate, history=history, first=first)


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


class _Work:
    """What stays the same from frame to frame, unless keyframes change it; a `FrameMaker`."""

    frames_back = 1

    def __init__(
        self, config: DreamConfig, video: VideoConfig, critic: Critic, mask: Tensor | None, raised: FilmAscent
    ) -> None:
        self.given, self.raised, self.critic, self.mask = (config, video), raised, critic, mask
        self.plans: dict[int, Plan] = {}
        self._known: dict[str, np.ndarray | None] = {}
        self.turn_to(0)

    def turn_to(self, index: int) -> None:
        """Take on the settings of a frame."""
        time_s, (config, video) = self.raised.moment(index), self.given
        self.config = self.raised.settings(config, time_s)
        self.ascent = self.raised.at(self.config, time_s)
        self.video = replace(video, blend=self.raised.value("blend", time_s, video.blend))
        self.rest = replace(self.config, steps=later_steps(self.config, self.video))

    @property
    def keyed(self) -> bool:
        return self.raised.keyed

    @property
    def carries(self) -> bool:
        return self.video.coherence != "none"

    def fitted(self, frame: np.ndarray) -> np.ndarray:
        """Return a frame at the size that it will be dreamt at."""
        return at_final_size(frame, self.given[0])

    def fresh(self, source: np.ndarray) -> tuple[Shown, float | None]:
        """Dream a frame as if it were a picture of its own."""
        dream, score = self._dreamt(_tensor(source), self.config, self.mask)
        return Shown(source, dream, np.full(source.shape[:2], 255, np.uint8)), score

    def later(
        self, source: np.ndarray, history: Sequence[Shown], moved: Motion, index: int
    ) -> tuple[Shown, float | None]:
        """Dream a frame that starts from itself and what it takes from the dream before."""
        previous = history[-1]
        kept = 1 - fresh_share(self.video, self.config.seed, index)
        own, reach = source.astype(np.float32), self._reach((source.shape[0], source.shape[1]))
        if self.video.coherence == "blend":
            added, weight, strength = kept * (previous.dream - own), None, previous.strength
            added = added if reach is None else added * reach[..., None]
        else:
            added, carried = _moved_along(previous, moved, kept, reach)
            weight, strength = self._lacking(carried)
        start = torch.from_numpy((own + added) / 255).clamp_(0, 1).permute(2, 0, 1)[None].contiguous()
        mask = self.mask if weight is None else weight if self.mask is None else weight * self.mask.cpu()
        dream, score = self._dreamt(start, self.rest, mask, _tensor(source))
        return Shown(source, dream, strength), score

    def _reach(self, size: tuple[int, int]) -> np.ndarray | None:
        """Return where the film is dreamt on, ``[H, W]``; a group that is faded out still holds what it gave."""
        if "reach" not in self._known:
            found = self.raised.cover(self.mask, size)
            self._known["reach"] = None if found is None else found[0, 0].cpu().numpy()
        return self._known["reach"]

    def _lacking(self, carried: np.ndarray) -> tuple[Tensor, np.ndarray]:
        """Return how much of the steps each pixel takes, ``[1, 1, H, W]``, and how complete it is after them."""
        share = self.rest.steps / self.config.steps if self.config.steps else 0.0
        weight = ((1 - carried) / share).clip(0, 1) if share > 0 else np.zeros_like(carried)
        complete = to_uint8(carried + share * weight)
        return torch.from_numpy(weight)[None, None], complete

    def _dreamt(
        self, start: Tensor, config: DreamConfig, mask: Tensor | None, own: Tensor | None = None
    ) -> tuple[np.ndarray, float | None]:
        if mask is not None and not mask.any():
            config = replace(config, steps=0)
        if config.steps not in self.plans:
            everything = self.raised.everything(config)
            self.plans[config.steps] = plan_dream((start.shape[-2], start.shape[-1]), config, self.critic, everything)
        last, plan = None, self.plans[config.steps]
        for step in dream_steps(start, config, critic=self.critic, mask=mask, plan=plan, ascent=self.ascent, own=own):
            last = step
        assert last is not None
        return _bytes(last.images), last.score if last.index else None


def _moved_along(
    previous: Shown, moved: Motion, kept: float, reach: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the dream's difference as it arrives in the next frame, ``[H, W, 3]``, and how complete it is there.

    `reach` ``[H, W]`` is the mask, which does not move: what goes to where less is dreamt takes less along, and what
    comes to where more is dreamt lacks the rest.
    """
    share = kept * softened(moved.seen)
    difference = previous.dream.astype(np.float32) - previous.source.astype(np.float32)
    complete = warp(previous.strength.astype(np.float32) / 255, moved.flow).clip(0, 1)
    added, carried = share[..., None] * warp(difference, moved.flow), share * complete
    if reach is None:
        return added, carried
    before = warp(reach, moved.flow).clip(0, 1)
    added *= (reach / before.clip(LEAST_REACH)).clip(0, 1)[..., None]
    return added, carried * (before / reach.clip(LEAST_REACH)).clip(0, 1)


def _tensor(frame: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(frame)).permute(2, 0, 1)[None].float() / 255


def _bytes(images: Tensor) -> np.ndarray:
    return to_uint8(np.ascontiguousarray(images[0].permute(1, 2, 0).cpu().numpy()))
