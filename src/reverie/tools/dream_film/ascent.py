"""What the frames of one film raise: other pictures are read once, objectives built once, and joined for every moment.

Keyframes change weights of layers, classes and groups; guides, artworks and masks are the same from the first frame to
the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.errors import InputError, ReverieError
from reverie.objective import Objective
from reverie.optimize.gradient import Ascent
from reverie.optimize.together import Part, Together
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.references import References, Region, read_references
from reverie.tools.dream.rules import check_together
from reverie.tools.dream_film.keyed import mix_at, named, option_mix, refuse_keys, settings_at
from reverie.tools.dream_steps.ascent import changed_area
from reverie.tools.dream_steps.objective import build_goal, build_target, region_goal, smoothed, transforms_of
from reverie.tools.keyframes.file import MIXES
from reverie.tools.keyframes.keyframes import Keyframes

NO_KEYS = Keyframes({})


@dataclass(frozen=True, eq=False)
class _Raised:
    """A group with its objective, ready to be joined with others."""

    region: Region
    goal: Objective

    def part(self, config: DreamConfig, critic: Critic, share: float) -> Part:
        """Return it as it is at one moment; a share below one thins out its mask."""
        ascent = Ascent(critic, smoothed(self.goal, config), transforms_of(config))
        mask = self.region.mask
        if share != 1:
            mask = share * (torch.ones(1, 1, 1, 1) if mask is None else mask)
        return Part(ascent, None if mask is None else mask.to(critic.device), self.region.group.strength)


class FilmAscent:
    """All that a film raises.

    Attributes:
        references: masks, guides and the artwork, with their names and hashes.
        timeline: the keyframes on this film.

    Raises:
        InputError: pictures that cannot be read, settings or keys that contradict each other.
        LayerError: a layer, channel or class that the network does not have.
    """

    def __init__(
        self, config: DreamConfig, critic: Critic, *, references: References | None = None,
        keyframes: Keyframes = NO_KEYS, length_s: float | None = None, rate: Fraction = Fraction(1),
        closed: bool = False,
    ) -> None:  # fmt: skip
        check_together(config)
        self.references = references or read_references(config)
        self._check_groups(keyframes)
        self.timeline = keyframes.timeline(length_s, rate, closed=closed)
        self._config, self._critic, self._rate = config, critic, rate
        self._regions = [_Raised(r, region_goal(r, config, critic)) for r in self.references.regions]
        self._mixed = any(name in keyframes.tracks for name in MIXES)
        self._terms = self._built(keyframes)
        self._alone = None if self._mixed or self._regions else build_goal(config, critic, self.references.guide)
        self._artwork = build_target(config, critic, self.references.target)

    @property
    def keyed(self) -> bool:
        """Whether anything changes over the film."""
        return bool(self.timeline.tracks)

    def moment(self, index: int) -> float:
        """Return when a frame is shown, in seconds."""
        return index / float(self._rate)

    def value(self, name: str, time_s: float, default: Any) -> Any:
        """Return the value of a parameter at a moment, or a default where it is not keyed."""
        return self.timeline.at(time_s).get(name, default)

    def settings(self, config: DreamConfig, time_s: float) -> DreamConfig:
        """Return the settings of a moment; see `settings_at`."""
        return settings_at(self.timeline, config, time_s)

    def at(self, config: DreamConfig, time_s: float) -> Ascent | Together:
        """Return what is raised at a moment.

        The dream balances terms by their gradients before the first step (`optimize.gradient.balanced`), so weights of
        0.5 and 0.5 are visibly half and half although the scores of two layers differ by orders of magnitude.

        Args:
            config: the settings of that moment, from `settings`.
            time_s: the moment.
        """
        if self._regions:
            return self._together(config, self.timeline.at(time_s).get("group"))
        mixed = self._mix(mix_at(self.timeline, self._config, time_s)) if self._alone is None else self._alone
        return self._one(mixed, config)

    def everything(self, config: DreamConfig) -> Ascent | Together:
        """Return all that is ever raised, with the views of these settings: to plan sizes and memory with."""
        if self._regions:
            return self._together(config, None)
        mixed = _sum((1.0, term) for term in self._terms.values()) if self._alone is None else self._alone
        return self._one(mixed, config)

    def cover(self, mask: Tensor | None, size: tuple[int, int]) -> Tensor | None:
        """Return where a film of this size is ever dreamt on, ``[1, 1, *size]`` in [0, 1]; none if everywhere."""
        mask = None if mask is None else mask.to(self._critic.device)
        return changed_area(self.everything(self._config), mask, size)

    def _one(self, goal: Objective, config: DreamConfig) -> Ascent:
        total = goal if self._artwork is None else goal + self._artwork
        return Ascent(self._critic, smoothed(total, config), transforms_of(config))

    def _together(self, config: DreamConfig, shares: Mapping[str, float] | None) -> Together:
        found = [(r, 1.0 if shares is None else shares.get(str(n), 0.0)) for n, r in enumerate(self._regions, start=1)]
        return Together(tuple(region.part(config, self._critic, share) for region, share in found if share > 0))

    def _mix(self, mixes: tuple[Mapping[str, float], Mapping[str, float]]) -> Objective:
        pairs = [(weight, self._terms[p, n]) for p, mix in zip(MIXES, mixes, strict=True) for n, weight in mix.items()]
        return _sum(pairs or [(0.0, term) for term in self._terms.values()])

    def _built(self, keyframes: Keyframes) -> dict[tuple[str, str], Objective]:
        """Return one objective for every layer and class that keyframes or, beside them, the options name."""
        found: dict[tuple[str, str], Objective] = {}
        for parameter, name, place in named(keyframes):
            try:
                found[parameter, name] = self._term(parameter, name)
            except ReverieError as error:
                raise InputError(f"{place}: {error}") from error
        for parameter, mix in zip(MIXES, option_mix(self._config), strict=True) if self._mixed else ():
            if parameter not in keyframes.tracks:
                found |= {(parameter, name): self._term(parameter, name) for name in mix}
        return found

    def _term(self, parameter: str, name: str) -> Objective:
        alone = replace(self._config, layer=(f"{name}:1",), class_name=None)
        if parameter == "class":
            alone = replace(self._config, class_name=name, layer=(), channel=())
        check_together(alone)
        return build_goal(alone, self._critic, self.references.guide)

    def _check_groups(self, keyframes: Keyframes) -> None:
        count = len(self.references.regions)
        if count == 0:
            return refuse_keys(keyframes, ("group",), "the regions of --group")
        for key in keyframes.tracks.get("group", ()):
            for name in key.value:
                if name not in map(str, range(1, count + 1)):
                    raise InputError(f"{key.place}: no group '{name}'; expected 1 to {count}, as --group was given")
        return None


def _sum(terms: Iterable[tuple[float, Objective]]) -> Objective:
    total: Objective | None = None
    for weight, term in terms:
        total = weight * term if total is None else total + weight * term
    assert total is not None
    return total
