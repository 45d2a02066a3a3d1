"""What does a translator cost: pictures a second while it learns, against a plain loop, and memory on a large picture?

The plain loops are what such experiments begin with: every picture is read from its file, cropped and turned into a
tensor at every step; float32, transposed convolutions, BatchNorm. For pairs it is the recipe of the paper
(`translate_pairs.py`), for filters the small autoencoder. In turn, in one process, by the clock and by CPU seconds: our
loop draws its pictures in a thread beside the one that computes (both count as CPU), the plain one in the same. The
large picture is translated by the command line in a process of its own, whose high-water mark the kernel gives.

    python benchmarks/translate_cost.py CAMVID SCRATCH --output result.json
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from huge_picture import write_photo
from measure import gain, interleaved, machine, summary
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from translate_pairs import CLASSES, CROP_PX, WIDTH, PaperDiscriminator, PaperUNet, prepared

from reverie.models.translator import Shape, build_translator
from reverie.numerics.edge_filters import sobel
from reverie.train.run_folder import RunFolder
from reverie.train.translate.config import TranslateConfig
from reverie.train.translate.task import open_task
from reverie.train.translate.training import TranslatorTraining

PICTURES = {"pix2pix": 32, "autoencoder": 512}  # in each round: many more than are drawn ahead
AUTO_BATCH, AUTO_PX = 16, 64
LARGE = (8660, 5774)  # 50 megapixels


def ours(config: TranslateConfig, folder: Path, pictures: int) -> Callable[[], None]:
    """Return a function that learns from so many pictures by our loop."""
    training = TranslatorTraining(open_task(config), RunFolder(folder))
    steps = training.steps()
    return lambda: [next(steps) for _ in range(pictures // config.batch)] and None


def plain_pairs(root: Path) -> Iterator[None]:
    """Learn from one pair after the other, as the paper does."""
    torch.manual_seed(0)
    net, judge = PaperUNet(CLASSES, 3, WIDTH), PaperDiscriminator(CLASSES + 3, WIDTH)
    optimizers = [torch.optim.Adam(n.parameters(), lr=2e-4, betas=(0.5, 0.999)) for n in (net, judge)]
    names = sorted(path.name for path in (root / "label").iterdir())
    draw = random.Random(0)
    while True:
        name = draw.choice(names)
        numbers = np.asarray(Image.open(root / "label" / name))
        photo = np.asarray(Image.open(root / "photo" / name).convert("RGB"))
        left = draw.randrange(photo.shape[1] - CROP_PX + 1)
        part = (slice(0, CROP_PX), slice(left, left + CROP_PX))
        given = F.one_hot(torch.from_numpy(numbers[part].copy()).long(), CLASSES).permute(2, 0, 1)[None].float()
        wanted = torch.from_numpy(photo[part].copy()).permute(2, 0, 1)[None].float() / 255
        made = net(given)
        real, fake = (torch.cat([given, x], 1) * 2 - 1 for x in (wanted, made))
        loss = (F.softplus(-judge(real)).mean() + F.softplus(judge(fake.detach())).mean()) / 2
        descend(optimizers[1], loss)
        descend(optimizers[0], F.softplus(-judge(fake)).mean() + 100 * F.l1_loss(made, wanted))
        yield


def plain_filter(folder: Path) -> Iterator[None]:
    """Learn a filter from a batch of files after the other."""
    torch.manual_seed(0)
    net = build_translator(Shape("autoencoder", 3, 1, 16, (1,)))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    names, draw = sorted(folder.iterdir()), random.Random(0)
    while True:
        images = torch.cat([opened(draw.choice(names)) for _ in range(AUTO_BATCH)])
        descend(optimizer, F.mse_loss(net(images), sobel(images)))
        yield


def opened(path: Path) -> Tensor:
    """Return a picture, its middle made small, as such loops do."""
    image = Image.open(path).convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    small = image.crop((left, top, left + side, top + side)).resize((AUTO_PX, AUTO_PX), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.asarray(small).copy()).permute(2, 0, 1)[None].float() / 255


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """Take one step."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def training_speed(camvid: Path, scratch: Path, rounds: int) -> dict[str, Any]:
    """Return pictures a CPU second of both tasks, ours and plain."""
    root = prepared(camvid, scratch) / "train"
    pairs = TranslateConfig(
        data=str(root / "label"), targets=str(root / "photo"), given=f"labels:{CLASSES}", architecture="pix2pix",
        width=WIDTH, crop_px=CROP_PX, zoom=0, batch=4, steps=10**6, validate_every=10**6, held_out=0.02, device="cpu",
        gan_after=0.0, ssim=0.0, perceptual=0.0,  # the losses of the plain loop, and feature matching
    )  # fmt: skip
    filters = TranslateConfig(
        data=str(camvid / "train" / "photo"), architecture="autoencoder", batch=AUTO_BATCH, crop_px=AUTO_PX,
        steps=10**6, validate_every=10**6, held_out=0.02, device="cpu",
    )  # fmt: skip
    slow = {"pix2pix": plain_pairs(root), "autoencoder": plain_filter(camvid / "train" / "photo")}
    steps = {"pix2pix": PICTURES["pix2pix"], "autoencoder": PICTURES["autoencoder"] // AUTO_BATCH}
    found: dict[str, Any] = {}
    for name, config in (("pix2pix", pairs), ("autoencoder", filters)):
        times = interleaved(
            {
                "ours": ours(config, scratch / f"cost-{name}", PICTURES[name]),
                "plain": lambda n=name: [next(slow[n]) for _ in range(steps[n])],
            },
            rounds,
        )  # fmt: skip
        found[name] = {}
        for clock, unit in (("wall_s", "s"), ("cpu_s", "cpu_s")):
            spent = {kind: values[clock] for kind, values in times.items()}
            rate = {kind: round(PICTURES[name] / summary(values)["median"], 1) for kind, values in spent.items()}
            found[name] |= {
                f"pictures_per_{unit}": rate,
                f"times_as_fast_by_{clock}": gain(spent["plain"], spent["ours"]),
            }
    return found


def large_picture(scratch: Path, model: str, limit: str) -> dict[str, Any]:
    """Return peak memory and seconds of a picture of 50 megapixels."""
    path = scratch / "large.jpg"
    if not path.is_file():
        write_photo(path, *LARGE)
    script = (
        "import resource, sys; from reverie.apps.cli.main import main; code = main(sys.argv[1:]); "
        "print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, resource.getrusage("
        "resource.RUSAGE_SELF).ru_utime)"
    )
    began = time.monotonic()
    command = [sys.executable, "-c", script, "translate", model, str(path), "-o", str(scratch / "made.jpg"),
               "--max-memory", limit, "--overwrite"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    code, peak, cpu = done.stdout.split()[-3:]
    assert code == "0", done.stderr
    return {
        "model": Path(model).name, "megapixels": round(LARGE[0] * LARGE[1] / 1e6, 1), "max_memory": limit,
        "peak_gib": round(int(peak) / 2**30, 3), "cpu_s": round(float(cpu), 1),
        "wall_s": round(time.monotonic() - began, 1),
    }  # fmt: skip


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("camvid", type=Path)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large", action="append", default=[], metavar="MODEL", help="translate 50 megapixels")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.scratch.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {"machine": machine()}
    result["training"] = training_speed(options.camvid, options.scratch, options.rounds)
    print(json.dumps(result["training"], indent=1), flush=True)
    result["large"] = [large_picture(options.scratch, model, "2GB") for model in options.large]
    print(json.dumps(result["large"], indent=1))
    if options.output is not None:
        options.output.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
