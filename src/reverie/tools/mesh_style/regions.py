"""Parts of a mesh with styles of their own: ``material=eyes,keep=1`` or ``mask=belly.png,style=waves.jpg``.

Keys: ``material`` (a name in the mesh's file) or ``mask`` (a picture on the file's texture coordinates, white is the
part); ``style`` (several joined by ``+``), ``strength`` (as --strength, for this part), ``keep=1`` (the original
stays). Free of torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from reverie.errors import InputError
from reverie.jobs.key_values import KeyValues, entry, names, number, yes_or_no


@dataclass(frozen=True)
class MeshRegion(KeyValues):
    """One part: where it is, and what happens there; a strength of None is that of the whole mesh."""

    option: ClassVar[str] = "--region"
    example: ClassVar[str] = "material=eyes,style=waves.jpg,strength=0.8"
    several: ClassVar[str] = "several styles"

    material: str | None = entry(None)
    mask: str | None = entry(None, file="mask")
    style: tuple[str, ...] = entry((), read=names, file="style")
    strength: float | None = entry(None, read=number(0, 1))
    keep: bool = entry(False, read=yes_or_no)

    def check(self) -> None:
        """Refuse a part without a place, or with nothing to do."""
        if (self.material is None) == (self.mask is None):
            raise InputError("give material or mask, one of them")
        if self.keep == bool(self.style or self.strength is not None):
            raise InputError("say what happens there: style=FILE, strength=NUMBER, or keep=1 alone")
