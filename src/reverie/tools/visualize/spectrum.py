"""Measure how strong each frequency is in a folder of pictures, for the prior ``maco``."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reverie.canvas.spectrum import MARGIN
from reverie.data.folder import Archive
from reverie.errors import InputError, PictureError
from reverie.media.image import read_square
from reverie.media.source import open_picture, pixel_limit
from reverie.media.suffixes import PICTURES
from reverie.numerics.color import decorrelate
from reverie.numerics.radial import RadialMean

MOST_PICTURES = 500  # evenly taken from larger folders; the curve no longer moves after some hundred


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A measured profile ``[3, BINS]``, and from how many pictures of what folder; small enough to be written down."""

    profile: Tensor
    name: str
    pictures: int

    def record(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {"from": self.name, "pictures": self.pictures, "profile": self.profile.tolist()}

    @staticmethod
    def of(record: dict[str, Any]) -> Spectrum:
        """Return the measurement that an output carries."""
        return Spectrum(torch.tensor(record["profile"], dtype=torch.float32), record["from"], record["pictures"])


def measure_spectrum(folder: Path, side_px: int, matrix: Tensor) -> Spectrum:
    """Measure a folder or zip of pictures in decorrelated color, as squares of `side_px`, or less where smaller.

    Raises:
        InputError: no such folder, or no readable picture in it.
    """
    if not folder.exists() or (folder.is_file() and not zipfile.is_zipfile(folder)):
        raise InputError(f"--spectrum-from must be a folder or a zip of pictures; there is none at '{folder}'")
    archive = Archive(folder)
    names = [n for n in archive.names() if n.lower().endswith(PICTURES)]
    stride = max(1, -(-len(names) // MOST_PICTURES))
    mean, count = RadialMean(), 0
    for name in names[::stride]:
        try:
            square = _square(archive.read(name), side_px, name)
        except PictureError:
            continue  # a broken picture says nothing about the others
        mean.add(decorrelate(torch.logit(square.clamp(MARGIN, 1 - MARGIN)), matrix)[0])
        count += 1
    if count == 0:
        raise InputError(f"no readable picture in '{folder}', which --spectrum-from names")
    return Spectrum(mean.profile(), folder.name, count)


def _square(blob: bytes, side_px: int, name: str) -> Tensor:
    image = open_picture(io.BytesIO(blob), name, pixel_limit())
    side = min(side_px, *image.size)
    pixels = torch.from_numpy(read_square(io.BytesIO(blob), side, name))
    return pixels.permute(2, 0, 1)[None].float() / 255
