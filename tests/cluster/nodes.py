"""What runs on a Ray node of this machine."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psutil


def processes_of(node: Any, name: str) -> list[psutil.Process]:
    """Return the processes of a node, of `ray.cluster_utils`, whose titles begin with a name."""
    found: list[psutil.Process] = []
    with suppress(psutil.Error, KeyError):
        for child in psutil.Process(node.all_processes["raylet"][0].process.pid).children():
            with suppress(psutil.Error):
                found += [child] if "".join(child.cmdline()[:1]).startswith(name) else []
    return found


class Guest:
    """An actor that takes a core; in a module of its own, since workers look it up by name."""

    def here(self) -> bool:
        """Return that it is there."""
        return True
