"""How near does the shipped translator come to Sobel, at sizes it has never seen, and what does it cost?

Compared with the filter itself, and with the hourglass of four layers (PSNR 21.55, SSIM 0.8206 at 64 px is what the
experiment that this repeats reports for it, on other pictures). All in one process:

    python benchmarks/translate_sobel.py PICTURES --model autoencoder=auto.safetensors --output result.json

`--fixed` answers whether a hidden layer of fixed size is worth it: the hourglass with and without one, by the same loop
in the same CPU time. With a result in place of PICTURES only that is done, and all is drawn again.

Networks of other depths come from ``reverie train translate photos700.zip --depth N --minutes 1.5 --seed 1``, the
autoencoder from ``--architecture autoencoder --batch 16 --minutes 5 --seed 1``.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from measure import interleaved, machine, summary
from torch import nn
from torch.nn import functional as F

from reverie.data.batches import seeded
from reverie.data.examples import as_image, listed
from reverie.media.image import read_picture
from reverie.models.translator import Autoencoder, build_translator
from reverie.models.translator_file import load_translator, translator_path
from reverie.numerics.edge_filters import sobel
from reverie.numerics.resample import resize
from reverie.train.schedule import warm_cosine
from reverie.train.translate.config import TranslateConfig
from reverie.train.translate.measure import compared
from reverie.train.translate.task import Task, open_task

BORDER_PX = 4
HIDDEN, LR, MEASURED = 256, 3e-3, 32  # of the layer of fixed size, of its trial, held-out pictures
SIZES = {"64 px": (64, 64), "512 px": (512, 512), "1001 x 733 px": (733, 1001)}


def quality(net: torch.nn.Module, images: list[torch.Tensor]) -> dict[str, dict[str, float]]:
    """Return mean and worst PSNR and SSIM at every size."""
    found = {}
    for name, size in SIZES.items():
        scores = []
        for image in images:
            small = resize(image, size).clamp(0, 1)
            scores.append(compared(net, small, sobel(small)))
        psnr, ssim = ([s[what] for s in scores] for what in ("psnr", "ssim"))
        mean = {"psnr": sum(psnr) / len(psnr), "ssim": sum(ssim) / len(ssim)}
        found[name] = {k: round(v, 4) for k, v in (mean | {"worst_psnr": min(psnr), "worst_ssim": min(ssim)}).items()}
    return found


def borders(net: torch.nn.Module, images: list[torch.Tensor]) -> dict[str, float]:
    """Return the root mean square error within four pixels of the border and farther in, at 512 px."""
    outer, inner = [], []
    for image in images:
        small = resize(image, (512, 512)).clamp(0, 1)
        with torch.inference_mode():
            error = (net(small).clamp(0, 1) - sobel(small)).square()[0, 0]
        inside = error[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX]
        inner.append(inside.mean().item())
        outer.append((error.sum() - inside.sum()).item() / (error.numel() - inside.numel()))
    rms = {"border": outer, "inside": inner}
    return {name: round((sum(values) / len(values)) ** 0.5, 5) for name, values in rms.items()}


class Fixed(nn.Module):
    """The hourglass with a hidden layer that all places are connected to: for pictures of 64 x 64 px alone."""

    def __init__(self, whole: Autoencoder) -> None:
        super().__init__()
        super().__init__()
        half = len(whole.net) // 2 + 1  # behind the second ReLU
        self.before, self.after = whole.net[:half], whole.net[half:]
        self.inward, self.outward = nn.Linear(32 * 16 * 16, HIDDEN), nn.Linear(HIDDEN, 32 * 16 * 16)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.outward(torch.relu(self.inward(self.before(images).flatten(1))))
        return torch.sigmoid(self.after(torch.relu(x).view(-1, 32, 16, 16)))


def fixed(learned: Path, minutes: float) -> dict[str, dict[str, float]]:
    """Return how near the hourglass comes at 64 px, with a hidden layer of fixed size and without."""
    task = open_task(TranslateConfig(data=str(learned), architecture="autoencoder", device="cpu", seed=1))
    found = {}
    for name in ("convolutions only", "with a layer of fixed size"):
        torch.manual_seed(1)
        whole = build_translator(task.shape)
        assert isinstance(whole, Autoencoder)
        net = Fixed(whole) if name.startswith("with") else whole
        steps = taught(net, task, minutes)
        scores = []
        for image, _ in islice(task.examples.held_out(), MEASURED):
            small = resize(image, (64, 64)).clamp(0, 1)
            scores.append(compared(net.eval(), small, sobel(small)))
        means = {what: round(sum(s[what] for s in scores) / len(scores), 4) for what in ("psnr", "ssim")}
        found[name] = means | {"weights": sum(p.numel() for p in net.parameters()), "steps": steps, "minutes": minutes}
        print(name, found[name], flush=True)
    return found


def taught(net: nn.Module, task: Task, minutes: float) -> int:
    """Teach a network for some CPU minutes, by a rate that falls to zero; returns the steps."""
    optimizer, began, step = torch.optim.Adam(net.parameters(), lr=LR), time.process_time(), 0
    while (progress := (time.process_time() - began) / (60 * minutes)) < 1:
        optimizer.param_groups[0]["lr"] = LR * warm_cosine(progress, 0.02)
        given, wanted = task.examples.draw(16, 64, seeded(1, "batch", step), task.drawing)
        optimizer.zero_grad()
        F.mse_loss(net(given), wanted).backward()
        optimizer.step()
        step += 1
    return step


def speed(net: torch.nn.Module, image: torch.Tensor, rounds: int) -> dict[str, object]:
    """Return CPU seconds of network and filter on one picture."""

    def run() -> None:
        with torch.inference_mode():
            net(image)

    times = interleaved({"network": run, "filter": lambda: sobel(image)}, rounds)
    cpu = {name: summary(values["cpu_s"]) for name, values in times.items()}
    pixels = image.shape[2] * image.shape[3] / 1e6
    return {
        "cpu_s": cpu,
        "network_megapixels_per_cpu_s": round(pixels / cpu["network"]["median"], 3),
        "times_the_filter": round(cpu["network"]["median"] / cpu["filter"]["median"], 1),
    }


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Draw an answer to each of the seven questions: a panel each."""
    from matplotlib.figure import Figure

    found = {name: value for name, value in result.items() if isinstance(value, dict) and "quality" in value}
    names = list(found)
    figure = Figure(figsize=(13, 9.6), dpi=90, layout="constrained")
    panels = figure.subplots(3, 3).flat
    for number, (size, axes) in enumerate(zip(SIZES, panels, strict=False)):
        values = [found[name]["quality"][size]["psnr"] for name in names]
        bars(axes, names, values, f"{'1. Sizes, 3. convolutions only: ' if number == 0 else ''}{size}", "PSNR, dB")
        axes.axhline(40, color="grey", linestyle="--", linewidth=1)
        axes.set_ylim(0, 60)
    border = [found[name]["rms_error"]["border"] for name in names]
    inside = [found[name]["rms_error"]["inside"] for name in names]
    axes = next(panels)
    places = range(len(names))
    axes.bar([x - 0.2 for x in places], border, 0.4, label="within 4 px of the border")
    axes.bar([x + 0.2 for x in places], inside, 0.4, label="inside")
    axes.set_xticks(places, names, rotation=20)
    axes.set(title="2. Edges of the picture", ylabel="root mean square error", yscale="log")
    axes.legend()
    speeds = [found[name]["speed_at_512_px"]["network_megapixels_per_cpu_s"] for name in names]
    bars(next(panels), names, speeds, "4. Speed", "megapixels a CPU second")
    bars(next(panels), names, [found[name]["bytes"] / 1000 for name in names], "5. Size of the file", "KB")
    axes = next(panels)
    known = result.get("curve", [])
    axes.plot([row["step"] for row in known], [row["psnr"] for row in known], marker=".")
    axes.set(title="6. When training is complete", xlabel="step", ylabel="PSNR while it learned, dB")
    axes.grid(alpha=0.3)
    depth = {int(name.removeprefix("depth")): found[name] for name in names if name.startswith("depth")}
    axes = next(panels)
    for size in SIZES:
        axes.plot(depth.keys(), [d["quality"][size]["psnr"] for d in depth.values()], marker="o", label=size)
    axes.set(title="7. Depth, 1.5 minutes each", xlabel="layers of 3 x 3", ylabel="PSNR, dB", xticks=[*depth])
    axes.legend()
    both = result.get("fixed", {})
    bars(
        next(panels), [*both], [about["psnr"] for about in both.values()], "3. A layer of fixed size, 64 px", "PSNR, dB"
    )
    figure.savefig(path, metadata={"Software": None})


