"""A song that drives a dreamt film: what it does becomes keyframes, and it lies under the film."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from reverie.tools.films.loop_config import LoopConfig

USUAL_LINKS = ("bass=zoom:1:1.05", "onset=strength:0.5:1.5")


def driven(loop: LoopConfig) -> LoopConfig:
    """Return settings whose length and keyframes are those of their song; what was given stays.

    Raises:
        InputError: the song cannot be read, or a link that is not understood.
    """
    if loop.song is None or (loop.keyframes is not None and loop.seconds is not None):
        return loop
    from reverie.tools.sound.config import SoundKeysConfig
    from reverie.tools.sound.drive import Drive
    from reverie.tools.sound.keys import keys_text

    how = SoundKeysConfig(song=loop.song, map=loop.map or USUAL_LINKS)
    drive = Drive(Path(loop.song), how.map, loop.seconds)
    keys = {"name": f"{Path(loop.song).stem}-keys.yaml", "text": keys_text(drive, how), "names": []}
    return replace(
        loop, keyframes=loop.keyframes or json.dumps(keys, ensure_ascii=False),
        seconds=loop.seconds or round(drive.seconds, 3),
    )  # fmt: skip
