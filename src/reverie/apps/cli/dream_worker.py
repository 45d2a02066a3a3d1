"""What a worker does: open the network once, then dream one picture after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reverie.apps.cli.dream_run import losses


@dataclass(frozen=True)
class Payload:
    """What a worker must know of one picture; `pixels` is what its header promises."""

    seed: int
    quality: int
    pixels: int


def in_words(work: Any, suffix: str) -> str:
    """Return size and, in lines of their own, what a user should know; how tiles were planned goes without saying."""
    notes = [note for note in (*work.notes, *losses(work, suffix)) if note != work.plan.note]
    return "\n".join((f"{work.plan.size[1]} x {work.plan.size[0]} px", *notes))