def bars(axes: Any, names: list[str], values: list[float], title: str, unit: str) -> None:
    """Draw a bar for each network, with its number."""
    axes.bar_label(axes.bar(names, values), fmt="%.3g")
    axes.set(title=title, ylabel=unit)
    axes.margins(y=0.15)
    axes.tick_params(axis="x", labelrotation=20)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path, help="pictures, or a result to draw again")
    parser.add_argument("--curve", type=Path, help="page of curves that a training wrote")
    parser.add_argument("--model", action="append", default=[], metavar="NAME=FILE", help="a further network")
    parser.add_argument("--fixed", type=Path, metavar="PICTURES", help="teach the hourglass with a layer of fixed size")
    parser.add_argument("--fixed-minutes", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.pictures.suffix == ".json":
        result = json.loads(options.pictures.read_text())
        added(result, options)
        finish(result, options)
        return
    archive, names = listed(options.pictures)
    images = [as_image(read_picture(archive.open(name), name=name).rgb) for name in names]
    result: dict[str, Any] = {"machine": machine(), "pictures": len(images)}
    named = [(name, Path(file)) for name, _, file in (text.partition("=") for text in options.model)]
    for label, path in [("sobel", translator_path("sobel")), *named]:
        model = load_translator(path)
        result[label] = {
            "bytes": path.stat().st_size, "at_training": dict(model.about.metrics),
            "quality": quality(model.net, images),
            "rms_error": borders(model.net, images),
            "speed_at_512_px": speed(model.net, resize(images[0], (512, 512)).clamp(0, 1), options.rounds),
        }  # fmt: skip
    added(result, options)
    print(json.dumps(result, indent=1))
    finish(result, options)


def added(result: dict[str, Any], options: argparse.Namespace) -> None:
    """Add what was asked for beside the networks' own numbers."""
    if options.curve is not None:
        result["curve"] = rows_of(options.curve)
    if options.fixed is not None:
        result["fixed"] = fixed(options.fixed, options.fixed_minutes)


def rows_of(page: Path) -> list[dict[str, float]]:
    """Return step and PSNR of the measurements in a page of curves."""
    text = page.read_text()
    names = [name.replace(" ", "_") for name in re.findall(r"<th>(.*?)</th>", text)]
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(<td>.*?)</tr>", text)]
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [{"step": int(float(row["step"])), "psnr": float(row["psnr"])} for row in found]


def finish(result: Mapping[str, Any], options: argparse.Namespace) -> None:
    """Draw and write."""
    if options.plot is not None:
        draw(result, options.plot)
    if options.output is not None:
        options.output.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
