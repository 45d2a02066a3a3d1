"""Settings of `reverie gather veto`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.settings import setting


@dataclass(frozen=True, kw_only=True)
class VetoConfig:
    """What is left out."""

    veto: str = setting("veto.txt", "The list that the review page saved: one file a line.", file="text")
