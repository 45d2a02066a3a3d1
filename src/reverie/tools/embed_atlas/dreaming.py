"""Dreams along a direction between classes: the goal that `reverie dream --direction` raises."""

from __future__ import annotations

from pathlib import Path

from reverie.critic.class_centers import load_centers
from reverie.critic.critic import Critic
from reverie.errors import InputError
from reverie.objective import Objective, direction


def direction_goal(path: Path, text: str, critic: Critic, layer: str | None = None, power: float = 1.0) -> Objective:
    """Return the score of activations along ``A-B`` (toward class A, away from B), or ``A`` alone, in one layer.

    Args:
        path: file of class centers that `reverie embed layers` wrote.
        text: the classes.
        critic: the network; must be the one of the file.
        layer: where; the network's own dream layer, or the deepest that was measured.
        power: how purely the direction is kept to, see `reverie.objective.channel.DirectionScore`.

    Raises:
        InputError: another network, or unknown classes.
        LayerError: a layer that was not measured.
    """
    found = load_centers(path)
    if found.sha256 != critic.identity.sha256:
        raise InputError(
            f"'{path.name}' was measured with '{found.network}'; '{critic.identity.name}' is another network"
        )
    own = [name for name in critic.identity.default_layers if name in found.centers]
    name = layer or (own[0] if own else list(found.centers)[-1])
    return direction(name, found.direction(text, name), power)
