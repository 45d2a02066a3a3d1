"""Settings of `reverie translator export`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.settings import setting


@dataclass(frozen=True)
class TranslatorExportConfig:
    """Which translator is exported, and whether in int8."""

    model: str = setting("sobel", "Network: 'sobel', or a file of 'reverie train translate'.", file="network",
                         builtin=("sobel",))  # fmt: skip
    data: str | None = setting(
        None, "Pictures to calibrate an int8 network on: a folder or a zip; without them there is none.", file="folder"
    )
    pictures: int = setting(16, "How many of them calibrate; as many others measure the loss.", minimum=1, maximum=512)
    crop_px: int = setting(128, "Side of the crops that calibrate.", minimum=32, maximum=1024)
