"""`reverie dream`."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.options import with_config
from reverie.apps.cli.stored import with_files
from reverie.errors import InputError
from reverie.settings import check_settings, from_record, to_record
from reverie.tools.dream_config import DreamConfig

Flag = Parameter(negative="")
ALIASES = {  # what the containerized DeepDream calls them, see docs/flags.md
    "layer": ("--maximize",),
    "octaves": ("--octave-count",),
    "steps": ("--steps-per-octave",),
    "iterations": ("--num-iterations",),
}


@with_config(DreamConfig, ALIASES)
def dream_command(
    picture: Annotated[str | None, Parameter(help="Picture to dream on; without one, from noise.")] = None,
    /,
    *,
    output: Annotated[
        str | None,
        Parameter(name=("--output", "-o", "--destination"), help="File to write: PNG, JPEG, WebP, AVIF or TIFF."),
    ] = None,
    source: Annotated[str | None, Parameter(help="The picture, if it is not given as PICTURE.")] = None,
    like: Annotated[str | None, Parameter(help="Take the settings out of a picture that Reverie made.")] = None,
    quality: Annotated[int, Parameter(help="Quality of JPEG, WebP and AVIF, 1 to 100.")] = 92,
    show: Annotated[bool, Parameter(negative="", help="Follow and steer the dream on a page in a browser.")] = False,
    show_port: Annotated[int, Parameter(help="Port of that page; 0 for a free one.")] = 0,
    show_host: Annotated[
        str, Parameter(help="Address of that page; one that others can reach asks for a password.")
    ] = "127.0.0.1",
    layers: Annotated[bool, Parameter(negative="", help="List the network's layers and stop.")] = False,
    dry_run: Annotated[bool, Parameter(negative="", help="Print all decisions and stop.")] = False,
    given: dict[str, Any],
) -> int:
    """Dream a picture: raise what a network sees in it."""
    if picture is not None and source is not None:
        raise InputError(f"the picture is given twice: '{picture}' and --source '{source}'")
    picture = picture if source is None else source
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
    with _live_view(show, show_host, show_port) as view:
        return run_dream(work, target, quality, view=view)


def run_dream(work: Any, target: Path, quality: int, *, stopped: Path | None = None, view: Any = None) -> int:
    """Run a dream to its end, with progress, and write it; a stop keeps what is there under another name.

    `stopped` is that name; NAME-stopped beside `target` if absent. `view` shows the dream on a page.
    """
    from reverie.apps.cli.progress import bar

    try:
        with bar("dreaming") as line:
            for note in work.notes:
                line.say(note)
            _watch(work, line, view)
    except KeyboardInterrupt:
        told = keep(work, kept_path(target), quality)
        _tell(view, "stopped", f"stopped by Ctrl-C {told}")
        print(f"reverie: stopped by Ctrl-C {told}", file=sys.stderr)
        return 130
    if work.stopped:
        kept = stopped or kept_path(target)
        told = f"stopped {keep(work, kept, quality)}"
        _tell(view, "stopped", told)
        print(told, file=sys.stderr)
        if work.last is not None:
            print(kept)
        return 0
    work.save(target, quality=quality)
    _tell(view, "done", f"done: {target}")
    plan, config = work.plan, work.config
    print(
        f"{plan.size[1]} x {plan.size[0]} px, {plan.steps} steps in {work.seconds:.1f} s, seed {config.seed}, "
        f"{work.critic.identity.name}:{'+'.join(plan.layers)}, {work.critic.precision} on {work.critic.device}",
        file=sys.stderr,
    )
    print(target)
    return 0


def _live_view(show: bool, host: str, port: int) -> Any:
    if not show:
        return contextlib.nullcontext()
    from reverie.apps.web.live import LiveView

    return LiveView(host, port)


def _tell(view: Any, phase: str, text: str) -> None:
    if view is not None:
        view.end(phase, text)


def _watch(work: Any, line: Any, view: Any = None) -> None:
    if view is not None:
        raised = f"class {work.config.class_name}" if work.config.class_name else "+".join(work.plan.layers)
        view.begin(work.picture.name if work.picture else "noise", work.steering, _offered(work), raised)
    began = time.monotonic()
    pixels = done = 0.0
    total = sum(s[0] * s[1] for s in work.plan.sizes) * work.plan.steps / len(work.plan.sizes)
    for step in work:
        pixels += step.size[0] * step.size[1]
        done = pixels / total if total else 1.0
        eta = (time.monotonic() - began) * (1 - done) / done if done else None
        note = f"octave {step.octave}/{step.octaves}  {step.size[1]} x {step.size[0]} px  score {step.score:.3g}"
        line.update(min(done, 1.0), note, eta)
        if view is not None:
            view.show(step, min(done, 1.0), eta)


def _offered(work: Any) -> list[str]:
    return [layer.name for layer in work.critic.named_layers]


def keep(work: Any, target: Path, quality: int) -> str:
    """Write the unfinished picture at its final size, if there was a step; say where the dream stood."""
    if work.last is None:
        return "before the first step; nothing was written"
    work.keep(target, quality=quality)
    return f"at step {work.last.index} of {work.last.total}; the unfinished picture is '{target}'"


def kept_path(target: Path) -> Path:
    """Return the name under which a stopped dream is kept."""
    return target.with_name(f"{target.stem}-stopped{target.suffix}")


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
