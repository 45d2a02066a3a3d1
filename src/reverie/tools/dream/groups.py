"""Several things dreamt in one picture, each in a region of its own: ``mask=sky.png,layer=mixed4c,strength=1``.

Keys: ``mask`` (white is dreamt) or ``outside`` (black is dreamt) with a file, ``layer`` (several joined by ``+``, each
optionally ``NAME:WEIGHT``), ``channel`` (joined by ``+``), ``class``, ``guide`` with ``guide-form`` and ``guide-size``,
``guide-class``, ``strength``, and ``soften`` (blur of the mask in pixels). Free of torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from reverie.errors import InputError
from reverie.jobs.key_values import KeyValues, entry, names, number, whole, wholes


@dataclass(frozen=True)
class Group(KeyValues):
    """One region and what is raised in it; without a mask, the whole picture."""

    option: ClassVar[str] = "--group"
    example: ClassVar[str] = "mask=sky.png,layer=mixed4c,strength=1"

    mask: str | None = entry(None, file="mask")
    outside: str | None = entry(None, file="mask")
    layer: tuple[str, ...] = entry((), read=names)
    channel: tuple[int, ...] = entry((), read=wholes)
    class_name: str | None = entry(None, key="class")
    guide: str | None = entry(None, file="guide")
    guide_form: str = entry("best-match")
    guide_size: int | None = entry(None, read=whole("a whole number of pixels"))
    guide_class: str | None = entry(None)
    strength: float = entry(1.0, read=number(0, 10_000, above=True, words="a number above 0"), always=True)
    soften_px: float = entry(0.0, key="soften", read=number(0, 10_000, words="pixels from 0 on"))

    def check(self) -> None:
        """Refuse two masks."""
        if self.mask is not None and self.outside is not None:
            raise InputError("give mask or outside, not both")
