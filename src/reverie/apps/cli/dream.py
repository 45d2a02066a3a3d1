"""`reverie dream`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.options import with_config
from reverie.apps.cli.stored import FILES, with_files
from reverie.errors import InputError
from reverie.settings import check_settings, from_record, to_record
from reverie.tools.dream_config import DreamConfig
from reverie.tools.dream_rules import check_together, without_rivals

Flag = Parameter(negative="")


@with_config(DreamConfig)
def dream_command(
    picture: Annotated[str | None, Parameter(help="Picture to dream on; without one, from noise.")] = None,
    /,
    *,
    output: Annotated[
        str | None, Parameter(name=("--output", "-o"), help="File to write: PNG, JPEG, WebP, AVIF or TIFF.")
    ] = None,
    like: Annotated[str | None, Parameter(help="Take the settings out of a picture that Reverie made.")] = None,
    quality: Annotated[int, Parameter(help="Quality of JPEG, WebP and AVIF, 1 to 100.")] = 92,
    layers: Annotated[bool, Parameter(negative="", help="List the network's layers and stop.")] = False,
    dry_run: Annotated[bool, Parameter(negative="", help="Print all decisions and stop.")] = False,
    given: dict[str, Any],
) -> int:
    """Dream a picture: raise what a network sees in it."""
    config = _config(given, like)
    if not 1 <= quality <= 100:
        raise InputError(f"--quality must be between 1 and 100; got {quality}")
    if layers:
        from reverie.apps.cli.models import print_layers

        print_layers(config.model, config.weights)
        return 0
    target = output_path(picture, output)
    from reverie.api import Dream
    from reverie.media.write import check_writable

    if not dry_run:
        check_writable(target)
    work = Dream(_existing(picture), config)
    if dry_run:
        print(json.dumps(_decisions(work, target), indent=2))
        return 0
    return run_dream(work, target, quality)


def run_dream(work: Any, target: Path, quality: int) -> int:
    """Run a dream to its end, with progress, and write it; Ctrl-C keeps what is there under another name."""
    from reverie.apps.cli.progress import bar

    try:
        with bar("dreaming") as line:
            for note in work.notes:
                line.say(note)
            _watch(work, line)
    except KeyboardInterrupt:
        print(f"reverie: {_keep(work, target, quality)}", file=sys.stderr)
        return 130
    work.save(target, quality=quality)
    plan, config = work.plan, work.config
    print(
        f"{plan.size[1]} x {plan.size[0]} px, {plan.steps} steps in {work.seconds:.1f} s, seed {config.seed}, "
        f"{work.critic.identity.name}:{'+'.join(plan.layers)}, {work.critic.precision} on {work.critic.device}",
        file=sys.stderr,
    )
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


def _keep(work: Any, target: Path, quality: int) -> str:
    """After Ctrl-C, write the unfinished picture if it already has its final size; say what happened."""
    step = work.last
    if step is None or step.size != work.plan.size:
        return "stopped by Ctrl-C before the last octave; nothing was written"
    kept = target.with_name(f"{target.stem}-stopped{target.suffix}")
    work.keep(kept, quality=quality)
    return f"stopped by Ctrl-C at step {step.index} of {step.total}; the unfinished picture is '{kept}'"


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


def _existing(picture: str | None) -> Path | None:
    return None if picture is None else Path(picture)


def output_path(picture: str | None, output: str | None) -> Path:
    """Return where to write: as told, or beside the picture under a new name that is still free."""
    if output is not None:
        return Path(output)
    source = Path(picture) if picture is not None else Path("noise.png")
    suffix = ".png"
    number = 1
    while True:
        extra = "" if number == 1 else f"-{number}"
        candidate = source.with_name(f"{source.stem}-dream{extra}{suffix}")
        if not candidate.exists():
            return candidate
        number += 1


def _decisions(work: Any, target: Path) -> dict[str, Any]:
    plan = work.plan
    return {
        "output": str(target), "size": [plan.size[1], plan.size[0]], "octaves": [[s[1], s[0]] for s in plan.sizes],
        "steps": plan.steps, "layers": list(plan.layers), "canvas": plan.canvas,
        "tile_px": plan.tile_px, "halo_px": plan.halo_px, "tiles": len(plan.tiles(plan.size)) or 1,
        "model": work.critic.identity.name, "precision": work.critic.precision, "device": str(work.critic.device),
        "config": to_record(work.config), "notes": work.notes,
    }  # fmt: skip
