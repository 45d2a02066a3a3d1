"""Settings of live shows that all of them share; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.settings import setting
from reverie.weights.embedded import EMBEDDED_NAMES


@dataclass(frozen=True, kw_only=True)
class ShowSettings:
    """What moves a show, and how long it lasts."""

    map: str | None = setting(
        None, "Which signals move what: a YAML file; without it mouse and arrow keys.", file="text", group="show"
    )
    rules: str | None = setting(None, "Reactions to what is seen: a YAML file.", file="text", group="show")
    critic: str = setting(
        "embedded", "Network that looks at the frames for the reactions.", file="network", builtin=EMBEDDED_NAMES,
        group="show", expert=True,
    )  # fmt: skip
    fps: float = setting(30.0, "Frames a second at most.", above=0, maximum=240, replay=False, group="show")
    seconds: float | None = setting(
        None, "How long it lasts; without it until it is stopped.", above=0, maximum=7 * 86_400, replay=False,
        group="show",
    )  # fmt: skip
    seed: int = setting(0, "Seed of chance.", minimum=0, maximum=2**32 - 1, group="show")
