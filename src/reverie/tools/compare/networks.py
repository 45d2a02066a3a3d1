"""Which networks and layers may measure a stylized picture: others than those that it was stylized by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reverie.critic.critic import IMAGE, Critic
from reverie.critic.open import EMBEDDED, open_critic
from reverie.critic.style_layers import style_layers
from reverie.errors import InputError, PictureError, ReverieError
from reverie.media.metadata import read_settings
from reverie.tools.compare.config import CompareConfig
from reverie.weights.embedded import STEMS

MOST_CHANNELS = 1024  # of a layer: beyond, the eigenvalues of its covariance take longer than the network
MOST_STRIDE = 16  # beyond, a picture of usual size has too few positions for a covariance


@dataclass(frozen=True, eq=False)
class Scorer:
    """A network with the layers by which it measures.

    Attributes:
        name: of the network, different from those of the others.
        critic: the network.
        layers: by name, from shallow to deep.
        matched: layers that were raised or kept while a picture was stylized, and do not measure for that reason.
    """

    name: str
    critic: Critic
    layers: tuple[str, ...]
    matched: tuple[str, ...] = ()


def stored_record(source: object) -> dict[str, Any]:
    """Return the settings of a style transfer inside a picture file; nothing if it is not ours."""
    if not isinstance(source, (str, Path)):
        return {}
    try:
        record = read_settings(source)
    except PictureError:
        return {}
    return record if record.get("tool") == "style" and isinstance(record.get("config"), dict) else {}


def find_scorers(
    config: CompareConfig, sources: Sequence[object], records: Sequence[dict[str, Any]]
) -> tuple[tuple[Scorer, ...], list[str]]:
    """Return the networks that measure, each with its layers, and what a user should know.

    The network that stylized measures by layers that it did not match. Another one, asked for or the embedded one,
    measures by the layers that carry style in it.

    Raises:
        InputError: a network that was asked for is unknown.
        WeightsError: its weights are missing.
    """
    notes: list[str] = []
    used = _painters(config, sources, records)
    critics: dict[tuple[str, str | None], Critic] = {}
    for key in used:
        try:
            critics[key] = open_critic(*key, device=config.device, precision="fp32")
        except ReverieError as error:
            if config.model is not None:
                raise
            notes.append(f"the network '{key[0]}' that stylized is missing here and does not measure: {error}")
    asked = one_key(*_named(config.judge)) if config.judge is not None else (EMBEDDED, None)
    if asked not in critics:
        critics[asked] = open_critic(*asked, device=config.device, precision="fp32")
    names: list[str] = []
    scorers = []
    for key, critic in critics.items():
        names.append(critic.identity.name)
        number = names.count(critic.identity.name)
        name = critic.identity.name if number == 1 else f"{critic.identity.name} ({number})"
        scorers.append(_scorer(name, critic, used.get(key), config.layers))
    if len(scorers) == 1 and config.judge is None:
        notes.append("only the network that stylized measures, by layers that it did not match; --judge names another")
    return tuple(scorers), notes


def held_out(critic: Critic, matched: Sequence[str], count: int) -> tuple[str, ...]:
    """Return up to `count` layers that were not matched, spread evenly from shallow to deep.

    Raises:
        InputError: all layers were matched.
    """
    free = [
        layer.name
        for layer in critic.named_layers
        if 0 < layer.stride <= MOST_STRIDE and layer.channels <= MOST_CHANNELS and layer.name not in matched
    ]
    if not free:
        raise InputError(f"every layer of {critic.identity.name} was matched; name another network with --judge")
    if len(free) <= count:
        return tuple(free)
    return tuple(free[round(i * (len(free) - 1) / max(1, count - 1))] for i in range(count))


def _scorer(name: str, critic: Critic, settings: list[dict[str, Any]] | None, count: int) -> Scorer:
    if settings is None:
        return Scorer(name, critic, tuple(layer for layer, _ in style_layers(critic).style if layer != IMAGE)[:count])
    matched: list[str] = []
    for stored in settings:
        found = style_layers(critic, tuple(stored.get("style_layer", ())), tuple(stored.get("content_layer", ())))
        dreamt = (text.rpartition(":")[0] or text for text in stored.get("dream_layer", ()))
        matched += [*(layer for layer, _ in (*found.style, *found.content)), *dreamt]
    layers = tuple(dict.fromkeys(layer for layer in matched if layer != IMAGE))
    return Scorer(name, critic, held_out(critic, layers, count), layers)


def _painters(
    config: CompareConfig, sources: Sequence[object], records: Sequence[dict[str, Any]]
) -> dict[tuple[str, str | None], list[dict[str, Any]]]:
    """Return the settings of all pictures by the network, name and weights, that stylized them."""
    used: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
    for source, record in zip(sources, records, strict=True):
        stored = record.get("config", {})
        if config.model is not None:
            key = _named(config.model)
        elif stored:
            key = (_near(source, stored.get("model")) or EMBEDDED, _near(source, stored.get("weights")))
        else:
            key = (EMBEDDED, None)
        used.setdefault(one_key(*key), []).append(stored)
    return used


def one_key(model: str, weights: str | None) -> tuple[str, str | None]:
    """Return the name by which a network is known, whichever of its names this is."""
    return STEMS.get(model, model), weights


def _near(source: object, name: str | None) -> str | None:
    """Return a file of that name beside the picture or here, or the name as it is."""
    if not name:
        return None
    found = next((p for p in (Path(str(source)).parent / name, Path(name)) if p.is_file()), None)
    return str(found) if found else name


def _named(text: str) -> tuple[str, str | None]:
    model, _, weights = text.partition(",")
    if not model.strip():
        raise InputError(f"a network must look like MODEL or MODEL,WEIGHTS; got '{text}'")
    return model.strip(), weights.strip() or None
