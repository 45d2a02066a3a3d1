"""Learning curves of a run, as a picture and as a page that needs nothing else."""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Rows = Sequence[Mapping[str, float]]
NOT_DRAWN = ("step", "epoch", "elapsed_s")
ENDINGS = {"": "held out", "_learned": "learned", "_training": "while training"}  # of numbers that share a panel
COLUMNS = 2


def curves_picture(rows: Rows, title: str = "") -> np.ndarray:
    """Return the curves ``[H, W, 3]`` uint8, a panel for each number, over steps.

    Args:
        rows: one measurement each, with "step"; numbers "x", "x_learned" and "x_training" share a panel.
        title: above all of them.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(_figure(rows, title))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def curves_page(rows: Rows, title: str, about: Mapping[str, object]) -> str:
    """Return the curves as an HTML page, with what was measured as a table and facts about the run."""
    text = io.StringIO()
    _figure(rows, "").savefig(text, format="svg", metadata={"Date": None})
    drawing = text.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{html.escape(name.replace('_', ' '))}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{row[n]:.5g}</td>" if n in row else "<td></td>" for n in names) + "</tr>" for row in rows
    )
    facts = "".join(f"<dt>{html.escape(str(k))}</dt><dd>{html.escape(str(v))}</dd>" for k, v in about.items())
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>
<meta name="viewport" content="width=device-width">
<style>body{{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color:#222;
background:#fff}} svg{{max-width:100%;height:auto}} table{{border-collapse:collapse;font-variant-numeric:tabular-nums}}
th,td{{padding:.15rem .8rem .15rem 0;text-align:right}} th{{border-bottom:1px solid #999}}
dl{{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}} dd{{margin:0}}</style></head>
<body><h1>{html.escape(title)}</h1>{drawing}<h2>Settings</h2><dl>{facts}</dl>
<h2>Measured</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></body></html>
"""


def _figure(rows: Rows, title: str) -> Figure:
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(_bare(name) for row in rows for name in row if name not in NOT_DRAWN))
    lines = max(1, -(-len(names) // COLUMNS))
    figure = Figure(figsize=(4.2 * COLUMNS, 2.6 * lines), dpi=100, layout="constrained")
    if title:
        figure.suptitle(title)
    panels = iter(figure.subplots(lines, COLUMNS, squeeze=False).flat)
    for name, axes in zip(names, panels, strict=False):
        for ending, label in ENDINGS.items():
            known = [(row["step"], row[name + ending]) for row in rows if name + ending in row]
            if known:
                axes.plot(*zip(*known, strict=True), marker=".", label=label)
        axes.set(title=name.replace("_", " "), xlabel="step")
        axes.grid(alpha=0.3)
        axes.legend(loc="best")
    for axes in panels:
        axes.axis("off")
    return figure


def _bare(name: str) -> str:
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    return name
