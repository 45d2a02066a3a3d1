"""`reverie sound keys`: a song as keyframes of a dream or a stylized film, as YAML to be edited and used."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.job import Json
from reverie.jobs.output import Bytes, Output
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Plan, Progress, Report
from reverie.tools.sound.config import SoundKeysConfig

if TYPE_CHECKING:
    from reverie.tools.films.loop_config import LoopConfig
    from reverie.tools.sound.drive import Drive

MOST_KEYS = 20_000
LEAST_CHANGE = 0.01  # of a parameter's range; keys that add less are left out


class PreparedKeys:
    """A song, listened to."""

    notes: Sequence[str] = ()

    def __init__(self, config: SoundKeysConfig, session: Session) -> None:
        from reverie.tools.sound.drive import Drive

        self.config = config
        self.drive = Drive(Path(config.song), config.map, config.seconds)

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work: one text."""
        drive, config = self.drive, self.config
        if drive.seconds / config.every * len(drive.parameters) > MOST_KEYS:
            raise InputError(f"that is more than {MOST_KEYS} keys; take a larger --every, or fewer --seconds")
        notes = [f"{drive.seconds:.1f} s, {len(drive.features.onsets_s)} onsets, " + (
            f"{drive.features.tempo:.0f} beats a minute" if drive.features.tempo else "no steady beat")]  # fmt: skip

        def steps() -> Iterator[Progress]:
            yield Report(1, 1, "songs", "the song")

        def encoded(suffix: str, record: Mapping[str, Json]) -> bytes:
            return keys_text(drive, config).encode()

        def outputs() -> Sequence[Output]:
            return [Bytes(encoded, (".yaml",))]

        return Steps(steps(), outputs, plan=Plan(summary=f"{drive.seconds:.1f} s", suffixes=(".yaml",)), notes=notes)


def keys_text(drive: Drive, config: SoundKeysConfig) -> str:
    """Return the keyframes as YAML."""
    lines = [f"# {Path(config.song).name}, by 'reverie sound keys'", "ease: linear"]
    times = [n * config.every for n in range(int(drive.seconds / config.every) + 1)]
    rows = [drive.at(time_s) for time_s in times]
    for name in drive.parameters:
        values = [row[name] for row in rows]
        least = LEAST_CHANGE * max(max(values) - min(values), 1e-9)
        lines.append(f"{name}:")
        for number in _needed(values, least):
            lines.append(f"  {times[number]:.3f}s: {values[number]:.4f}")
    return "\n".join(lines) + "\n"


def _needed(values: Sequence[float], least: float) -> list[int]:
    """Return the numbers of the keys that straight lines between the others do not give."""
    kept, anchor = [0], 0
    for number in range(2, len(values)):
        span = number - anchor
        line = [values[anchor] + (values[number] - values[anchor]) * k / span for k in range(1, span)]
        if any(abs(a - b) > least for a, b in zip(line, values[anchor + 1 : number], strict=True)):
            anchor = number - 1
            kept.append(anchor)
    if len(values) > 1:
        kept.append(len(values) - 1)
    return kept


def with_song(loop: LoopConfig) -> LoopConfig:
    """Return settings of a film whose length and keyframes are those of its song; what was given stays.

    Raises:
        InputError: the song cannot be read, or a link that is not understood.
    """
    if loop.song is None or (loop.keyframes is not None and loop.seconds is not None):
        return loop
    from reverie.tools.sound.drive import Drive

    usual = SoundKeysConfig(song=loop.song)
    how = replace(usual, map=loop.map) if loop.map else usual
    drive = Drive(Path(loop.song), how.map, loop.seconds)
    keys = {"name": f"{Path(loop.song).name} by --map", "text": keys_text(drive, how), "names": []}
    return replace(
        loop, keyframes=loop.keyframes or json.dumps(keys, ensure_ascii=False),
        seconds=loop.seconds or round(drive.seconds, 3),
    )  # fmt: skip


SOUND_KEYS: Tool[SoundKeysConfig] = Tool(
    name="sound keys", doing="listening", ending="keys",
    summary="Write what a song does as keyframes, for dreams and stylized films.",
    config=SoundKeysConfig, prepare=PreparedKeys, roles=(Role("song", "data", "The song."),), makes="table",
    suffix=".yaml", name_of=lambda config: Path(config.song).stem,
    examples=(
        "reverie sound keys song.wav --map bass=zoom:1:1.08 --map onset=strength:0.5:2",
        "reverie dream photo.jpg --keyframes song-keys.yaml --seconds 30",
    ),
)  # fmt: skip
