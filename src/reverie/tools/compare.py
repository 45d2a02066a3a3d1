"""How much of a style painted pictures took on, and how much of their content they kept, in comparable numbers.

Style is the exact squared Wasserstein-2 distance of Gaussians of features, divided by its value at the content
picture: 1 where no style was taken on, 0 at the same statistics. Content is the squared distance of features in their
places, divided by the variance of the content's: 0 for the content itself, 1 as far as a flat picture. Both are read
at layers, and in networks, that the painting did not look at: what it was made to match says little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

import reverie
from reverie.errors import InputError
from reverie.media.given import as_picture
from reverie.media.image import Picture, to_uint8
from reverie.media.sheet import contact_sheet
from reverie.media.write import check_writable, write_picture
from reverie.numerics.fill import fill_transparent
from reverie.numerics.gaussian_distance import root_of, trace_of_root
from reverie.numerics.region_weights import region_weights
from reverie.numerics.resample import long_side, resize
from reverie.objective.base import Sum
from reverie.objective.content import Content
from reverie.objective.gram import Gram
from reverie.objective.moments import covariance_of, mean_moments
from reverie.optimize.frame import Frame
from reverie.optimize.painting import Painting
from reverie.optimize.tiles import memory_budget
from reverie.settings import check_settings, to_record
from reverie.tools.compare_config import CompareConfig
from reverie.tools.compare_networks import Judge, find_judges, stored_record
from reverie.tools.style_config import StyleConfig
from reverie.tools.style_plan import DEFAULT_PX, tile_for

LEAST_SHARE = 1e-3  # of the style's own energy: a content picture that has the style already is not divided by zero
TILE_PX = 360
TITLE = "style: 1 = not taken on, 0 = the same statistics; content: 0 = unchanged, 1 = as far as a flat picture"


@dataclass(frozen=True)
class Row:
    """What one layer of one network says of one picture."""

    network: str
    layer: str
    style: float
    content: float


@dataclass(frozen=True, eq=False)
class Compared:
    """One painted picture.

    Attributes:
        name: of its file.
        rows: network by network, from shallow to deep.
        image: ``[1, 3, H, W]`` at the size of the comparison.
    """

    name: str
    rows: tuple[Row, ...]
    image: Tensor = field(repr=False)

    def means(self) -> dict[str, tuple[float, float]]:
        """Return mean style and content distance by network."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.network, []).append(row)
        return {
            name: (_mean([r.style for r in rows]), _mean([r.content for r in rows])) for name, rows in found.items()
        }

    @property
    def style(self) -> float:
        """The mean over networks of their mean style distance."""
        return _mean([style for style, _ in self.means().values()])

    @property
    def content(self) -> float:
        """The mean over networks of their mean content distance."""
        return _mean([content for _, content in self.means().values()])


