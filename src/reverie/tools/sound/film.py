"""`reverie sound film`: a film gets a sound made of its own motion, or a song."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.job import Input, Json
from reverie.jobs.output import side_file
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan, Progress, Report
from reverie.tools.sound.config import SoundFilmConfig

if TYPE_CHECKING:
    import numpy as np

    from reverie.tools.sound.motion import FilmMotion

SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".wav", ".flac")
LATENTS = "-latents.safetensors"


@dataclasses.dataclass(frozen=True, eq=False)
class SoundFilm:
    """A film with another sound, its picture untouched; or the sound alone, in .wav and .flac."""

    film: Path
    samples: np.ndarray
    label: str = ""
    suffixes: tuple[str, ...] = SUFFIXES

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Write it whole or not at all."""
        import json

        from reverie.media.audio import flac_bytes, lay_under, wav_bytes
        from reverie.weights.atomic import write_bytes

        suffix = path.suffix.lower()
        if suffix in (".wav", ".flac"):
            write_bytes(side_file(path), (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode())
            write_bytes(path, wav_bytes(self.samples) if suffix == ".wav" else flac_bytes(self.samples))
            return ()
        lay_under(self.film, self.samples, path, dict(record))
        return ()


class PreparedSound:
    """Settings of a sound."""

    notes: Sequence[str] = ()

    def __init__(self, config: SoundFilmConfig, session: Session) -> None:
        self.config = config

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work: look through the film, then make its sound."""
        from reverie.media.footage import footage_frames, open_footage
        from reverie.tools.sound.motion import Look
        from reverie.tools.sound.synthesis import RATE_HZ, synthesize

        if given is None or given.path is None:
            raise InputError("sound is made for a film; name its file")
        path, footage, notes = given.path, open_footage(given.path), list[str]()
        given.size = footage.size
        made: list[np.ndarray] = []
        config, files = self.config, dict[str, Input]()
        ws = None if config.song else self._latents(path, footage.frames, notes, files)
        seconds = footage.frames / float(footage.rate)

        def steps() -> Iterator[Progress]:
            if config.song is not None:
                made.append(_fitted(Path(config.song), round(seconds * RATE_HZ), notes))
                yield Report(1, 1, "songs", "the song")
                return
            look, total = Look(), footage.frames + 1
            for number, frame in enumerate(footage_frames(footage), 1):
                look.add(frame)
                yield Report(number, total, "frames", f"looking at frame {number}/{footage.frames}",
                             preview=lambda f=frame: f)  # fmt: skip
            motion = look.motion(float(footage.rate), ws)
            closed, why = _closed(config, path, motion)
            notes.append(f"the sound {'closes on itself' if closed else 'has a beginning and an end'}: {why}")
            made.append(synthesize(motion, config, closed=closed))
            yield Report(total, total, "frames", "the sound")

        def outputs() -> Sequence[SoundFilm]:
            if not made:
                raise InputError("the sound is not made yet")
            return [SoundFilm(path, made[0])]

        plan = Plan({"seconds": seconds, "frames": footage.frames}, None, f"{seconds:.1f} s", SUFFIXES)
        return Steps(steps(), outputs, plan=plan, notes=notes, chosen=Chosen(files=files))

    def _latents(self, film: Path, frames: int, notes: list[str], files: dict[str, Input]) -> np.ndarray | None:
        from reverie.jobs.given import sha256_of
        from reverie.models.stylegan2.latents import read_latents

        beside = film.with_name(film.stem + LATENTS)
        path = Path(self.config.latents) if self.config.latents else beside
        if not self.config.latents and not beside.is_file():
            return None
        ws = read_latents(path).ws.numpy()
        if len(ws) != frames:
            notes.append(f"'{path.name}' has {len(ws)} latents for {frames} frames; the pictures alone are heard")
            return None
        notes.append(f"the way through latent space is heard: {path.name}")
        files["latents"] = Input(path.name, sha256_of(path))
        return ws


def _fitted(song: Path, count: int, notes: list[str]) -> np.ndarray:
    """Return a song as long as the film: cut with a fade, or followed by silence."""
    import numpy as np

    from reverie.media.audio import RATE_HZ, read_audio

    samples = read_audio(song)
    if len(samples) < count:
        notes.append(f"'{song.name}' ends {(count - len(samples)) / RATE_HZ:.1f} s before the film does")
        return np.pad(samples, ((0, count - len(samples)), (0, 0)))
    if len(samples) > count:
        fade = min(count, RATE_HZ)
        samples = samples[:count].copy()
        samples[count - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
        notes.append(f"'{song.name}' is cut to the film's length and faded out")
    return samples


def _closed(config: SoundFilmConfig, film: Path, motion: FilmMotion) -> tuple[bool, str]:
    """Return whether a film runs in circles, and how that is known: asked for, said by the film itself, or seen."""
    if config.loop != "auto":
        return config.loop == "yes", "as --loop says"
    said = _said_loop(film)
    if said is not None:
        return said, "so the film was made"
    return motion.closes, (
        "its last frame leads to its first; --loop no if that is chance" if motion.closes
        else "its last frame does not lead to its first; --loop yes if it runs in circles"
    )  # fmt: skip


def _said_loop(film: Path) -> bool | None:
    """Return whether a film of ours was made as a loop; None of others, and where that is no setting."""
    from reverie.jobs.stored import stored_record

    try:
        record = stored_record(film)
    except InputError:
        return None
    found = [part["loop"] for part in record.values() if isinstance(part, dict) and isinstance(part.get("loop"), bool)]
    return found[0] if found else None


SOUND_FILM: Tool[SoundFilmConfig] = Tool(
    name="sound film", doing="listening", ending="sound",
    summary="Give a film a sound made of its own motion and colors, or a song.",
    config=SoundFilmConfig, prepare=PreparedSound,
    roles=(Role("film", "film", "The film.", streamed=True),), makes="film", suffix=".mp4",
    examples=(
        "reverie sound walk.mp4",
        "reverie sound film walk.mp4 --scale lydian --key E --tempo 60 -o walk-sound.wav",
        "reverie sound film clip.mp4 --song song.mp3",
    ),
)  # fmt: skip
