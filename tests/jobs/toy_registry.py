"""A registry with the toy tool, a slow one and one that ends its process, for tests of the queue and the studio."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np

from reverie.errors import JobError, unknown_name
from reverie.jobs.film import film
from reverie.jobs.given import Given
from reverie.jobs.output import Picture
from reverie.jobs.session import Session
from reverie.jobs.sheet import sheet
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Plan, Report
from reverie.settings import setting


@dataclass(frozen=True)
class FadeConfig:
    """How a picture fades, slowly enough to look on."""

    strength: float = setting(0.5, "How far it fades.", minimum=0, maximum=1, steer=True)
    steps: int = setting(10, "Steps.", minimum=1, maximum=10_000)
    color: str = setting("black", "To what.", choices=("black", "white", "red"))
    pause_s: float = setting(0.0, "Seconds a step.", minimum=0, maximum=10, expert=True)
    kill_at: int = setting(0, "Step at which the process is killed; 0 never.", minimum=0, expert=True)
    mask: str | None = setting(None, "White where to fade.", file="picture")
    seed: int = setting(0, "Seed of the grain.", minimum=0, group="result")


class PreparedFade:
    notes: Sequence[str] = ("this is a toy",)

    def __init__(self, config: FadeConfig, session: Session) -> None:
        self.config = config
        self.mask = 1.0 if config.mask is None else Given(Path(config.mask)).picture.rgb.mean(2, keepdims=True)

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        assert given is not None
        picture, config, state = given.picture, self.config, {"strength": self.config.strength}
        image = picture.rgb.copy()
        goal = {"black": np.zeros(3), "white": np.ones(3), "red": np.array([1, 0, 0])}[config.color]
        rng = np.random.default_rng(seed)

        def steps() -> Iterator[Report]:
            for number in range(1, config.steps + 1):
                time.sleep(config.pause_s)
                if number == config.kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)
                image[:] += self.mask * state["strength"] * (goal - picture.rgb) / config.steps
                image[:] += rng.normal(0, 0.001, image.shape)
                score = {"mean": float(image.mean())}
                yield Report(number, config.steps, scores=score, preview=lambda: image.clip(0, 1))

        def control(change):
            state["strength"] = float(change["strength"])
            return change

        outputs = lambda: [Picture(np.clip(image, 0, 1), picture.alpha, picture.bits)]  # noqa: E731
        height, width = image.shape[:2]
        return Steps(
            steps(), outputs, plan=Plan(weight=config.steps, summary=f"{width} x {height} px"), control=control
        )


FADE = Tool(
    name="fade", doing="fading", ending="fade", summary="Fade pictures slowly.", config=FadeConfig,
    prepare=PreparedFade, roles=(Role("picture", "picture", "What fades.", streamed=True),),
)  # fmt: skip

TOOLS = {
    "fade": ("toy_registry:FADE", "Fade pictures slowly."),
    "invert": ("toy:INVERT", "Invert pictures."),
    "translate": ("reverie.tools.translate.tool:TRANSLATE", "Translate pictures by a network."),
}
GROUPS: dict[str, str] = {}


def find_tool(name: str):
    """Return a tool of this registry."""
    from reverie.jobs.tool import load

    outer, bracket, rest = name.partition("(")
    if bracket:
        return {"film": film, "sheet": sheet}[outer](find_tool(rest[:-1]))
    if name not in TOOLS:
        raise JobError(unknown_name("tool", name[:60], TOOLS))
    return load(TOOLS[name][0])
