"""What a drawn picture carries: everything needed to draw it again, and nothing about the machine's folders."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import reverie
from reverie.critic.critic import Critic
from reverie.settings import to_record
from reverie.tools.dream.targets import Target
from reverie.tools.measure_spectrum import Spectrum
from reverie.tools.visualize import Drawing
from reverie.tools.visualize_config import VisualizeConfig

NAMING = {"class_name": None, "layer": None, "channel": (), "neuron": ()}


def record_of(
    drawing: Drawing, number: int, config: VisualizeConfig, critic: Critic, *, verifier: Critic | None = None,
    spectrum: Spectrum | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the settings of picture `number` of a drawing, from 0.

    The kept seed takes the place of the search for it; what the search was stands under ``chosen``.
    """
    verdict = drawing.verdicts[number]
    single = replace(config, seed=drawing.seed, best_of=1, verifier=None, verifier_weights=None)
    single = replace(single, **(NAMING | dict(drawing.target.settings)))
    return _frame("visualize", single, critic, spectrum) | {
        "target": drawing.target.name, "picture": number,
        "asked": asked(drawing.target, config, critic, verifier, spectrum),
        "chosen": {
            "seeds": config.best_of, "verifier": None if verifier is None else _model(verifier),
            "score": verdict.score, "probability": verdict.probability, "rank": verdict.rank,
        },
    }  # fmt: skip


def asked(
    target: Target, config: VisualizeConfig, critic: Critic, verifier: Critic | None, spectrum: Spectrum | None
) -> str:
    """Return a digest of all that decides a target's pictures: where it is the same, they need not be drawn again."""
    neutral = replace(
        config, model="", weights=None, verifier=None, verifier_weights=None, spectrum_from=None, device="auto",
        **NAMING,
    )  # fmt: skip
    parts = [to_record(neutral), target.settings, critic.precision, _model(critic), verifier and _model(verifier)]
    parts.append(spectrum and spectrum.record())
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def record_of_sheet(config: VisualizeConfig, critic: Critic, spectrum: Spectrum | None = None) -> dict[str, Any]:
    """Return the settings of a contact sheet; its pictures carry their own where they are kept."""
    return _frame("visualize --sheet", config, critic, spectrum)


def _frame(tool: str, config: VisualizeConfig, critic: Critic, spectrum: Spectrum | None) -> dict[str, Any]:
    settings = to_record(config) | {"precision": critic.precision, "device": "auto"}
    for name in ("model", "weights", "verifier", "verifier_weights", "spectrum_from"):
        if settings[name]:
            settings[name] = Path(settings[name].replace("\\", "/")).name
    return {
        "tool": tool, "version": reverie.__version__, "config": settings, "input": None, "model": _model(critic),
        "spectrum": None if spectrum is None else spectrum.record(),
        "machine": machine_of(critic),
    }  # fmt: skip


def machine_of(critic: Critic) -> dict[str, Any]:
    """Return what the last bits of a picture depend on."""
    return {"torch": torch.__version__, "device": critic.device.type, "threads": torch.get_num_threads()}


def _model(critic: Critic) -> dict[str, str]:
    return {"name": critic.identity.name, "sha256": critic.identity.sha256}
