"""New pictures on a finished map: their place, their neighbors, and a picture of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.media.deep import to_uint8
from reverie.media.image import Picture, read_picture
from reverie.media.sheet import contact_sheet
from reverie.numerics.neighbors import neighbors_among
from reverie.tools.embed.features import features_of, resized
from reverie.tools.embed.fit import Fit
from reverie.tools.embed.layout import placed
from reverie.tools.embed_page.figure import draw_map, with_mark
from reverie.tools.embed_page.page import SHEETS
from reverie.tools.embed_page.sprites import SHEET_PX, along_curve

STRIP_PX = 176


@dataclass(frozen=True, eq=False)
class Placed:
    """Where a picture lies: ``place [2]``, its neighbors, how far the nearest is, and the class they vote for."""

    name: str
    thumb: np.ndarray
    place: Tensor
    neighbors: tuple[int, ...]
    names: tuple[str, ...]
    nearest: float
    far: bool
    vote: str
    share: float

    def summary(self) -> str:
        """Return one line for people."""
        voted = f", looks like {self.vote} ({self.share:.0%} of its neighbors)" if self.vote else ""
        lonely = "; unlike every picture of the map" if self.far else ""
        return f"nearest is {self.names[0]}{voted}{lonely}"

    def row(self) -> dict[str, bool | float | str | list[str]]:
        """Return it as a row of a table."""
        x, y = self.place.tolist()
        return {
            "picture": self.name, "x": round(x, 4), "y": round(y, 4), "looks like": self.vote,
            "share": round(self.share, 3), "nearest": list(self.names), "distance": round(self.nearest, 5),
            "far": self.far,
        }  # fmt: skip


def place_picture(picture: Picture, name: str, fit: Fit, critic: Critic, count: int) -> Placed:
    """Return where a picture lies on a map."""
    square = centered(picture)
    image = torch.from_numpy(resized(square, fit.size_px).copy()).permute(2, 0, 1)[None].float() / 255
    vectors, _ = features_of(critic, image, [fit.layer], fit.pool)
    query = fit.space.coordinates(vectors[fit.layer])
    optimize = fit.method == "tsne"
    (place,) = placed(query, fit.space.points, fit.places, fit.perplexity, optimize=optimize)
    near, distances = neighbors_among(query, fit.space.points, min(count, len(fit.names)))
    indices = tuple(near[0].tolist())
    vote, share = _vote(fit.labels[near[0]], fit.classes)
    nearest = float(distances[0, 0])
    return Placed(
        name, resized(square, STRIP_PX), place, indices, tuple(fit.names[i] for i in indices), nearest,
        nearest > fit.far, vote, share,
    )  # fmt: skip


def centered(picture: Picture) -> np.ndarray:
    """Return the largest square in the middle ``[S, S, 3]`` uint8, transparent parts on white."""
    rgb = picture.rgb
    if picture.alpha is not None:
        rgb = rgb * picture.alpha[..., None] + (1 - picture.alpha[..., None])
    side = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
    return np.ascontiguousarray(to_uint8(rgb[top : top + side, left : left + side]))


def _vote(labels: Tensor, classes: Sequence[str]) -> tuple[str, float]:
    known = labels[labels >= 0]
    if not len(known) or not classes:
        return "", 0.0
    counts = torch.bincount(known, minlength=len(classes))
    return classes[int(counts.argmax())], float(counts.max() / len(labels))


class MapPicture:
    """A map drawn once, on which places are marked.

    Args:
        fit: the map.
        folder: of its page, whose sheets hold the thumbnails; without them there are dots.
    """

    def __init__(self, fit: Fit, folder: Path) -> None:
        self.fit, self._folder = fit, folder
        self.notes = [] if self._sheets else ["the map's page is not beside it: its pictures are drawn as dots"]

    def drawn(self, found: Placed) -> np.ndarray:
        """Return the map ``[H, W, 3]`` uint8 with one place marked, and below it the picture and its neighbors."""
        marked = with_mark(self._base, self.fit.places, found.place)
        tiles, captions = [found.thumb], [found.name]
        for i, name in zip(found.neighbors, found.names, strict=True):
            thumb = self._thumbs[i] if self._thumbs else np.full((STRIP_PX, STRIP_PX, 3), 40, np.uint8)
            tiles.append(thumb)
            captions.append(name.rpartition("/")[2])
        strip = contact_sheet(tiles, columns=len(tiles), tile_px=STRIP_PX, captions=captions)
        width = marked.shape[1]
        scaled = Image.fromarray(strip).resize((width, round(strip.shape[0] * width / strip.shape[1])))
        return np.concatenate([marked, np.asarray(scaled)])

    @cached_property
    def _base(self) -> np.ndarray:
        title = f"{len(self.fit.names)} pictures, {self.fit.network}, {self.fit.layer}"
        return draw_map(self.fit.places, self._thumbs, self.fit.labels, self.fit.classes, title)

    @cached_property
    def _sheets(self) -> list[Path]:
        return sorted((self._folder / SHEETS).glob("fine-*.jpg"))

    @cached_property
    def _thumbs(self) -> list[np.ndarray]:
        """Thumbnails in the order of the names, cut out of the sheets."""
        if not self._sheets:
            return []
        pages = [to_uint8(read_picture(path).rgb) for path in self._sheets]
        side = self.fit.thumb_px
        columns = SHEET_PX // side
        each = columns * columns
        result: list[np.ndarray] = [np.zeros((side, side, 3), np.uint8)] * len(self.fit.names)
        for position, index in enumerate(along_curve(self.fit.places).tolist()):
            page, at = pages[position // each], position % each
            top, left = at // columns * side, at % columns * side
            result[index] = page[top : top + side, left : left + side]
        return result
