"""Regions of a picture with styles of their own: ``mask=sky.png,style=starry.jpg,strength=0.8``.

Keys: ``mask`` (white is the region) or ``outside`` (black is) with a file; ``style`` (several joined by ``+``, each
optionally ``FILE:WEIGHT``), ``style-mask`` (what counts of the style), ``strength`` (as --strength, for this region),
``keep=1`` (the original stays), and ``soften`` (blur of the mask in pixels). Free of torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from reverie.errors import InputError
from reverie.jobs.key_values import KeyValues, entry, names, number, yes_or_no


@dataclass(frozen=True)
class StyleRegion(KeyValues):
    """One region: where it is, and what happens there; a strength of None is that of the whole picture."""

    option: ClassVar[str] = "--region"
    example: ClassVar[str] = "mask=sky.png,style=starry.jpg,strength=0.8"
    several: ClassVar[str] = "several styles"

    mask: str | None = entry(None, file="mask")
    outside: str | None = entry(None, file="mask")
    style: tuple[str, ...] = entry((), read=names, file="style")
    style_mask: str | None = entry(None, file="style mask")
    strength: float | None = entry(None, read=number(0, 1))
    keep: bool = entry(False, read=yes_or_no)
    soften_px: float = entry(0.0, key="soften", read=number(0, 10_000))

    def check(self) -> None:
        """Refuse a region without a place, or with nothing to do."""
        if (self.mask is None) == (self.outside is None):
            raise InputError("give mask or outside, one of them")
        if self.keep and (self.style or self.strength is not None):
            raise InputError("where the original is kept, style and strength mean nothing")
        if not self.keep and not self.style and self.strength is None:
            raise InputError("say what happens there: style=FILE, strength=NUMBER or keep=1")
        if self.style_mask and len(self.style) != 1:
            raise InputError("style-mask goes with one style")
