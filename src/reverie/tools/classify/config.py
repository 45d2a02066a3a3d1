"""Settings of `reverie classify`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.jobs.blocks import MachineSettings, NetworkSettings
from reverie.settings import setting


@dataclass(frozen=True, kw_only=True)
class ClassifyConfig(NetworkSettings, MachineSettings):
    """Which pictures a network names, and how many names it gives."""

    pictures: tuple[str, ...] = setting((), "Pictures, or folders of pictures.", file="picture")
    top: int = setting(3, "How many classes to name.", minimum=1)
