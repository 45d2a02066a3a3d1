"""`reverie dream --latent GENERATOR`: the canvas is a generator, and what moves is its latent instead of pixels."""

from __future__ import annotations

from pathlib import Path

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.tools.dream.config import DreamConfig
from reverie.tools.latent.config import LatentDreamConfig


def latent_settings(config: DreamConfig, seed: int) -> LatentDreamConfig:
    """Return the same dream as `reverie latent dream` says it; there are no octaves, so all steps count.

    Raises:
        InputError: several goals: one class, or one layer and channel, can be followed.
    """
    from reverie.tools.dream_steps.objective import weighted

    layers = [weighted(text)[0] for text in config.layer]
    if len(layers) > 1 or len(config.channel) > 1 or (config.class_name is None) == (not layers):
        raise InputError("--latent follows one thing: --class NAME, or one --layer (and one --channel)")
    return LatentDreamConfig(
        model=str(config.latent), toward=config.class_name, layer=layers[0] if layers else None,
        channel=config.channel[0] if config.channel else None, critic=config.model,
        steps=max(1, config.octaves * config.steps * config.iterations), seed=seed, device=config.device,
        precision="auto" if config.precision not in ("fp32", "bf16") else config.precision,
    )  # fmt: skip


class PreparedThroughLatents:
    """A dream through the latent space of `config.latent`."""

    def __init__(self, config: DreamConfig, session: Session) -> None:
        self.config, self.session = config, session
        latent_settings(config, config.seed)
        self.notes: list[str] = []

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work: the picture, its latents, and the way there side by side.

        Raises:
            InputError: there is a picture: a generator draws its own.
        """
        from reverie.tools.latent_search.dream import PreparedLatentDream

        if given is not None:
            raise InputError(
                f"--latent begins at a picture of the generator, by --seed; leave '{given.name}' out "
                "('reverie latent project' finds a photograph in its latent space)"
            )
        return PreparedLatentDream(latent_settings(self.config, seed), self.session).work(None, seed, scratch=scratch)
