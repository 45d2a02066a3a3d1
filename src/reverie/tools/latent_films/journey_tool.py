"""`reverie latent journey`: a film from a file of keys and tracks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.film import FrameSequence
from reverie.jobs.given import Given, sha256_of
from reverie.jobs.job import Input
from reverie.jobs.session import Session
from reverie.jobs.tool import Role, Tool
from reverie.tools.latent.config import JourneyConfig, upgraded
from reverie.tools.latent_films.journey import Journey, read_journey

if TYPE_CHECKING:
    from reverie.tools.latent.model import LatentModel
    from reverie.tools.latent_search.directions import Directions

PCA_SAMPLES = 20_000
SAME = 1e-3


class PreparedJourney:
    """A journey and its open network."""

    def __init__(self, config: JourneyConfig, session: Session) -> None:
        from reverie.tools.latent.model import LatentModel
        from reverie.tools.latent_films.travel import Travel

        if not config.journey:
            raise InputError("there is no journey; name a YAML file of keys")
        self.config, self.journey = config, read_journey(Path(config.journey))
        self.model = LatentModel(config, session)
        self.files = _files(self.journey)
        critic = session.critic("embedded", None, config.device, "auto") if self.journey.speed == "perceptual" else None
        self.travel = Travel(self.journey, self.model, _directions(self.journey, self.model), critic)
        self.notes: Sequence[str] = seam_notes(self.journey)

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> FrameSequence:
        """Return the film; the latents of its frames stand beside it."""
        from reverie.tools.latent_films.driven import drive_of, driven
        from reverie.tools.latent_films.walk import lasting, latent_film

        config, journey = self.config, self.journey
        rate = Fraction(config.fps or journey.fps).limit_denominator(1001)
        begin_s, end_s = journey.part_s or (0.0, journey.keys.length_s)
        length_s, loop = end_s - begin_s, journey.loop and journey.part_s is None
        frames = max(1, round(length_s * rate))
        if not loop and (journey.part_s is None or (not journey.loop and end_s >= journey.keys.length_s)):
            frames += 1  # the last key is shown, too
        manifest = {
            "tool": "latent journey", "network": self.model.sha256, "settings": lasting(config),
            "journey": hashlib.sha256(Path(config.journey).read_bytes()).hexdigest(),
            "files": str({name: item.sha256 for name, item in self.files.items()}),
        }  # fmt: skip
        audio, drive = self._sound(), drive_of(config)
        way = lambda t: self.travel.at(begin_s + t)  # noqa: E731
        at = lambda n: way(float(n / rate))  # noqa: E731
        if drive is not None and config.map:
            at = driven(way, drive, self.model, length_s, float(rate), frames, loop=loop,
                        directions=self.travel.directions)  # fmt: skip
        return latent_film(self.model, at, frames, rate, config, scratch, manifest, audio, files=self.files)

    def _sound(self) -> Path | None:
        if self.config.song is not None:
            return Path(self.config.song)
        if self.journey.audio is None:
            return None
        path = _beside(self.journey.folder, self.journey.audio)
        if not path.is_file():
            raise InputError(f"the journey names the sound '{self.journey.audio}', which is not there")
        return path


def seam_notes(journey: Journey) -> list[str]:
    """Return what jumps where a film that loops begins again, one line each."""
    if not journey.loop or journey.part_s is not None:
        return []
    length_s = journey.keys.length_s
    tracks = {**journey.groups, **({"noise": journey.noise} if journey.noise is not None else {})}
    found = [
        f"'{name}' takes {track.length_s:g} s and the journey {length_s:g} s: it jumps where the film begins again"
        for name, track in tracks.items() if abs(length_s / track.length_s % 1.0 - 0.5) < 0.5 - SAME
    ]  # fmt: skip
    values = {f"direction {name}": one for name, one in journey.directions.items()}
    if journey.truncation is not None:
        values["truncation"] = journey.truncation
    for name, one in values.items():
        first, last = one.at(0.0), one.at(length_s)
        if abs(first - last) > SAME:
            found.append(f"{name} begins at {first:g} and ends at {last:g}: it jumps where the film begins again")
    return found


def _beside(folder: Path, name: str) -> Path:
    return folder / name if (folder / name).is_file() else Path(name)


def _files(journey: Journey) -> Mapping[str, Input]:
    """Return what the journey names, by role, with its hash."""
    names = [*journey.files(), *(n for n in (journey.directions_file, journey.audio) if n is not None)]
    paths = {name: _beside(journey.folder, name) for name in names}
    return {f"journey {n}": Input(p.name, sha256_of(p)) for n, p in enumerate(paths.values(), 1) if p.is_file()}


def _directions(journey: Journey, model: LatentModel) -> Directions | None:
    from reverie.tools.latent_search.directions import principal_directions, read_directions

    if not journey.directions:
        return None
    if journey.directions_file is not None:
        return read_directions(_beside(journey.folder, journey.directions_file), model.config.w_dim)
    return principal_directions(model.net, model.config.w_dim, PCA_SAMPLES, model.sha256)


LATENT_JOURNEY: Tool[JourneyConfig] = Tool(
    name="latent journey", doing="travelling", ending="", summary="Film a journey between keys in latent space.",
    config=JourneyConfig, prepare=PreparedJourney, upgrade=upgraded,
    roles=(Role("journey", "text", "The journey: a YAML file of keys."),),
    makes="film", spreads=True, suffix=".mp4", name_of=lambda config: Path(config.journey).stem,
    examples=(
        "reverie latent journey spring.yaml --size 512",
        "reverie latent journey spring.yaml --model mine.safetensors",
    ),
)  # fmt: skip
