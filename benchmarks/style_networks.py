"""Which network should stylize where nothing else is at hand?

    python benchmarks/style_networks.py --contents PICTURES --styles PAINTINGS --squeezenet FILE --googlenet FILE \
        --kept FOLDER --sheet sheet.jpg --output result.json

Every network stylizes every pair with its own preset and the default settings, in fp32; networks that did not stylize
judge by the distances of `reverie compare`, and by Gatys' distance of Gram matrices, relative to that of the content
picture. No judge is foreign to all: embedded-2 learned GoogLeNet's features, so embedded-1 judges as well, which knows
neither of the others, and so does SqueezeNet where it did not stylize.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import arguments, load_now, report, table, target
from PIL import Image
from style_fidelity import as_saved, pixels_of
from style_peers import Ours, load, pairs_of
from torch import Tensor

from reverie.critic.critic import IMAGE, Critic
from reverie.critic.open import open_critic
from reverie.critic.style_layers import style_layers
from reverie.media.sheet import contact_sheet
from reverie.tools.compare.config import CompareConfig
from reverie.tools.compare.measure import Eye, View
from reverie.tools.compare.networks import Scorer
from reverie.tools.style.config import StyleConfig

SQUEEZE, TEACHER, FIRST, SECOND = "squeezenet1_1-caffe", "googlenet-caffe", "embedded-1", "embedded-2"
NETWORKS = (FIRST, SECOND, SQUEEZE)
JUDGES = (TEACHER, FIRST, SQUEEZE)
TILE_PX = 220


class Judge:
    """A network with content and style known."""

    def __init__(self, critic: Critic, content: Tensor, style: Tensor) -> None:
        self.critic = critic
        self.names = tuple(name for name, _ in style_layers(critic).style if name != IMAGE)
        scorer = Scorer(critic.identity.name, critic, self.names)
        self.eye = Eye(scorer, CompareConfig(), View(content, None), View(style, None))
        self.goal = self.grams(style)
        self.start = [(a - b).square().sum() for a, b in zip(self.grams(content), self.goal, strict=True)]

    @torch.no_grad()
    def grams(self, picture: Tensor) -> list[Tensor]:
        """Return ``[C, C]`` mean products of channels, by layer."""
        rows = (self.critic(picture, self.names)[name][0].flatten(1).double() for name in self.names)
        return [row @ row.mT / row.shape[1] for row in rows]

    def __call__(self, picture: Tensor) -> dict[str, float]:
        """Return mean distances over the layers: style and content of `reverie compare`, and of Gram matrices."""
        saved = as_saved(picture)
        rows = self.eye.rows(View(saved, None))
        away = [(a - b).square().sum() for a, b in zip(self.grams(saved), self.goal, strict=True)]
        grams = [float(a / b) for a, b in zip(away, self.start, strict=True)]
        return {
            "style": round(statistics.mean(r.style for r in rows), 4),
            "gram": round(statistics.mean(grams), 4),
            "content": round(statistics.mean(r.content for r in rows), 4),
        }


def stylized(critic: Critic, content: Tensor, style: Tensor, **settings: Any) -> tuple[Tensor, float]:
    """Return a stylized picture and its CPU seconds, preparation included."""
    side, began = max(content.shape[-2:]), time.process_time()
    ours = Ours(content, style, critic, StyleConfig(style=("style",), size=side, **settings))
    while ours.step():
        pass
    return ours.picture(), time.process_time() - began


def measure(options: Any, critics: Mapping[str, Critic], pair: tuple[Path, Path]) -> dict[str, Any]:
    """Return the distances and seconds of one pair by every network, and keep its pictures."""
    content, style = load(pair[0], options.side), load(pair[1], options.side, enlarge=False)
    judges = {name: Judge(critics[name], content, style) for name in JUDGES}
    made, found = [content, style], {}
    for name in options.networks:
        picture, spent = stylized(critics[name], content, style)
        made.append(picture)
        seen = {other: judge(picture) for other, judge in judges.items() if other != name}
        found[name] = {"cpu_s": round(spent, 1), "judges": seen}
    options.kept.mkdir(parents=True, exist_ok=True)
    np.savez(options.kept / f"{pair[0].stem}-{pair[1].stem}.npz", *(pixels_of(image) for image in made))
    return {"content": pair[0].name, "style": pair[1].name, "networks": found}


def means(records: Sequence[dict[str, Any]], networks: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what every network does on average: CPU seconds, and distances by judge."""
    result: dict[str, dict[str, Any]] = {}
    for name in networks:
        own = [r["networks"][name] for r in records]
        seen = {
            judge: {key: round(statistics.mean(r["judges"][judge][key] for r in own), 3) for key in first}
            for judge, first in own[0]["judges"].items()
        }
        result[name] = {"cpu_s": round(statistics.mean(r["cpu_s"] for r in own), 1), "judges": seen}
    return result


