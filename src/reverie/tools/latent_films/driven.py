"""A film of latents that a song drives, and the sound of a film of latents."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from reverie.errors import InputError, unknown_name
from reverie.models.stylegan2.generator import Noise
from reverie.tools.latent.model import LatentModel
from reverie.tools.latent_search.directions import Directions, parse_target, principal_directions
from reverie.tools.sound.config import SoundSettings
from reverie.tools.sound.drive import Drive

if TYPE_CHECKING:
    from reverie.tools.latent.config import HeardSettings

PARAMETERS = ("speed", "spread", "direction 0", "direction 1@fine")
DIRECTION = re.compile(r"direction (\d+(?:@[\w-]+)?)")
PCA_SAMPLES = 5000
AtTime = Callable[[float], tuple[Tensor, Noise]]


def driven(at: AtTime, drive: Drive, model: LatentModel, length_s: float, rate: float, frames: int, *, loop: bool,
           directions: Directions | None = None) -> Callable[[int], tuple[Tensor, Noise]]:  # fmt: skip
    """Return ws and noise of frame n of a film that a song drives.

    "speed" is how fast it goes, on average as fast as without the song where it loops; "spread" multiplies the distance
    from the mean picture; "direction N" moves along a direction, in standard deviations.

    Raises:
        InputError: another parameter.
    """
    moves: dict[str, tuple[int, tuple[int, ...]]] = {}
    for name in drive.parameters:
        match = DIRECTION.fullmatch(name)
        if match is not None:
            moves[name] = parse_target(match[1], model.config.num_ws)
        elif name not in ("speed", "spread"):
            raise InputError(f"--map: {unknown_name('parameter', name, PARAMETERS)}")
    if moves and directions is None:
        directions = principal_directions(model.net, model.config.w_dim, PCA_SAMPLES, model.sha256)
    times = np.arange(frames) / rate
    if "speed" in drive.parameters:
        passed = drive.passed("speed", np.append(times, frames / rate))
        if loop and passed[-1] > 0:
            passed = passed * (length_s / passed[-1])
        times = passed[:-1]

    def one(number: int) -> tuple[Tensor, Noise]:
        ws, noise = at(float(times[number]))
        values = drive.at(number / rate)
        if "spread" in values:
            ws = model.center().lerp(ws, values["spread"])
        for name, (index, layers) in moves.items():
            assert directions is not None
            ws = ws.clone()
            ws[list(layers)] += values[name] * directions.step(index).to(ws)
        return ws, noise

    return one


def drive_of(how: HeardSettings) -> Drive | None:
    """Return the song that drives a film, if one does.

    Raises:
        InputError: links without a song, or a song that cannot be read.
    """
    if how.song is None:
        return None
    return Drive(Path(how.song), how.map)


def sound_of(ws: np.ndarray, how: SoundSettings, rate: float) -> Callable[[Iterator[np.ndarray]], bytes]:
    """Return what makes the WAV file of a film's frames and their latents."""

    def made(frames: Iterator[np.ndarray]) -> bytes:
        from reverie.media.audio import wav_bytes
        from reverie.tools.sound.motion import Look
        from reverie.tools.sound.synthesis import synthesize

        look, count = Look(), 0
        for frame in frames:
            look.add(frame)
            count += 1
        motion = look.motion(rate, ws[:count])
        return wav_bytes(synthesize(motion, how, closed=motion.closes))

    return made
