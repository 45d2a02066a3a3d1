"""`reverie dream` for films from one picture: zooms, turns, pans, morphs and seamless loops."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reverie.apps.cli.film import film_path, replay_film, replay_path, run_film, stored_keyframes
from reverie.errors import InputError
from reverie.settings import check_settings, from_record, to_record
from reverie.tools.dream_config import DreamConfig
from reverie.tools.keyframes import Keyframes
from reverie.tools.loop_config import LoopConfig
from reverie.tools.video_config import VideoConfig

FILM_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".gif")  # of --output, which ask for a film by themselves
STILLS = (".png", ".jpg", ".jpeg", ".avif", ".tif", ".tiff")  # of --output, which ask for one picture of a film


def asks_for_a_still(output: str | None) -> bool:
    """Tell whether the output's name asks for one picture of a film."""
    return output is not None and Path(output).suffix.lower() in STILLS


def wants_film(moving: Mapping[str, Any], output: str | None) -> bool:
    """Tell whether a still picture shall become a film: an option of films was given, or a name that only they have."""
    return bool(moving) or (output is not None and Path(output).suffix.lower() in FILM_SUFFIXES)


def keyframes_of(path: str | None) -> Keyframes | None:
    """Return the keyframes in a file, if one was given."""
    if path is None:
        return None
    from reverie.tools.keyframes_file import read_keyframes

    return read_keyframes(path)


def for_video(moving: Mapping[str, Any]) -> Keyframes | None:
    """Return what those options mean for a source that moves by itself: keyframes, or a mistake."""
    wrong = next((name for name in moving if name != "keyframes"), None)
    if wrong is not None:
        raise InputError(f"--{wrong} makes films from a still picture; a video has its own motion, length and rate")
    return keyframes_of(moving.get("keyframes"))


def loop_path(source: Path | None, output: str | None) -> Path:
    """Return where to write: as told, or an MP4 beside the picture under a name that is still free."""
    return film_path((Path("noise") if source is None else source).with_suffix(".mp4"), output)


def run_loop(
    source: Path | None, target: Path, config: DreamConfig, moving: LoopConfig, video: VideoConfig, *,
    dry_run: bool = False, overwrite: bool = False,
) -> int:  # fmt: skip
    """Dream a film to its end, with progress; stopped or killed, the same call goes on where it was."""
    check_settings(config)
    check_settings(moving)
    check_settings(video)
    from reverie.tools.loop_work import LoopDream

    work = LoopDream(source, target, config, moving, video, keyframes=keyframes_of(moving.keyframes))
    if dry_run:
        print(json.dumps(_decisions(work), indent=2))
        return 0
    return run_film(work, _summary, overwrite=overwrite)


def replay_loop(
    made: Path, record: dict[str, Any], original: Path | None, output: str | None, given: dict[str, str | None],
    folders: tuple[str, ...] = (),
) -> int:  # fmt: skip
    """Make a film from a picture again, byte for byte, from the settings inside it.

    Raises:
        InputError: the original, another picture or the network is not the one that was used.
    """
    from reverie.apps.cli.stored import with_files
    from reverie.tools.loop_work import LoopDream

    config = from_record(DreamConfig, with_files(made, record, given, folders))
    moving, video = from_record(LoopConfig, record["loop"]), from_record(VideoConfig, record["video"])
    keyframes = stored_keyframes(record)
    work = LoopDream(original, replay_path(made, output), config, moving, video, keyframes=keyframes)
    return replay_film(work, made, record, _summary)


def _summary(work: Any, measured: dict[str, Any], fresh: int, seconds: float) -> str:
    height, width = work.loop.first_plan.size
    film, names = work.film, "+".join(work.loop.first_plan.layers)
    seam = "" if measured["seam_flicker"] is None else f", {measured['seam_flicker']:.2f} from the last to the first"
    flicker = "no flicker to measure" if measured["flicker"] is None else f"flicker {measured['flicker']:.2f} of 255"
    return (
        f"{film.frames} frames of {width} x {height} px, {film.length_s:g} s at {float(film.rate):g} frames/s "
        f"({fresh} of {work.total} dreamt now, {seconds:.1f} s), {flicker}{seam}, seed {work.config.seed}, "
        f"{work.critic.identity.name}:{names}, {work.critic.precision} on {work.critic.device}"
    )


def _decisions(work: Any) -> dict[str, Any]:
    plan, film = work.loop.first_plan, work.film
    return {
        "output": str(work.target), "size": [plan.size[1], plan.size[0]], "frames": film.frames,
        "frames_to_dream": work.total, "frames_per_s": str(film.rate), "seconds": film.length_s,
        "zoom_per_s": film.zoom, "rotate_deg_per_s": film.rotate_deg, "pan_per_s": film.pan, "border": film.border,
        "anchor_per_s": film.anchor, "seam_frames": film.seam_frames, "keyed": sorted(work.keyframes.tracks),
        "octaves": [[s[1], s[0]] for s in plan.sizes], "steps_of_first_frame": plan.steps,
        "steps_later": work.later_steps * len(work.loop.later_plan.sizes),
        "step_size_later": round(work.loop.paced(work.loop.later).step_size, 6),
        "layers": list(plan.layers), "tile_px": plan.tile_px,
        "tiles": len(plan.tiles(plan.size)) or 1, "model": work.critic.identity.name,
        "precision": work.critic.precision, "device": str(work.critic.device), "config": to_record(work.config),
        "loop": to_record(work.moving), "notes": work.notes,
    }  # fmt: skip
