"""Drawings of cells that are kept beside an unfinished atlas, so that a kill costs one pass of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from reverie.weights.atomic import write_bytes


@dataclass(frozen=True)
class KeptDrawings:
    """Files of drawings in a folder, each named by what was drawn.

    Attributes:
        folder: that holds them; None keeps nothing.
        how: what changes a drawing beside its direction: network, layer, size, steps, seed.
    """

    folder: Path | None
    how: Sequence[str | int]

    def read(self, about: Sequence[int], directions: Tensor) -> Tensor | None:
        """Return the drawings of directions; None where no whole file has them.

        Args:
            about: the row and column of the first cell.
            directions: ``[N, C]``.

        Returns:
            ``[N, T, T, 3]`` uint8.
        """
        if self.folder is None:
            return None
        try:
            return load(self._file(self.folder, about, directions).read_bytes())["drawings"]
        except (OSError, SafetensorError, KeyError):
            return None

    def write(self, about: Sequence[int], directions: Tensor, drawings: Tensor) -> None:
        """Keep drawings, whole or not at all."""
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_bytes(self._file(self.folder, about, directions), save({"drawings": drawings}))

    def _file(self, folder: Path, about: Sequence[int], directions: Tensor) -> Path:
        text = json.dumps([list(self.how), list(about)]).encode() + directions.contiguous().numpy().tobytes()
        return folder / f"drawn-{hashlib.sha256(text).hexdigest()[:16]}.safetensors"
