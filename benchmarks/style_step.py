"""How much CPU time does one step of a style transfer take, and how long until a style is taken on?

Step: 512 x 512 px, VGG-19 to relu5_1 with random weights, content at relu4_2: ours (Wasserstein in float64, the
network in the precision that the probe chooses, averaged iterates) against pystiche 1.0.1 (Gram, L-BFGS), with and
without the gradients of weights that it computes by default, and against a plain loop of the best-known recipe.

Until a distance: SqueezeNet 1.1 with trained weights, since random ones have no style worth the name. All begin at the
content picture; outside the timing, the exact Wasserstein distance to the style is read at the layers that all of
them match, relative to its value at the content. Ours and the multi-scale recipe go through their scales; the others,
and ours as *one scale*, stay at the full size. Who takes more than `--cap` times as long as ours for its whole run is
stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from measure import arguments, gain, interleaved, load_now, report, summary, table, target
from networks import critic_of, photo, unprepared
from style_peers import (
    SQUEEZE_CONTENT,
    SQUEEZE_STYLE,
    VGG_CONTENT,
    VGG_STYLE,
    Ours,
    Plain,
    PlainScales,
    Pystiche,
    Transfer,
    load,
    pairs_of,
    squeezenet_modules,
    timed,
    vgg19_modules,
)
from torch import Tensor

from reverie.critic.open import open_critic
from reverie.tools.compare.config import CompareConfig
from reverie.tools.compare.measure import Measurer, View
from reverie.tools.compare.networks import Scorer
from reverie.tools.style.config import StyleConfig

OURS, EXACT, GRAM, FROZEN, PLAIN, SCALES = (
    "reverie", "reverie-fp32", "pystiche", "pystiche, weights frozen", "plain recipe", "plain recipe, its scales",
)  # fmt: skip
FASTER, SOONER = 2.0, 4.0
DISTANCES = (0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.05)
WANTED = 0.1
EVERY_STEPS = 5
MANY = 100_000


def style_picture(side: int) -> Tensor:
    """Return something to take statistics of: the example picture, turned and with its colors exchanged."""
    return photo(side).flip(1).mT.contiguous()


def steps_of(side: int) -> dict[str, Transfer]:
    """Return all variants at one size on VGG-19 with random weights."""
    content, style = photo(side), style_picture(side)
    config = StyleConfig(
        style=("style",), model="vgg19", weights="random", size=side, min_size=side, steps=MANY, plateau=0.0
    )
    found: dict[str, Transfer] = {
        name: Ours(content, style, critic_of("vgg19", how), config) for name, how in ((OURS, "auto"), (EXACT, "fp32"))
    }
    layers = (VGG_STYLE, VGG_CONTENT)
    for name, frozen in ((GRAM, False), (FROZEN, True)):
        modules = vgg19_modules(unprepared("vgg19"))
        found[name] = Pystiche(modules, *layers, content, style, caffe=False, frozen=frozen)
    found[PLAIN] = Plain(vgg19_modules(unprepared("vgg19")), *layers, content, style, caffe=False)
    return found


def measure_steps(side: int, rounds: int) -> dict[str, Any]:
    """Return CPU seconds per step of all variants, in turn."""
    variants: dict[str, Callable[[], object]] = {name: t.step for name, t in steps_of(side).items()}
    times = interleaved(variants, rounds)
    gains = {n: gain(times[n]["cpu_s"], times[OURS]["cpu_s"]) for n in times if n != OURS}
    found = {n: {k: summary(v) for k, v in t.items()} for n, t in times.items()}
    rows = [
        [n, t["cpu_s"]["median"], t["cpu_s"]["min"], f"{t['cpu_s']['spread']:.0%}", gains.get(n, {}).get("median", "")]
        for n, t in found.items()
    ]
    table(["one step, VGG-19, random weights", "CPU s", "least", "spread", "ours is faster by"], rows)
    return {"variants": found, "gain": gains}


# --- until a distance ---------------------------------------------------------------------------------------------


class Reader:
    """Reads the exact style distance at the layers that are matched, relative to that of the content."""

    def __init__(self, weights: Path, content: Tensor, style: Tensor) -> None:
        critic = open_critic("squeezenet1_1-caffe", weights, device="cpu", precision="fp32")
        judge = Scorer("squeezenet1_1", critic, SQUEEZE_STYLE)
        self.measurer = Measurer(judge, CompareConfig(), View(content, None), View(style, None))

    def __call__(self, picture: Tensor) -> tuple[float, float]:
        """Return mean style and content distance."""
        rows = self.measurer.rows(View(picture.contiguous(), None))
        return sum(r.style for r in rows) / len(rows), sum(r.content for r in rows) / len(rows)


def curve(transfer: Transfer, read: Reader, cap_s: float) -> list[list[float]]:
    """Return CPU seconds, style and content distance every few steps, until the end or the cap or the last target."""
    spent, count, seen = 0.0, 0, []
    while spent < cap_s:
        going, seconds = timed(transfer)
        if not going:
            break
        spent, count = spent + seconds, count + 1
        if count % EVERY_STEPS == 0:
            style, content = read(transfer.picture())
            seen.append([round(spent, 3), round(style, 4), round(content, 4)])
            if style < min(DISTANCES):
                return seen
    style, content = read(transfer.picture())
    return [*seen, [round(spent, 3), round(style, 4), round(content, 4)]]


def reached(points: list[list[float]]) -> dict[str, float | None]:
    """Return the CPU seconds at which each distance was reached first; None where it was not."""
    return {str(d): next((s for s, style, _ in points if style <= d), None) for d in DISTANCES}


def transfers(weights: Path, content: Tensor, style: Tensor, side: int, strengths: list[float]) -> dict[str, Any]:
    """Return what builds each variant."""
    layers = (SQUEEZE_STYLE, SQUEEZE_CONTENT)

    def ours(strength: float, **settings: Any) -> Ours:
        critic = open_critic("squeezenet1_1-caffe", weights, device="cpu")
        settings |= {"size": side, "strength": strength, "content_layer": (SQUEEZE_CONTENT,)}  # that of the peers
        return Ours(content, style, critic, StyleConfig(style=("style",), **settings))

    found: dict[str, Any] = {}
    for s in strengths:
        name = OURS if s == StyleConfig().strength else f"{OURS}, strength {s:g}"
        found[name] = lambda s=s: ours(s)
        found[f"{name}, one scale"] = lambda s=s: ours(s, min_size=side)
    return found | {
        FROZEN: lambda: Pystiche(squeezenet_modules(weights), *layers, content, style, caffe=True),
        PLAIN: lambda: Plain(squeezenet_modules(weights), *layers, content, style, caffe=True),
        SCALES: lambda: PlainScales(squeezenet_modules(weights), layers, content, style, caffe=True),
    }


def measure_until(options: Any) -> list[dict[str, Any]]:
    """Return the curves of all variants on some pairs, writing them down after each."""
    found = []
    for content_path, style_path in pairs_of(options.contents, options.styles, options.pairs):
        content, style = load(content_path, options.side), load(style_path, options.side, enlarge=False)
        read, runs, cap = Reader(options.weights, content, style), {}, float("inf")
        strengths = [StyleConfig().strength, *options.strengths]
        for name, build in transfers(options.weights, content, style, options.side, strengths).items():
            points = curve(build(), read, cap)
            if name == OURS:
                cap = options.cap * points[-1][0]
            runs[name] = {"reached_cpu_s": reached(points), "curve": points}
            print(content_path.name, style_path.name, name, runs[name]["reached_cpu_s"], points[-1], flush=True)
            record = {"content": content_path.name, "style": style_path.name, "runs": runs}
            if options.partial:
                options.partial.write_text(json.dumps([*found, record]))
        found.append(record)
    return found


def verdict(steps: dict[str, Any], until: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what was aimed at and what came out."""
    lines = [
        target(f"one step, CPU time of {n} over ours", f">= {FASTER}", g["median"], g["median"] >= FASTER)
        for n, g in steps.get("gain", {}).items()
        if n != EXACT
    ]
    for pair in until:
        for peer in (FROZEN, PLAIN, SCALES):
            lines += sooner(pair, peer)
    return lines


