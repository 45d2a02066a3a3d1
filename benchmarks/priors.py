"""What does a second network see in the class pictures of each prior?

    python benchmarks/priors.py --verifier second.safetensors --output benchmarks/results/priors.json --docs docs

Draws ten classes of the embedded network, every twentieth of its list from `--offset` on, with every prior at its
default settings and one seed, and shows them whole, resized to its input size, to a network of the same kind trained
from another seed. Beside the priors stands plain gradient ascent: pixels, the whole picture at every step, nothing
else. Nothing is chosen: one seed, no best of several. The defaults were tuned on other classes (offset 0). Photographs
give the scale: what share of the validation pictures of these classes the verifier names.
"""

from __future__ import annotations

import io
import statistics
import time
import zipfile
from pathlib import Path
from typing import Any

import measure
import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor

from reverie.canvas.pixels import PixelCanvas
from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.media.image import read_square, to_uint8
from reverie.media.sheet import contact_sheet
from reverie.optimize.ascend import ascend_canvas
from reverie.optimize.gradient import Ascent
from reverie.optimize.views import Views
from reverie.tools.visualize.config import PRIORS, VisualizeConfig
from reverie.tools.visualize.drawing import side_px, visualize_steps
from reverie.tools.visualize.targets import Target, class_target
from reverie.tools.visualize.verify import look_at, same_class

PLAIN = "no prior"
EVERY = 20
TILE_PX = 112
SHEET = Path("visualize") / "priors.jpg"
MARKS = ("<!-- priors -->", "<!-- end of priors -->")


def plain(critic: Critic, target: Target, config: VisualizeConfig) -> Tensor:
    """Return a picture of plain gradient ascent: pixels, the whole picture, as many steps as the other pixels take."""
    size = (config.size or 256, config.size or 256)
    generator = Generator().manual_seed(config.seed)
    look = Views(1, side_px(critic, size), 1.0, 1.0, noise=0.0, flip=False)
    steps = ascend_canvas(
        PixelCanvas.noise(size, generator), Ascent(critic, target.objective, look), 200, 0.02, generator
    )
    *_, (_, _, images) = steps
    return images


def drawn(critic: Critic, target: Target, prior: str, config: VisualizeConfig) -> Tensor:
    """Return the picture of one class with one prior."""
    if prior == PLAIN:
        return plain(critic, target, config)
    settings = VisualizeConfig(**(vars(config) | {"prior": prior}))
    *_, last = visualize_steps(settings, critic, targets=[target])
    assert last.drawing is not None
    return last.drawing.images


def seen(images: Tensor, index: int, network: Critic) -> dict[str, Any]:
    """Return the place and the probability of a class in the eyes of a network."""
    logits = look_at(images, network)[0]
    return {"place": 1 + int((logits > logits[index]).sum()), "probability": round(float(logits.softmax(0)[index]), 4)}


def summary(records: list[dict[str, Any]]) -> dict[str, float]:
    """Return the verifier's accuracy and mean probability, the network's own, and the mean CPU time."""
    judged, own = [r["verifier"] for r in records], [r["own"] for r in records]
    return {
        "top1": statistics.mean(v["place"] == 1 for v in judged),
        "top5": statistics.mean(v["place"] <= 5 for v in judged),
        "probability": round(statistics.mean(v["probability"] for v in judged), 4),
        "own_probability": round(statistics.mean(v["probability"] for v in own), 4),
        "cpu_s": round(statistics.mean(r["cpu_s"] for r in records), 1),
    }


def photographs(verifier: Critic, data: Path, classes: list[str]) -> dict[str, float]:
    """Return the verifier's accuracy on the validation pictures of the same classes."""
    ranks, probabilities = [], []
    with zipfile.ZipFile(data) as archive:
        for name in classes:
            index = [c.lower() for c in verifier.identity.classes].index(name.lower())
            paths = [n for n in archive.namelist() if "/val/" in n and n.split("/")[-2].split("-", 1)[-1] == name]
            squares = [read_square(io.BytesIO(archive.read(p)), verifier.identity.input_px, p) for p in paths]
            logits = verifier.logits(torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).float() / 255)
            ranks += (1 + (logits > logits[:, index : index + 1]).sum(1)).tolist()
            probabilities += logits.softmax(1)[:, index].tolist()
    return {
        "top1": statistics.mean(r == 1 for r in ranks), "top5": statistics.mean(r <= 5 for r in ranks),
        "probability": round(statistics.mean(probabilities), 4), "pictures": len(ranks),
    }  # fmt: skip


