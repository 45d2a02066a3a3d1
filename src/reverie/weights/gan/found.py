"""What a foreign file turned out to hold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from reverie.weights.pickles.records import Broken, shown
from reverie.weights.pickles.storage import StoredTensor

MOST_ELEMENTS = 1 << 28  # of all tensors; the largest StyleGAN2 has 30 million
MOST_NOTES = 40
MOST_CODE = 4_000_000  # characters; NVIDIA's modules have 40 thousand
Change = Callable[[Tensor], Tensor]
# Settings that tensors do not show. Names of tensors: `reverie.models.stylegan2.config`.
CLAMP, MAPPING_LR, KERNEL, ALIAS_FREE = "clamp", "mapping_lr", "kernel", "alias_free"


@dataclass(frozen=True)
class Embedded:
    """Source code of a program that stands inside a file; it is text here and nothing else."""

    name: str
    lines: int
    sha256: str


@dataclass
class Found:
    """A generator of another program.

    Attributes:
        dialect: which program's files have this form, for people.
        tensors: by the names of `reverie.models.stylegan2.config`.
        settings: facts about the network that its tensors do not show, see the constants of this module.
        stated: what the file says of the network and its training, as plain JSON.
        code: source that stands inside.
        notes: what was left out or assumed, one line each.
    """

    dialect: str
    tensors: dict[str, Tensor] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)
    stated: dict[str, object] = field(default_factory=dict)
    code: list[Embedded] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _left: int = MOST_ELEMENTS

    def place(self, name: str, stored: StoredTensor, change: Change | None = None) -> None:
        """Read a tensor, turn it into the form that it has here, and keep it under its name.

        Raises:
            Broken: it has another shape than that tensor can have, is too large, or holds no numbers.
        """
        self._left -= stored.count
        if self._left < 0 or not stored.dtype.is_floating_point:
            raise Broken(f"has a tensor '{shown(name)}' that no generator has")
        tensor = stored.read()
        try:
            tensor = tensor if change is None else change(tensor)
        except (RuntimeError, IndexError) as error:
            raise Broken(f"has a tensor '{shown(name)}' of a shape that it cannot have") from error
        self.tensors[name] = tensor.to(torch.float32, copy=True).contiguous()

    def note(self, line: str) -> None:
        """Keep a line for the user; of very many, the first."""
        if len(self.notes) < MOST_NOTES:
            self.notes.append(line)
        elif len(self.notes) == MOST_NOTES:
            self.notes.append("and more of this kind")

    def add_code(self, name: str, text: str) -> None:
        """Note that source code stands inside, once."""
        if len(text) > MOST_CODE:
            self.note(f"the source code of '{shown(name)}' inside is longer than {MOST_CODE:,} characters")
            return
        item = Embedded(shown(name), text.count("\n") + 1, hashlib.sha256(text.encode("utf-8", "replace")).hexdigest())
        if item not in self.code:
            self.code.append(item)


def number(value: object) -> float | None:
    """Return a number; None where it is none."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def taps(value: object) -> tuple[float, ...] | None:
    """Return the taps of a blur from a list of them; None where it is none."""
    if not isinstance(value, (list, tuple)) or not value:
        return None
    numbers = [number(item) for item in value]
    return tuple(n for n in numbers if n is not None) if None not in numbers else None


def taps_of(filters: Tensor) -> tuple[float, ...]:
    """Return the taps ``[n]`` of a separable filter ``[n, n]``, the least of them 1 where they are whole multiples.

    They are normalized when they are used, so that only their ratios count.
    """
    row = filters.double().sum(0) if filters.ndim == 2 else filters.double()
    scaled = row / row[row > 0].min() if bool((row > 0).any()) else row
    whole = scaled.round()
    return tuple((whole if bool((scaled - whole).abs().max() < 1e-4) else scaled).tolist())


def merged(*parts: Mapping[str, object]) -> dict[str, object]:
    """Return settings with later ones before earlier ones, absent ones left out."""
    return {name: value for part in parts for name, value in part.items() if value is not None}
