"""`reverie style` for videos, GIFs and animated WebPs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reverie.apps.cli.film import replay_film, replay_path, run_film, what_was_measured
from reverie.apps.cli.films import make_films
from reverie.apps.cli.tally import Tally
from reverie.data.sources import Source
from reverie.settings import check_settings, from_record, to_record
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.film_config import StyleFilmConfig


def run_style_film(
    source: Path,
    target: Path,
    config: StyleConfig,
    film: StyleFilmConfig,
    *,
    dry_run: bool = False,
    overwrite: bool = False,
) -> int:
    """Paint a film to its end, with progress; stopped or killed, the same call goes on where it was."""
    check_settings(film)
    from reverie.tools.style.film_work import StyleFilm

    work = StyleFilm(source, target, config, film)
    if dry_run:
        print(json.dumps(_decisions(work), indent=2, ensure_ascii=False))
        return 0
    return run_film(work, what_was_measured, overwrite=overwrite)


def replay_style_film(
    made: Path, record: dict[str, Any], original: Path | None, output: str | None, given: dict[str, str | None],
    folders: tuple[str, ...] = (),
) -> int:  # fmt: skip
    """Paint a film again, byte for byte, from the settings inside it.

    Raises:
        InputError: the original, another picture or the network is not the one that was used.
    """
    from reverie.apps.cli.style_stored import with_style_files
    from reverie.tools.style.film_work import StyleFilm
    from reverie.tools.style.keys import parse_style_keys

    config = from_record(StyleConfig, with_style_files(made, record, given, folders))
    film, keyframes = from_record(StyleFilmConfig, record["video"]), None
    if record.get("keyframes"):
        keyframes = parse_style_keys(record["keyframes"]["text"], record["keyframes"]["name"])
    names = [text.rpartition(":")[0] for text in record["config"]["style"]]  # as they were: files may be renamed
    path = Path(original or "")
    work = StyleFilm(path, replay_path(made, output), config, film, keyframes=keyframes, names=names)
    return replay_film(work, made, record, what_was_measured)


def style_films(
    pairs: Sequence[tuple[Source, Path]], config: StyleConfig, film: StyleFilmConfig, tally: Tally, *, overwrite: bool
) -> None:
    """Paint the films of a list, one after the other."""
    make_films(pairs, tally, lambda source, target: run_style_film(source, target, config, film, overwrite=overwrite))


def _decisions(work: Any) -> dict[str, Any]:
    plan, footage, video = work.plan, work.footage, work.settings()["video"]
    return {
        "output": str(work.target), "size": [plan.size[1], plan.size[0]], "frames": work.total,
        "frames_per_s": str(footage.rate),
        "scales": [{"size": [s.size[1], s.size[0]], "steps": s.steps, "tile_px": s.tile_px} for s in plan.scales],
        "steps_later": video["later_steps"], "layers": list(plan.layers), "model": work.critic.identity.name,
        "precision": work.critic.precision, "device": str(work.critic.device), "config": to_record(work.config),
        "video": to_record(work.video), "notes": work.notes,
    }  # fmt: skip
