"""The saved fit of a map: what places new pictures on it, as one safetensors file.

``map.safetensors`` holds ``mean [C]``, ``components [K, C]``, ``points [N, K]``, ``places [N, 2]`` and ``labels [N]``;
its description names the network, layer and all settings that new pictures must be looked at with.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.errors import InputError, WeightsError
from reverie.numerics.principal import Principal
from reverie.tools.embed.layout import Space
from reverie.version import __version__
from reverie.weights.boundary import reads
from reverie.weights.checkpoint import Description, load_model, save_model

KIND = "map"
FILE = "map.safetensors"
PERCENTILE = 0.99  # of the distances to neighbors, beyond which a new picture is far from all others


@dataclass(frozen=True, eq=False)
class Fit:
    """A finished map.

    Attributes:
        space: of the features.
        places: ``[N, 2]``.
        labels: ``[N]`` class numbers, -1 without.
        names: of the pictures.
        classes: names of the classes.
        layer: that was looked at.
        pool: how it became one vector.
        size_px: at which the network sees pictures.
        method: of the layout.
        perplexity: of the layout.
        network: name of the network.
        sha256: of the network's weights.
        weights: as the settings named them.
        thumb_px: side of the thumbnails on the page's sheets.
        far: distance to the nearest picture beyond which a new one is unlike all others.
    """

    space: Space
    places: Tensor
    labels: Tensor
    names: tuple[str, ...]
    classes: tuple[str, ...]
    layer: str
    pool: str
    size_px: int
    method: str
    perplexity: float
    network: str
    sha256: str
    weights: str | None = None
    thumb_px: int = 64
    far: float = float("inf")


def save_fit(path: Path, fit: Fit, critic: Critic) -> None:
    """Write a fit."""
    options: dict[str, Any] = {
        "layer": fit.layer, "pool": fit.pool, "size_px": fit.size_px, "method": fit.method, "metric": fit.space.metric,
        "perplexity": fit.perplexity, "network": fit.network, "sha256": fit.sha256, "weights": fit.weights,
        "thumb_px": fit.thumb_px, "far": fit.far,
    }  # fmt: skip
    seen = critic.preprocessing
    about = Description(
        architecture=KIND, classes=fit.classes, mean=seen.mean, std=seen.std, input_px=fit.size_px, kind=KIND,
        options=options, data={"names": list(fit.names)}, version=__version__,
    )  # fmt: skip
    state = {
        "mean": fit.space.principal.mean, "components": fit.space.principal.components,
        "explained": fit.space.principal.explained, "points": fit.space.points, "places": fit.places,
        "labels": fit.labels,
    }  # fmt: skip
    save_model(path, state, about)


@reads
def load_fit(path: Path) -> Fit:
    """Return a fit from its file, or from the folder of its map.

    Raises:
        InputError, WeightsError: missing, or no map.
    """
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"there is no map at '{path}'; give the folder that 'reverie embed' made")
    state, about = load_model(file)
    if about.kind != KIND:
        raise WeightsError(f"'{file.name}' holds a network of kind '{about.kind}'; expected a map of 'reverie embed'")
    try:
        return _fit(state, about)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"the map '{file}' cannot be read ({error})") from error


def _fit(state: dict[str, Tensor], about: Description) -> Fit:
    o, names = about.options, tuple(str(name) for name in about.data["names"])
    points, places = state["points"], state["places"]
    if points.shape[0] != len(names) or places.shape != (len(names), 2) or state["labels"].shape != (len(names),):
        raise ValueError(f"{len(names)} names, points {tuple(points.shape)}, places {tuple(places.shape)}")
    principal = Principal(state["mean"], state["components"], state["explained"])
    if principal.components.shape != (points.shape[1], len(principal.mean)):
        raise ValueError("its projection does not fit its points")
    return Fit(
        Space(principal, str(o["metric"]), points), places, state["labels"], names, about.classes, str(o["layer"]),
        str(o["pool"]), int(o["size_px"]), str(o["method"]), float(o["perplexity"]), str(o["network"]),
        str(o["sha256"]), None if o["weights"] is None else str(o["weights"]), int(o["thumb_px"]), float(o["far"]),
    )  # fmt: skip


def check_network(fit: Fit, critic: Critic) -> None:
    """Refuse a network other than the one that the map was made with.

    Raises:
        InputError: its sha256 differs.
    """
    if critic.identity.sha256 != fit.sha256:
        raise InputError(
            f"the map was made with '{fit.network}'; '{critic.identity.name}' is another network: its sha256 differs"
        )


def far_distance(nearest: Tensor) -> float:
    """Return the distance to the nearest picture that hardly any picture of a map exceeds."""
    return float(torch.quantile(nearest[:100_000].double(), PERCENTILE))
