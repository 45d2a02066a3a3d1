"""Name what is in pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional as F

from reverie.critic.critic import Critic
from reverie.errors import PictureError
from reverie.media.image import picture_notes, read_square
from reverie.media.source import opened_file


@dataclass(frozen=True)
class Classified:
    """The most probable classes of one picture, best first, or the reason why there are none."""

    path: Path
    classes: tuple[tuple[str, float], ...] = ()
    error: str = ""
    notes: tuple[str, ...] = ()


def classify(critic: Critic, paths: Iterable[Path], *, top: int = 5) -> Iterator[Classified]:
    """Yield the `top` classes of every picture: its center square at the network's input size.

    An unreadable picture yields its error and does not stop the others.
    """
    for path in paths:
        try:
            yield Classified(path, _top(critic, path, top), notes=picture_notes(path))
        except PictureError as error:
            yield Classified(path, error=str(error))


def _top(critic: Critic, path: Path, top: int) -> tuple[tuple[str, float], ...]:
    side = critic.identity.input_px
    with opened_file(path) as (_, file):
        square = read_square(file, side, path.name)
    image = torch.from_numpy(square).permute(2, 0, 1)[None].float() / 255
    probabilities = F.softmax(critic.logits(image)[0], dim=0)
    values, indices = probabilities.topk(min(top, len(probabilities)))
    names = critic.identity.classes or tuple(str(i) for i in range(len(probabilities)))
    return tuple((names[i], v) for i, v in zip(indices.tolist(), values.tolist(), strict=True))
