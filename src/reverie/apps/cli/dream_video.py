"""`reverie dream` for videos, GIFs and animated WebPs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reverie.apps.cli.film import replay_film, replay_path, run_film, stored_keyframes, what_was_measured
from reverie.settings import check_settings, from_record, to_record
from reverie.tools.dream_config import DreamConfig
from reverie.tools.keyframes import Keyframes
from reverie.tools.video_config import VideoConfig


def run_video(
    source: Path, target: Path, config: DreamConfig, video: VideoConfig, *, keyframes: Keyframes | None = None,
    dry_run: bool = False, overwrite: bool = False,
) -> int:  # fmt: skip
    """Dream a video to its end, with progress; stopped or killed, the same call goes on where it was."""
    check_settings(config)
    check_settings(video)
    from reverie.tools.video_work import VideoDream

    work = VideoDream(source, target, config, video, keyframes=keyframes)
    if dry_run:
        print(json.dumps(_decisions(work), indent=2))
        return 0
    return run_film(work, what_was_measured, overwrite=overwrite)


def replay_video(
    made: Path, record: dict[str, Any], original: Path | None, output: str | None, given: dict[str, str | None],
    folders: tuple[str, ...] = (),
) -> int:  # fmt: skip
    """Make a video again, byte for byte, from the settings inside it.

    Raises:
        InputError: the original, another picture or the network is not the one that was used.
    """
    from reverie.apps.cli.stored import with_files
    from reverie.tools.video_work import VideoDream

    config = from_record(DreamConfig, with_files(made, record, given, folders))
    video, keyframes = from_record(VideoConfig, record["video"]), stored_keyframes(record)
    work = VideoDream(Path(original or ""), replay_path(made, output), config, video, keyframes=keyframes)
    return replay_film(work, made, record, what_was_measured)


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
