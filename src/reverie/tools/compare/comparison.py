"""How much of a style stylized pictures took on, and how much of their content they kept, in comparable numbers.

Style is the exact squared Wasserstein-2 distance of Gaussians of features, divided by its value at the content
picture: 1 where no style was taken on, 0 at the same statistics. Content is the squared distance of features in their
places, divided by the variance of the content's: 0 for the content itself, 1 as far as a flat picture. Both are read
at layers, and in networks, that the painting did not look at: what it was made to match says little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from reverie.errors import InputError
from reverie.jobs.files import base_name
from reverie.jobs.target import place_for, say
from reverie.media.given import as_picture
from reverie.media.image import Picture, to_uint8
from reverie.media.sheet import contact_sheet
from reverie.media.write import check_writable, write_picture
from reverie.numerics.resample import long_side
from reverie.settings import check_settings, to_record
from reverie.tools.compare.config import CompareConfig
from reverie.tools.compare.measure import Measurer, Row, style_size, view_of
from reverie.tools.compare.networks import Scorer, find_scorers, stored_record
from reverie.tools.style_steps.plan import DEFAULT_PX
from reverie.version import __version__

TILE_PX = 360
TITLE = "style: 1 = not taken on, 0 = the same statistics; content: 0 = unchanged, 1 = as far as a flat picture"


@dataclass(frozen=True, eq=False)
class Compared:
    """One stylized picture.

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
    """The numbers of several stylized pictures of one content and one style.

    Attributes:
        size: height and width at which all were looked at.
        pictures: in the order given.
        scorers: the networks and their layers.
        notes: what a user should know.
        config: the settings.
        files: name and sha256 of content, style and pictures.
    """

    size: tuple[int, int]
    pictures: tuple[Compared, ...]
    scorers: tuple[Scorer, ...]
    notes: tuple[str, ...]
    config: CompareConfig
    files: dict[str, dict[str, str]]
    content: Tensor = field(repr=False)
    style: Tensor = field(repr=False)

    def record(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON."""
        return {
            "tool": "compare", "version": __version__, "size": [self.size[1], self.size[0]],
            "networks": [
                {"name": j.name, "sha256": j.critic.identity.sha256, "layers": list(j.layers),
                 "matched": list(j.matched)} for j in self.scorers
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

    def save_sheet(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the sheet with the numbers in its metadata; returns the path.

        A sheet of other pictures that lies there is kept and this one counted up, unless `overwrite` is set.

        Raises:
            OutputError: it cannot be written; nothing is left behind.
        """
        named = {key: base_name(value) for key in ("judge", "model") if (value := getattr(self.config, key))}
        config = to_record(self.config) | {"device": "auto", "max_memory": None} | named
        record = {key: value for key, value in self.record().items() if key != "notes"} | {"config": config}
        place = place_for(Path(path), record, overwrite=overwrite)
        say(place, [])
        write_picture(place.path, self.sheet(), settings=record)
        return place.path


def compare_pictures(
    content: object, style: object, styled: Sequence[object], config: CompareConfig | None = None, *, sheet: Any = None
) -> Comparison:
    """Compare stylized pictures with their content and their style.

    Args:
        content: what was stylized: path, bytes, open file, PIL image, array or tensor.
        style: what it was stylized like.
        styled: the results, one or several; the settings inside files of ours say which layers were matched.
        config: the settings.
        sheet: where a sheet will be written; checked before the work.

    Raises:
        InputError: settings or a network that cannot be used, or pictures too small for it.
        PictureError: a file that is missing or broken.
    """
    config = config or CompareConfig()
    check_settings(config)
    if sheet is not None:
        check_writable(sheet)
    comparing = Comparing(content, style, styled, config)
    for _ in comparing.steps():
        pass
    return comparing.result()


class Comparing:
    """A comparison on its way; see `compare_pictures`.

    Attributes:
        notes: what a user should know; grows on the way.
        total: steps: every picture through every network.
        scorers: the networks and their layers.
    """

    def __init__(self, content: object, style: object, styled: Sequence[object], config: CompareConfig) -> None:
        if not styled:
            raise InputError("there is no picture to compare; name one or more after content and style")
        self.config = config
        self.pictures = [as_picture(source) for source in (content, style, *styled)]
        records = [stored_record(source) for source in styled]
        self.scorers, self.notes = find_scorers(config, styled, records)
        self.notes += _other_files(self.pictures, records)
        scene, example, *results = (view_of(picture) for picture in self.pictures)
        own = (scene.image.shape[-2], scene.image.shape[-1])
        self.size = long_side(own, config.size or min(max(own), DEFAULT_PX))
        self.notes += _resized(self.pictures, self.size)
        self.scene, self.example = scene.at(self.size), example
        self.results = [result.at(self.size) for result in results]
        self.scale, of = (config.style_scale, "") if config.style_scale else _stored_scale(self.pictures, records)
        if of and self.scale != 1:
            self.notes.append(f"the style is looked at {self.scale:g} times as large, as for '{of}'; see --style-scale")
        self.rows: list[list[Row]] = [[] for _ in results]
        self.total = len(self.scorers) * len(results)
        for scorer in self.scorers:
            if not scorer.critic.accepts(self.size) or min(self.size) < scorer.critic.least_side(scorer.layers):
                raise InputError(scorer.critic.too_small(self.size, scorer.layers))

    def steps(self) -> Iterator[tuple[str, str]]:
        """Look at one picture through one network after the other; yields the names of both."""
        for scorer in self.scorers:
            near = self.example.at(style_size(self.example.size, max(self.size) * self.scale, scorer))
            measurer = Measurer(scorer, self.config, self.scene, near)
            for picture, mine, result in zip(self.pictures[2:], self.rows, self.results, strict=True):
                mine += measurer.rows(result)
                yield scorer.name, picture.name
            self.notes += [note for note in measurer.notes if note not in self.notes]

    def result(self) -> Comparison:
        """Return the numbers, once all steps are done."""
        compared = tuple(
            Compared(picture.name, tuple(mine), result.image)
            for picture, mine, result in zip(self.pictures[2:], self.rows, self.results, strict=True)
        )
        roles = zip(_roles(len(self.results)), self.pictures, strict=True)
        files = {role: {"name": p.name, "sha256": p.sha256} for role, p in roles}
        return Comparison(
            self.size, compared, self.scorers, tuple(self.notes), self.config, files, self.scene.image,
            self.example.image,
        )  # fmt: skip


def _stored_scale(pictures: Sequence[Picture], records: Sequence[dict[str, Any]]) -> tuple[float, str]:
    """Return the scale that the first picture of ours looked at this style with, and its name; 1 if none says."""
    style = pictures[1]
    for picture, record in zip(pictures[2:], records, strict=True):
        scales = record["config"].get("style_scale") or () if record else ()
        files = record.get("files", {})
        for number in range(1, 1 + len(files)):
            if (files.get(f"style {number}") or {}).get("sha256") == style.sha256 and scales:
                return float(scales[min(number, len(scales)) - 1]), picture.name
    return 1.0, ""


def _other_files(pictures: Sequence[Picture], records: Sequence[dict[str, Any]]) -> list[str]:
    """Say which pictures were stylized from another content or in other styles than those given."""
    notes = []
    for picture, record in zip(pictures[2:], records, strict=True):
        files = record.get("files", {})
        if record and (record.get("input") or {}).get("sha256") != pictures[0].sha256:
            notes.append(f"'{picture.name}' was stylized from another picture than '{pictures[0].name}'")
        styles = [about.get("sha256") for role, about in files.items() if "style" in role and "mask" not in role]
        if record and pictures[1].sha256 not in styles:
            notes.append(f"'{picture.name}' was stylized in another style than '{pictures[1].name}'")
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
