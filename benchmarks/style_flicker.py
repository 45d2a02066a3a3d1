"""How much does a stylized film flicker: every frame for itself, or moved along and held, with which weight?

The clip is rendered (`moving_planes.py`), so the motion and what was hidden are known exactly, and the flicker is not
measured with the estimate of motion that the painter used. A film that took on little of the style would look steady
as well, so the distance to the style is reported beside it: 1 is that of the source, 0 that of the style.
"""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import measure
import numpy as np
import torch
from moving_planes import Moment, clip
from PIL import Image
from torch import Generator, Tensor

from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.media.flow import Motion, flicker, motion
from reverie.objective.content import Content
from reverie.objective.temporal import Temporal
from reverie.optimize.two_pass import TwoPass
from reverie.tools.films.steps import film_steps
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.sources import read_styles
from reverie.tools.style_film.config import StyleFilmConfig
from reverie.tools.style_film.frames import StyleFrames, later_steps
from reverie.tools.style_steps.plan import plan_style
from reverie.tools.style_steps.terms import StyleTerms
from reverie.tools.style_steps.transfer import layer_names

OF_NONE, WEAKER = 0.5, 0.10  # flow's flicker to that of none; how much farther from the style it may be


def tensor(frame: np.ndarray) -> Tensor:
    """Return a frame as ``[1, 3, H, W]`` in [0, 1]."""
    return torch.from_numpy(np.array(frame)).permute(2, 0, 1)[None].float() / 255


def distances(frame: np.ndarray, source: np.ndarray, maker: StyleFrames) -> tuple[float, float]:
    """Return the distances to style and content of a stylized frame; 1 is the source's, and a flat picture's."""
    content = tensor(source).to(maker.all_terms.critic.device)
    objective = maker.all_terms.at(content, maker.plan.scales[-1])
    painting = TwoPass(maker.all_terms.critic, objective, content)
    values = painting.values(tensor(frame).to(content), Generator().manual_seed(0))
    style, kept = 0.0, 0.0
    for (weight, term), value in zip(objective.terms(), values, strict=True):
        if isinstance(term, Content):
            kept -= value
        elif not isinstance(term, Temporal) and weight > 0:
            style -= weight * value / maker.config.strength
    return style, kept


def measured(
    moments: list[Moment], config: StyleConfig, film: StyleFilmConfig, critic: Critic, save: Path | None
) -> dict[str, Any]:
    """Paint the clip one way; return its flicker by the true motion, distances and times."""
    size = (moments[0].rgb.shape[0], moments[0].rgb.shape[1])
    plan = plan_style(size, config, critic, layer_names(config, critic))
    pictures = read_styles(config)
    terms = StyleTerms(config, critic, pictures, tensor(moments[0].rgb), None)
    maker = StyleFrames(config, film, plan, pictures, terms, motion)
    flickers: list[float] = []
    estimated: list[float] = []
    apart: list[tuple[float, float]] = []
    previous: np.ndarray | None = None
    wall, busy = 0.0, 0.0
    began = time.process_time()
    for step in film_steps((m.rgb for m in moments), maker, cuts=True, estimate=motion):
        busy += time.process_time() - began
        wall += step.seconds
        moment = moments[step.index]
        if previous is not None:
            flickers.append(flicker(step.dream, previous, Motion(moment.flow, moment.seen)))
        if step.flicker is not None:
            estimated.append(step.flicker)
        apart.append(distances(step.dream, moment.rgb, maker))
        previous = step.dream
        if save is not None:
            save.mkdir(parents=True, exist_ok=True)
            Image.fromarray(step.dream).save(save / f"{step.index:03}.png")
        began = time.process_time()
    last = apart[-max(1, len(apart) // 3) :]
    return {
        "flicker": round(float(np.mean(flickers)), 3), "per_frame": measure.summary(flickers),
        "flicker_as_printed": round(float(np.mean(estimated)), 3),
        "style": round(float(np.mean([s for s, _ in apart])), 4), "style_of_first_frame": round(apart[0][0], 4),
        "style_of_last_third": round(float(np.mean([s for s, _ in last])), 4),
        "content": round(float(np.mean([c for _, c in apart])), 4),
        "steps": [s.steps for s in plan.scales], "later_steps": later_steps(film, plan.scales[-1]),
        "cpu_s": round(busy, 1), "wall_s": round(wall, 1),
    }  # fmt: skip


def main() -> None:
    """Measure frames apart and some weights on one clip, and compare."""
    parser = measure.arguments(__doc__, frames=4, width=160, height=90, steps=40, later_steps=0, model="embedded",
                               seed=0)  # fmt: skip
    parser.add_argument("--weights", type=Path, help="state dict for a torchvision name")
    parser.add_argument("--style", type=Path, default=measure.ROOT / "examples" / "brush.jpg", help="style picture")
    parser.add_argument("--temporal", type=float, nargs="*", default=[0, 1, 5], help="weights, default %(default)s")
    parser.add_argument("--anchor", type=int, nargs="*", default=[1, 8], help="frames back, default %(default)s")
    parser.add_argument("--pictures", type=Path, help="write the stylized frames into this folder")
    given = parser.parse_args()
    load = measure.load_now()
    critic = open_critic(given.model, None if given.weights is None else str(given.weights))
    moments = list(clip(measure.PICTURE, (given.height, given.width), given.frames))
    source = np.mean([flicker(b.rgb, a.rgb, Motion(b.flow, b.seen)) for a, b in itertools.pairwise(moments)])
    config = StyleConfig(style=(str(given.style),), steps=given.steps, min_steps=min(40, given.steps),
                         min_size=min(128, max(given.width, given.height)), seed=given.seed)  # fmt: skip
    later, anchor = given.later_steps or None, tuple(given.anchor)
    ways = {"none": StyleFilmConfig(coherence="none")} | {
        f"flow {weight:g}": StyleFilmConfig(temporal=weight, later_steps=later, anchor=anchor)
        for weight in given.temporal
    }
    results: dict[str, Any] = {"source": {"flicker": round(float(source), 3)}}
    for way, film in ways.items():
        save = None if given.pictures is None else given.pictures / way.replace(" ", "")
        results[way] = measured(moments, config, film, critic, save)
        print(way, results[way], flush=True)
    print(f"flicker of the source: {source:.3f}")
    measure.table(
        ("way", "flicker", "style", "style, end", "content", "later steps", "CPU s"),
        [
            (w, *(results[w][k] for k in ("flicker", "style", "style_of_last_third", "content", "later_steps",
                                          "cpu_s")))
            for w in ways
        ],
    )  # fmt: skip
    targets = []
    if "flow 1" in results:
        share = results["flow 1"]["flicker"] / results["none"]["flicker"]
        farther = results["flow 1"]["style_of_last_third"] - results["none"]["style_of_last_third"]
        targets = [
            measure.target("flicker of flow to that of frames apart", f"<= {OF_NONE}", share, share <= OF_NONE),
            measure.target("how much farther flow ends from the style", f"<= {WEAKER}", farther, farther <= WEAKER),
        ]
    settings = {k: v for k, v in vars(given).items() if k not in ("output", "pictures", "weights", "style")} | {
        "style": given.style.name, "layers": list(layer_names(config, critic)), "precision": critic.precision,
    }  # fmt: skip
    measure.report("How much does a stylized film flicker?", settings, results, targets, given.output, load)


if __name__ == "__main__":
    main()
