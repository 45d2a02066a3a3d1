"""Paint films so that they hold still: every frame begins with what was stylized before, moved along, and stays near.

The first frame of a scene is stylized from coarse to fine. What later frames are compared with stays as that frame set
it: statistics of the styles, and what each score is divided by. So no weight changes from frame to frame.
Source: Ruder, Dosovitskiy, Brox 2016, arXiv 1604.08610: initialization and temporal scores of sections 3.1 to 3.3.
Differs: one pass; only the last scale is stylized again; places that were hidden begin with the content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.media.deep import to_uint8
from reverie.media.flow import Motion, softened, warp
from reverie.numerics.periodic import periodic
from reverie.numerics.resample import resize
from reverie.objective import Objective
from reverie.objective.base import Sum
from reverie.objective.temporal import Temporal, not_seen_before
from reverie.tools.fast.model import FastModel, fast_style, style_statistics
from reverie.tools.fast.styling import dial, seen_style
from reverie.tools.films.motion_estimate import Estimator
from reverie.tools.films.steps import Shown
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.sources import StylePictures
from reverie.tools.style_film.config import StyleFilmConfig
from reverie.tools.style_film.keys import StyleKeys
from reverie.tools.style_steps.plan import Scale, StylePlan, wrap_of
from reverie.tools.style_steps.steps import StyleState, style_steps
from reverie.tools.style_steps.terms import StyleTerms
from reverie.tools.style_steps.transfer import recolored

HOLD = 1.0
TEMPORAL_UNIT = 0.01  # mean square difference that counts as much as all styles together
LATER_SHARE = 0.4  # of the last scale's steps
UNCHANGED = StyleKeys()
KEPT = 0.5  # of what was stylized in one pass before and is still seen


class StyleFrames:
    """Paints the frames of a film by the optimizer; a `FrameMaker`.

    Args:
        config: settings of the painting.
        film: what holds the frames together.
        plan: scales and tiles.
        pictures: styles and masks.
        terms: what is raised at each scale.
        estimate: of motion, for frames further back.
        keys: what changes over the film.
    """

    def __init__(
        self, config: StyleConfig, film: StyleFilmConfig, plan: StylePlan, pictures: StylePictures, terms: StyleTerms,
        estimate: Estimator, keys: StyleKeys = UNCHANGED,
    ) -> None:  # fmt: skip
        self.config, self.film, self.plan, self.pictures = config, film, plan, pictures
        self.all_terms, self.estimate, self.keys = terms, estimate, keys
        self.scene = _Scene(terms)
        self.frames_back, self.keyed, self.carries = frames_back(film), keys.changes, film.coherence != "none"

    def turn_to(self, index: int) -> None:
        """Take on the styles and the strength of a frame."""
        if self.keyed:
            self.scene = _Scene(self.all_terms.turned(self.keys.weights(index), self.keys.strength(index)))

    def enter(self, source: np.ndarray) -> None:
        """Set what is raised as the first frame of a scene did, to go on with a later one."""
        last = self.plan.scales[-1]
        self.scene = _Scene(self.all_terms)
        self.scene.at(_tensor(source).to(self.all_terms.critic.device), last)

    def fitted(self, frame: np.ndarray) -> np.ndarray:
        """Return a frame at the size that it is stylized at."""
        return fitted(frame, self.plan.size, wrap_of(self.config))

    def fresh(self, source: np.ndarray) -> tuple[Shown, float | None]:
        """Paint a frame from coarse to fine."""
        if not self.keyed:
            self.scene = _Scene(self.all_terms)
        return self._stylized(source, self.plan, StyleState())

    def later(
        self, source: np.ndarray, history: Sequence[Shown], moved: Motion, index: int
    ) -> tuple[Shown, float | None]:
        """Paint a frame on from what was stylized before, moved along."""
        moves = {1: moved}
        for back in self.film.anchor:
            if back not in moves and back <= len(history):
                moves[back] = self.estimate(source, history[-back].source)
        weights = {back: softened(move.seen) for back, move in moves.items()}
        near = weights[1][..., None]
        start = near * warp(history[-1].dream.astype(np.float32), moved.flow) + (1 - near) * source
        backs = sorted(back for back in moves if back in self.film.anchor)
        each = not_seen_before([torch.from_numpy(weights[back])[None, None] for back in backs])
        self.scene.held = [
            (
                hold_of(self.film) / TEMPORAL_UNIT,
                Temporal(_tensor(warp(history[-back].dream, moves[back].flow)), weight),
            )
            for back, weight in zip(backs, each, strict=True)
        ]
        last = self.plan.scales[-1]
        plan = StylePlan((Scale(last.size, later_steps(self.film, last), last.tile_px),), 0, 0, layers=self.plan.layers)
        shown, score = self._stylized(source, plan, StyleState(pixels=_tensor(start).to(self.all_terms.critic.device)))
        self.scene.held = []
        return shown, score

    def _stylized(self, source: np.ndarray, plan: StylePlan, state: StyleState) -> tuple[Shown, float | None]:
        content, last = _tensor(source), None
        for step in style_steps(content, self.pictures, self.config, plan, self.scene, state):
            last = step
        assert last is not None
        images = recolored(last.whole().cpu(), content, self.config)
        change = self.scene.change(plan.size)
        if change is not None:
            images = torch.lerp(content, images, change.cpu())
        return Shown(source, _bytes(images), _complete(source)), last.score if last.index else None


class FastFrames:
    """Paints the frames of a film in one pass each; a `FrameMaker`."""

    frames_back = 1

    def __init__(
        self, config: StyleConfig, film: StyleFilmConfig, plan: StylePlan, pictures: StylePictures, model: FastModel,
        content: Tensor, keys: StyleKeys = UNCHANGED,
    ) -> None:  # fmt: skip
        self.config, self.film, self.plan, self.model, self.keys = config, film, plan, model, keys
        self.styles = [seen_style(style, config, content) for style in pictures.styles]
        self.weights = [style.weight for style in pictures.styles]
        self.keyed, self.carries = keys.changes, film.coherence != "none"
        self._target: Any = None
        self._shares: list[float] = []
        self._dial = dial(config, model)

    def turn_to(self, index: int) -> None:
        """Take on the styles and the strength of a frame."""
        strength, shares = self.keys.strength(index), self.keys.weights(index) or self.weights
        if strength is not None:
            self._dial = dial(replace(self.config, strength=strength), self.model)
        if self.styles and shares != self._shares:
            self._shares = shares
            used = [(s, w) for s, w in zip(self.styles, shares, strict=True) if w]
            px = max(max(s.shape) for s, _ in used)
            with torch.no_grad():
                self._target = style_statistics(self.model, [s for s, _ in used], [w for _, w in used], px)

    def fitted(self, frame: np.ndarray) -> np.ndarray:
        """Return a frame at the size that it is stylized at."""
        return fitted(frame, self.plan.size)

    def fresh(self, source: np.ndarray) -> tuple[Shown, float | None]:
        """Paint a frame."""
        return Shown(source, _bytes(self._stylized(source)), _complete(source)), None

    def later(
        self, source: np.ndarray, history: Sequence[Shown], moved: Motion, index: int
    ) -> tuple[Shown, float | None]:
        """Paint a frame and blend it with the one before, moved along."""
        kept = min(1.0, KEPT * hold_of(self.film)) * softened(moved.seen)[..., None]
        new = self._stylized(source)[0].permute(1, 2, 0).numpy()
        before = warp(history[-1].dream.astype(np.float32) / 255, moved.flow)
        images = torch.from_numpy(kept * before + (1 - kept) * new).permute(2, 0, 1)[None]
        return Shown(source, _bytes(images.clamp(0, 1)), _complete(source)), None

    def _stylized(self, source: np.ndarray) -> Tensor:
        content = _tensor(source)
        made = fast_style(content, self.model, strength=self._dial, tile=self.plan.tile_px, target=self._target)
        return recolored(made.cpu(), content, self.config)


class _Scene:
    """What is raised in one scene: objectives as its first frame set them, and what holds a later one."""

    def __init__(self, terms: StyleTerms) -> None:
        self.terms, self.critic = terms, terms.critic
        self.held: list[tuple[float, Objective]] = []
        self._known: dict[tuple[int, int], Objective] = {}

    critic: Critic

    def at(self, content: Tensor, scale: Scale) -> Objective:
        """Return what to raise at one scale."""
        if scale.size not in self._known:
            self._known[scale.size] = self.terms.at(content, scale)
        return self._known[scale.size] + Sum(tuple(self.held)) if self.held else self._known[scale.size]

    def change(self, size: tuple[int, int]) -> Tensor | None:
        """Return where the picture may change."""
        return self.terms.change(size)


def hold_of(film: StyleFilmConfig) -> float:
    """Return the weight of staying near what was stylized before."""
    return HOLD if film.temporal is None else film.temporal


def later_steps(film: StyleFilmConfig, last: Scale) -> int:
    """Return the steps of every frame that begins with the one before."""
    return max(1, round(LATER_SHARE * last.steps)) if film.later_steps is None else film.later_steps


def frames_back(film: StyleFilmConfig) -> int:
    """Return how many frames back a frame looks."""
    return max((1, *film.anchor)) if film.coherence != "none" else 1


def fitted(frame: np.ndarray, size: tuple[int, int], wrap: tuple[bool, bool] = (False, False)) -> np.ndarray:
    """Return a frame ``[H, W, 3]`` uint8 at another size, made to repeat downwards and sideways where asked for."""
    if frame.shape[:2] == size and not any(wrap):
        return frame
    return _bytes(periodic(resize(_tensor(frame), size), wrap).clamp(0, 1))


def _complete(source: np.ndarray) -> np.ndarray:
    return np.full(source.shape[:2], 255, np.uint8)


def _tensor(frame: np.ndarray) -> Tensor:
    """Return a copy: frames of animations cannot be written to, and torch warns of such arrays."""
    return torch.from_numpy(np.array(frame)).permute(2, 0, 1)[None].float().div(255).clamp(0, 1).contiguous()


def _bytes(images: Tensor) -> np.ndarray:
    return to_uint8(np.ascontiguousarray(images[0].permute(1, 2, 0).cpu().numpy()))
