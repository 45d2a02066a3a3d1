"""KID and spread of a generator's training, snapshot by snapshot, as a table and a plot.

    recipes/flowers.sh flowers5-128.zip flowers.safetensors
    python recipes/kid_curve.py flowers.run benchmarks/results/latent_kid.json docs/latent-kid.png

KID is that of 800 pictures against 800 of the training's on the embedded critic; the spread is that of their features,
in those of the photographs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from matplotlib.figure import Figure

KEPT = ("kimg", "kid", "fid", "spread", "unlike")


def rows_of(run: Path) -> list[dict[str, float]]:
    """Return what was measured at each snapshot."""
    lines = map(json.loads, (run / "metrics.jsonl").read_text("utf-8").splitlines())
    return [{name: round(line[name], 4) for name in KEPT} for line in lines if line["phase"] == "snapshot"]


def main() -> None:
    """Write the table and the plot."""
    run, table, plot = map(Path, sys.argv[1:4])
    rows = rows_of(run)
    settings = json.loads((run / "settings.json").read_text("utf-8"))
    table.write_text(json.dumps({"question": "How does KID fall in a training of the shipped flowers?",
                                 "settings": settings, "rows": rows}, indent=1) + "\n", "utf-8")  # fmt: skip
    figure = Figure((6.4, 3.2), dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2)
    kimg = [row["kimg"] for row in rows]
    left.semilogy(kimg, [row["kid"] for row in rows], marker=".")
    right.plot(kimg, [row["spread"] for row in rows], marker=".")
    for axes, title in ((left, "KID, embedded critic"), (right, "spread of the pictures")):
        axes.set(title=title, xlabel="thousand pictures seen")
        axes.grid(alpha=0.3)
    figure.savefig(plot)
    print("\n".join(f"{row['kimg']:7.1f} kimg  KID {row['kid']:.3f}  spread {row['spread']:.2f}" for row in rows))


if __name__ == "__main__":
    main()
