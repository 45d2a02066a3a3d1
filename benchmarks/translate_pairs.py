"""Photographs from maps of labels, and maps from photographs: pix2pix here, L1 alone, and the recipe of the paper.

All three learn for the same CPU time, from the same pairs, and are measured on pairs that none has seen: SSIM, PSNR,
KID of the embedded network's features (of maps in the colors of their classes), and for maps the share of right pixels
and SSIM of the classes as they are written, each pixel of one ("ssim" is that of the probabilities).
As our recipe has early layers of the embedded network in its loss, `--second` measures KID by another network too, such
as GoogLeNet, which no recipe knows.
The paper's recipe is written down here: U-Net with transposed convolutions, BatchNorm, dropout also when used, batches
of one, Adam 2e-4, binary cross entropy plus 100 L1. Its width is ours, so that its steps are as small.

    python benchmarks/translate_pairs.py CAMVID SCRATCH --cpu-minutes 3 --output result.json --sheet sheet.jpg

Trained networks stay in SCRATCH; a run that was interrupted, or left some out by `--recipe`, goes on with the others.
It takes six times the CPU minutes, and about three more for measuring.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import machine
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.critic.open import open_critic
from reverie.data.batches import seeded
from reverie.data.examples import Drawing
from reverie.media.deep import to_uint8
from reverie.media.sheet import contact_sheet
from reverie.models.translator import build_translator
from reverie.train.run_folder import RunFolder
from reverie.train.stylegan2.kid import Measure, squared_mmd
from reverie.train.translate.config import TranslateConfig
from reverie.train.translate.measure import compared
from reverie.train.translate.task import Task, open_pairs, open_task
from reverie.train.translate.training import TranslatorTraining

CROP_PX, WIDTH, CLASSES = 96, 32, 12  # pictures are as high as crops, and a third wider
WAYS = {
    "photograph from labels": (f"labels:{CLASSES}", "color"),
    "labels from photograph": ("color", f"labels:{CLASSES}"),
}
RECIPES = ("pix2pix", "L1 only", "paper")
SECOND_PX = 128  # side at which the second network sees the pictures, which are hardly larger
CALIBRATED = 12  # steps that tell how long one takes


class PaperUNet(nn.Module):
    """The published generator, five halvings deep."""

    def __init__(self, inputs: int, outputs: int, width: int = WIDTH) -> None:
        super().__init__()
        wide = [width * n for n in (1, 2, 4, 8, 8)]
        self.down = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in zip([inputs, *wide], wide, strict=False))
        ups = [(wide[4], wide[3]), (2 * wide[3], wide[2]), (2 * wide[2], wide[1]), (2 * wide[1], wide[0])]
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, 2, 1) for a, b in ups)
        self.last = nn.ConvTranspose2d(2 * wide[0], outputs, 4, 2, 1)
        self.down_norms = nn.ModuleList(nn.BatchNorm2d(n) for n in wide[1:4])
        self.up_norms = nn.ModuleList(nn.BatchNorm2d(b) for _, b in ups)

    def forward(self, x: Tensor) -> Tensor:
        x, passed = x * 2 - 1, []
        for i, layer in enumerate(self.down):
            x = layer(x if i == 0 else F.leaky_relu(x, 0.2))
            x = self.down_norms[i - 1](x) if 0 < i < 4 else x
            passed.append(x)
        for i, layer in enumerate(self.up):
            x = self.up_norms[i](layer(F.relu(x)))
            x = F.dropout(x, 0.5, training=self.training) if i < 2 else x
            x = torch.cat([x, passed[3 - i]], 1)
        return torch.tanh(self.last(F.relu(x))) / 2 + 0.5


class PaperDiscriminator(nn.Sequential):
    """The published 70 x 70 patches."""

    def __init__(self, inputs: int, width: int = WIDTH) -> None:
        wide, layers = [inputs, width, 2 * width, 4 * width, 8 * width], []
        for i, stride in enumerate((2, 2, 2, 1)):
            layers.append(nn.Conv2d(wide[i], wide[i + 1], 4, stride, 1))
            layers += [nn.BatchNorm2d(wide[i + 1])] if i else []
            layers.append(nn.LeakyReLU(0.2))
        super().__init__(*layers, nn.Conv2d(wide[-1], 1, 4, 1, 1))


def paper(task: Any, minutes: float, path: Path) -> nn.Module:
    """Train the paper's recipe for some CPU minutes: constant rate for half of it, then down to 0."""
    torch.manual_seed(0)
    inputs, outputs = task.shape.inputs, task.shape.outputs
    width, crop_px = task.config.width, task.config.crop_px
    net, judge = PaperUNet(inputs, outputs, width), PaperDiscriminator(inputs + outputs, width)
    for module in (*net.modules(), *judge.modules()):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.02)
    if path.is_file():
        net.load_state_dict(torch.load(path, weights_only=True))
        return net
    optimizers = [torch.optim.Adam(n.parameters(), lr=2e-4, betas=(0.5, 0.999)) for n in (net, judge)]
    began, step, done = time.process_time(), 0, 0.0
    while done < 1:
        for optimizer in optimizers:
            optimizer.param_groups[0]["lr"] = 2e-4 * min(1.0, 2 - 2 * done)
        given, wanted = task.examples.draw(1, crop_px, seeded(0, "batch", step), Drawing(zoom=0))
        made = net(given)
        real, fake = (torch.cat([given, x], 1) * 2 - 1 for x in (wanted, made))
        scores = judge(real), judge(fake.detach())
        loss = (F.softplus(-scores[0]).mean() + F.softplus(scores[1]).mean()) / 2
        optimizers[1].zero_grad()
        loss.backward()
        optimizers[1].step()
        loss = F.softplus(-judge(fake)).mean() + 100 * F.l1_loss(made, wanted)
        optimizers[0].zero_grad()
        loss.backward()
        optimizers[0].step()
        step, done = step + 1, (time.process_time() - began) / (60 * minutes)
    noted(path, step, (time.process_time() - began) / 60)
    torch.save(net.state_dict(), path)
    return net


