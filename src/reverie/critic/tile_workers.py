"""Machines that take their share of the tiles of one picture, beside the critic's own replicas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

R = TypeVar("R")


class TileWorkers(Protocol):
    """Calls a function for every task, somewhere, and gives the results in the order of the tasks.

    So sums are added as on one machine, whoever was quicker, and a result has the same bytes.
    """

    def each(
        self, function: Callable[..., R], holder: object, shared: tuple[object, ...],
        tasks: Iterable[tuple[object, ...]],
    ) -> Iterator[R]:  # fmt: skip
        """Yield ``function(holder, *shared, *task)`` for every task.

        Args:
            function: of a module, since its name travels.
            holder: what stays the same from call to call, such as a network; sent once. Its critic is sent without
                replicas and helpers.
            shared: what is the same for all tasks of this call; sent to every machine once.
            tasks: what differs.
        """
        ...