def sooner(pair: dict[str, Any], peer: str) -> list[dict[str, Any]]:
    """Return how much longer a peer takes than ours to the lowest distance, not below the wanted one, of ours."""
    runs = pair["runs"]
    mine = {name: r["reached_cpu_s"] for name, r in runs.items() if name.startswith(OURS)}
    lines = []
    for name, times in mine.items():
        good = [d for d in DISTANCES if d >= WANTED and times[str(d)] is not None]
        if not good:
            continue
        least = str(min(good))
        there = runs[peer]["reached_cpu_s"][least]
        ratio = (runs[peer]["curve"][-1][0] if there is None else there) / times[least]
        more = "at least " if there is None else ""
        what = f"{pair['content']} in {pair['style']}, {name} to distance {least}: {more}CPU time of {peer} over it"
        lines.append(target(what, f">= {SOONER}", ratio, ratio >= SOONER))
    return lines


def main() -> None:
    """Measure steps, and where trained weights are given, the time until a distance."""
    load_at_start = load_now()
    parser = arguments(__doc__, side=512, rounds=7, pairs=2, cap=4.5)
    parser.add_argument("--contents", type=Path, help="folder of content pictures")
    parser.add_argument("--styles", type=Path, help="folder of style pictures")
    parser.add_argument("--weights", type=Path, help="state dict of SqueezeNet 1.1 from Caffe")
    parser.add_argument("--strengths", type=float, nargs="*", default=[], help="of ours, beside the default")
    parser.add_argument("--partial", type=Path, help="keep what is known so far in this file")
    parser.add_argument("--steps-only", action="store_true", help="leave out the time until a distance")
    options = parser.parse_args()
    torch.set_num_threads(1)
    steps = measure_steps(options.side, options.rounds) if options.rounds else {}
    given = options.contents and options.styles and options.weights and not options.steps_only
    until = measure_until(options) if given else []
    if options.partial and options.partial.exists() and not given:
        until = json.loads(options.partial.read_text())
    settings = {"side_px": options.side, "rounds": options.rounds, "threads": 1, "until_distance": {
        "network": "squeezenet1_1 with Caffe weights, as random VGG-19 has no style and a step of it takes seconds",
        "cap": options.cap, "every_steps": EVERY_STEPS, "peers": "weights frozen"}}  # fmt: skip
    results = {"step": steps, "until_distance": until}
    report((__doc__ or "").splitlines()[0], settings, results, verdict(steps, until), options.output, load_at_start)


if __name__ == "__main__":
    main()
