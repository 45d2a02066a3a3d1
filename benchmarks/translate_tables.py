"""Write the numbers of ``results/translate_*.json`` into the tables of docs/translate.md: no number is typed by hand.

python benchmarks/translate_tables.py
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "translate.md"
SIZES = ("64 px", "512 px", "1001 x 733 px")
CALLED = {"pix2pix": "pix2pix here", "L1 only": "the same by L1 alone", "paper": "U-Net and recipe of the paper"}
WAYS = ("photograph from labels", "labels from photograph")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table; all but the first column stand to the right."""
    marks = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, marks, *rows))


SCORES = {  # key → its column, how it is written, which is the best
    "ssim_decided": ("SSIM", "{:.3f}", max), "ssim": ("SSIM", "{:.3f}", max), "kid": ("KID", "{:.3f}", min),
    "kid_googlenet": ("KID by GoogLeNet", "{:.2f}", min), "psnr": ("PSNR, dB", "{:.1f}", max),
    "accuracy": ("right pixels", "{:.1%}", max), "steps": ("steps", "{}", None),
}  # fmt: skip


def pairs(found: dict[str, Any]) -> str:
    """What the recipes learned, a table for each way, the best of each column in bold."""
    tables = []
    for way in (way for way in WAYS if way in found):
        scores = {name: found[way][name] for name in CALLED}
        keys = [key for key in SCORES if all(key in score for score in scores.values())]
        rows = [
            [CALLED[name], *(cell(key, score, [*scores.values()]) for key in keys)] for name, score in scores.items()
        ]
        heads = {key: SCORES[key][0] for key in keys}
        if "ssim_decided" in heads:
            heads["ssim"] = "SSIM of probabilities"
        tables.append(table([way, *heads.values()], rows))
    return "\n\n".join(tables)


def cell(key: str, score: dict[str, Any], others: list[dict[str, Any]]) -> str:
    """Return a score as text, in bold if it is the best."""
    _, text, best = SCORES[key]
    is_best = best is not None and score[key] == best(other[key] for other in others)
    return f"**{text.format(score[key])}**" if is_best else text.format(score[key])


def sobel(found: dict[str, Any]) -> str:
    """Quality, size and speed of the networks that learned Sobel."""
    rows = []
    for name, about in found.items():
        if not isinstance(about, dict) or "quality" not in about:
            continue
        scores = [f"{about['quality'][s]['psnr']:.2f} / {about['quality'][s]['ssim']:.4f}" for s in SIZES]
        speed = about["speed_at_512_px"]["network_megapixels_per_cpu_s"]
        called = (
            f"can, depth {name[5:]}"
            if name.startswith("depth")
            else {"sobel": "`sobel` (can, depth 4)"}.get(name, name)
        )
        rows.append([called, f"{about['bytes'] / 1000:.0f} KB", *scores, f"{speed:.3g}"])
    return table(["network", "file", *SIZES, "megapixels per CPU second"], rows)


def cost(found: dict[str, Any]) -> str:
    """Pictures a CPU second while learning, ours and the plain loop's."""
    rows = []
    for name, about in found["training"].items():
        rate = about["pictures_per_cpu_s"]
        gain = next(about[key] for key in ("times_as_fast_by_cpu_s", "times_as_fast") if key in about)["median"]
        rows.append([name, f"{rate['ours']:.1f}", f"{rate['plain']:.1f}", f"{gain:.2f}"])
    return table(["pictures a CPU second", "ours", "plain loop", "times as many"], rows)


TABLES: dict[str, Callable[[dict[str, Any]], str]] = {"pairs": pairs, "sobel": sobel, "cost": cost}


def main() -> None:
    """Write the tables."""
    text = PAGE.read_text()
    for name, made in TABLES.items():
        found = json.loads((HERE / "results" / f"translate_{name}.json").read_text())
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n\n{made(found)}\n\n{end}{rest.partition(end)[2]}"
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
