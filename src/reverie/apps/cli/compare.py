"""`reverie compare`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.options import with_config
from reverie.errors import InputError
from reverie.settings import check_settings, from_record, to_record
from reverie.tools.compare_config import CompareConfig


@with_config(CompareConfig)
def compare_command(
    content: Annotated[str, Parameter(help="The picture that was painted.")],
    style: Annotated[str, Parameter(help="The picture whose style it was painted in.")],
    styled: Annotated[
        tuple[str, ...], Parameter(help="The results, one or several.", negative="", show_default=False)
    ] = (),
    /,
    *,
    sheet: Annotated[str | None, Parameter(help="Write a sheet of all pictures, with their numbers beneath.")] = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON object.")] = False,
    given: dict[str, Any],
) -> int:
    """Measure how much style painted pictures took on, and how much content they kept.

    Style: 1 = none taken on, 0 = the same statistics. Content: 0 = unchanged, 1 = as far as a flat picture. Judged by
    layers that were not matched when the picture was painted, and by another network. One result may also stand between
    content and style, if it carries its settings.
    """
    config = from_record(CompareConfig, to_record(CompareConfig()) | given)
    check_settings(config)
    if not styled:
        raise InputError("there is no picture to compare; name one or more after content and style")
    from reverie.tools.compare import compare_pictures

    if len(styled) == 1 and _was_painted(style) and not _was_painted(styled[0]):
        print(f"'{style}' was painted here: taken for the result, and '{styled[0]}' for the style", file=sys.stderr)
        style, styled = styled[0], (style,)
    found = compare_pictures(content, style, [Path(name) for name in styled], config, sheet=sheet)
    for note in found.notes:
        print(note, file=sys.stderr)
    if as_json:
        print(json.dumps(found.record(), ensure_ascii=False, indent=2))
    else:
        print("\n".join(table(found)))
    if sheet is not None:
        print(found.save_sheet(sheet), file=sys.stderr if as_json else sys.stdout)
    return 0


def _was_painted(name: str) -> bool:
    """Tell whether a picture carries the settings of a style transfer."""
    from reverie.errors import PictureError
    from reverie.media.metadata import read_settings

    try:
        return read_settings(Path(name)).get("tool") == "style"
    except PictureError:
        return False


def table(found: Any) -> list[str]:
    """Return the lines of a table: a row for every layer, a pair of columns for every picture."""
    names = [_short(picture.name) for picture in found.pictures]
    first = max(len(f"{row.network}  {row.layer}") for row in found.pictures[0].rows)
    first = max([first, *(len(network) + len("  mean") for network in found.pictures[0].means())])
    widths = [max(len(name), 16) for name in names]
    head = [" " * first, *(name.rjust(width) for name, width in zip(names, widths, strict=True))]
    under = [" " * first, *(" style  content".rjust(width) for width in widths)]
    lines = ["  ".join(head).rstrip(), "  ".join(under).rstrip()]
    for network in found.pictures[0].means():
        rows = [i for i, row in enumerate(found.pictures[0].rows) if row.network == network]
        for i in rows:
            pairs = [(p.rows[i].style, p.rows[i].content) for p in found.pictures]
            lines.append(_line(f"{network}  {found.pictures[0].rows[i].layer}", first, pairs, widths))
        lines.append(_line(f"{network}  mean", first, [p.means()[network] for p in found.pictures], widths))
    return lines


def _line(label: str, first: int, pairs: list[tuple[float, float]], widths: list[int]) -> str:
    cells = [f"{style:6.3f} {content:8.3f}".rjust(width) for (style, content), width in zip(pairs, widths, strict=True)]
    return "  ".join([label.ljust(first), *cells])


def _short(name: str, most: int = 32) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
