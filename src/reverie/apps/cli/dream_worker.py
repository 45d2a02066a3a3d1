"""What a worker does: open the network once, then dream one picture after the other."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from reverie.apps.cli.dream_run import losses
from reverie.jobs.batch import Job
from reverie.tools.dream_config import DreamConfig


@dataclass(frozen=True)
class Payload:
    """What a worker must know of one picture; `pixels` is what its header promises."""

    seed: int
    quality: int
    pixels: int


@dataclass(frozen=True)
class DreamOpener:
    """Opens the network once per worker; what every picture would refuse is refused here."""

    config: DreamConfig
    threads: int | None

    def __call__(self) -> DreamWork:
        import psutil
        import torch

        from reverie.critic.open import open_critic
        from reverie.tools.dream_objective import build_ascent

        if self.threads is not None:
            torch.set_num_threads(self.threads)
        config = self.config
        critic = open_critic(config.model, config.weights, device=config.device, precision=config.precision)
        build_ascent(config, critic)
        used = psutil.Process().memory_info().rss if critic.device.type == "cpu" else None
        return DreamWork(critic, config, used)


@dataclass(frozen=True)
class DreamWork:
    """Dreams one picture after the other with one open network.

    `used_bytes` is the memory in use before the first picture: plans that asked again each time would depend on the
    order of the pictures.
    """

    critic: Any
    config: DreamConfig
    used_bytes: int | None

    def __call__(self, job: Job) -> Generator[tuple[float, str], None, str]:
        from reverie.api import open_dream

        assert job.source is not None
        config = replace(self.config, seed=job.payload.seed)
        with closing(
            open_dream(job.source, config, self.critic, folder=job.target.parent, used_bytes=self.used_bytes)
        ) as work:
            work.check_target(job.target)
            for step in work:
                yield step.index / max(step.total, 1), f"octave {step.octave}/{step.octaves}"
            work.save(job.target, quality=job.payload.quality)
            said = in_words(work, job.target.suffix)
        return said


def in_words(work: Any, suffix: str) -> str:
    """Return size and, in lines of their own, what a user should know; how tiles were planned goes without saying."""
    notes = [note for note in (*work.notes, *losses(work, suffix)) if note != work.plan.note]
    return "\n".join((f"{work.plan.size[1]} x {work.plan.size[0]} px", *notes))
