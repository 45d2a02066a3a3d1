"""What was drawn in one command, so that nothing is drawn twice: the latest drawing, and where pictures lie."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reverie.jobs.job import Json
from reverie.jobs.session import Session
from reverie.settings import marked, to_record
from reverie.tools.visualize.config import VisualizeConfig

if TYPE_CHECKING:
    from reverie.critic.critic import Critic
    from reverie.tools.visualize.drawing import Drawing, Networks
    from reverie.tools.visualize.targets import Target

NAMING: dict[str, Json] = marked(VisualizeConfig, "target")


@dataclass
class Found:
    """Pictures by the digest of all that decides them.

    Attributes:
        latest: digest and drawing of the last target, whose other pictures come next.
        files: by number in their batch, from 0.
    """

    latest: tuple[str, Drawing] | None = None
    files: defaultdict[str, dict[int, Path]] = field(default_factory=lambda: defaultdict(dict))

    def drawn(self, digest: str) -> Drawing | None:
        """Return the drawing with this digest, if it is the latest."""
        return self.latest[1] if self.latest is not None and self.latest[0] == digest else None

    def tiles(self, digest: str, count: int) -> list[np.ndarray] | None:
        """Return pictures from their files, ``[H, W, 3]`` uint8, if all of a batch are there."""
        from reverie.media.image import read_picture, to_uint8

        there = self.files[digest]
        return [to_uint8(read_picture(there[k]).rgb) for k in range(count)] if len(there) == count else None

    def note(self, digest: str, number: int) -> Callable[[Path], None]:
        """Return what notes where a picture lies."""

        def seen(path: Path) -> None:
            self.files[digest][number] = path

        return seen


def found_in(session: Session) -> Found:
    """Return what was drawn in a session."""
    return session.opened("visualize", Found)


def digest_of(target: Target, config: VisualizeConfig, networks: Networks, spectrum: Json) -> str:
    """Return a digest of all that decides a target's pictures: where it is the same, they need not be drawn again."""
    neutral = replace(
        config, model="", weights=None, verifier=None, verifier_weights=None, ensemble=None, spectrum_from=None,
        device="auto", **NAMING,
    )  # fmt: skip
    critic, verifier, second = networks.critic, networks.verifier, networks.ensemble
    parts = [to_record(neutral), target.settings, critic.precision, identity(critic), verifier and identity(verifier)]
    parts += [identity(second)] if second is not None else []
    return hashlib.sha256(json.dumps([*parts, spectrum]).encode()).hexdigest()[:16]


def identity(critic: Critic) -> dict[str, Json]:
    """Return what a record says of a network."""
    return {"name": critic.identity.name, "sha256": critic.identity.sha256}
