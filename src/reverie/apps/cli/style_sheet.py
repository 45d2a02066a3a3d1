"""`reverie style --sheet`: one picture of what strengths and styles do to a picture."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from reverie.apps.cli.batch_options import BatchOptions
from reverie.apps.cli.pipes import STDOUT
from reverie.errors import InputError
from reverie.tools.style.config import StyleConfig

TILE_PX = 320
MOST_TILES = 200


def paint_sheet(source: Any, config: StyleConfig, options: BatchOptions, text: str) -> int:
    """Paint a row for every style, and of several one for their blend, with a column for every strength.

    The pictures of a folder are styles of their own, unless sizes are given one for each.
    """
    from reverie.tools.style.sources import expand

    strengths = parse_strengths(text)
    listed = expand(config.style, config, source.name) if config.style else []
    styles = tuple(f"{path}:{weight:g}" for path, weight in listed)
    rows = [(style,) for style in styles]
    rows += [styles] if len(styles) != 1 else []  # without any, a student's own or those of regions
    if len(rows) * len(strengths) > MOST_TILES:
        raise InputError(f"a sheet holds at most {MOST_TILES} pictures; got {len(rows)} styles x {len(strengths)}")
    if source.kind == "stdin" or options.output == STDOUT:
        raise InputError("--sheet needs its picture in a file and writes to one")
    from reverie.apps.cli.style import free_path
    from reverie.critic.open import open_critic
    from reverie.media.sheet import contact_sheet
    from reverie.media.write import check_writable, write_picture
    from reverie.tools.style.fast import open_fast
    from reverie.tools.finished import check_apart
    from reverie.tools.style.sources import split_weight

    target = Path(options.output) if options.output else free_path(source.path, options.suffix)
    check_apart(target, (source.path, *(split_weight(text)[0] for text in config.style)))
    check_writable(target)
    if config.fast is None:
        critic: Any = open_critic(config.model, config.weights, device=config.device, precision=config.precision)
    else:
        critic = open_fast(config)
    jobs = [replace(config, style=row, style_class=None, strength=strength) for row in rows for strength in strengths]
    tiles, records = _painted(source.path, jobs, critic)
    captions = [f"{_named(job)}strength {job.strength:g}" for job in jobs]
    sheet = contact_sheet(tiles, columns=len(strengths), tile_px=TILE_PX, captions=captions)
    about = records[-1] | {"tool": "style-sheet", "captions": captions}
    write_picture(target, sheet, quality=options.quality, settings=about)
    print(target)
    return 0


def _named(job: StyleConfig) -> str:
    """Return the styles of a tile, followed by a comma; nothing if they are those of regions."""
    from reverie.tools.style.sources import split_weight

    names = [split_weight(text)[0] for text in job.style] or ([Path(job.fast)] if job.fast else [])
    return f"{' + '.join(name.stem for name in names)}, " if names else ""


def parse_strengths(text: str) -> tuple[float, ...]:
    """Return the strengths of ``0.3,0.5,0.8``.

    Raises:
        InputError: one is no number from 0 to 1.
    """
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"--sheet takes strengths such as 0.3,0.5,0.8; got '{text}'") from error
    if not all(0 <= strength <= 1 for strength in found):
        raise InputError(f"--sheet takes strengths from 0 to 1; got '{text}'")
    return found


def _painted(path: Path, jobs: list[StyleConfig], critic: Any) -> tuple[list[Any], list[dict[str, Any]]]:
    from reverie.apps.cli.progress import bar
    from reverie.media.image import to_uint8
    from reverie.tools.style.fast import open_styling

    tiles: list[Any] = []
    told: list[str] = []
    records: list[dict[str, Any]] = []
    with bar("painting") as line:
        for number, job in enumerate(jobs):
            work = open_styling(path, job, critic)
            for step in work:
                share = (number + step.index / max(1, step.total)) / len(jobs)
                line.update(share, f"picture {number + 1} of {len(jobs)}", None)
            for note in [note for note in work.notes if note not in told]:
                told.append(note)
                print(note, file=sys.stderr)
            tiles.append(to_uint8(work.current()))
            records.append(work.settings())
    return tiles, records
