"""Settings of `reverie compare`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.settings import setting


@dataclass(frozen=True)
class CompareConfig:
    """What painted pictures are judged by, and at what size."""

    judge: str | None = setting(
        None,
        "Another network to judge by, as MODEL or MODEL,WEIGHTS; default: the embedded one, where another painted.",
    )
    model: str | None = setting(
        None, "The network that painted, as MODEL or MODEL,WEIGHTS; default: as stored in the pictures, or 'embedded'."
    )
    layers: int = setting(5, "Layers to judge by, of each network.", minimum=1, maximum=1000)
    size: int | None = setting(
        None, "Longer side at which all are looked at, in pixels; default: the content's own, at most 512.", minimum=16
    )
    style_scale: float | None = setting(
        None, "Size of the style's picture relative to the others; default: as stored in the pictures, or 1.", above=0,
        maximum=64,
    )  # fmt: skip
    device: str = setting("auto", "auto, cpu, cuda, cuda:N or mps.", replay=False)
    max_memory: str | None = setting(
        None, "Plan tiles so that the program stays below this, for example 3GB.", replay=False
    )
