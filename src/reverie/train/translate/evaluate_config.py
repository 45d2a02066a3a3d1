"""Settings of `reverie translator evaluate`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.jobs.blocks import device_setting
from reverie.settings import setting


@dataclass(frozen=True)
class TranslatorEvaluateConfig:
    """Which translator is measured, on what."""

    model: str = setting("sobel", "Network: 'sobel', or a file of 'reverie train translate'.", file="network",
                         builtin=("sobel",))  # fmt: skip
    data: str = setting("", "Pictures that it has not seen: a folder, a zip, or one picture.", file="folder")
    targets: str | None = setting(
        None,
        "What should become of them: a folder or zip of the same names.",
        file="folder",
        excludes=("side_by_side",),
    )
    side_by_side: bool = setting(False, "Every picture holds a pair.")
    filter: str | None = setting(
        None, "The true filter, where the file does not say it: FILE.py:FUNCTION, which is run, or style:STUDENT.",
        runs_code=True,
    )  # fmt: skip
    param: tuple[str, ...] = setting((), "A number that the network takes, as sigma=1.5; repeatable.", whole=True)
    most: int = setting(24, "Pictures that are measured at most.", minimum=1)
    device: str = device_setting(group="")
