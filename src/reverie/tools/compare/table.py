"""A comparison as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reverie.tools.compare.comparison import Comparison


def table(found: Comparison) -> list[str]:
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
