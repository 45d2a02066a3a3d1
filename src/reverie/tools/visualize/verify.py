"""Verify a drawn picture: by a second network where there is one, else by crops that its making never saw.

A network is easily fooled by a picture made for it. What another network, of another seed, also sees is really there.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from reverie.critic.critic import Critic
from reverie.errors import InputError
from reverie.numerics.resample import resize
from reverie.optimize.transforms import Transforms
from reverie.optimize.views import Views
from reverie.tools.visualize.targets import Target

HELD_OUT = 0x5EED  # seed of the crops that verify; those that make begin with the picture's own
CROPS = 15
FEATURE_VIEWS = 8


@dataclass(frozen=True)
class Verdict:
    """What the verifying network finds in one picture.

    Attributes:
        score: what seeds are compared by: mean log probability over views of a class, mean score of a feature.
        probability: of the class, the whole picture seen at the verifying network's input size; None for features.
        rank: place of the class among all, from 1; None for features.
    """

    score: float
    probability: float | None = None
    rank: int | None = None


def check_verifier(target: Target, critic: Critic, verifier: Critic | None) -> None:
    """Raise `InputError` for a verifier that does not know the class, or a target that is none."""
    if verifier is None:
        return
    if target.class_index is None:
        raise InputError(f"--verifier goes with classes only; '{target.name}' is a feature of the first network")
    same_class(critic, target.class_index, verifier)


@torch.no_grad()
def verify(images: Tensor, target: Target, critic: Critic, verifier: Critic | None = None) -> tuple[Verdict, ...]:
    """Return one verdict per picture.

    Raises:
        InputError: see `check_verifier`.
    """
    check_verifier(target, critic, verifier)
    if target.class_index is not None:
        return _verify_class(images, target, critic, verifier)
    views = Transforms(0 if target.centered else 8, 0.05, 3.0, 1.0, 0.0)
    generator = Generator().manual_seed(HELD_OUT)
    total = torch.zeros(len(images))
    for _ in range(FEATURE_VIEWS):
        seen = views.look(torch.roll(images, views.shift(generator), (-2, -1)), generator)
        total += target.objective(critic(seen, target.objective.layers)).float().cpu()
    return tuple(Verdict(score) for score in (total / FEATURE_VIEWS).tolist())


def _verify_class(images: Tensor, target: Target, critic: Critic, verifier: Critic | None) -> tuple[Verdict, ...]:
    assert target.class_index is not None
    network = verifier or critic
    index = target.class_index if verifier is None else same_class(critic, target.class_index, verifier)
    whole = look_at(images, network)
    rank = 1 + (whole > whole[:, index : index + 1]).sum(1)
    probability = whole.softmax(1)[:, index]
    crops = Views(CROPS, network.identity.input_px, 0.6, 1.0, noise=0.0)
    seen = network.logits(crops.look(images, Generator().manual_seed(HELD_OUT))).to(whole)
    logs = torch.cat([whole[:, None], seen.unflatten(0, (len(images), CROPS))], 1).log_softmax(2)[..., index]
    rows = zip(logs.mean(1).tolist(), probability.tolist(), rank.tolist(), strict=True)
    return tuple(Verdict(*row) for row in rows)


def look_at(images: Tensor, network: Critic) -> Tensor:
    """Return logits of whole pictures, their shorter side brought to the network's input size, antialiased."""
    height, width = images.shape[-2:]
    factor = network.identity.input_px / min(height, width)
    return network.logits(resize(images, (round(height * factor), round(width * factor))).clamp(0, 1)).cpu()


def same_class(critic: Critic, index: int, other: Critic, role: str = "verifier") -> int:
    """Return the index of a class in another network, by its name; spelling with hyphens or spaces is the same.

    Raises:
        InputError: the other network does not have it.
    """
    classes = critic.identity.classes
    if not classes:
        raise InputError(f"{critic.identity.name} has no class names by which --{role} could find its classes")
    wanted = _plain(classes[index])
    found = [i for i, name in enumerate(other.identity.classes) if _plain(name) == wanted]
    if not found:
        raise InputError(f"the {role} {other.identity.name} has no class '{classes[index]}'; take another one")
    return found[0]


def _plain(name: str) -> str:
    return name.lower().replace("-", " ").replace("_", " ")
