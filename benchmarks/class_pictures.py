"""What do foreign networks see in the class pictures of the embedded networks?

    python benchmarks/class_pictures.py --googlenet FILE --squeezenet FILE --kept FOLDER --output result.json

Every way of drawing makes the same classes, one seed, nothing chosen: a preset of `reverie visualize`, or the name of
an embedded network, which draws alone by the settings of `classic`. GoogLeNet and SqueezeNet, which know a thousand
classes, look at each picture once, whole, at 224 px. embedded-2 learned GoogLeNet's features, so that SqueezeNet alone
is foreign to both. `--every 1 --offset 0` draws all classes.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import measure
import numpy as np
import torch
from PIL import Image

from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.media.image import to_uint8
from reverie.media.sheet import contact_sheet
from reverie.tools.visualize.config import PRESETS, VisualizeConfig
from reverie.tools.visualize.drawing import visualize_steps
from reverie.tools.visualize.targets import class_target
from reverie.tools.visualize.verify import look_at

LOOKS = ("clear", "classic")
FIRST = "embedded-1"
HARD = ("Arabian-camel", "confectionery", "freight-car", "neck-brace", "beach-wagon", "iPod")  # failed by eye before
TILE_PX = 128
COLUMNS = 20
RUNNER_UP = 5
TOP1, TOP5 = 0.6, 0.9  # of a thousand classes


def plain(name: str) -> str:
    """Return a name of a class as both kinds of lists have it."""
    return name.lower().replace("-", " ").replace("_", " ")


def places(few: Sequence[str], many: Sequence[str]) -> list[int]:
    """Return where the classes of one list stand in another; both are in WordNet's order, which tells twins apart."""
    found, last = [], -1
    for name in few:
        last = next(i for i in range(last + 1, len(many)) if plain(many[i]) == plain(name))
        found.append(last)
    return found


def chosen(classes: Sequence[str], every: int, offset: int, more: Sequence[str]) -> list[int]:
    """Return the numbers of every n-th class and of some by name."""
    return sorted({*range(offset, len(classes), every), *(classes.index(name) for name in more)})


def drawn(critic: Critic, index: int, config: VisualizeConfig, second: Critic | None) -> tuple[torch.Tensor, float]:
    """Return the picture of a class, ``[1, 3, H, W]``, and its CPU seconds."""
    began = time.process_time()
    *_, last = visualize_steps(config, critic, ensemble=second, targets=[class_target(critic, index)])
    assert last.drawing is not None
    return last.drawing.images, time.process_time() - began


def seen(images: torch.Tensor, index: int, judge: Critic) -> dict[str, Any]:
    """Return the place and probability of a class in the eyes of a network, and what it takes the picture for."""
    logits = look_at((images * 255).round() / 255, judge)[0]
    first = judge.identity.classes[int(logits.argmax())]
    return {"place": 1 + int((logits > logits[index]).sum()), "probability": round(float(logits.softmax(0)[index]), 4),
            "taken_for": first}  # fmt: skip


def summary(records: Sequence[dict[str, Any]], judges: Sequence[str]) -> dict[str, Any]:
    """Return CPU seconds, and what each judge names first, among five, and how sure it is."""
    result: dict[str, Any] = {"cpu_s": round(statistics.mean(r["cpu_s"] for r in records), 1)}
    for judge in judges:
        own = [r["judges"][judge] for r in records]
        result[judge] = {
            "top1": round(statistics.mean(s["place"] == 1 for s in own), 3),
            "top5": round(statistics.mean(s["place"] <= RUNNER_UP for s in own), 3),
            "probability": round(statistics.mean(s["probability"] for s in own), 3),
        }
    return result


def failing(records: Sequence[dict[str, Any]]) -> list[str]:
    """Return the classes that no judge has among its first five."""
    return [r["class"] for r in records if all(s["place"] > RUNNER_UP for s in r["judges"].values())]


