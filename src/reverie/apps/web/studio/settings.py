"""How the studio listens, and how much it takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from reverie.apps.web.door import LOOPBACK

MB = 1 << 20


@dataclass(frozen=True)
class StudioSettings:
    """Where the studio listens and what it allows.

    Attributes:
        host: address to listen on.
        port: 0 for a free one.
        password: asked for; must be there where others can reach the address.
        names: further names under which it may be addressed.
        most_upload_bytes: of one file.
        most_pixels: of one picture.
        most_waiting: jobs of one browser that may wait.
        keep_hours: how long results and inputs are kept; None for ever. Favorites stay.
        moderated: whether a person decides what the wall shows.
        exhibition: whether visitors without a password may use the booth and see the wall.
        address: of the booth, for the QR code; worked out from the host and port if absent.
        frames: pictures on the way to a result that are kept for the wall.
        choices: what visitors choose from: "looks" that were kept (else those of the tools), or of "dreams" alone.
        size: longer side of visitors' pictures in pixels, where a look does not say its own.
        idle: films that the wall shows in quiet times.
        registry: import path of the module with TOOLS and `find_tool`.
        executor: who does the jobs: this machine's workers ("local"), or a Ray cluster.
        workers: jobs at once on a cluster.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    password: str | None = None
    names: tuple[str, ...] = ()
    most_upload_bytes: int = 512 * MB
    most_pixels: int = 64_000_000
    most_waiting: int = 40
    keep_hours: float | None = None
    moderated: bool = False
    exhibition: bool = False
    address: str = ""
    frames: int = 0
    choices: str = "looks"
    size: int | None = None
    idle: tuple[str, ...] = ()
    registry: str = "reverie.tools.registry"
    devices: tuple[str, ...] = field(default=("auto",))
    executor: str = "local"
    workers: str = "auto"

    @property
    def open_to_others(self) -> bool:
        """Whether other machines can reach it."""
        return self.host not in LOOPBACK