@dataclass(frozen=True, eq=False)
class Comparison:
    """The numbers of several painted pictures of one content and one style.

    Attributes:
        size: height and width at which all were looked at.
        pictures: in the order given.
        judges: the networks and their layers.
        notes: what a user should know.
        config: the settings.
        files: name and sha256 of content, style and pictures.
    """

    size: tuple[int, int]
    pictures: tuple[Compared, ...]
    judges: tuple[Judge, ...]
    notes: tuple[str, ...]
    config: CompareConfig
    files: dict[str, dict[str, str]]
    content: Tensor = field(repr=False)
    style: Tensor = field(repr=False)

    def record(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON."""
        return {
            "tool": "compare", "version": reverie.__version__, "size": [self.size[1], self.size[0]],
            "networks": [
                {"name": j.critic.identity.name, "sha256": j.critic.identity.sha256, "layers": list(j.layers),
                 "matched": list(j.matched)} for j in self.judges
            ],
            "pictures": [
                {"name": p.name, "style": round(p.style, 6), "content": round(p.content, 6),
                 "layers": [{"network": r.network, "layer": r.layer, "style": round(r.style, 6),
                             "content": round(r.content, 6)} for r in p.rows]} for p in self.pictures
            ],
            "files": self.files, "notes": list(self.notes),
        }  # fmt: skip

    def sheet(self) -> np.ndarray:
        """Return content, style and all pictures side by side, ``[H, W, 3]`` uint8, with their numbers beneath."""
        images = [self.content, self.style, *(p.image for p in self.pictures)]
        tiles = [to_uint8(image[0].permute(1, 2, 0).contiguous().numpy()) for image in images]
        numbers = [f"style {p.style:.3f}  content {p.content:.3f}  {p.name}" for p in self.pictures]
        captions = ["content: style 1, content 0", "style", *numbers]
        return contact_sheet(tiles, columns=min(len(tiles), 6), tile_px=TILE_PX, captions=captions, title=TITLE)

    def save_sheet(self, path: str | Path) -> Path:
        """Write the sheet with the numbers in its metadata; returns the path.

        Raises:
            OutputError: it cannot be written; nothing is left behind.
        """
        record = self.record() | {"config": to_record(self.config) | {"device": "auto", "max_memory": None}}
        write_picture(path, self.sheet(), settings=record)
        return Path(path)


def compare_pictures(
    content: Any, style: Any, styled: Sequence[Any], config: CompareConfig | None = None, *, sheet: Any = None
) -> Comparison:
    """Compare painted pictures with their content and their style.

    Args:
        content: what was painted: path, bytes, open file, PIL image, array or tensor.
        style: what it was painted like.
        styled: the results, one or several; the settings inside files of ours say which layers were matched.
        config: the settings.
        sheet: where a sheet will be written; checked before the work.

    Raises:
        InputError: settings or a network that cannot be used, or pictures too small for it.
        PictureError: a file that is missing or broken.
    """
    config = config or CompareConfig()
    check_settings(config)
    if not styled:
        raise InputError("there is no picture to compare; name one or more after content and style")
    if sheet is not None:
        check_writable(sheet)
    pictures = [as_picture(source) for source in (content, style, *styled)]
    records = [stored_record(source) for source in styled]
    judges, notes = find_judges(config, styled, records)
    notes += _other_files(pictures, records)
    scene, example, *results = (_view(picture) for picture in pictures)
    own = (scene.image.shape[-2], scene.image.shape[-1])
    size = long_side(own, config.size or min(max(own), DEFAULT_PX))
    notes += _resized(pictures, size)
    scene, results = scene.at(size), [result.at(size) for result in results]
    scale = config.style_scale or _stored_scale(pictures[1], records)
    rows: list[list[Row]] = [[] for _ in results]
    for judge in judges:
        if not judge.critic.accepts(size) or min(size) < judge.critic.least_side(judge.layers):
            raise InputError(judge.critic.too_small(size, judge.layers))
        near = example.at(_style_size(example.size, max(size) * scale, judge))
        eye = _Eye(judge, config, scene, near)
        found = [eye.rows(result) for result in results]
        notes += [note for note in eye.notes if note not in notes]
        for mine, new in zip(rows, found, strict=True):
            mine += new
    compared = tuple(
        Compared(picture.name, tuple(mine), result.image)
        for picture, mine, result in zip(pictures[2:], rows, results, strict=True)
    )
    files = {role: {"name": p.name, "sha256": p.sha256} for role, p in zip(_roles(len(styled)), pictures, strict=True)}
    return Comparison(size, compared, judges, tuple(notes), config, files, scene.image, example.image)


@dataclass(frozen=True, eq=False)
class _View:
    """A picture as the networks get it: its colors, continued into transparent places, and what counts of it."""

    image: Tensor
    visible: Tensor | None

    @property
    def size(self) -> tuple[int, int]:
        return self.image.shape[-2], self.image.shape[-1]

    def at(self, size: tuple[int, int]) -> _View:
        visible = None if self.visible is None else resize(self.visible, size).clamp(0, 1)
        return _View(resize(self.image, size).clamp(0, 1).contiguous(), visible)


class _Eye:
    """Looks at pictures through one network, with the content and the style known."""

    def __init__(self, judge: Judge, config: CompareConfig, scene: _View, example: _View) -> None:
        self.judge, self.critic, self.scene = judge, judge.critic, scene
        self.notes: list[str] = []
        self.name = judge.critic.identity.name
        self._budget = memory_budget(config.max_memory, judge.critic.device)
        self.target = self._moments(example, example.visible)
        start = self._moments(scene, scene.visible)
        self.start = {name: self._base(name, start[name]) for name in judge.layers}

    def rows(self, result: _View) -> list[Row]:
        """Return what every layer says of one picture."""
        found = self._moments(result, self.scene.visible)
        contents = self._contents(result)
        return [
            Row(self.name, name, wasserstein(found[name], self.target[name]) / self.start[name], content)
            for name, content in zip(self.judge.layers, contents, strict=True)
        ]

    def _base(self, name: str, start: Tensor) -> float:
        least = LEAST_SHARE * self.target[name][:-1, :-1].diagonal().sum().item()
        apart = wasserstein(start, self.target[name])
        if apart < least:
            self.notes.append(f"in layer '{name}' of {self.name} the content has the style's statistics already")
        return max(apart, least, 1e-12)

    def _moments(self, view: _View, visible: Tensor | None) -> dict[str, Tensor]:
        """Return mean moments by layer, in float64 on the CPU."""
        shares = self._shares(view.size, visible)
        empty = torch.zeros(0)
        terms = tuple((1.0, Gram(name, empty, shares.get(name))) for name in self.judge.layers)
        painting = Painting(self.critic, Sum(terms))
        image = view.image.to(self.critic.device)
        sums = painting.sums(image, Generator().manual_seed(0), painting.tiles(view.size, self._tile(view.size)))
        return {name: mean_moments(total).cpu() for name, total in zip(self.judge.layers, sums, strict=True)}

    def _contents(self, result: _View) -> list[float]:
        shares = self._shares(result.size, self.scene.visible)
        terms = tuple((1.0, Content(name, shares.get(name))) for name in self.judge.layers)
        painting = Painting(self.critic, Sum(terms), self.scene.image.to(self.critic.device))
        tiles = painting.tiles(result.size, self._tile(result.size))
        image = result.image.to(self.critic.device)
        return [max(0.0, -value) for value in painting.values(image, Generator().manual_seed(0), tiles)]

    def _shares(self, size: tuple[int, int], visible: Tensor | None) -> dict[str, Tensor]:
        """Return how much each position of a layer counts; nothing where all do."""
        if visible is None:
            return {}
        framed = Frame(size).put(visible)
        sizes = self.critic.sizes((framed.shape[-2], framed.shape[-1]))
        return {name: region_weights(framed, sizes[name]).to(self.critic.device) for name in self.judge.layers}

    def _tile(self, size: tuple[int, int]) -> int:
        return tile_for(size, StyleConfig(), self.critic, self.judge.layers, *self._budget)


def wasserstein(found: Tensor, target: Tensor) -> float:
    """Return the squared Wasserstein-2 distance of the Gaussians with two ``[C + 1, C + 1]`` moments, float64."""
    here, there = ((m[:-1, -1], m[:-1, :-1]) for m in (found, target))
    first, second = covariance_of(here), covariance_of(there)
    shared = trace_of_root(first, root_of(second)).item()
    apart = first.diagonal().sum().item() + second.diagonal().sum().item() - 2 * shared
    return max(0.0, (here[0] - there[0]).square().sum().item() + apart)


def _view(picture: Picture) -> _View:
    image = torch.from_numpy(picture.rgb).permute(2, 0, 1)[None].contiguous()
    if picture.alpha is None:
        return _View(image, None)
    alpha = torch.from_numpy(picture.alpha)[None, None]
    if not alpha.any():
        raise InputError(f"'{picture.name}' is transparent everywhere")
    return _View(fill_transparent(image, alpha), alpha)


def _style_size(own: tuple[int, int], wanted: float, judge: Judge) -> tuple[int, int]:
    """Return the size at which the style is looked at: never enlarged, unless the network needs it."""
    size = long_side(own, min(max(1, round(wanted)), max(own)))
    least = judge.critic.least_side(judge.layers)
    factor = least / min(size)
    return size if factor <= 1 else (max(least, round(size[0] * factor)), max(least, round(size[1] * factor)))


def _stored_scale(style: Picture, records: Sequence[dict[str, Any]]) -> float:
    """Return the scale that the first picture of ours looked at this style with; 1 if none says."""
    for record in records:
        scales = record["config"].get("style_scale") or () if record else ()
        files = record.get("files", {})
        for number in range(1, 1 + len(files)):
            if (files.get(f"style {number}") or {}).get("sha256") == style.sha256 and scales:
                return float(scales[min(number, len(scales)) - 1])
    return 1.0


def _other_files(pictures: Sequence[Picture], records: Sequence[dict[str, Any]]) -> list[str]:
    """Say which pictures were painted from another content or in other styles than those given."""
    notes = []
    for picture, record in zip(pictures[2:], records, strict=True):
        files = record.get("files", {})
        if record and (record.get("input") or {}).get("sha256") != pictures[0].sha256:
            notes.append(f"'{picture.name}' was painted from another picture than '{pictures[0].name}'")
        styles = [about.get("sha256") for role, about in files.items() if "style" in role and "mask" not in role]
        if record and pictures[1].sha256 not in styles:
            notes.append(f"'{picture.name}' was painted in another style than '{pictures[1].name}'")
    return notes


def _resized(pictures: Sequence[Picture], size: tuple[int, int]) -> list[str]:
    """Say which of content and results are looked at in another size than their own."""
    notes = []
    for picture in (pictures[0], *pictures[2:]):
        own = (picture.rgb.shape[0], picture.rgb.shape[1])
        if own != size:
            notes.append(f"'{picture.name}' is {own[1]} x {own[0]} px; compared at {size[1]} x {size[0]} px")
    return notes


def _roles(count: int) -> list[str]:
    return ["content", "style", *(f"styled {number}" for number in range(1, count + 1))]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
