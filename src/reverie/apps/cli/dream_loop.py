"""`reverie dream` for films from one picture: zooms, turns, pans, morphs and seamless loops."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reverie.errors import InputError
from reverie.settings import check_settings, to_record
from reverie.tools.dream_config import DreamConfig
from reverie.tools.keyframes import Keyframes
from reverie.tools.loop_config import LoopConfig
from reverie.tools.video_config import VideoConfig

FILM_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".gif")  # of --output, which ask for a film by themselves


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


def film_path(source: Path | None, output: str | None) -> Path:
    """Return where to write: as told, or an MP4 beside the picture under a name that is still free."""
    from reverie.apps.cli.dream_video import video_path

    return video_path((Path("noise") if source is None else source).with_suffix(".mp4"), output)


def run_loop(
    source: Path | None, target: Path, config: DreamConfig, moving: LoopConfig, video: VideoConfig, *,
    dry_run: bool = False,
) -> int:  # fmt: skip
    """Dream a film to its end, with progress; stopped or killed, the same call goes on where it was."""
    check_settings(config)
    check_settings(moving)
    check_settings(video)
    from reverie.apps.cli.progress import bar
    from reverie.tools.loop_work import LoopDream

    work = LoopDream(source, target, config, moving, video, keyframes=keyframes_of(moving.keyframes))
    if dry_run:
        print(json.dumps(_decisions(work), indent=2))
        return 0
    began = time.monotonic()
    try:
        with bar("dreaming") as line:
            for note in work.notes:
                line.say(note)
            told = len(work.notes)
            fresh = _watch(work, line)
            line.update(1.0, f"writing {target.name}", None)
            measured = work.finish()
            for note in work.notes[told:]:
                line.say(note)
    except KeyboardInterrupt:
        print(
            f"reverie: stopped by Ctrl-C; {work.done} of {work.total} frames are kept in '{work.folder.path}'; "
            "run the same command again to go on",
            file=sys.stderr,
        )
        return 130
    print(_summary(work, measured, fresh, time.monotonic() - began), file=sys.stderr)
    print(target)
    return 0


def _watch(work: Any, line: Any) -> int:
    """Dream what is missing; return how many frames that were."""
    began, fresh = time.monotonic(), 0
    for _ in work:
        if fresh == 0 and work.done > 1:
            line.say(f"going on behind frame {work.done - 1}")
        fresh += 1
        spent = max(time.monotonic() - began, 1e-9)
        note = f"frame {work.done}/{work.total}  {spent / fresh:.1f} s each"
        line.update(work.done / work.total, note, (work.total - work.done) * spent / fresh)
    return fresh


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
        "step_size_later": round(work.loop.later.step_size, 6), "layers": list(plan.layers), "tile_px": plan.tile_px,
        "tiles": len(plan.tiles(plan.size)) or 1, "model": work.critic.identity.name,
        "precision": work.critic.precision, "device": str(work.critic.device), "config": to_record(work.config),
        "loop": to_record(work.moving), "notes": work.notes,
    }  # fmt: skip
