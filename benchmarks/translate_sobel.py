"""How near does the shipped translator come to Sobel, at sizes it has never seen, and what does it cost?

Compared with the filter itself, and with the hourglass of four layers (PSNR 21.55, SSIM 0.8206 at 64 px is what the
experiment that this repeats reports for it, on other pictures). All in one process:

    python benchmarks/translate_sobel.py PICTURES --model autoencoder=auto.safetensors --output result.json

Networks of other depths come from ``reverie train translate photos700.zip --depth N --minutes 1.5 --seed 1``, the
autoencoder from ``--architecture autoencoder --batch 16 --minutes 5 --seed 1``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from measure import interleaved, machine, summary

from reverie.data.examples import as_image, listed
from reverie.media.image import read_picture
from reverie.models.translator_file import load_translator, translator_path
from reverie.numerics.edge_filters import sobel
from reverie.numerics.resample import resize
from reverie.train.translate.measure import compared

BORDER_PX = 4
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
    """Draw the PSNR of every network at every size."""
    from matplotlib.figure import Figure

    names = [name for name, found in result.items() if isinstance(found, dict) and "quality" in found]
    figure = Figure(figsize=(7, 3.6), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    for i, size in enumerate(SIZES):
        places = [k + 0.26 * (i - 1) for k in range(len(names))]
        axes.bar(places, [result[name]["quality"][size]["psnr"] for name in names], 0.24, label=size)
    axes.axhline(40, color="grey", linestyle="--", linewidth=1)
    axes.set_xticks(range(len(names)), names)
    axes.set(ylabel="PSNR, dB", ylim=(0, 66))
    axes.legend(ncols=len(SIZES), loc="upper left")
    figure.savefig(path, metadata={"Software": None})


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--model", action="append", default=[], metavar="NAME=FILE", help="a further network")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    archive, names = listed(options.pictures)
    images = [as_image(read_picture(archive.open(name), name=name).rgb) for name in names]
    result: dict[str, object] = {"machine": machine(), "pictures": len(images)}
    named = [(name, Path(file)) for name, _, file in (text.partition("=") for text in options.model)]
    for label, path in [("sobel", translator_path("sobel")), *named]:
        model = load_translator(path)
        result[label] = {
            "bytes": path.stat().st_size, "at_training": dict(model.about.metrics),
            "quality": quality(model.net, images),
            "rms_error": borders(model.net, images),
            "speed_at_512_px": speed(model.net, resize(images[0], (512, 512)).clamp(0, 1), options.rounds),
        }  # fmt: skip
    print(json.dumps(result, indent=1))
    if options.plot is not None:
        draw(result, options.plot)
    if options.output is not None:
        options.output.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
