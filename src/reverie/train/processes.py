"""Several GPUs or machines through accelerate; one process needs nothing of it.

``accelerate launch -m reverie train classifier DATA``, or ``train translate``, starts one process per GPU; on CPUs,
``torchrun --nproc-per-node N`` does. Each takes its slice of every batch and the gradients are averaged. BatchNorm
statistics are shared on GPUs (SyncBatchNorm); on CPUs, where that does not exist, every process begins each step with
those of the first one; translators average them. The first process validates, decides when to stop and writes the
files; the first of each machine decodes the pictures for its neighbours.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from reverie.errors import InputError

T = TypeVar("T")

PATIENCE = datetime.timedelta(hours=3)  # others wait this long while the first process decodes or validates


def several() -> bool:
    """Tell whether a launcher has started more than one process of this training."""
    return _world() > 1


def _world() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


class Processes:
    """Rank, world and device of this process, and what the processes tell each other."""

    def __init__(self, device: str, world: int | None = None) -> None:
        self.world = _world() if world is None else world
        self.rank = 0
        self.is_local_main = True
        self.device: torch.device | None = None
        self._accelerator: Any = None
        if self.world > 1:
            self._join(device)

    @classmethod
    def alone(cls) -> Processes:
        """Return one process, whatever the launcher says: a training that cannot be shared."""
        return cls("cpu", world=1)

    def _join(self, device: str) -> None:
        try:
            from accelerate import Accelerator, InitProcessGroupKwargs
        except ImportError as error:
            raise InputError("training with several processes needs accelerate; pip install accelerate") from error
        handlers: list[Any] = [InitProcessGroupKwargs(timeout=PATIENCE)]
        self._accelerator = Accelerator(cpu=device == "cpu", mixed_precision="no", kwargs_handlers=handlers)
        self.rank, self.world = self._accelerator.process_index, self._accelerator.num_processes
        self.is_local_main = self._accelerator.is_local_main_process
        self.device = self._accelerator.device

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    @property
    def shard(self) -> tuple[int, int]:
        return self.rank, self.world

    @property
    def parts(self) -> tuple[int, ...]:
        """What a seed of this process's own has behind the others': its rank, where there are several."""
        return (self.rank,) if self.world > 1 else ()

    def wrap(self, net: nn.Module) -> nn.Module:
        """Return `net` such that backward averages gradients; its own parameters stay the ones that are trained."""
        if self._accelerator is None:
            return net
        if self.device is not None and self.device.type == "cuda":
            net = nn.SyncBatchNorm.convert_sync_batchnorm(net)
        return self._accelerator.prepare(net)

    def mean(self, value: Tensor) -> float:
        """Return the mean of a scalar over all processes."""
        if self._accelerator is None:
            return value.item()
        return self._accelerator.reduce(value.detach(), "mean").item()

    @torch.no_grad()
    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors of one dtype by their means over all processes, in one exchange."""
        found = list(tensors)
        if self._accelerator is None or not found:
            return
        whole = self._accelerator.reduce(torch.cat([t.reshape(-1) for t in found]), "mean")
        for tensor, part in zip(found, whole.split([t.numel() for t in found]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def average_gradients(self, net: nn.Module) -> None:
        """Replace gradients by their means; for networks that are called several times before a step."""
        self.average(p.grad for p in net.parameters() if p.grad is not None)

    def share(self, batch: int) -> int:
        """Return how many of a batch this process takes.

        Raises:
            InputError: the processes cannot share it evenly.
        """
        if batch % self.world:
            raise InputError(f"--batch {batch} cannot be shared by {self.world} processes; take a multiple of that")
        return batch // self.world

    def from_main(self, value: T) -> T:
        """Return the first process's value everywhere."""
        if self._accelerator is None:
            return value
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([value])[0]

    @contextmanager
    def local_main_first(self) -> Iterator[None]:
        """Let the first process of each machine through the block before the others."""
        if self._accelerator is None:
            yield
            return
        with self._accelerator.local_main_process_first():
            yield

    def wait(self) -> None:
        """Return when all processes have come here."""
        if self._accelerator is not None:
            self._accelerator.wait_for_everyone()

    def close(self) -> None:
        """Leave the group."""
        if self._accelerator is not None and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
