"""`reverie dream`: what is dreamt on, with what settings, and who does it."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.batch_options import BatchOptions, Format, Overwrite, Recursive, Workers, is_folder, suffix_of
from reverie.apps.cli.dream_loop import asks_for_a_still, for_video, loop_path, run_loop, wants_film
from reverie.apps.cli.dream_run import live_view, run_dream
from reverie.apps.cli.film import film_path
from reverie.apps.cli.options import given_for, with_config
from reverie.apps.cli.pipes import STDOUT, as_given, check_stdout, read_stdin
from reverie.apps.cli.stored import FILES, wanted, with_files
from reverie.errors import InputError
from reverie.settings import check_settings, flag_of, from_record, to_record
from reverie.tools.dream_config import DreamConfig
from reverie.tools.dream_presets import described, preset_settings
from reverie.tools.dream_rules import check_together, without_rivals
from reverie.tools.loop_config import LoopConfig
from reverie.tools.video_config import CODEC_SPEEDS, VideoConfig

if TYPE_CHECKING:
    from reverie.data.sources import Source

ALIASES = {  # what the containerized DeepDream calls them, see docs/flags.md
    "layer": ("--maximize",),
    "octaves": ("--octave-count",),
    "steps": ("--steps-per-octave",),
    "iterations": ("--num-iterations",),
}

OF_FILMS = ("codec", "crf", "preset", "later_steps")  # of any film
OF_FRAMES = (  # of videos alone: they hold one frame to the one before, or know where it comes from
    "audio", "cuts", "flow", "coherence", "blend_mode", "blend_spread", "blend_period",
)  # fmt: skip


@with_config(DreamConfig, VideoConfig, LoopConfig, aliases=ALIASES)
def dream_command(
    pictures: Annotated[
        tuple[str, ...],
        Parameter(
            help="Pictures, videos, patterns, folders, or - for standard input; without any, from noise.",
            negative="", show_default=False,
        ),
    ] = (),
    /,
    *,
    output: Annotated[
        str | None,
        Parameter(
            name=("--output", "-o", "--destination"),
            help="File to write (PNG, JPEG, WebP, AVIF, TIFF; MP4, MOV, MKV, WebM, GIF), folder for several, or - for "
            "standard output.",
        ),
    ] = None,
    named: Annotated[
        tuple[str, ...],
        Parameter(name="--source", negative="", help="Another way to give PICTURES; repeatable.", show_default=False),
    ] = (),
    like: Annotated[str | None, Parameter(help="Take the settings out of a picture that Reverie made.")] = None,
    look: Annotated[
        str | None, Parameter(name="--preset", help=f"A look, which other options change. {described().capitalize()}.")
    ] = None,
    quality: Annotated[int, Parameter(help="Quality of JPEG, WebP and AVIF, 1 to 100.")] = 92,
    file_format: Format = "png",
    recursive: Recursive = False,
    overwrite: Overwrite = False,
    workers: Workers = "auto",
    show: Annotated[bool, Parameter(negative="", help="Follow and steer the dream on a page in a browser.")] = False,
    show_port: Annotated[int, Parameter(help="Port of that page; 0 for a free one.")] = 0,
    show_host: Annotated[
        str, Parameter(help="Address of that page; one that others can reach asks for a password.")
    ] = "127.0.0.1",
    layers: Annotated[bool, Parameter(negative="", help="List the network's layers and stop.")] = False,
    dry_run: Annotated[bool, Parameter(negative="", help="Print all decisions and stop.")] = False,
    given: dict[str, Any],
) -> int:  # fmt: skip
    """Dream pictures and videos: raise what a network sees in them."""
    if look in CODEC_SPEEDS:  # what the option meant before there were looks
        given = {"preset": look} | given
    elif look is not None:
        given = rivalled(preset_settings(look), given)
    config = _config(given_for(DreamConfig, given), like)
    video = from_record(VideoConfig, given_for(VideoConfig, given))
    check_settings(video)
    pictures = tuple(as_given(text) for text in (*pictures, *named))
    output = None if output is None else as_given(output)
    if not 1 <= quality <= 100:
        raise InputError(f"--quality must be between 1 and 100; got {quality}")
    if layers:
        from reverie.apps.cli.models import print_layers

        print_layers(config.model, config.weights)
        return 0
    options = BatchOptions(output, quality, suffix_of(file_format), overwrite, workers, dry_run)
    source = None
    if pictures:
        from reverie.data.sources import find_sources

        folder = None if output in (None, STDOUT) else Path(output)
        found = find_sources(pictures, recursive=recursive, leave_out=folder)
        if found.many or is_folder(output):
            from reverie.apps.cli.dream_batch import run_batch

            if show:
                raise InputError("--show follows one dream; give one picture")
            return run_batch(found, config, video, options)
        (source,) = found.sources
    is_film = source is not None and source.kind == "film" and not asks_for_a_still(output)
    moving = given_for(LoopConfig, given)
    if show and (is_film or wants_film(moving, output)):
        raise InputError("--show follows the dream of one picture, not a film")
    if source is not None and is_film:
        from reverie.apps.cli.dream_video import run_video

        still, film = replace(config, blend=0.0), film_path(source.path, output)  # blend joins frames: VideoConfig
        return run_video(
            source.path, film, still, video, keyframes=for_video(moving), dry_run=dry_run, overwrite=overwrite
        )
    if wants_film(moving, output):
        _check_none(given, OF_FRAMES, "goes with a video, GIF or animated WebP; this film is made from a picture")
        if source is not None and source.kind == "stdin":
            raise InputError("a film needs its picture in a file, to go on where it was stopped")
        path = None if source is None else source.path
        film = loop_path(path, output)
        return run_loop(
            path, film, config, from_record(LoopConfig, moving), video, dry_run=dry_run, overwrite=overwrite
        )
    _check_none(given, (*OF_FRAMES, *OF_FILMS), "goes with a video, GIF or animated WebP; this is a picture")
    return dream_one(source, config, options, show=(show, show_host, show_port))


def rivalled(preset: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a preset with the given ones on top; what contradicts those is left out of it."""
    return without_rivals(preset, given) | given


