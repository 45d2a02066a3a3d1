"""Settings of `reverie compare`; free of torch so that help is instant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reverie.jobs.blocks import device_setting, max_memory_setting
from reverie.settings import setting

GOAL, HOW, MACHINE = "who measures", "how", "machine"


def network_files(text: str, change: Callable[[str, str], str]) -> str:
    """Return MODEL or MODEL,WEIGHTS with the names of files changed."""
    model, comma, weights = text.partition(",")
    return change("", model.strip()) + (f",{change('weights', weights.strip())}" if comma else "")


@dataclass(frozen=True)
class CompareConfig:
    """What stylized pictures are measured by, and at what size."""

    judge: str | None = setting(
        None,
        "Another network to measure by, as MODEL or MODEL,WEIGHTS; default: the embedded one, where another stylized.",
        inside=network_files,
        group=GOAL,
    )
    model: str | None = setting(
        None, "The network that stylized, as MODEL or MODEL,WEIGHTS; default: as the pictures say, or 'embedded'.",
        inside=network_files, group=GOAL,
    )  # fmt: skip
    layers: int = setting(5, "Layers to measure by, of each network.", minimum=1, maximum=1000, group=GOAL)
    size: int | None = setting(
        None, "Longer side at which all are looked at, in pixels; default: the content's own, at most 512.", minimum=16,
        group=HOW,
    )  # fmt: skip
    style_scale: float | None = setting(
        None, "Size of the style's picture relative to the others; default: as the pictures say, or 1.", above=0,
        maximum=64, group=HOW,
    )  # fmt: skip
    device: str = device_setting(group=MACHINE)
    max_memory: str | None = max_memory_setting("3GB", group=MACHINE)
    content: str | None = setting(None, "The picture that was stylized.", file="picture", own=True)
    style: str | None = setting(None, "The picture whose style it was stylized in.", file="picture", own=True)
    styled: tuple[str, ...] = setting((), "The results, one or several.", file="picture", own=True)
