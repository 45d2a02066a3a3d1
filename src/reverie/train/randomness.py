"""A private stream of torch's global randomness.

Dropout and weight initialization know only the global generators. Within `private_random` these are seeded from
the arguments; afterwards they are as the caller left them. A training step that draws from (seed, step) needs no
generator state in its checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def private_random(device: torch.device, seed: int) -> Iterator[None]:
    """Seed the generators of the CPU and of `device` inside the block, and restore them after it."""
    cpu, own = torch.get_rng_state(), _state(device)
    try:
        torch.default_generator.manual_seed(seed)
        _seed(device, seed)
        yield
    finally:
        torch.set_rng_state(cpu)
        if own is not None:
            _restore(device, own)


def _state(device: torch.device) -> torch.Tensor | None:
    if device.type == "cuda":
        return torch.cuda.get_rng_state(device)
    return torch.mps.get_rng_state() if device.type == "mps" else None


def _seed(device: torch.device, seed: int) -> None:
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def _restore(device: torch.device, state: torch.Tensor) -> None:
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.mps.set_rng_state(state)
