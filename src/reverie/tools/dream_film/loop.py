"""A film from one picture: every frame is the last one, moved a little and dreamt on.

The state of the film is its last frame, in the sixteen bits of its file: nothing else is carried, so it goes on
after a crash from the frames on disk, byte for byte. (In eight bits, rounding would swallow the small changes between
frames: a way back of 7 % of what is left per frame stops seven levels before its end.) Steps count for `STEP_RATE`
frames a second and are smaller at higher rates, so a second holds as much motion and dream whatever the rate.

A seamless film is steered home. Its first frames, the *seam*, are kept; when the cycle is over, every further frame is
mixed with the one that followed at the beginning, then dreamt on, with a pull that grows until it is all. Parameters,
motion and random numbers depend on the place in the cycle alone, so the last mixed frame is bit for bit a frame of the
beginning, and the frame after it follows as frames do. The cycle from there is the film; in it the network dreams the
mixture into new forms, where a cross-fade would show two pictures at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.media.deep import to_uint16, to_unit
from reverie.numerics.motion import Rates, Similarity, changing, moved
from reverie.numerics.resample import resize
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.references import References
from reverie.tools.dream.rules import check_together
from reverie.tools.dream_film.ascent import FilmAscent
from reverie.tools.dream_steps.ascent import Plan, dream_steps, plan_dream, seed_for
from reverie.tools.films.loop_config import Film
from reverie.tools.keyframes.keyframes import Keyframes, Timeline

STEP_RATE = 12  # frames a second at which a step has the size that was asked for
COARSE_PX = 16  # what is larger counts as light and shade, not as texture
Earlier = Callable[[int], np.ndarray]


@dataclass(frozen=True, eq=False)
class LoopFrame:
    """One finished frame.

    Attributes:
        index: its number among all frames that are dreamt, from 0.
        total: how many are dreamt.
        pixels: ``[H, W, 3]`` float32 sRGB in [0, 1], rounded to 16 bits.
        score: value of the objective before the last step.
        flicker: how much the dream changed beyond motion, RMS of 255 against the moved frame before; None at the start.
    """

    index: int
    total: int
    pixels: np.ndarray
    score: float
    flicker: float | None


@dataclass(frozen=True, eq=False)
class Loop:
    """All decisions of a film, taken before its first frame.

    `first` is how the first frame is dreamt and `later` how the others are, before keyframes change them and before
    the step size is scaled to the frame rate.
    """

    film: Film
    first: DreamConfig
    later: DreamConfig
    first_plan: Plan
    later_plan: Plan
    raised: FilmAscent
    critic: Critic

    @property
    def timeline(self) -> Timeline:
        """The keyframes on this film."""
        return self.raised.timeline

    @property
    def total(self) -> int:
        """How many frames are dreamt: those of the film, and in a seamless one those of the seam once more."""
        return self.film.frames + self.film.seam_frames

    @property
    def shown(self) -> range:
        """Which of the dreamt frames make the film."""
        return range(self.film.seam_frames, self.total)

    def paced(self, config: DreamConfig) -> DreamConfig:
        """Return settings of a later frame with the step size that belongs to the frame rate."""
        return replace(config, step_size=min(1.0, config.step_size * STEP_RATE / float(self.film.rate)))

    def time(self, index: int) -> float:
        """Return the moment of a frame within its cycle, in seconds."""
        return index % self.film.frames / float(self.film.rate)

    def rates(self, time_s: float) -> Rates:
        """Return the motion at one moment."""
        film, values = self.film, self.timeline.at(time_s)
        return Rates(values.get("zoom", film.zoom), values.get("rotate", film.rotate_deg), values.get("pan", film.pan))


def plan_loop(
    size: tuple[int, int] | None, config: DreamConfig, film: Film, critic: Critic, *,
    keyframes: Keyframes | None = None, later_steps: int = 1, references: References | None = None,
) -> Loop:  # fmt: skip
    """Take all decisions of a film.

    Args:
        size: height and width of the picture it starts from; None for noise.
        config: how its first frame is dreamt, and with `later_steps` instead of its steps every other.
        film: from `plan_film`.
        critic: an open network.
        keyframes: parameters that change.
        later_steps: steps at each size from the second frame on.
        references: the other pictures; read from the settings if absent.

    Raises:
        InputError: settings or keyframes that do not fit the network, the picture or the length.
    """
    keyframes = keyframes or Keyframes({})
    check_together(config, has_picture=size is not None)
    raised = FilmAscent(
        config, critic, references=references, keyframes=keyframes, length_s=film.length_s, rate=film.rate,
        closed=film.seam_frames > 0,
    )  # fmt: skip
    later = replace(config, steps=later_steps, iterations=1, canvas="pixels")
    widest = _widest(later, keyframes)
    first_plan = plan_dream(size, config, critic, raised.everything(config))
    later_plan = plan_dream(first_plan.size, widest, critic, raised.everything(widest))
    return Loop(film, config, later, first_plan, later_plan, raised, critic)


def _widest(config: DreamConfig, keyframes: Keyframes) -> DreamConfig:
    """Return the settings with the largest random views of the film: with them, tiles are impossible."""
    names = [name for name in keyframes.tracks if name.startswith("jitter_")]
    fields: dict[str, Any] = {name: max(key.value for key in keyframes.tracks[name]) for name in names}
    return replace(config, **fields)


def loop_frames(
    loop: Loop, image: Tensor | None, earlier: Earlier, *, start: int = 0, mask: Tensor | None = None
) -> Iterator[LoopFrame]:
    """Dream a film and yield its frames.

    Args:
        loop: from `plan_loop`.
        image: ``[1, 3, H, W]`` in [0, 1] at its final size, or None for noise.
        earlier: gives a frame that was yielded before, by its number; called for the frame before `start` as well.
        start: number of the first frame to make; those before it are there.
        mask: ``[1, 1, H, W]`` in [0, 1], one where the view is dreamt on; it does not move.

    Raises:
        GradientError: nothing reaches the picture.
    """
    device = loop.critic.device
    before = to_picture(earlier(start - 1), device) if start > 0 else None
    for index in range(start, loop.total):
        motion = _motion(loop, index)
        now = None if before is None else moved(before, motion, loop.film.border)
        base = image if now is None else _drawn(loop, index, now, image, motion, earlier)
        pixels, score = _dreamt(loop, index, base, mask)
        before = to_picture(pixels, device)
        flicker = None if now is None else 255 * float((before - now).square().mean().sqrt())
        yield LoopFrame(index, loop.total, pixels, score, flicker)


def _motion(loop: Loop, index: int) -> Similarity:
    """Return what happens between the frame before and this one; the way back to the first counts in its cycle."""
    end_s, tick_s = loop.time(index), 1 / float(loop.film.rate)
    return changing(loop.rates, end_s - tick_s, end_s, loop.first_plan.size)


def _drawn(loop: Loop, index: int, now: Tensor, image: Tensor | None, motion: Similarity, earlier: Earlier) -> Tensor:
    """Return a moved frame as it is drawn to the beginning of the cycle and to the original picture."""
    film = loop.film
    pull = return_weight(index - film.frames, film.seam_frames)
    if pull > 0:
        goal = moved(to_picture(earlier(index - film.frames - 1), now.device), motion, film.border)
        now = goal if pull == 1 else mixed(now, goal, pull)
    anchor = loop.timeline.at(loop.time(index)).get("anchor", film.anchor)
    if anchor > 0 and image is not None:
        now = torch.lerp(now, image.to(now), 1 - (1 - anchor) ** (1 / float(film.rate)))
    return now.clamp(0, 1)


def mixed(now: Tensor, goal: Tensor, share: float) -> Tensor:
    """Return the mixture of two pictures with the contrast of its fine parts restored.

    Where two pictures have nothing in common, plain mixing takes up to 0.3 of their contrast away: a grey veil.
    """
    mixture = torch.lerp(now, goal, share)
    wanted = (1 - share) * _fine(now).var() + share * _fine(goal).var()
    fine = _fine(mixture)
    return mixture + (float((wanted / fine.var().clamp_min(1e-9)).sqrt()) - 1) * fine


def _fine(images: Tensor) -> Tensor:
    """Return what is left of a picture without its large, soft parts."""
    size = (images.shape[-2], images.shape[-1])
    coarse = resize(images, (max(1, size[0] // COARSE_PX), max(1, size[1] // COARSE_PX)))
    return images - resize(coarse, size)


def return_weight(number: int, seam: int) -> float:
    """Return how far frame `number` of the way home is drawn to the frame it shall become; the last one wholly.

    The share of the old path that remains falls along a smooth step, whatever was drawn in before.
    """
    if number < 1:
        return 0.0

    def left(k: int) -> float:
        t = k / (seam - 1)
        return 1 - t * t * (3 - 2 * t)

    return 1.0 if number >= seam - 1 else 1 - left(number) / left(number - 1)


def _dreamt(loop: Loop, index: int, base: Tensor | None, mask: Tensor | None) -> tuple[np.ndarray, float]:
    time_s = loop.time(index)
    config, plan = loop.first, loop.first_plan
    if index > 0:
        seed = seed_for(loop.later.seed, f"frame {index % loop.film.frames}")
        config, plan = replace(loop.later, seed=seed), loop.later_plan
    config = loop.raised.settings(config, time_s)
    config = loop.paced(config) if index > 0 else config
    ascent = loop.raised.at(config, time_s)
    steps = dream_steps(base, config, critic=loop.critic, mask=mask, plan=plan, ascent=ascent)
    last = deque(steps, maxlen=1).pop()
    return to_pixels(last.images), last.score


def to_pixels(images: Tensor) -> np.ndarray:
    """Return the first picture as ``[H, W, 3]`` float32, rounded as a file of 16 bits does."""
    return to_unit(to_uint16(images[0].permute(1, 2, 0).cpu().numpy()))


def to_picture(pixels: np.ndarray, device: torch.device) -> Tensor:
    """Return ``[H, W, 3]`` as ``[1, 3, H, W]``."""
    return torch.from_numpy(pixels).to(device).permute(2, 0, 1)[None].contiguous()
