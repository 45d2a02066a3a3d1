"""`reverie dream` for videos, GIFs and animated WebPs."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from reverie.errors import InputError
from reverie.settings import check_settings, from_record, to_record
from reverie.tools.dream_config import DreamConfig
from reverie.tools.keyframes import Keyframes
from reverie.tools.video_config import VideoConfig


def run_video(
    source: Path, target: Path, config: DreamConfig, video: VideoConfig, *, keyframes: Keyframes | None = None,
    dry_run: bool = False,
) -> int:  # fmt: skip
    """Dream a video to its end, with progress; stopped or killed, the same call goes on where it was."""
    check_settings(config)
    check_settings(video)
    from reverie.tools.video_work import VideoDream

    work = VideoDream(source, target, config, video, keyframes=keyframes)
    if dry_run:
        print(json.dumps(_decisions(work), indent=2))
        return 0
    return _run(work)


def _run(work: Any) -> int:
    from reverie.apps.cli.progress import bar

    began = time.monotonic()
    try:
        with bar("dreaming") as line:
            for note in work.notes:
                line.say(note)
            told = len(work.notes)
            fresh = _watch(work, line)
            line.update(1.0, f"writing {work.target.name}", None)
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
    print(work.target)
    return 0


def replay_video(
    made: Path, record: dict[str, Any], original: Path | None, output: str | None, files: dict[str, str | None]
) -> int:
    """Make a video again, byte for byte, from the settings inside it.

    Raises:
        InputError: the original or the network is not the one that was used.
    """
    from reverie.apps.cli.stored import with_files
    from reverie.tools.video_work import VideoDream

    config = from_record(DreamConfig, with_files(made, record["config"], files))
    target = Path(output) if output else made.with_name(f"{made.stem}-replay{made.suffix}")
    work = VideoDream(Path(original or ""), target, config, from_record(VideoConfig, record["video"]))
    now = work.settings()
    for what, option in (("input", "--input"), ("model", "--model")):
        if now[what]["sha256"] != record[what]["sha256"]:
            raise InputError(f"the {what} '{now[what]['name']}' is not the one that was used; give it with {option}")
    code = _run(work)
    if code == 0:
        same = target.read_bytes() == made.read_bytes()
        then = ", ".join(f"{k} {v}" for k, v in record.get("machine", {}).items())
        print("the bytes are the same" if same else f"the bytes differ; it was made with {then}", file=sys.stderr)
    return code


def video_path(source: Path, output: str | None) -> Path:
    """Return where to write: as told, or beside the source, in its own kind if that can be written, else MP4.

    The name of a video that was begun and not finished is not free yet and is taken again.
    """
    if output is not None:
        return Path(output)
    from reverie.media.footage import WRITE_SUFFIXES

    suffix = source.suffix.lower() if source.suffix.lower() in WRITE_SUFFIXES else ".mp4"
    number = 1
    while True:
        extra = "" if number == 1 else f"-{number}"
        candidate = source.with_name(f"{source.stem}-dream{extra}{suffix}")
        if not candidate.exists():
            return candidate
        number += 1


def _watch(work: Any, line: Any) -> int:
    """Dream what is missing; return how many frames that were."""
    began, fresh = time.monotonic(), 0
    steps = iter(work)
    for step in steps:
        if fresh == 0 and work.done > 1:
            line.say(f"going on behind frame {work.done - 1}")
        fresh += 1
        rate = fresh / max(time.monotonic() - began, 1e-9)
        eta = (work.total - work.done) / rate
        note = f"frame {work.done}/{work.total}  {_speed(rate)}"
        if step.flicker is not None:
            note += f"  flicker {step.flicker:.2f}"
        line.update(min(1.0, work.done / work.total), note + ("  cut" if step.cut else ""), eta)
    return fresh


def _speed(rate: float) -> str:
    return f"{rate:.2f} frames/s" if rate >= 0.1 else f"{60 * rate:.2f} frames/min"


def _summary(work: Any, measured: dict[str, Any], fresh: int, seconds: float) -> str:
    height, width = work.plan.size
    flicker, source = measured["flicker"], measured["source_flicker"]
    parts = [
        f"{measured['frames']} frames of {width} x {height} px ({fresh} of them now, {seconds:.1f} s)",
        f"{work.video.coherence}, {len(measured['cuts'])} cuts",
        "no flicker to measure" if flicker is None else f"flicker {flicker:.2f} of 255 (of the source: {source:.2f})",
        f"seed {work.config.seed}",
        f"{work.critic.identity.name}:{'+'.join(work.plan.layers)}, {work.critic.precision} on {work.critic.device}",
    ]
    return ", ".join(parts)


def _decisions(work: Any) -> dict[str, Any]:
    plan, footage = work.plan, work.footage
    return {
        "output": str(work.target), "size": [plan.size[1], plan.size[0]], "frames": work.total,
        "frames_per_s": str(footage.rate), "octaves": [[s[1], s[0]] for s in plan.sizes],
        "steps_of_first_frame": plan.steps, "steps_later": work.settings()["video"]["later_steps"] * len(plan.sizes),
        "layers": list(plan.layers), "tile_px": plan.tile_px, "tiles": len(plan.tiles(plan.size)) or 1,
        "model": work.critic.identity.name, "precision": work.critic.precision, "device": str(work.critic.device),
        "config": to_record(work.config), "video": to_record(work.video), "notes": work.notes,
    }  # fmt: skip
