"""The ladder of priors: what keeps a picture natural while a network has its way with it.

Each rung is a canvas, a rule by which it moves and what is subtracted from the score. Steps and rates were chosen by
looking at sheets of pictures and by what a second network sees in them (docs/visualize.md).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from reverie.canvas.phase import DECAY, PhaseCanvas
from reverie.canvas.pixels import PixelCanvas
from reverie.canvas.spectrum import MARGIN, SpectrumCanvas
from reverie.canvas.stack import StackCanvas
from reverie.data.folder import Archive
from reverie.errors import InputError, PictureError
from reverie.media.image import read_square
from reverie.media.source import open_picture, pixel_limit
from reverie.media.suffixes import PICTURES
from reverie.numerics.color import decorrelate
from reverie.numerics.radial import RadialMean
from reverie.optimize.ascend import CanvasRule


@dataclass(frozen=True)
class Start:
    """What a canvas begins with: height and width, how many pictures, colors, and a measured spectrum or none."""

    size: tuple[int, int]
    batch: int
    matrix: Tensor
    profile: Tensor | None = None


@dataclass(frozen=True)
class Prior:
    """One rung of the ladder.

    Attributes:
        canvas: makes the canvas.
        rule: how it moves.
        steps: how often, unless the user says otherwise.
        statistics: weight of the distance from what the network's BatchNorms remember.
        smooth: weight of total variation.
    """

    canvas: Callable[[Start, Generator], nn.Module]
    rule: CanvasRule
    steps: int
    statistics: float = 0.0
    smooth: float = 0.0


def _pixels(start: Start, generator: Generator) -> nn.Module:
    return PixelCanvas.noise(start.size, generator, batch=start.batch, spread=0.05)


def _spectrum(start: Start, generator: Generator) -> nn.Module:
    noise = {"batch": start.batch, "matrix": start.matrix, "spread": 0.2}
    return SpectrumCanvas.noise(start.size, generator, decay=DECAY, **noise)


def _stack(start: Start, generator: Generator) -> nn.Module:
    return StackCanvas.noise(start.size, generator, batch=start.batch, matrix=start.matrix)


def _phase(start: Start, generator: Generator) -> nn.Module:
    return PhaseCanvas.noise(start.size, generator, batch=start.batch, matrix=start.matrix, profile=start.profile)


STEPS = 128
PRIORS: dict[str, Prior] = {
    "pixel": Prior(_pixels, CanvasRule(0.02, anneal=True), STEPS),
    "fourier": Prior(_spectrum, CanvasRule(0.1, anneal=True), STEPS),
    "stack": Prior(_stack, CanvasRule(0.008, anneal=True), STEPS),
    "bn": Prior(_stack, CanvasRule(0.008, anneal=True), STEPS, statistics=5.0),
    "maco": Prior(_phase, CanvasRule(1.0, "nadam", anneal=True), STEPS),
}


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
