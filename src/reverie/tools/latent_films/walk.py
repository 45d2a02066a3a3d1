"""`reverie latent walk`: a film along a curve through latent space."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.film import FrameSequence
from reverie.jobs.given import Given
from reverie.jobs.job import Input, Json
from reverie.jobs.tool import Tool
from reverie.tools.latent.config import (
    WALK_S,
    ConformConfig,
    HeardSettings,
    JourneyConfig,
    WalkConfig,
    parse_numbers,
    upgraded,
)
from reverie.tools.latent.sample import MODEL, PreparedGenerator

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from reverie.jobs.output import Output
    from reverie.models.stylegan2.generator import Noise
    from reverie.tools.latent.model import LatentModel
    from reverie.tools.latent_films.paths import Curve
    from reverie.tools.latent_live.tool import LatentRenderConfig

    Filmed = WalkConfig | JourneyConfig | ConformConfig | LatentRenderConfig
NEEDS = {"lerp": 2, "slerp": 2, "spline": 2, "circle": 2, "noise": 1}
EXACT = ("circle", "noise")  # paths that take no more seeds than they need


class PreparedWalk(PreparedGenerator):
    """An open generator and a curve."""

    config: WalkConfig

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> FrameSequence:
        """Return the film; the latents of its frames stand beside it."""
        from reverie.tools.latent_films.driven import drive_of, driven
        from reverie.tools.latent_films.paths import frame_places

        config, model = self.config, self.model
        seeds = parse_numbers(config.seeds)
        if len(seeds) < NEEDS[config.path]:
            raise InputError(f"a {config.path} needs {NEEDS[config.path]} seeds or more; got {len(seeds)}")
        rate = Fraction(config.fps).limit_denominator(1001)
        assert config.seconds is not None  # `settled_walk`
        frames = max(1, round(config.seconds * rate))
        curve = ws_curve(model, config, seeds)
        places = frame_places(frames, closed=config.loop)
        drive = drive_of(config)
        at = lambda n: (curve(float(places[n])), model.noise_of(seeds[0]))  # noqa: E731
        if drive is not None and config.map:
            length_s = frames / float(rate)
            place = lambda t: (t / length_s) % 1.0 if config.loop else min(t / length_s, 1.0)  # noqa: E731
            way = lambda t: (curve(place(t)), model.noise_of(seeds[0]))  # noqa: E731
            at = driven(way, drive, model, length_s, float(rate), frames, loop=config.loop)
        manifest = {"tool": "latent walk", "network": model.sha256, "settings": lasting(config)}
        song = None if config.song is None else Path(config.song)
        film = latent_film(model, at, frames, rate, config, scratch, manifest, song)
        film.notes += loop_notes(config)
        if config.path in EXACT and len(seeds) > NEEDS[config.path]:
            taken = ", ".join(map(str, seeds[: NEEDS[config.path]]))
            film.notes.append(f"of these seeds a {config.path} takes {taken} alone")
        return film


def settled_walk(config: WalkConfig, name: str) -> WalkConfig:
    """Return settings with a length: as long as the song, where none is given.

    Raises:
        InputError: the song cannot be read.
    """
    if config.seconds is not None:
        return config
    if config.song is None:
        return replace(config, seconds=WALK_S)
    from reverie.tools.sound.drive import seconds_of

    return replace(config, seconds=seconds_of(Path(config.song)))


def loop_notes(config: WalkConfig) -> list[str]:
    """Return what becomes of a wish that the path cannot follow: parts of a turn in a loop, or a loop without end."""
    whole = math.ceil(config.turns)
    if config.path == "circle" and config.loop and whole != config.turns:
        return [f"--turns {config.turns:g} became {whole}, as the film loops; --no-loop keeps it"]
    comes_back = config.path == "noise" or (config.path == "circle" and whole == config.turns)
    if comes_back and not config.loop:
        return [f"a {config.path} comes back by itself: with --no-loop the last frame shows the first place again"]
    return []


def lasting(config: Filmed) -> str:
    """Return the settings that frames depend on: all but those of machine and encoding."""
    import dataclasses

    fields = [field for field in dataclasses.fields(config) if field.metadata["replay"]]
    return str({field.name: getattr(config, field.name) for field in fields})


def latent_film(
    model: LatentModel, at: Callable[[int], tuple[Tensor, Noise]], frames: int, rate: Fraction,
    how: Filmed, scratch: Path | None, manifest: Mapping[str, Json], audio: Path | None = None,
    files: Mapping[str, Input] | None = None,
) -> FrameSequence:  # fmt: skip
    """Return the film whose frame n is drawn from `at(n)`: ws and noise; `files` go into the record."""
    import dataclasses

    import torch

    from reverie.jobs.output import even_footage

    drawing = _Frames(model, at, how)

    def all_ws(count: int = frames) -> Tensor:
        return torch.stack([at(n)[0] for n in range(count)])

    def beside(count: int) -> list[Output]:
        work.notes.extend(note for note in drawing.kept_notes if note not in work.notes)
        return [model.saved(all_ws(count), [str(n) for n in range(count)])]

    notes = [f"a proxy, {model.proxy.psnr_db:.1f} dB near the small pictures of the network itself"]
    footage = even_footage(audio or model.opened.path, drawing.size, frames, rate)
    if audio is not None:
        footage = dataclasses.replace(footage, audio=True)
    work = FrameSequence(
        drawing.make, footage, how.encoding(), scratch=scratch, manifest=manifest,
        chosen=dataclasses.replace(model.chosen, files=files or {}), notes=notes if how.preview else [], beside=beside,
        sound=_sound(how, all_ws, float(rate)),
    )  # fmt: skip
    return work


class _Frames:
    """Frames by number, of the size that is asked for; those drawn before come from a folder that keeps them."""

    def __init__(self, model: LatentModel, at: Callable[[int], tuple[Tensor, Noise]], how: Filmed) -> None:
        from reverie.tools.latent_films.kept import KeptFrameFolder

        height, width = model.config.size
        self.size = (height, width) if how.size is None else (how.size, round(width * how.size / height))
        self._model, self._at, self._how = model, at, how
        place, known = how.keep, (model.sha256, how.preview, self.size[0])
        self._kept = None if place is None else KeptFrameFolder(Path(place), known)

    @property
    def kept_notes(self) -> list[str]:
        return [] if self._kept is None else [self._kept.note]

    def make(self, number: int) -> np.ndarray:
        from reverie.tools.latent.model import as_bytes, enlarged

        ws, noise = self._at(number)
        found = None if self._kept is None else self._kept.get(ws, noise)
        if found is not None:
            return found
        draw = self._model.draft if self._how.preview else self._model.draw
        frame = as_bytes(enlarged(draw(ws[None], noise), self.size[0]))[0]
        if self._kept is not None:
            self._kept.put(ws, noise, frame)
        return frame


def _sound(how: Filmed, all_ws: Callable[[], Tensor], rate: float) -> Callable[[Iterator[np.ndarray]], bytes] | None:
    """Return what makes the sound of the way, where it is asked for."""
    if not (isinstance(how, HeardSettings) and how.sound):
        return None
    from reverie.tools.latent_films.driven import sound_of
    from reverie.tools.sound.config import SoundSettings

    return sound_of(all_ws().cpu().numpy(), SoundSettings(), rate)


def ws_curve(model: LatentModel, config: WalkConfig, seeds: tuple[int, ...]) -> Curve:
    """Return the curve of ws ``[num_ws, w_dim]`` that the settings ask for."""
    import torch

    from reverie.tools.latent_films import paths

    name = model.class_of_seed(seeds[0])

    def drawn(z: Curve) -> Curve:
        return lambda u: model.net.spread(model.truncated(model.w(z(u)[None].to(model.device), name), None, name))[0]

    if config.path == "noise":
        generator = torch.Generator().manual_seed(seeds[0])
        return drawn(paths.noise_loop(model.config.z_dim, config.turns, generator))
    if config.path == "circle":
        turns = config.turns if not config.loop else math.ceil(config.turns)
        return drawn(paths.circle(model.z(seeds[0]), model.z(seeds[1]), turns))
    if config.path == "slerp":
        return drawn(paths.polyline(torch.stack([model.z(s) for s in seeds]), paths.slerp, closed=config.loop))
    points = torch.stack([model.ws_of_seed(s) for s in seeds])
    if config.path == "lerp":
        return paths.polyline(points, lambda a, b, t: a.lerp(b, t), closed=config.loop)
    return paths.spline(points, closed=config.loop)


LATENT_WALK: Tool[WalkConfig] = Tool(
    name="latent walk", doing="walking", ending="", summary="Film a walk through latent space.",
    config=WalkConfig, prepare=PreparedWalk, settle=settled_walk, upgrade=upgraded, roles=(MODEL,),
    makes="film", spreads=True, suffix=".mp4",
    examples=(
        "reverie latent walk --seeds 0-7 --seconds 12 --size 256 -o walk.mp4",
        "reverie latent walk --path noise --seeds 3 --class rose -o loop.mp4",
    ),
)  # fmt: skip