def _check_none(given: dict[str, Any], names: Sequence[str], why: str) -> None:
    """Refuse options that would do nothing.

    Raises:
        InputError: names the first.
    """
    for field in dataclasses.fields(VideoConfig):
        if field.name in names and field.name in given:
            raise InputError(f"{flag_of(field)} {why}")


def dream_one(
    source: Source | None, config: DreamConfig, options: BatchOptions, *, show: tuple[bool, str, int] = (False, "", 0)
) -> int:
    """Dream one picture, or from noise; to a file, or to standard output."""
    from reverie.api import Dream, open_dream
    from reverie.media.write import check_writable
    from reverie.tools.finished import is_finished

    piped = read_stdin() if source is not None and source.kind == "stdin" else None
    path = None if source is None or piped else source.path
    if options.output == STDOUT or (piped and options.output is None):
        check_stdout()
        target = None
    else:
        target = output_path(path, options.output, options.suffix)
        about = None if piped is None else (piped.name, piped.sha256)
        made = wanted(config, path, options.quality, about)
        if not options.dry_run and is_finished(target, made, overwrite=options.overwrite):
            print("there already, from the same picture and settings; --overwrite repeats it", file=sys.stderr)
            print(target)
            return 0
        if not options.dry_run:
            check_writable(target)
    folder = target.parent if target is not None else None
    work = Dream(piped, config) if piped else open_dream(path, config, folder=folder)
    if options.dry_run:
        print(json.dumps(_decisions(work, target), indent=2))
        return 0
    if target is not None:
        work.check_target(target)
    with live_view(*show) as view:
        return run_dream(work, target, options.quality, options.suffix, view=view)


def _config(given: dict[str, Any], like: str | None) -> DreamConfig:
    base = DreamConfig()
    if like is not None:
        from reverie.media.metadata import read_settings

        record = read_settings(like)
        # the other picture keeps its own size, and its mask and tiles are its own affair
        kept = without_rivals(record.get("config", {}) | {"size": None, "mask": None, "tile": None}, given)
        overrides = {name: given[name] for name in FILES if given.get(name)}
        base = from_record(DreamConfig, with_files(Path(like), record | {"config": kept}, overrides))
    config = from_record(DreamConfig, to_record(base) | given)
    check_settings(config)
    check_together(config)
    return config


def output_path(picture: Path | None, output: str | None, suffix: str = ".png") -> Path:
    """Return where to write: as told, or beside the picture under a new name that is still free."""
    if output is not None:
        return Path(output)
    source = picture if picture is not None else Path(f"noise{suffix}")
    number = 1
    while True:
        extra = "" if number == 1 else f"-{number}"
        candidate = source.with_name(f"{source.stem}-dream{extra}{suffix}")
        if not candidate.exists():
            return candidate
        number += 1


def _decisions(work: Any, target: Path | None) -> dict[str, Any]:
    plan = work.plan
    return {
        "output": str(target or STDOUT), "size": [plan.size[1], plan.size[0]],
        "octaves": [[s[1], s[0]] for s in plan.sizes], "steps": plan.steps,
        "layers": list(plan.layers), "canvas": plan.canvas,
        "memory_mb": round(plan.memory.estimate_bytes / 1e6), "on_disk_mb": round(plan.memory.disk_bytes / 1e6),
        "tile_px": plan.tile_px, "halo_px": plan.halo_px, "tiles": len(plan.tiles(plan.size)) or 1,
        "model": work.critic.identity.name, "precision": work.critic.precision, "device": str(work.critic.device),
        "config": to_record(work.config), "notes": work.notes,
    }  # fmt: skip
