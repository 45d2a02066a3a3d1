"""How much sooner is a directory of 40 pictures done than in a loop, and than with torch-lucent?

Each variant is a process of its own, timed from its start to its end on the wall clock, all with the machine's default
threads except our workers, which `reverie dream` plans itself. Variants run in turn, round by round.

*loop* opens the same network once and dreams the same pictures one after the other through the Python interface.
*plain* and *torch-lucent* are scripts as one would write them with that inner loop: the same network, layer, octave
sizes and number of steps, the whole network forward at every step, pictures read and written with Pillow. They are
compared on GoogLeNet, since neither knows ours.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from measure import PICTURE, arguments, environment, load_now, report, table, target
from PIL import Image

HERE = Path(__file__).resolve().parent
LOOP_GAIN, PEER_GAIN = 1.6, 4.0
OWN = {"model": "embedded", "layer": "mixed5a"}
SHARED = {"model": "googlenet", "weights": "random", "layer": "inception4c"}
SIDES = ((256, 384), (320, 320), (384, 256), (288, 352), (240, 400))


def write_pictures(folder: Path, count: int) -> None:
    """Write crops of the example picture, turned and mirrored, with grain: no two alike, JPEG and PNG."""
    with Image.open(PICTURE) as image:
        large = np.asarray(image.convert("RGB"), dtype=np.int16)
    random = np.random.default_rng(0)
    for number in range(count):
        height, width = SIDES[number % len(SIDES)]
        top = int(random.integers(0, large.shape[0] - height + 1))
        left = int(random.integers(0, large.shape[1] - width + 1))
        crop = large[top : top + height, left : left + width][:, :: 1 if number % 2 else -1]
        crop = crop + random.integers(-6, 7, (height, width, 1), dtype=np.int16)
        picture = Image.fromarray(np.clip(crop, 0, 255).astype(np.uint8))
        picture.save(folder / f"{number:03d}{'.jpg' if number % 3 else '.png'}")


# --- variants, each in its own process ------------------------------------------------------------------------------


def reverie_command(
    folder: Path, out: Path, options: argparse.Namespace, network: dict[str, str], *extra: str
) -> list[str]:
    """Return the command line of a user."""
    settings = [part for name, value in network.items() for part in (f"--{name}", value)]
    steps = ["--steps", str(options.steps), "--octaves", str(options.octaves)]
    return [sys.executable, "-m", "reverie", "dream", str(folder), "-o", str(out), *settings, *steps, *extra]


def child_command(
    kind: str, folder: Path, out: Path, options: argparse.Namespace, network: dict[str, str]
) -> list[str]:
    """Return the command line of one of the loops below."""
    return [
        sys.executable, __file__, "--child", kind, "--folder", str(folder), "--out", str(out),
        "--steps", str(options.steps), "--octaves", str(options.octaves), "--network", json.dumps(network),
    ]  # fmt: skip


def loop(folder: Path, out: Path, options: argparse.Namespace, network: dict[str, str]) -> None:
    """The loop of a careful script: the network is opened once."""
    from reverie import DreamConfig, dream, open_critic

    critic = open_critic(network["model"], network.get("weights"))
    config = DreamConfig(layer=(network["layer"],), steps=options.steps, octaves=options.octaves)
    for path in sorted(folder.iterdir()):
        dream(path, config, critic=critic).save(out / f"{path.stem}.png")


def peer(kind: str, folder: Path, out: Path, options: argparse.Namespace) -> None:
    """DeepDream around the inner loop of a peer, with the octaves and steps of ours."""
    import torch
    from gradient_step import HALF, LUCENT, lucent_step, plain_step
    from networks import unprepared
    from torch.nn import functional as F

    from reverie.numerics.resample import octave_sizes
    from reverie.tools.dream.config import DreamConfig
    from reverie.tools.dream_steps.ascent import SMALLEST_PX

    net, generator = unprepared("googlenet"), torch.Generator().manual_seed(0)
    config = DreamConfig()
    make = lucent_step if kind == LUCENT else plain_step
    for path in sorted(folder.iterdir()):
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        source = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
        detail = None
        for size in octave_sizes((source.shape[2], source.shape[3]), options.octaves, config.octave_scale, SMALLEST_PX):
            base = F.interpolate(source, size, mode="bicubic", antialias=True)
            x = base if detail is None else base + F.interpolate(detail, size, mode="bicubic")
            for _ in range(options.steps):
                shift = torch.randint(-config.jitter, config.jitter + 1, (2,), generator=generator).tolist()
                rolled = torch.roll(x.clamp(0, 1), shift, (2, 3))
                gradient = torch.roll(make(net, SHARED["layer"], HALF, rolled)(), (-shift[0], -shift[1]), (2, 3))
                x = (x + config.step_size * gradient / gradient.abs().mean()).clamp(0, 1)
            detail = x - base
        result = (x[0].permute(1, 2, 0).numpy() * 255 + 0.5).astype(np.uint8)
        Image.fromarray(result).save(out / f"{path.stem}.png")


def child(options: argparse.Namespace) -> None:
    """Run one of the loops."""
    network, folder, out = json.loads(options.network), Path(options.folder), Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    if options.child == "loop":
        loop(folder, out, options, network)
    else:
        peer(options.child, folder, out, options)


# --- measuring --------------------------------------------------------------------------------------------------------


def timed(command: list[str], out: Path, count: int) -> tuple[float, float]:
    """Run a variant from an empty output folder; return its wall seconds and the CPU seconds of all its processes."""
    shutil.rmtree(out, ignore_errors=True)
    began, cpu = time.perf_counter(), _children_cpu()
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    seconds = time.perf_counter() - began
    made = len(list(out.glob("*.png")))
    if done.returncode != 0 or made != count:
        raise SystemExit(f"{' '.join(command)} made {made} pictures:\n{done.stderr[-3000:]}")
    return round(seconds, 2), round(_children_cpu() - cpu, 1)


def _children_cpu() -> float:
    """Return the CPU seconds of all processes begun here and ended, with their own."""
    found = os.times()
    return found.children_user + found.children_system


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return the seconds of every variant, round by round."""
    photos, out = folder / "photos", folder / "out"
    photos.mkdir()
    write_pictures(photos, options.count)
    own = {
        "reverie": reverie_command(photos, out, options, OWN),
        "reverie --workers 1": reverie_command(photos, out, options, OWN, "--workers", "1"),
        "loop": child_command("loop", photos, out, options, OWN),
    }
    shared = {
        "reverie, googlenet": reverie_command(photos, out, options, SHARED),
        "torch-lucent, googlenet": child_command("torch-lucent", photos, out, options, SHARED),
        "plain, googlenet": child_command("plain", photos, out, options, SHARED),
    }
    found: dict[str, dict[str, list[float]]] = {
        key: {name: [] for name in (*own, *shared)} for key in ("wall_s", "cpu_s", "load")
    }
    for variants, rounds in ((own, options.rounds), (shared, options.peer_rounds)):
        names = list(variants)
        for number in range(rounds):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                seen = (*timed(variants[name], out, options.count), load_now())
                for key, value in zip(found, seen, strict=True):
                    found[key][name].append(value)
                print(f"round {number + 1}: {name}: {seen[0]:.1f} s, CPU {seen[1]:.0f} s, load {seen[2]}", flush=True)
    return found | {"gain": gains(found["wall_s"]), "cpu_gain": gains(found["cpu_s"])}


