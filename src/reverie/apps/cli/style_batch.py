"""`reverie style` with many pictures: a worker opens the network and the styles once and paints one after the other."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

from reverie.apps.cli.batch_options import BatchOptions
from reverie.apps.cli.dream_batch import Trade, run_batch
from reverie.apps.cli.dream_worker import in_words
from reverie.apps.cli.style_film import style_films
from reverie.apps.cli.style_stored import wanted_style
from reverie.data.sources import Found
from reverie.jobs.batch import Job
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.film_config import StyleFilmConfig


@dataclass(frozen=True)
class StyleOpener:
    """Opens the network once per worker; what every picture would refuse is refused here."""

    config: StyleConfig
    threads: int | None

    def __call__(self) -> StyleWork:
        import torch

        from reverie.critic.open import open_critic
        from reverie.tools.style.sources import read_styles
        from reverie.tools.style.work import layer_names

        if self.threads is not None:
            torch.set_num_threads(self.threads)
        config = self.config
        if config.fast is not None:
            from reverie.tools.style.fast import open_fast, read_fast

            pictures = read_fast(config, "") if config.style_class is None else None
            return StyleWork(open_fast(config), config, pictures)
        critic = open_critic(config.model, config.weights, device=config.device, precision=config.precision)
        layer_names(config, critic)
        pictures = read_styles(config) if config.style_class is None else None
        return StyleWork(critic, config, pictures)


@dataclass(frozen=True)
class StyleWork:
    """Paints one picture after the other with one open network and styles that are read once."""

    critic: Any
    config: StyleConfig
    pictures: Any

    def __call__(self, job: Job) -> Generator[tuple[float, str], None, str]:
        from reverie.tools.style.fast import open_styling

        config = replace(self.config, seed=job.payload.seed)
        work = open_styling(job.source, config, self.critic, pictures=self.pictures)
        work.check_target(job.target)
        for step in work:
            yield step.index / max(step.total, 1), f"scale {step.octave}/{step.octaves}"
        work.save(job.target, quality=job.payload.quality)
        return in_words(work, job.target.suffix)


def run_style_batch(found: Found, config: StyleConfig, film: StyleFilmConfig, options: BatchOptions) -> int:
    """Paint all pictures, list what failed, and return the exit code."""
    return run_batch(found, config, film, options, Trade("style", "painting", StyleOpener, wanted_style, style_films))
