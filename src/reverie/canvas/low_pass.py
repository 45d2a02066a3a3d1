"""Any canvas without its finest frequencies: what is not drawn there cannot become grain."""

from __future__ import annotations

from torch import Tensor, nn

from reverie.numerics.fourier import low_pass, to_image, to_spectrum


class LowPassCanvas(nn.Module):
    """A canvas whose images are filtered: ``clamp(irfft(rfft(images) * low_pass))``.

    Borders wrap around, as those of a spectrum do.

    Args:
        canvas: gives images ``[B, 3, H, W]`` in [0, 1], and has `resized`.
        size: ``(H, W)``.
        cut: cycles per pixel at which half of the amplitude is left, see `reverie.numerics.fourier.low_pass`.
    """

    factor: Tensor

    def __init__(self, canvas: nn.Module, size: tuple[int, int], cut: float) -> None:
        super().__init__()
        self.canvas, self.size, self.cut = canvas, size, cut
        self.register_buffer("factor", low_pass(*size, cut))

    def forward(self, view: object | None = None) -> Tensor:
        return to_image(to_spectrum(self.canvas(view)) * self.factor, self.size).clamp(0, 1)

    def resized(self, size: tuple[int, int]) -> LowPassCanvas:
        """Return the same picture at another size, filtered there."""
        return LowPassCanvas(self.canvas.resized(size), size, self.cut)  # type: ignore[operator]

    def clip_(self) -> None:
        """Clip what is filtered, if it has bounds of its own."""
        clip = getattr(self.canvas, "clip_", None)
        if callable(clip):
            clip()
