"""Parts of a mesh whose vertices stay where they are: ``material=handle`` or ``mask=face.png``. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from reverie.errors import InputError
from reverie.jobs.key_values import KeyValues, entry


@dataclass(frozen=True)
class MeshLock(KeyValues):
    """One part, by a material of the file or by a picture on its texture coordinates, white where vertices stay."""

    option: ClassVar[str] = "--lock"
    example: ClassVar[str] = "material=handle"
    several: ClassVar[str] = "several parts"

    material: str | None = entry(None)
    mask: str | None = entry(None, file="mask")

    def check(self) -> None:
        """Refuse a part that has no place, or two."""
        if (self.material is None) == (self.mask is None):
            raise InputError("give material or mask, one of them")
