"""Where the classes of a collection lie in the layers of a network, and the directions from one to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from reverie.errors import InputError, LayerError, WeightsError, unknown_name
from reverie.weights.boundary import reads
from reverie.weights.checkpoint import Description, load_model

KIND = "centers"
LEAST_STD = 0.05  # of the layer's mean deviation: rarer channels are noise, and dividing by theirs would show only them


@dataclass(frozen=True, eq=False)
class ClassCenters:
    """Mean features of classes.

    Attributes:
        classes: K names.
        centers: by layer, ``[K, C]``: the mean over pictures of the mean over positions.
        deviations: by layer, ``[C]``: standard deviation of pictures within their class.
        network: name of the network.
        sha256: of its weights.
    """

    classes: tuple[str, ...]
    centers: Mapping[str, Tensor]
    deviations: Mapping[str, Tensor]
    network: str
    sha256: str

    def direction(self, text: str, layer: str) -> Tensor:
        """Return the ``[C]`` direction of length one of ``A-B`` (toward A, away from B) or ``A`` (away from the rest).

        ``(center_A - center_B) / deviation``: what separates the classes, measured by how much each channel varies.

        Raises:
            LayerError: a layer that was not measured.
            InputError: a class that does not exist.
        """
        if layer not in self.centers:
            raise LayerError(unknown_name("layer", layer, tuple(self.centers)))
        toward, away = split_classes(text, self.classes)
        rows = self.centers[layer]
        rest = torch.cat([rows[:toward], rows[toward + 1 :]]).mean(0) if away is None else rows[away]
        deviation = self.deviations[layer]
        vector = (rows[toward] - rest) / deviation.clamp_min(LEAST_STD * float(deviation.mean()))
        length = vector.norm()
        if not length > 0:
            raise InputError(f"'{text}' is no direction: both classes have the same mean in '{layer}'")
        return vector / length


def split_classes(text: str, classes: tuple[str, ...]) -> tuple[int, int | None]:
    """Return the numbers of the classes of ``A-B``, or of ``A`` and None; names may hold hyphens, and may be parts.

    Raises:
        InputError: no such class, or more than one way to read it.
    """
    whole = _matching(text, classes)
    if whole is not None:
        return whole, None
    cuts = [i for i, letter in enumerate(text) if letter == "-"]
    pairs = {
        (a, b)
        for i in cuts
        if (a := _matching(text[:i], classes)) is not None and (b := _matching(text[i + 1 :], classes)) is not None
    }
    exact = {(classes.index(text[:i]), classes.index(text[i + 1 :])) for i in cuts
             if text[:i] in classes and text[i + 1 :] in classes}  # fmt: skip
    pairs = exact or pairs
    if len(pairs) == 1:
        return pairs.pop()
    if pairs:
        raise InputError(f"'{text}' can be read in {len(pairs)} ways; give the classes by their full names")
    raise InputError(unknown_name("class", text, classes, "a direction is A-B, or A for A against all others"))


def _matching(text: str, classes: tuple[str, ...]) -> int | None:
    """Return the class of that name, or the only one that it is part of."""
    lowered, wanted = [name.lower() for name in classes], text.strip().lower()
    if not wanted:
        return None
    if wanted in lowered:
        return lowered.index(wanted)
    found = [i for i, name in enumerate(lowered) if wanted in name]
    return found[0] if len(found) == 1 else None


def centers_description(found: ClassCenters, input_px: int) -> Description:
    """Return what a file of centers says about itself."""
    return Description(
        architecture=KIND, classes=found.classes, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), input_px=input_px,
        kind=KIND, options={"network": found.network, "sha256": found.sha256, "layers": list(found.centers)},
    )  # fmt: skip


def centers_state(found: ClassCenters) -> dict[str, Tensor]:
    """Return the tensors of a file of centers."""
    state = {f"centers/{name}": rows for name, rows in found.centers.items()}
    return state | {f"deviations/{name}": row for name, row in found.deviations.items()}


@reads
def load_centers(path: Path) -> ClassCenters:
    """Return the centers of a file of 'reverie embed layers'.

    Raises:
        WeightsError: missing, damaged, or of another kind.
    """
    state, about = load_model(path)
    if about.kind != KIND:
        raise WeightsError(f"'{path.name}' holds a network of kind '{about.kind}'; expected class centers")
    try:
        names = [str(name) for name in about.options["layers"]]
        centers = {name: state[f"centers/{name}"].float() for name in names}
        deviations = {name: state[f"deviations/{name}"].float() for name in names}
        network, sha256 = str(about.options["network"]), str(about.options["sha256"])
        for name, rows in centers.items():
            if rows.ndim != 2 or len(rows) != len(about.classes) or deviations[name].shape != rows.shape[1:]:
                raise ValueError(f"layer '{name}' has shape {tuple(rows.shape)}")
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"the class centers in '{path}' cannot be read ({error})") from error
    return ClassCenters(about.classes, centers, deviations, network, sha256)


def measured_centers(
    features: Mapping[str, Tensor], labels: Tensor, classes: tuple[str, ...], network: str, sha256: str
) -> ClassCenters:
    """Return the centers of classes from features ``[N, C]`` by layer and labels ``[N]``."""
    counts = torch.bincount(labels, minlength=len(classes)).clamp_min(1)[:, None]
    centers, deviations = {}, {}
    for name, rows in features.items():
        means = torch.zeros(len(classes), rows.shape[1]).index_add_(0, labels, rows) / counts
        centers[name] = means
        deviations[name] = (rows - means[labels]).square().mean(0).sqrt()
    return ClassCenters(classes, centers, deviations, network, sha256)