def show(found: Mapping[str, dict[str, Any]]) -> None:
    """Print CPU seconds and distances: style, Gram, content."""
    rows = []
    for name, one in found.items():
        seen = (one["judges"].get(judge, {}) for judge in JUDGES)
        rows.append([name, f"{one['cpu_s']:.1f}", *(" ".join(f"{v:.3f}" for v in s.values()) for s in seen)])
    table(["network", "CPU s", *(f"{judge}: style, Gram, content" for judge in JUDGES)], rows)


def verdict(found: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return whether the second embedded network does what SqueezeNet does."""
    ours, theirs = found[SECOND], found[SQUEEZE]
    lines = [target("CPU time over SqueezeNet's", "<= 1", ours["cpu_s"] / theirs["cpu_s"],
                    ours["cpu_s"] <= theirs["cpu_s"])]  # fmt: skip
    for judge in (TEACHER, FIRST):
        for key in ("style", "gram"):
            ratio = ours["judges"][judge][key] / theirs["judges"][judge][key]
            lines.append(target(f"{key} distance over SqueezeNet's, {judge} judging", "<= 1", ratio, ratio <= 1))
    return lines


def sheet(options: Any, records: Sequence[dict[str, Any]]) -> None:
    """Write content, style and every network's picture, a pair per row."""
    tiles, captions = [], []
    for record in records:
        name = f"{Path(record['content']).stem}-{Path(record['style']).stem}.npz"
        with np.load(options.kept / name) as stored:
            tiles += [stored[key] for key in stored.files]
        captions += ["content", "style"]
        captions += [f"{network}, {one['cpu_s']:.0f} s" for network, one in record["networks"].items()]
    made = contact_sheet(tiles, columns=2 + len(options.networks), tile_px=TILE_PX, captions=captions)
    options.sheet.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(made).save(options.sheet, quality=85)


def opened(options: Any) -> dict[str, Critic]:
    """Return all networks, in fp32: fused where gradients go through."""
    files = {SQUEEZE: options.squeezenet, TEACHER: options.googlenet}
    names = dict.fromkeys((*options.networks, *JUDGES))
    return {n: open_critic(n, files.get(n), device="cpu", precision=options.precision) for n in names}


def main() -> None:
    """Stylize and judge all pairs; what is in the file of partial results already is not stylized again."""
    load_at_start = load_now()
    parser = arguments(__doc__, side=256, pairs=12)
    parser.add_argument("--contents", type=Path, required=True, help="folder of content pictures")
    parser.add_argument("--styles", type=Path, required=True, help="folder of style pictures")
    parser.add_argument("--squeezenet", type=Path, required=True, help="state dict of SqueezeNet 1.1 from Caffe")
    parser.add_argument("--googlenet", type=Path, required=True, help="weights of bvlc_googlenet")
    parser.add_argument("--kept", type=Path, required=True, help="folder for pictures and partial results")
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--precision", default="fp32-fused")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.kept.mkdir(parents=True, exist_ok=True)
    critics, partial = opened(options), options.kept / "partial.json"
    records = json.loads(partial.read_text()) if partial.exists() else []
    known = {(r["content"], r["style"]) for r in records}
    for pair in pairs_of(options.contents, options.styles, options.pairs):
        if (pair[0].name, pair[1].name) not in known:
            records.append(measure(options, critics, pair))
            partial.write_text(json.dumps(records))
            show(means(records[-1:], options.networks))
    found = means(records, options.networks)
    show(found)
    if options.sheet:
        sheet(options, records)
    settings = {"side_px": options.side, "threads": 1, "precision": options.precision, "mean": found}
    lines = verdict(found) if {SECOND, SQUEEZE} <= set(options.networks) else []
    report((__doc__ or "").splitlines()[0], settings, records, lines, options.output, load_at_start)


if __name__ == "__main__":
    main()