def look(name: str, options: Any, judges: Mapping[str, Critic]) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """Draw and judge all classes in one way; pictures that lie there already are not drawn again."""
    settings = PRESETS[name][1] if name in PRESETS else {}
    critic = open_critic(FIRST if name in PRESETS else name, device="cpu", precision=options.precision, fuse=True)
    second = None
    if "ensemble" in settings:
        second = open_critic(settings["ensemble"], device="cpu", precision=critic.precision)
    classes = critic.identity.classes
    where = {judge: places(classes, one.identity.classes) for judge, one in judges.items()}
    given = {"seed": options.seed, "size": options.size, "prior": options.prior}
    config = VisualizeConfig(**(settings | given), class_name="0")
    records, tiles = [], []
    for index in chosen(classes, options.every, options.offset, options.more):
        kept = options.kept / f"{name}-{classes[index]}-{options.size}.json"
        if not kept.exists():
            images, spent = drawn(critic, index, config, second)
            found = {judge: seen(images, where[judge][index], one) for judge, one in judges.items()}
            Image.fromarray(to_uint8(images[0].permute(1, 2, 0).numpy())).save(kept.with_suffix(".png"))
            kept.write_text(json.dumps({"class": classes[index], "cpu_s": round(spent, 1), "judges": found}))
            print(name, kept.read_text(), flush=True)
        records.append(json.loads(kept.read_text()))
        tiles.append(np.asarray(Image.open(kept.with_suffix(".png"))))
    return records, tiles


def verdict(results: Mapping[str, list[dict[str, Any]]], judges: Sequence[str]) -> list[dict[str, Any]]:
    """Print what every judge sees in every way's pictures, and return what was aimed at and came out."""
    rows, lines = [], []
    for name, records in results.items():
        one = summary(records, judges)
        seen = (" ".join(f"{value:.3f}" for value in one[judge].values()) for judge in judges)
        rows.append([name, one["cpu_s"], *seen, ", ".join(failing(records))])
        for judge in judges:
            for key, aim in (("top1", TOP1), ("top5", TOP5)):
                found = one[judge][key]
                lines.append(measure.target(f"{name}, {judge} judging: {key}", f">= {aim}", found, found >= aim))
    measure.table(["drawn by", "CPU s", *(f"{j}: top-1, top-5, probability" for j in judges), "failing"], rows)
    return lines


def sheet(results: Mapping[str, list[dict[str, Any]]], tiles: Sequence[np.ndarray], columns: int, path: Path) -> None:
    """Write all pictures; behind a name the best place that a judge gives it, where that is not the first."""
    captions = []
    for records in results.values():
        best = [min(s["place"] for s in r["judges"].values()) for r in records]
        captions += [r["class"] + ("" if b == 1 else f" ({b})") for r, b in zip(records, best, strict=True)]
    made = contact_sheet(list(tiles), columns=columns, captions=captions, tile_px=TILE_PX)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(made).save(path, quality=82)


def main() -> None:
    """Draw, judge, print the verdict, and write what was asked for."""
    parser = measure.arguments(__doc__, seed=0, size=256, every=14, offset=7)
    parser.add_argument("--googlenet", type=Path, required=True, help="weights of bvlc_googlenet")
    parser.add_argument("--squeezenet", type=Path, required=True, help="state dict of SqueezeNet 1.1 from Caffe")
    parser.add_argument("--kept", type=Path, required=True, help="folder for pictures and partial results")
    parser.add_argument("--looks", nargs="*", default=list(LOOKS), help="presets, or names of embedded networks")
    parser.add_argument("--more", nargs="*", default=list(HARD), help="classes by name, besides every n-th")
    parser.add_argument("--prior", default="fourier")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet to this file")
    options = parser.parse_args()
    load = measure.load_now()
    torch.set_num_threads(1)
    options.kept.mkdir(parents=True, exist_ok=True)
    judges = {
        "googlenet-caffe": open_critic("googlenet-caffe", options.googlenet, device="cpu", precision="fp32"),
        "squeezenet1_1-caffe": open_critic("squeezenet1_1-caffe", options.squeezenet, device="cpu", precision="fp32"),
    }
    found = {name: look(name, options, judges) for name in options.looks}
    results = {name: records for name, (records, _) in found.items()}
    lines = verdict(results, tuple(judges))
    if options.sheet:
        tiles = [tile for _, own in found.values() for tile in own]
        sheet(results, tiles, min(COLUMNS, len(tiles)), options.sheet)
    settings = {"seed": options.seed, "size_px": options.size, "prior": options.prior, "view": "whole picture, 224 px"}
    measure.report((__doc__ or "").splitlines()[0], settings, results, lines, options.output, load)


if __name__ == "__main__":
    main()