def gains(times: dict[str, list[float]]) -> dict[str, float]:
    """Return how many times sooner ours is, by the median of the rounds' own ratios."""
    pairs = {
        "loop": ("loop", "reverie"), "--workers 1": ("reverie --workers 1", "reverie"),
        "torch-lucent": ("torch-lucent, googlenet", "reverie, googlenet"),
        "plain": ("plain, googlenet", "reverie, googlenet"),
    }  # fmt: skip
    return {
        name: round(statistics.median(a / b for a, b in zip(times[slow], times[fast], strict=True)), 3)
        for name, (slow, fast) in pairs.items()
        if times[slow]
    }


def main() -> None:
    """Measure everything, or run one loop."""
    parser = arguments(__doc__, count=40, steps=10, octaves=4, rounds=3, peer_rounds=1)
    for name in ("child", "folder", "out", "network"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options)
        return
    load = load_now()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(options, Path(folder))
    table(("", "wall s"), [(n, " ".join(f"{s:.1f}" for s in t)) for n, t in results["wall_s"].items()])
    print("CPU seconds over ours:", results["cpu_gain"])
    found = results["gain"]
    targets = [
        target(
            f"{options.count} pictures, loop over ours, wall",
            f">= {LOOP_GAIN}",
            found["loop"],
            found["loop"] >= LOOP_GAIN,
        )
    ]
    for name in ("torch-lucent", "plain"):
        if name in found:
            what = f"{options.count} pictures on GoogLeNet, {name} over ours, wall"
            targets.append(target(what, f">= {PEER_GAIN}", found[name], found[name] >= PEER_GAIN))
    settings = {k: v for k, v in vars(options).items() if k in ("count", "steps", "octaves", "rounds", "peer_rounds")}
    settings |= {"sides": SIDES, "threads": os.environ.get("OMP_NUM_THREADS", "default")}
    report((__doc__ or "").splitlines()[0], settings, results, targets, options.output, load)


if __name__ == "__main__":
    main()
