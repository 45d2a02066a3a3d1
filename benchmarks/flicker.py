"""How much does a dreamt video flicker: every frame for itself, blended with the one before, or moved along with it?

The clip is rendered (`moving_planes.py`), so the motion and what was hidden are known exactly, and the flicker is not
measured with the same estimate of motion that the dream used. All three ways must raise the activations equally, or
a weak dream would look steady.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import measure
import numpy as np
import torch
from moving_planes import Moment, clip

from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.media.flow import Motion, flicker
from reverie.media.video_write import VideoWriter
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream_film.video import dream_video, later_steps
from reverie.tools.dream_steps.objective import build_objective
from reverie.tools.films.video_config import VideoConfig

WAYS = ("none", "blend", "flow")
OF_BLEND, OF_NONE, GAINS = 0.5, 0.35, 0.10


def strength(frame: np.ndarray, config: DreamConfig, critic: Critic) -> float:
    """Return the objective of a finished frame, without jitter."""
    objective = build_objective(config, critic)
    image = torch.from_numpy(frame.copy()).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        return float(objective(critic(image, objective.layers)).sum())


def measured(
    moments: list[Moment], config: DreamConfig, video: VideoConfig, critic: Critic, save: Path | None
) -> dict[str, Any]:
    """Dream the clip one way; return flicker by the true motion, gain in activation, and times."""
    flickers: list[float] = []
    estimated: list[float] = []
    gains: list[float] = []
    previous: np.ndarray | None = None
    began, busy = time.perf_counter(), time.process_time()
    writer = None if save is None else VideoWriter(save, moments[0].rgb.shape[:2], 30)  # type: ignore[arg-type]
    for step in dream_video((m.rgb for m in moments), config, video, critic=critic):
        moment = moments[step.index]
        if previous is not None:
            flickers.append(flicker(step.dream, previous, Motion(moment.flow, moment.seen)))
        if step.flicker is not None:
            estimated.append(step.flicker)
        gains.append(strength(step.dream, config, critic) - strength(moment.rgb, config, critic))
        previous = step.dream
        if writer is not None:
            writer.write(step.dream)
        print(f"{video.coherence:6}frame {step.index:3}  gain {gains[-1]:.3f}  {time.perf_counter() - began:.0f} s",
              flush=True)  # fmt: skip
    if writer is not None:
        writer.close()
    return {
        "flicker": round(float(np.mean(flickers)), 3), "per_frame": measure.summary(flickers),
        "flicker_as_printed": round(float(np.mean(estimated)), 3), "gain": round(float(np.mean(gains)), 4),
        "gain_of_first_frame": round(gains[0], 4), "gain_of_last_third": round(float(np.mean(gains[-20:])), 4),
        "steps": config.steps, "later_steps": later_steps(config, video),
        "cpu_s": round(time.process_time() - busy, 1), "wall_s": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def main() -> None:
    """Measure the three ways on one clip and compare."""
    parser = measure.arguments(
        __doc__, frames=60, width=854, height=480, octaves=4, steps=10, blend_steps=0, flow_steps=0
    )
    parser.add_argument("--videos", type=Path, help="write the dreamt clips into this folder")
    given = parser.parse_args()
    load = measure.load_now()
    critic = open_critic("embedded")
    moments = list(clip(measure.PICTURE, (given.height, given.width), given.frames))
    source = np.mean([flicker(b.rgb, a.rgb, Motion(b.flow, b.seen)) for a, b in itertools.pairwise(moments)])
    config = DreamConfig(octaves=given.octaves, steps=given.steps)
    results: dict[str, Any] = {"source": {"flicker": round(float(source), 3)}}
    for way in WAYS:
        video = VideoConfig(coherence=way)
        steps = {"blend": given.blend_steps, "flow": given.flow_steps}.get(way, 0)
        video = replace(video, later_steps=steps) if steps else video
        save = None if given.videos is None else given.videos / f"{way}.mp4"
        results[way] = measured(moments, config, video, critic, save)
    measure.table(
        ("way", "flicker", "gain", "later steps", "CPU s"),
        [(w, *(results[w][k] for k in ("flicker", "gain", "later_steps", "cpu_s"))) for w in WAYS],
    )
    gains = [results[w]["gain"] for w in WAYS]
    to_blend, to_none = (results["flow"]["flicker"] / results[w]["flicker"] for w in ("blend", "none"))
    apart = max(gains) / min(gains) - 1
    targets = [
        measure.target("flicker of flow to that of blend", f"<= {OF_BLEND}", to_blend, to_blend <= OF_BLEND),
        measure.target("flicker of flow to that of none", f"<= {OF_NONE}", to_none, to_none <= OF_NONE),
        measure.target("largest to least mean gain, less one", f"<= {GAINS}", apart, apart <= GAINS),
    ]
    settings = {k: v for k, v in vars(given).items() if k not in ("output", "videos")} | {
        "layer": "+".join(critic.identity.default_layers), "precision": critic.precision,
    }  # fmt: skip
    question = "How much does a dreamt video flicker with each kind of coherence?"
    measure.report(question, settings, results, targets, given.output, load)


if __name__ == "__main__":
    main()
