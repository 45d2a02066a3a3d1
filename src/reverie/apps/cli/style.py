"""`reverie style`: whose content, whose style, and what is done with the result."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.batch_options import BatchOptions, Format, Overwrite, Recursive, Workers, is_folder, suffix_of
from reverie.apps.cli.dream_loop import asks_for_a_still, wants_film
from reverie.apps.cli.options import given_for, with_config
from reverie.apps.cli.pipes import STDOUT, as_given, check_stdout, read_stdin
from reverie.errors import InputError
from reverie.settings import check_settings, from_record, to_record
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.film_config import StyleFilmConfig
from reverie.tools.style.rules import check_style, without_idle

if TYPE_CHECKING:
    from reverie.data.sources import Source

STATE = ".reverie"
HOLD_STILL = ("temporal", "anchor", "later_steps")  # options that --coherence flow needs
MAKE_FILMS = ("interpolate", "keyframes", "seconds", "fps")  # options that ask for a film of a still picture


@with_config(StyleConfig, StyleFilmConfig, aliases={"style": ("--style",), "preset": ("--preset",)})
def style_command(
    content: Annotated[str, Parameter(help="Picture, film, pattern, folder, or - for standard input: what to paint.")],
    styles: Annotated[
        tuple[str, ...],
        Parameter(
            help="Styles: pictures, or folders of them, optionally weighted as FILE:WEIGHT.", negative="",
            show_default=False,
        ),
    ] = (),
    /,
    *,
    output: Annotated[
        str | None,
        Parameter(
            name=("--output", "-o"), help="File to write (PNG, JPEG, WebP, AVIF, TIFF), folder for several, or - for "
            "standard output.",
        ),
    ] = None,
    like: Annotated[str | None, Parameter(help="Take the settings out of what Reverie painted.")] = None,
    resume_from: Annotated[
        str | None,
        Parameter(help="State file to go on from: of a stopped run, or of a preview to be painted larger."),
    ] = None,
    keep_state: Annotated[
        bool, Parameter(negative="", help="Write NAME.reverie beside the result, to paint it larger later.")
    ] = False,
    sheet: Annotated[
        str | None,
        Parameter(help="Paint one sheet of these strengths, such as 0.3,0.5,0.8, with a row for every style."),
    ] = None,
    quality: Annotated[int, Parameter(help="Quality of JPEG, WebP and AVIF, 1 to 100.")] = 92,
    file_format: Format = "png",
    recursive: Recursive = False,
    overwrite: Overwrite = False,
    workers: Workers = "auto",
    dry_run: Annotated[bool, Parameter(negative="", help="Print all decisions and stop.")] = False,
    given: dict[str, Any],
) -> int:  # fmt: skip
    """Paint pictures and films in a style: their content, the look of others."""
    config = _config(given_for(StyleConfig, given), styles, like)
    film = from_record(StyleFilmConfig, given_for(StyleFilmConfig, given))
    check_settings(film)
    if not 1 <= quality <= 100:
        raise InputError(f"--quality must be between 1 and 100; got {quality}")
    output = None if output is None else as_given(output)
    options = BatchOptions(output, quality, suffix_of(file_format), overwrite, workers, dry_run)
    from reverie.data.sources import find_sources

    folder = None if output in (None, STDOUT) else Path(output)
    found = find_sources((as_given(content),), recursive=recursive, leave_out=folder)
    own = given_for(StyleFilmConfig, given)
    _check_coherence(own)
    if found.many or is_folder(output):
        for name in ("seconds", "fps"):
            if name in own:
                raise InputError(f"--{name} makes a film from one picture; here are several sources")
        if resume_from or keep_state or sheet:
            raise InputError("--resume-from, --keep-state and --sheet go with one picture")
        from reverie.apps.cli.style_batch import run_style_batch

        return run_style_batch(found, config, film, options)
    (source,) = found.sources
    if config.fast is not None and (resume_from or keep_state):
        raise InputError("--fast paints in one pass; --resume-from and --keep-state have nothing to go on from")
    is_film = source.kind == "film" and not asks_for_a_still(output)
    if is_film or wants_film({name: own[name] for name in MAKE_FILMS if name in own}, output):
        if source.kind == "stdin":
            raise InputError("a film is painted from a file; give its name instead of -")
        if resume_from or keep_state or sheet or output == STDOUT:
            raise InputError(
                "--resume-from, --keep-state, --sheet and -o - go with a picture; a film goes on by itself"
            )
        from reverie.apps.cli.film import film_path
        from reverie.apps.cli.style_film import run_style_film

        shown = source.path if is_film else source.path.with_suffix(".mp4")
        target = film_path(shown, output, "style")
        return run_style_film(source.path, target, config, film, dry_run=dry_run, overwrite=overwrite)
    check_no_film(own)
    if sheet is not None:
        from reverie.apps.cli.style_sheet import paint_sheet

        return paint_sheet(source, config, options, sheet)
    return style_one(source, config, options, resume_from, keep_state)


def check_no_film(own: dict[str, Any]) -> None:
    """Refuse options of films for a picture.

    Raises:
        InputError: names the first.
    """
    if own:
        raise InputError(
            f"--{next(iter(own)).replace('_', '-')} goes with a film; this is a picture, which --interpolate or "
            "--keyframes make a film of"
        )


def _check_coherence(own: dict[str, Any]) -> None:
    for name in HOLD_STILL:
        if own.get("coherence") == "none" and name in own:
            raise InputError(f"--{name.replace('_', '-')} does nothing with --coherence none")


def style_one(
    source: Source, config: StyleConfig, options: BatchOptions, resume_from: str | None = None, keep_state: bool = False
) -> int:
    """Paint one picture; to a file, or to standard output."""
    from reverie.apps.cli.dream_run import run_dream
    from reverie.apps.cli.style_stored import wanted_style
    from reverie.media.write import check_writable
    from reverie.tools.style.fast import open_styling
    from reverie.tools.finished import is_finished

    piped = read_stdin() if source.kind == "stdin" else None
    path = None if piped else source.path
    target = None
    if options.output == STDOUT or (piped and options.output is None):
        check_stdout()
        if keep_state:
            raise InputError("--keep-state goes with a file; name it with -o")
    else:
        target = Path(options.output) if options.output else free_path(source.path, options.suffix)
        about = None if piped is None else (piped.name, piped.sha256)
        made = wanted_style(config, path, options.quality, about)
        if not (options.dry_run or resume_from) and is_finished(target, made, overwrite=options.overwrite):
            print("there already, from the same pictures and settings; --overwrite repeats it", file=sys.stderr)
            print(target)
            return 0
        if not options.dry_run:
            check_writable(target)
    work = open_styling(piped or path, config, resume=None if resume_from is None else Path(resume_from))
    if options.dry_run:
        print(json.dumps(_decisions(work, target), indent=2, ensure_ascii=False))
        return 0
    if target is not None:
        work.check_target(target)
    code = run_dream(work, target, options.quality, options.suffix)
    if target is not None and work.last is not None and (keep_state or code == 130):
        state = work.keep_state(target.with_suffix(STATE))
        print(f"its state is '{state}'; --resume-from goes on from it", file=sys.stderr)
    return code


def free_path(picture: Path, suffix: str) -> Path:
    """Return a name beside the picture that is still free."""
    number = 1
    while True:
        extra = "" if number == 1 else f"-{number}"
        candidate = picture.with_name(f"{picture.stem}-style{extra}{suffix}")
        if not candidate.exists():
            return candidate
        number += 1


def _config(given: dict[str, Any], styles: tuple[str, ...], like: str | None) -> StyleConfig:
    named = tuple(as_given(text) for text in (*styles, *given.get("style", ())))
    base = StyleConfig()
    if like is not None:
        from reverie.apps.cli.style_stored import style_like

        base = style_like(Path(like), named)
    config = from_record(StyleConfig, to_record(base) | given | ({"style": named} if named else {}))
    check_settings(config)
    config = config if like is None else without_idle(config, given)
    check_style(config)
    if not config.style and not config.region and config.fast in (None, "any"):
        raise InputError("no style is given; name one or more pictures after the content")
    return config


def _layers(work: Any) -> dict[str, Any]:
    if work.config.fast is not None:
        return {"paints": " ".join(work.plan.layers)}
    return {"style_layers": dict(work.terms.layers.style), "content_layers": dict(work.terms.layers.content)}


def _decisions(work: Any, target: Path | None) -> dict[str, Any]:
    plan = work.plan
    return {
        "output": str(target or STDOUT), "size": [plan.size[1], plan.size[0]],
        "scales": [{"size": [s.size[1], s.size[0]], "steps": s.steps, "tile_px": s.tile_px} for s in plan.scales],
        **_layers(work),
        "memory_mb": round(plan.estimate_bytes / 1e6), "budget_mb": round(plan.budget_bytes / 1e6),
        "halo_px": list(plan.halo_px), "model": work.critic.identity.name, "precision": work.critic.precision,
        "device": str(work.critic.device), "config": to_record(replace(work.config)), "notes": work.notes,
    }  # fmt: skip
