"""What works share in one process: open networks and other costly things, each opened once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from reverie.critic.critic import Critic
    from reverie.jobs.executor import Executor

T = TypeVar("T")


class Session:
    """Keeps what was opened, by what it was opened from.

    Attributes:
        used_bytes: memory of the process before its first work, once something was opened; plans that measured again
            each time would depend on the order of the works.
        memory_bytes: what this process may use, where several share a machine; None where it is alone.
        executor: takes the parts of a work that do not know each other; None where the work makes them itself.
    """

    def __init__(self) -> None:
        self._open: dict[Hashable, object] = {}
        self.used_bytes: int | None = None
        self.memory_bytes: int | None = None
        self.executor: Executor | None = None

    def opened(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what stands under a key, made on first use."""
        if key not in self._open:
            self._open[key] = make()
        return cast("T", self._open[key])

    def critic(self, model: str, weights: str | None, device: str, precision: str, *, fuse: bool = False) -> Critic:
        """Return an open network; see `reverie.critic.open.open_critic`.

        Raises:
            InputError: see `reverie.critic.open.open_critic`.
        """
        from reverie.critic.open import open_critic

        key = ("critic", model, weights, device, precision, fuse)
        critic = self.opened(key, lambda: open_critic(model, weights, device=device, precision=precision, fuse=fuse))
        if self.executor is not None:
            critic.tile_workers = self.executor.tile_workers()
        return critic

    def put(self, critic: Critic, model: str, weights: str | None, device: str, precision: str) -> None:
        """Keep a network that a program opened itself, under the settings that would open it."""
        for fuse in (False, True):
            self._open["critic", model, weights, device, precision, fuse] = critic

    def measure(self) -> int:
        """Return the memory in use before the first work; measured once."""
        if self.used_bytes is None:
            import psutil

            self.used_bytes = int(psutil.Process().memory_info().rss)
        return self.used_bytes
