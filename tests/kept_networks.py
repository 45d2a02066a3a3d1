"""Open networks that tests share: opening one takes longer than what most tests do with it.

`open_critic` is replaced before any module takes its name; it keeps nothing but where a fixture says so. Heads of
untrained networks that are larger than all layers before them are never filled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from torch import Tensor, nn

import reverie.critic.open as place
from reverie.critic.critic import Critic
from reverie.weights import embedded

_open_anew = place.open_critic
_kept: dict[object, Critic] = {}
_keeping = False


def _opened(model: str = embedded.EMBEDDED, weights: object = None, **options: object) -> Critic:
    named = (model in embedded.EMBEDDED_NAMES and weights is None) or weights == place.RANDOM
    if not (_keeping and named):  # a file may be another one the next time
        return _open_anew(model, weights, **options)  # type: ignore[arg-type]
    key = embedded.FOLDER, model, weights, *sorted(options.items())
    if key not in _kept:
        _kept[key] = _open_anew(model, weights, **options)  # type: ignore[arg-type]
    return _kept[key]


place.open_critic = _opened  # type: ignore[assignment]


@contextmanager
def networks_kept() -> Iterator[None]:
    """Share open networks for the time of the block; nobody may change one."""
    global _keeping
    before, _keeping = _keeping, True
    try:
        yield
    finally:
        _keeping = before


LARGE = 1 << 23  # numbers of a tensor; only the heads of AlexNet and VGG have that many
FILLING = ("kaiming_uniform_", "kaiming_normal_", "normal_")


@contextmanager
def large_heads_empty() -> Iterator[None]:
    """Leave out the random start of heads, for the time of the block: a hundred million numbers, which nobody reads."""
    with ExitStack() as stack:
        for name in FILLING:
            fill = getattr(nn.init, name)

            def sparing(tensor: Tensor, *how: object, fill=fill, **options: object) -> Tensor:
                return tensor if tensor.numel() > LARGE else fill(tensor, *how, **options)

            stack.enter_context(patch.object(nn.init, name, sparing))
        yield
