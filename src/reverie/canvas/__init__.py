"""What can be changed: pixels, spectra, stacks of sizes, textures, latents; each an `nn.Module` that gives pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.lazy import lazy

if TYPE_CHECKING:
    from reverie.canvas.masked import MaskedCanvas
    from reverie.canvas.phase import PhaseCanvas
    from reverie.canvas.pixels import PixelCanvas
    from reverie.canvas.spectrum import SpectrumCanvas
    from reverie.canvas.stack import StackCanvas

__all__ = ["MaskedCanvas", "PhaseCanvas", "PixelCanvas", "SpectrumCanvas", "StackCanvas"]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "MaskedCanvas": "reverie.canvas.masked",
        "PhaseCanvas": "reverie.canvas.phase",
        "PixelCanvas": "reverie.canvas.pixels",
        "SpectrumCanvas": "reverie.canvas.spectrum",
        "StackCanvas": "reverie.canvas.stack",
    },
)