def ours(config: TranslateConfig, minutes: float, folder: Path) -> nn.Module:
    """Train by our tool's own loop, for as many steps as fit into some CPU minutes."""
    kept, task = folder.with_suffix(".pt"), open_task(config)
    if kept.is_file():
        net = build_translator(task.shape)
        net.load_state_dict(torch.load(kept, weights_only=True))
        return net
    after, alone = task.gan_after, replace(task.settled, gan=0.0, feature_matching=0.0)
    parts = [(after, alone), (1 - after, replace(config, gan_after=0.0))] if config.gan else [(1.0, alone)]
    each = sum(part * seconds_a_step(c, folder.with_name(f"{folder.name}-calibration")) for part, c in parts)
    count = int(60 * minutes / each)
    task = open_task(replace(config, steps=count, validate_every=max(1, count // 4)))
    training = TranslatorTraining(task, RunFolder(folder))
    began = time.process_time()
    for _ in training.steps():
        pass
    noted(kept, count, (time.process_time() - began) / 60)
    torch.save(dict(training.state()), kept)
    return training.network


def noted(path: Path, steps: int, minutes: float) -> None:
    """Write beside a network for how long it learned, measurements on the way included."""
    about = {"steps": steps, "cpu_minutes": round(minutes, 2)}
    print(f"{path.stem}: {about}", flush=True)
    path.with_suffix(".json").write_text(json.dumps(about))


def seconds_a_step(config: TranslateConfig, folder: Path) -> float:
    """Return the CPU seconds that a step takes, after some that warm up."""
    training = TranslatorTraining(open_task(config), RunFolder(folder, kept=False))
    steps = training.steps()
    for number in range(2 * CALIBRATED):
        if number == CALIBRATED:
            began = time.process_time()
        next(steps)
    each = (time.process_time() - began) / CALIBRATED
    steps.close()  # type: ignore[attr-defined]
    training.run.finish()
    return each


def wide(side_px: int) -> int:
    """Return the width of pictures of a height."""
    return -(-side_px * 4 // 3 // 32) * 32


def prepared(camvid: Path, scratch: Path, side_px: int = CROP_PX) -> Path:
    """Return the pairs at this height, about a third wider: in multiples of 32, which the paper's network takes."""
    root = scratch / ("pairs" if side_px == CROP_PX else f"pairs-{side_px}")
    for path in sorted(camvid.glob("*/*/*.*")):
        to = root / path.relative_to(camvid).with_suffix(".png")
        if not to.is_file():
            to.parent.mkdir(parents=True, exist_ok=True)
            how = Image.Resampling.NEAREST if path.parent.name == "label" else Image.Resampling.LANCZOS
            Image.open(path).resize((wide(side_px), side_px), how).save(to)
    return root


@torch.no_grad()
def scores(
    net: nn.Module, config: TranslateConfig, root: Path, measures: dict[str, Measure], true: dict[str, Tensor]
) -> tuple[dict[str, float], list[Tensor]]:
    """Return mean scores on the pairs for validation, and what was made; `true` keeps the features of true pictures."""
    pairs = open_pairs(validation(config, root), 1.0)
    kind, found, made, real = pairs.wanted, [], [], []
    for given, wanted in pairs.held_out():
        found.append(compared(net, given, wanted, kind))
        made.append(net(given).clamp(0, 1))
        real.append(wanted)
    mean = {name: round(sum(f[name] for f in found) / len(found), 4) for name in found[0]}
    shown = [torch.cat([colors(kind, planes) for planes in pictures]) for pictures in (made, real)]
    for name, measure in measures.items():
        if name not in true:
            true[name] = measure.features(shown[1])
        mean[name] = round(squared_mmd(measure.features(shown[0]), true[name]), 4)
    if kind.is_labels:
        truth, chosen = torch.cat(real).argmax(1), torch.cat(made).argmax(1)
        unions = [((truth == c) | (chosen == c)).sum().item() for c in range(CLASSES)]
        both = [((truth == c) & (chosen == c)).sum().item() for c in range(CLASSES)]
        ratios = [b / u for b, u, c in zip(both, unions, range(CLASSES), strict=True) if (truth == c).any()]
        mean["mean_iou"] = round(sum(ratios) / len(ratios), 4)
    return mean, made


def validation(config: TranslateConfig, root: Path) -> TranslateConfig:
    """Return the settings with the pairs for validation instead of those that are learned from."""
    data, targets = (str(root / "val" / Path(path).name) for path in (config.data, config.targets or ""))
    return replace(config, data=data, targets=targets)


def measures_of(second: Path | None) -> dict[str, Measure]:
    """Return what KID is measured by: the embedded network, and a second one."""
    found = {"kid": Measure.of(open_critic("embedded", None, device="cpu", precision="fp32"))}
    if second is not None:
        other = open_critic("googlenet-caffe", str(second), device="cpu", precision="fp32")
        found["kid_googlenet"] = Measure(other, other.layer(other.identity.pooled).name, SECOND_PX)
    return found


def colors(kind: Any, planes: Tensor) -> Tensor:
    """Return planes as a picture of colors ``[1, 3, H, W]``."""
    return torch.from_numpy(kind.picture(planes[0])[0].copy()).permute(2, 0, 1)[None]


def one_way(
    way: str, root: Path, options: argparse.Namespace, told: Callable[[dict[str, Any]], None]
) -> list[np.ndarray]:
    """Train and measure all recipes of one way; return rows of a sheet: given, each recipe's, true."""
    given, wanted = WAYS[way]
    places = ["label", "photo"] if "labels:" in given else ["photo", "label"]
    data, targets = (str(root / "train" / name) for name in places)
    base = TranslateConfig(
        data=data, targets=targets, given=given, wanted=wanted, architecture="pix2pix", width=options.width, depth=4,
        crop_px=options.side, zoom=0, batch=4, held_out=0.05, keep="last", device="cpu", seed=1,
    )  # fmt: skip
    l1 = replace(base, gan=0.0, feature_matching=0.0, loss="l1")
    minutes, place = options.cpu_minutes, options.scratch / "-".join(way.split()[::2])
    kept = {name: place.with_name(f"{place.name}-{name.split()[0].lower()}") for name in RECIPES}
    train: dict[str, Callable[[Path], nn.Module]] = {
        "pix2pix": lambda path: ours(base, minutes, path),
        "L1 only": lambda path: ours(l1, minutes, path),
        "paper": lambda path: paper(open_task(base), minutes, path.with_suffix(".pt")),
    }
    found: dict[str, Any] = {"settings": settings_of(open_task(base))}
    pictures, measures, true = dict[str, list[Tensor]](), measures_of(options.second), dict[str, Tensor]()
    for name in options.recipe or RECIPES:
        net = train[name](kept[name]).train(name == "paper")  # the paper uses its network as it trained it
        found[name], pictures[name] = scores(net, base, root, measures, true)
        found[name] |= json.loads(kept[name].with_suffix(".json").read_text())
        print(way, name, found[name], flush=True)
        told(found)
    pairs = open_pairs(validation(base, root), 1.0)
    shown, tiles = list(pairs.held_out()), list[np.ndarray]()
    for i in range(0, len(shown), max(1, len(shown) // 3)):
        tiles += [shown_as(pairs.given, shown[i][0]), *(shown_as(pairs.wanted, p[i]) for p in pictures.values())]
        tiles.append(shown_as(pairs.wanted, shown[i][1]))
    return tiles


def settings_of(task: Task) -> dict[str, object]:
    """Return what our recipe decided."""
    names = ("gan", "feature_matching", "gan_after", "ssim", "perceptual", "lr", "ema")
    return {"loss": task.loss} | {name: getattr(task.settled, name) for name in names}


def main() -> None:
    """Train, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("camvid", type=Path)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--cpu-minutes", type=float, default=3.0)
    parser.add_argument("--side", type=int, default=CROP_PX, help="height of the pictures, a multiple of 32")
    parser.add_argument("--width", type=int, default=WIDTH, help="of all networks")
    parser.add_argument("--only", choices=[*WAYS], help="one of the two ways")
    parser.add_argument("--recipe", action="append", choices=RECIPES, help="one of the recipes; repeatable")
    parser.add_argument("--second", type=Path, help="weights of GoogLeNet as its authors released them")
    parser.add_argument("--output", type=Path, help="of one way alone, the other stays as it is there")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    root = prepared(options.camvid, options.scratch, options.side)
    size = [wide(options.side), options.side]
    result: dict[str, Any] = {"machine": machine(), "cpu_minutes_each": options.cpu_minutes, "size": size}
    if options.only is not None and options.output is not None and options.output.is_file():
        result = json.loads(options.output.read_text()) | result
    tiles: list[np.ndarray] = []
    for way in WAYS if options.only is None else (options.only,):

        def told(found: dict[str, Any], way: str = way) -> None:
            result[way] = found
            if options.output is not None:
                options.output.write_text(json.dumps(result, indent=1) + "\n")

        tiles += one_way(way, root, options, told)
    if options.sheet is not None:
        row = ["given", *(options.recipe or RECIPES), "true"]
        captions = row * (len(tiles) // len(row))
        sheet = contact_sheet(tiles, columns=len(row), tile_px=160, captions=captions)
        Image.fromarray(sheet).save(options.sheet, quality=88)


def shown_as(kind: Any, planes: Tensor) -> np.ndarray:
    """Return planes as a picture."""
    return to_uint8(kind.picture(planes[0])[0])


if __name__ == "__main__":
    main()
