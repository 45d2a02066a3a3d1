"""`reverie dream`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.batch_options import BatchOptions, Format, Overwrite, Recursive, Workers, is_folder, suffix_of
from reverie.apps.cli.options import with_config
from reverie.apps.cli.pipes import STDOUT, check_stdout, read_stdin, write_stdout
from reverie.apps.cli.stored import files_of, with_files
from reverie.errors import InputError
from reverie.settings import check_settings, from_record, to_record
from reverie.tools.dream_config import DreamConfig

if TYPE_CHECKING:
    from reverie.data.sources import Source


@with_config(DreamConfig)
def dream_command(
    pictures: Annotated[
        tuple[str, ...],
        Parameter(
            help="Pictures, patterns, folders, or - for standard input; without any, from noise.",
            negative="",
            show_default=False,
        ),
    ] = (),
    /,
    *,
    output: Annotated[
        str | None,
        Parameter(name=("--output", "-o"), help="File to write, folder for several, or - for standard output."),
    ] = None,
    like: Annotated[str | None, Parameter(help="Take the settings out of a picture that Reverie made.")] = None,
    quality: Annotated[int, Parameter(help="Quality of JPEG, WebP and AVIF, 1 to 100.")] = 92,
    file_format: Format = "png",
    recursive: Recursive = False,
    overwrite: Overwrite = False,
    workers: Workers = "auto",
    layers: Annotated[bool, Parameter(negative="", help="List the network's layers and stop.")] = False,
    dry_run: Annotated[bool, Parameter(negative="", help="Print all decisions and stop.")] = False,
    given: dict[str, Any],
) -> int:
    """Dream pictures: raise what a network sees in them."""
    config = _config(given, like)
    if not 1 <= quality <= 100:
        raise InputError(f"--quality must be between 1 and 100; got {quality}")
    if layers:
        from reverie.apps.cli.models import print_layers

        print_layers(config.model, config.weights)
        return 0
    from reverie.apps.cli.dream_batch import run_batch
    from reverie.apps.cli.films import dream_film
    from reverie.data.sources import find_sources

    options = BatchOptions(output, quality, suffix_of(file_format), overwrite, workers, dry_run)
    if not pictures:
        return dream_one(None, config, options)
    folder = None if output in (None, STDOUT) else Path(output)
    found = find_sources(pictures, recursive=recursive, leave_out=folder)
    if found.many or is_folder(output):
        return run_batch(found, config, options)
    (source,) = found.sources
    if source.kind == "film":
        return dream_film(source.path, output_path(source.path, output, source.path.suffix), config)
    return dream_one(source, config, options)


def dream_one(source: Source | None, config: DreamConfig, options: BatchOptions) -> int:
    """Dream one picture, or from noise; to a file, or to standard output."""
    from reverie.api import Dream
    from reverie.media.write import check_writable
    from reverie.tools.finished import Wanted, is_finished

    piped = read_stdin() if source is not None and source.kind == "stdin" else None
    path = None if source is None or piped else source.path
    if options.output == STDOUT or (piped and options.output is None):
        check_stdout()
        target = None
    else:
        target = output_path(path, options.output, options.suffix)
        about = None if piped is None else (piped.name, piped.sha256)
        wanted = Wanted("dream", config, path, options.quality, files_of(config), about)
        if not options.dry_run and is_finished(target, wanted, overwrite=options.overwrite):
            print("there already, from the same picture and settings; --overwrite repeats it", file=sys.stderr)
            print(target)
            return 0
        if not options.dry_run:
            check_writable(target)
    work = Dream(piped or path, config)
    if options.dry_run:
        print(json.dumps(_decisions(work, target), indent=2))
        return 0
    return run_dream(work, target, options.quality, options.suffix)


def run_dream(work: Any, target: Path | None, quality: int, suffix: str = ".png") -> int:
    """Run a dream to its end, with progress, and write it; Ctrl-C keeps what is there under another name.

    Without a target the picture goes to standard output, in the format of `suffix`.
    """
    from reverie.apps.cli.progress import bar

    try:
        with bar("dreaming") as line:
            for note in work.notes:
                line.say(note)
            _watch(work, line)
    except KeyboardInterrupt:
        print(f"reverie: {_keep(work, target, quality)}", file=sys.stderr)
        return 130
    if target is None:
        write_stdout(work.encoded(suffix, quality=quality))
    else:
        work.save(target, quality=quality)
    plan, config = work.plan, work.config
    print(
        f"{plan.size[1]} x {plan.size[0]} px, {plan.steps} steps in {work.seconds:.1f} s, seed {config.seed}, "
        f"{work.critic.identity.name}:{'+'.join(plan.layers)}, {work.critic.precision} on {work.critic.device}",
        file=sys.stderr,
    )
    if target is not None:
        print(target)
    return 0


def _watch(work: Any, line: Any) -> None:
    began = time.monotonic()
    pixels = done = 0.0
    total = sum(s[0] * s[1] for s in work.plan.sizes) * work.plan.steps / len(work.plan.sizes)
    for step in work:
        pixels += step.size[0] * step.size[1]
        done = pixels / total if total else 1.0
        eta = (time.monotonic() - began) * (1 - done) / done if done else None
        note = f"octave {step.octave}/{step.octaves}  {step.size[1]} x {step.size[0]} px  score {step.score:.3g}"
        line.update(min(done, 1.0), note, eta)


def _keep(work: Any, target: Path | None, quality: int) -> str:
    """After Ctrl-C, write the unfinished picture if it already has its final size; say what happened."""
    step = work.last
    if target is None:
        return "stopped by Ctrl-C; nothing was written"
    if step is None or step.size != work.plan.size:
        return "stopped by Ctrl-C before the last octave; nothing was written"
    kept = target.with_name(f"{target.stem}-stopped{target.suffix}")
    work.keep(kept, quality=quality)
    return f"stopped by Ctrl-C at step {step.index} of {step.total}; the unfinished picture is '{kept}'"


def _config(given: dict[str, Any], like: str | None) -> DreamConfig:
    base = DreamConfig()
    if like is not None:
        from reverie.media.metadata import read_settings

        stored = with_files(Path(like), read_settings(like).get("config", {}), {})
        # the other picture keeps its own size, and its mask and tiles are its own affair
        base = from_record(DreamConfig, stored | {"size": None, "mask": None, "tile": None})
    config = from_record(DreamConfig, to_record(base) | given)
    check_settings(config)
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
        "tile_px": plan.tile_px, "halo_px": plan.halo_px, "tiles": len(plan.tiles(plan.size)) or 1,
        "model": work.critic.identity.name, "precision": work.critic.precision, "device": str(work.critic.device),
        "config": to_record(work.config), "notes": work.notes,
    }  # fmt: skip
