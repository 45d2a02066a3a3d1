"""What can be changed: pixels, spectra, stacks of sizes, textures, latents; each an `nn.Module` that gives pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reverie.canvas.masked import MaskedCanvas
    from reverie.canvas.phase import PhaseCanvas
    from reverie.canvas.pixels import PixelCanvas
    from reverie.canvas.spectrum import SpectrumCanvas
    from reverie.canvas.stack import StackCanvas

__all__ = ["MaskedCanvas", "PhaseCanvas", "PixelCanvas", "SpectrumCanvas", "StackCanvas"]

_HOMES = {
    "MaskedCanvas": "reverie.canvas.masked",
    "PhaseCanvas": "reverie.canvas.phase",
    "PixelCanvas": "reverie.canvas.pixels",
    "SpectrumCanvas": "reverie.canvas.spectrum",
    "StackCanvas": "reverie.canvas.stack",
}


def __getattr__(name: str) -> Any:
    """Import the names of this room on first use, so that its small files can be had without torch."""
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """List them."""
    return list(__all__)
