"""Dreamt films as tools: of a video, and from a still picture or nothing. Free of torch until one is prepared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.job import MEANT, Json
from reverie.jobs.session import Session
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan
from reverie.settings import setting
from reverie.tools.dream import tool as dream_tool
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.rules import check_dream
from reverie.tools.films.loop_config import LoopConfig
from reverie.tools.films.video_config import FilmCodec, VideoConfig
from reverie.tools.films.work import (
    FilmWork,
    flicker_words,
    keyed_record,
    keys_text,
    measured_words,
    stored_keys,
    target_of,
    with_keys,
)  # fmt: skip
from reverie.tools.sound.keys import with_song

if TYPE_CHECKING:
    from reverie.tools.dream_film.loop_work import LoopDream
    from reverie.tools.dream_film.video_work import VideoDream
    from reverie.tools.dream_steps.ascent import Plan as DreamPlan
    from reverie.tools.keyframes.keyframes import Keyframes


@dataclass(frozen=True)
class KeyedVideo(VideoConfig):
    """How the frames of a video are joined, and what changes over it."""

    keyframes: str | None = setting(
        None, "YAML file of parameters that change over the film; see docs/motion.md.", stored=False
    )


@dataclass(frozen=True)
class DreamVideoConfig:
    """How a video is dreamt."""

    config: DreamConfig
    video: KeyedVideo


@dataclass(frozen=True)
class LoopSteps:
    """How long the later frames of a film from a still are dreamt."""

    later_steps: int | None = setting(
        None, "Steps at each size from the second frame on; default: a share of --steps.", minimum=0, maximum=100_000
    )


@dataclass(frozen=True)
class LoopFile(FilmCodec, LoopSteps):  # the last base's fields come first, as records have them
    """How a film from a still is encoded, and how long its later frames are dreamt."""


@dataclass(frozen=True)
class DreamLoopConfig:
    """How a film is dreamt from a still picture or from nothing."""

    config: DreamConfig
    loop: LoopConfig
    video: LoopFile


class PreparedVideo:
    """The open network."""

    def __init__(self, config: DreamVideoConfig, session: Session) -> None:
        self.config, self.session = config, session
        self.notes: Sequence[str] = ()

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> FilmWork:
        """Return the work on one video."""
        from reverie.tools.dream_film.video import later_steps
        from reverie.tools.dream_film.video_work import VideoDream

        if given is None or given.path is None:
            raise InputError("a film is read from a file; name it")
        still = replace(self.config.config, seed=seed)
        video, keyframes = self.config.video, _keyframes(self.config.video.keyframes)
        job = VideoDream(given.path, target_of(scratch), still, video, keyframes=keyframes, session=self.session)
        steps = later_steps(job.config, video)
        plan = job.plan
        decisions: dict[str, Json] = _of_frames(job, plan) | {
            "frames": job.total, "frames_per_s": str(job.footage.rate), "steps_of_first_frame": plan.steps,
            "steps_later": steps * len(plan.sizes),
        }  # fmt: skip
        more: dict[str, Json] = {"later_steps": steps}

        def chosen() -> Chosen:
            return _chosen(job, plan, more, _encoded(video) | {"audio": video.audio}, video.keyframes)

        def words() -> str:
            return f"{video.coherence}, {measured_words(job.measured())}"

        return FilmWork(job, Plan(decisions, float(job.total), _summary(plan)), chosen, words)


class PreparedLoop:
    """The open network."""

    def __init__(self, config: DreamLoopConfig, session: Session) -> None:
        self.config, self.session = config, session
        self.notes: Sequence[str] = ()

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> FilmWork:
        """Return the work on one film."""
        from reverie.tools.dream_film.loop_work import LoopDream

        still, moving = replace(self.config.config, seed=seed), self.config.loop
        video, keyframes = self.config.video, _keyframes(moving.keyframes)
        source = None if given is None else given.path
        job = LoopDream(source, target_of(scratch), still, moving, video, keyframes=keyframes, session=self.session)
        plan, film = job.loop.first_plan, job.film
        decisions: dict[str, Json] = _of_frames(job, plan) | {
            "frames": film.frames, "frames_to_dream": job.total, "frames_per_s": str(film.rate),
            "seconds": film.length_s, "zoom_per_s": film.zoom, "rotate_deg_per_s": film.rotate_deg,
            "pan_per_s": list(film.pan), "border": film.border, "anchor_per_s": film.anchor,
            "seam_frames": film.seam_frames, "keyed": sorted(job.keyframes.tracks),
            "steps_of_first_frame": plan.steps, "steps_later": job.later_steps * len(job.loop.later_plan.sizes),
            "step_size_later": round(job.loop.paced(job.loop.later).step_size, 6),
        }  # fmt: skip
        more: dict[str, Json] = {"later_steps": job.later_steps}

        def chosen() -> Chosen:
            return _chosen(job, plan, more, _encoded(video), moving.keyframes)

        def words() -> str:
            found = job.measured()
            seam = found["seam_flicker"]
            after = "" if seam is None else f", {seam:.2f} from the last to the first"
            return f"{film.length_s:g} s at {float(film.rate):g} frames/s, {flicker_words(found['flicker'], after)}"

        return FilmWork(job, Plan(decisions, float(job.total), _summary(plan)), chosen, words)


def _keyframes(setting: str | None) -> Keyframes | None:
    stored = stored_keys(setting)
    if stored is None:
        return None
    from reverie.tools.keyframes.file import parse_keyframes

    return parse_keyframes(stored["text"], stored["name"])


def _of_frames(job: VideoDream | LoopDream, plan: DreamPlan) -> dict[str, Json]:
    return {
        "size": [plan.size[1], plan.size[0]], "octaves": [[s[1], s[0]] for s in plan.sizes],
        "layers": list(plan.layers), "tile_px": plan.tile_px, "tiles": len(plan.tiles(plan.size)) or 1,
        "precision": job.critic.precision,
    }  # fmt: skip


def _encoded(video: FilmCodec) -> dict[str, Json]:
    return {"codec": video.codec, "crf": video.crf, "preset": video.preset}


def _chosen(
    job: VideoDream | LoopDream, plan: DreamPlan, resolved: Mapping[str, Json], encoded: Mapping[str, Json],
    keyed: str | None,
) -> Chosen:  # fmt: skip
    from reverie.tools.dream.work import chosen
    from reverie.tools.dream_film.keyed import named

    found = chosen(job.config, job.critic, plan, job.references)
    keys = _keyframes(keyed)
    meant = {} if keys is None else job.critic.meanings(*(n for p, n, _ in named(keys) if p == "class"))
    meant = {**found.more.get(MEANT, {}), **meant}  # type: ignore[dict-item]
    more = job.measured() | keyed_record(keyed) | ({MEANT: meant} if meant else {})
    return replace(found, config={**found.config, **resolved, **encoded, "keyframes": None}, more=more)


def _summary(plan: DreamPlan) -> str:
    return f"{plan.size[1]} x {plan.size[0]} px"


def _settle_video(config: DreamVideoConfig, name: str) -> DreamVideoConfig:
    still = replace(dream_tool.settle(config.config, name), blend=0.0)  # blend joins frames: VideoConfig
    return replace(config, config=still, video=replace(config.video, keyframes=keys_text(config.video.keyframes)))


def _settle_loop(config: DreamLoopConfig, name: str) -> DreamLoopConfig:
    still = dream_tool.settle(config.config, name)
    loop = with_song(config.loop)
    return replace(config, config=still, loop=replace(loop, keyframes=keys_text(loop.keyframes)))


def _upgrade(section: str) -> Callable[[Mapping[str, object]], Mapping[str, object]]:
    """Return what turns a record of an older version into today's: keyframes stood beside the settings."""
    return lambda record: with_keys(dream_tool.upgrade(record), section)


DREAM_VIDEO: Tool[DreamVideoConfig] = Tool(
    name="dream-video", doing="dreaming", ending="dream", summary="Dream a film, frame by frame.",
    config=DreamVideoConfig, prepare=PreparedVideo, makes="film", suffix=".mp4", settle=_settle_video, spreads=True,
    roles=(Role("pictures", "film", "The film to dream.", streamed=True),),
    check=lambda config: check_dream(config.config), upgrade=_upgrade("video"),
)  # fmt: skip

DREAM_LOOP: Tool[DreamLoopConfig] = Tool(
    name="dream-loop", doing="dreaming", ending="dream", summary="Dream a film from a still picture or from nothing.",
    config=DreamLoopConfig, prepare=PreparedLoop, makes="film", suffix=".mp4", settle=_settle_loop,
    roles=(Role("pictures", "picture", "The picture to begin with.", streamed=True, required=False),),
    check=lambda config: check_dream(config.config), upgrade=_upgrade("loop"), name_of=lambda config: "noise",
)  # fmt: skip