def run(options: Any, config: VisualizeConfig) -> tuple[dict[str, Any], dict[str, list[np.ndarray]], list[str]]:
    """Draw everything; return results by prior, tiles by prior, and the names of the classes."""
    critic, verifier = open_critic(precision="fp32"), open_critic(str(options.verifier), precision="fp32")
    targets = [class_target(critic, i) for i in range(options.offset, len(critic.identity.classes), EVERY)]
    results: dict[str, Any] = {}
    tiles: dict[str, list[np.ndarray]] = {}
    for prior in (PLAIN, *PRIORS):
        records, tiles[prior] = [], []
        for target in targets:
            assert target.class_index is not None
            cpu, began = time.process_time(), time.perf_counter()
            images = drawn(critic, target, prior, config)
            index = same_class(critic, target.class_index, verifier)
            records.append({
                "class": target.name, "verifier": seen(images, index, verifier),
                "own": seen(images, target.class_index, critic), "cpu_s": round(time.process_time() - cpu, 2),
                "wall_s": round(time.perf_counter() - began, 2),
            })  # fmt: skip
            tiles[prior].append(to_uint8(images[0].permute(1, 2, 0).numpy()))
        results[prior] = summary(records) | {"classes": records}
        print(prior, {k: v for k, v in results[prior].items() if k != "classes"}, flush=True)
    names = [t.name for t in targets]
    if options.data:
        results["photographs"] = photographs(verifier, options.data, names)
        print("photographs", results["photographs"], flush=True)
    return results, tiles, names


def write_docs(folder: Path, results: dict[str, Any], tiles: dict[str, list[np.ndarray]], names: list[str]) -> None:
    """Write the table between its marks in visualize.md, and the sheet beside it."""
    rows = ["| prior | top-1 | top-5 | mean probability | own network's | CPU s per picture |", "| --- " * 6 + "|"]
    for prior, r in results.items():
        own = f"{r['own_probability']:.3f}" if "own_probability" in r else ""
        cpu = f"{r['cpu_s']:.0f}" if "cpu_s" in r else ""
        name = "real photographs" if prior == "photographs" else prior
        rows.append(f"| {name} | {r['top1']:.0%} | {r['top5']:.0%} | {r['probability']:.3f} | {own} | {cpu} |")
    page = folder / "visualize.md"
    before, _, rest = page.read_text().partition(MARKS[0])
    page.write_text(f"{before}{MARKS[0]}\n\n" + "\n".join(rows) + f"\n\n{MARKS[1]}{rest.partition(MARKS[1])[2]}")
    captions = [
        f"{prior}: {name}" + ("" if r["verifier"]["place"] == 1 else f" ({r['verifier']['place']})")
        for prior in tiles for name, r in zip(names, results[prior]["classes"], strict=True)
    ]  # fmt: skip
    flat = [tile for row in tiles.values() for tile in row]
    sheet = contact_sheet(flat, columns=len(names), captions=captions, tile_px=TILE_PX)
    (folder / SHEET).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet).save(folder / SHEET, quality=82)
    print(f"{folder / SHEET}: {(folder / SHEET).stat().st_size / 1000:.0f} KB")


def main() -> None:
    """Measure, print the verdict, and write what was asked for."""
    parser = measure.arguments(__doc__, seed=0, size=256, steps=0, offset=10)
    parser.add_argument("--verifier", type=Path, required=True, help="a second network with the same classes")
    parser.add_argument("--data", type=Path, help="zip of the pictures both were trained on, for the last line")
    parser.add_argument("--docs", type=Path, help="folder of visualize.md, whose table and sheet are written")
    options = parser.parse_args()
    load = measure.load_now()
    config = VisualizeConfig(class_name="0", seed=options.seed, size=options.size, steps=options.steps or None)
    results, tiles, names = run(options, config)
    best = max(PRIORS, key=lambda p: (results[p]["top1"], results[p]["probability"]))
    targets = [measure.target(f"verifier's top-1 of the best prior ({best})", ">= 0.8", results[best]["top1"],
                              results[best]["top1"] >= 0.8)]  # fmt: skip
    settings = {
        "seed": options.seed, "size_px": options.size, "crops": config.crops, "classes": names,
        "verifier": "same architecture and recipe, another seed", "view": "whole picture, 64 px, antialiased",
    }  # fmt: skip
    question = "What does a second network see in class pictures?"
    measure.report(question, settings, results, targets, options.output, load)
    if options.docs:
        write_docs(options.docs, results, tiles, names)


if __name__ == "__main__":
    main()
