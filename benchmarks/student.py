"""What does a distilled student cost and give, beside the network for any style and the optimizer?

A student learns one style for a few minutes from pictures and crops of them; the last ones of the folder are left out.
On those: pictures per second of CPU time at 512 and 1024 px, and the distances of `reverie compare`, judged by
SqueezeNet 1.1 with Caffe's weights, which neither the student nor the optimizer has seen; the network for any style was
trained with it as one of two judges. The optimizer runs with its defaults at 512 px, and the CPU time is noted at which
it has come as near to the style as each of the others; at 1024 px its time is put together from a few steps at every
scale.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from measure import arguments, load_now, report, summary, table, target
from style_peers import SQUEEZE_STYLE, Ours, load, pictures_in, timed
from torch import Tensor

from reverie.critic.open import open_critic
from reverie.numerics.resample import resize
from reverie.tools.compare.config import CompareConfig
from reverie.tools.compare.measure import Eye, View
from reverie.tools.compare.networks import Scorer
from reverie.tools.fast.model import fast_style, open_student
from reverie.tools.style.config import StyleConfig
from reverie.train.distill import open_distillation
from reverie.train.distill_config import DistillConfig
from reverie.train.run_folder import RunFolder
from reverie.weights.checkpoint import save_model

SIDES = (512, 1024)
STUDENT, ANY, OPTIMIZER = "student", "any style", "optimizer"
FASTER = 100.0
EVERY = 10  # steps of the optimizer between two looks at it
PROBED = 2  # steps per scale where the time of a run is put together
Painter = Callable[[Tensor], Tensor]


def learn(style: Path, contents: list[Path], output: Path, minutes: float) -> dict[str, Any]:
    """Teach a student and return what it took."""
    wall, cpu, steps = time.perf_counter(), time.process_time(), 0
    with tempfile.TemporaryDirectory() as folder:
        for path in contents:
            shutil.copy(path, folder)
        config = DistillConfig(style=(str(style),), data=folder, minutes=minutes, device="cpu")
        with tempfile.TemporaryDirectory() as scratch:
            training = open_distillation(config, RunFolder(Path(scratch) / "student.run", kept=False))
            for step in training.steps():
                steps = max(steps, step.step)
            found = training.made()
            save_model(output, dict(found[0]), found[1])
    return {
        "minutes": minutes, "steps": steps, "wall_s": round(time.perf_counter() - wall, 1),
        "cpu_s": round(time.process_time() - cpu, 1), "bytes": output.stat().st_size, "pictures": len(contents),
    }  # fmt: skip


def painters(student: Path, style: Tensor) -> dict[str, Painter]:
    """Return what paints in one pass."""
    one, any_style = open_student(student, device="cpu"), open_student(device="cpu")
    return {STUDENT: lambda x: fast_style(x, one), ANY: lambda x: fast_style(x, any_style, [style])}


def optimized(
    content: Tensor, style: Tensor, near: Callable[[Tensor], float], goals: dict[str, float]
) -> tuple[Tensor, float, dict[str, float | None]]:
    """Return what the optimizer paints by default, its CPU seconds, and those until it is as near as each goal."""
    ours = Ours(content, style, open_critic(device="cpu"), StyleConfig(style=("style",), size=max(content.shape[-2:])))
    going, spent, count = True, 0.0, 0
    reached: dict[str, float | None] = dict.fromkeys(goals)
    while going:
        going, seconds = timed(ours)
        spent, count = spent + seconds, count + 1
        if None in reached.values() and (count % EVERY == 0 or not going):
            picture = resize(ours.picture(), (content.shape[-2], content.shape[-1])).clamp(0, 1)
            far = near(picture.contiguous())
            for name, goal in goals.items():
                if reached[name] is None and far <= goal:
                    reached[name] = round(spent, 1)
    return ours.picture(), spent, reached


def put_together(content: Tensor, style: Tensor) -> float:
    """Return the CPU seconds of a run with the default steps, from a few steps at each of its scales."""
    config = StyleConfig(style=("style",), size=max(content.shape[-2:]))
    critic = open_critic(device="cpu")
    real = Ours(content, style, critic, config).styling.plan.scales
    few = Ours(content, style, critic, replace(config, steps=PROBED, min_steps=PROBED, step_decay=1.0))
    total = 0.0
    for scale in real:
        first = timed(few)[1]  # with the measures that a scale begins with
        later = [timed(few)[1] for _ in range(PROBED - 1)]
        total += first + (scale.steps - 1) * sum(later) / len(later)
    return total


def speed(ways: dict[str, Painter], content: Path, style: Tensor, rounds: int) -> dict[str, dict[str, Any]]:
    """Return CPU seconds per picture by way and size."""
    found: dict[str, dict[str, Any]] = {}
    for side in SIDES:
        image = load(content, side)
        for name, paint in ways.items():
            paint(image)
            times = []
            for _ in range(rounds):
                began = time.process_time()
                paint(image)
                times.append(time.process_time() - began)
            found.setdefault(name, {})[str(side)] = summary(times)
        seconds = put_together(image, style)
        found.setdefault(OPTIMIZER, {})[str(side)] = {"median": round(seconds, 2), "put_together": True}
        print(side, {name: f[str(side)]["median"] for name, f in found.items()}, flush=True)
    return found


def distances(eye: Eye, picture: Tensor) -> dict[str, float]:
    """Return how far a picture is from style and content, as the judge sees it."""
    seen = eye.rows(View(picture.contiguous(), None))
    return {k: round(sum(getattr(r, k) for r in seen) / len(seen), 4) for k in ("style", "content")}


def quality(
    ways: dict[str, Painter], contents: list[Path], style_path: Path, weights: Path, side: int
) -> list[dict[str, Any]]:
    """Return distances of all ways on the pictures left out."""
    critic = open_critic("squeezenet1_1-caffe", weights, device="cpu", precision="fp32")
    judge, rows = Scorer("squeezenet1_1", critic, SQUEEZE_STYLE), []
    style = load(style_path, side, enlarge=False)
    for path in contents:
        content = load(path, side)
        eye = Eye(judge, CompareConfig(), View(content, None), View(style, None))
        made = {name: paint(content) for name, paint in ways.items()}
        row: dict[str, Any] = {"content": path.name}
        row |= {name: distances(eye, picture) for name, picture in made.items()}
        goals = {name: row[name]["style"] for name in made}
        picture, seconds, reached = optimized(content, style, lambda x, eye=eye: distances(eye, x)["style"], goals)
        row |= {
            OPTIMIZER: distances(eye, picture),
            "optimizer_cpu_s": round(seconds, 1),
            "as_near_after_cpu_s": reached,
        }
        rows.append(row)
        print(row, flush=True)
    return rows


def main() -> None:
    """Learn, then measure."""
    load_at_start = load_now()
    parser = arguments(__doc__, minutes=6.0, left_out=2, rounds=3)
    parser.add_argument("--contents", type=Path, required=True, help="folder of content pictures")
    parser.add_argument("--style", type=Path, required=True, help="style picture")
    parser.add_argument("--weights", type=Path, required=True, help="state dict of SqueezeNet 1.1 from Caffe")
    options = parser.parse_args()
    torch.set_num_threads(1)
    known = pictures_in(options.contents)
    seen, unseen = known[: -options.left_out], known[-options.left_out :]
    with tempfile.TemporaryDirectory() as folder:
        student = Path(folder) / "student.safetensors"
        learned = learn(options.style, seen, student, options.minutes)
        print(learned, flush=True)
        style = load(options.style, SIDES[0], enlarge=False)
        ways = painters(student, style)
        times = speed(ways, unseen[0], style, options.rounds)
        judged = quality(ways, unseen, options.style, options.weights, SIDES[0])
    rows = [
        [name, *(f"{1 / found[str(s)]['median']:.3g}" for s in SIDES),
         *(f"{sum(r[name][k] for r in judged) / len(judged):.3f}" for k in ("style", "content"))]
        for name, found in times.items()
    ]  # fmt: skip
    table(["", *(f"pictures per CPU s, {s} px" for s in SIDES), "style", "content"], rows)
    lines = []
    for side in SIDES:
        ratio = times[OPTIMIZER][str(side)]["median"] / times[STUDENT][str(side)]["median"]
        lines.append(target(f"{side} px, CPU time of the optimizer over the student's", f">= {FASTER:g}", ratio,
                            ratio >= FASTER))  # fmt: skip
    spent = [row["as_near_after_cpu_s"][STUDENT] or row["optimizer_cpu_s"] for row in judged]
    never = any(row["as_near_after_cpu_s"][STUDENT] is None for row in judged)
    ratio = sum(spent) / len(spent) / times[STUDENT][str(SIDES[0])]["median"]
    at_least = "at least " if never else ""
    lines.append(target(f"{SIDES[0]} px, at equal distance to the style: {at_least}CPU time of the optimizer over the "
                        "student's", f">= {FASTER:g}", ratio, ratio >= FASTER))  # fmt: skip
    settings = {"style": options.style.name, "left_out": [p.name for p in unseen], "threads": 1,
                "judge": "squeezenet1_1 with Caffe weights", "rounds": options.rounds}  # fmt: skip
    results = {"learned": learned, "cpu_s_per_picture": times, "distances": judged}
    report((__doc__ or "").splitlines()[0], settings, results, lines, options.output, load_at_start)


if __name__ == "__main__":
    main()
