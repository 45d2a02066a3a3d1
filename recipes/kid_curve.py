"""KID and spread of a generator's training, snapshot by snapshot, as a table and a plot, from what it said on the way.

    recipes/flowers.sh flowers5-128.zip flowers.safetensors 2> flowers.log
    python recipes/kid_curve.py flowers.log flowers.safetensors benchmarks/results/latent_kid.json docs/latent-kid.png

KID is that of 800 pictures against 800 of the training's on the embedded critic; the spread is that of their features,
in those of the photographs.
"""

from __future__ import annotations

import json
import re
import sys
from itertools import groupby
from pathlib import Path

from matplotlib.figure import Figure

from reverie.weights.checkpoint import load_description

SAID = re.compile(r"kid (-?[\d.e-]+)\s+spread ([\d.e-]+)")


def rows_of(log: Path, every_kimg: float) -> list[dict[str, float]]:
    """Return what was measured at each snapshot; lines between two snapshots repeat it."""
    said = [match.groups() for match in SAID.finditer(log.read_text("utf-8"))]
    return [
        {"kimg": number * every_kimg, "kid": float(kid), "spread": float(spread)}
        for number, ((kid, spread), _) in enumerate(groupby(said), start=1)
    ]


def main() -> None:
    """Write the table and the plot."""
    log, network, table, plot = map(Path, sys.argv[1:5])
    settings = {name: value for name, value in load_description(network).recipe.items() if name != "job"}
    rows = rows_of(log, settings["snapshot_kimg"])
    table.write_text(json.dumps({"question": "How does KID fall in a training of the shipped flowers?",
                                 "settings": settings, "rows": rows}, indent=1) + "\n", "utf-8")  # fmt: skip
    figure = Figure((6.4, 3.2), dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2)
    kimg = [row["kimg"] for row in rows]
    left.semilogy(kimg, [row["kid"] for row in rows], marker=".")
    right.plot(kimg, [row["spread"] for row in rows], marker=".")
    for axes, title in ((left, "KID, embedded critic"), (right, "spread of the pictures")):
        axes.set(title=title, xlabel="thousand pictures seen")
        axes.grid(alpha=0.3, which="both")
    figure.savefig(plot)


if __name__ == "__main__":
    main()
