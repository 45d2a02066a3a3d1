"""The pictures that a style transfer looks at: styles with weights, masks, a picture to begin with; each read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from reverie.errors import InputError
from reverie.jobs.weighted import MOST_WEIGHT
from reverie.media.given import as_picture
from reverie.media.image import Picture
from reverie.tools.dream.references import cut_out, mask_of, softened
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.named import StyleRegion, check_folders, check_weights_of, expand


@dataclass(frozen=True, eq=False)
class Style:
    """One style picture.

    Attributes:
        name: of its file.
        image: ``[1, 3, H, W]`` in [0, 1].
        visible: ``[1, 1, H, W]`` in [0, 1], what counts of it; None for all.
        weight: its share among the styles.
        scale: of its longer side relative to that of the result.
        size_px: its longer side at all scales, if that is fixed.
    """

    name: str
    image: Tensor
    visible: Tensor | None
    weight: float
    scale: float = 1.0
    size_px: int | None = None


@dataclass(frozen=True, eq=False)
class RegionPictures:
    """A region: its mask ``[1, 1, H, W]`` at its own size, and its styles; none where the original is kept."""

    region: StyleRegion
    mask: Tensor
    styles: tuple[Style, ...] = ()


@dataclass(frozen=True, eq=False)
class StylePictures:
    """All of them; `files` holds name and sha256 of each by what it is used for; `cut_out`: a mask is one in colors."""

    styles: tuple[Style, ...]
    regions: tuple[RegionPictures, ...] = ()
    start: Tensor | None = None
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    chosen: tuple[str, ...] = ()
    cut_out: bool = False


def read_styles(config: StyleConfig, name: str = "", given: Sequence[object] = ()) -> StylePictures:
    """Read the pictures that the settings name.

    Args:
        config: the settings.
        name: of the content picture, by which artworks are picked.
        given: styles instead of those of the settings: texts as there, pictures in memory, or (picture, weight).

    Raises:
        PictureError: one is missing or broken.
        InputError: no style, weights none of which is above zero, or more sizes than styles.
    """
    reader = _Reader(config, name)
    regions = tuple(StyleRegion.parse(text) for text in config.regions)
    if config.style_class is not None:
        check_folders([*(given or config.style), *(text for region in regions for text in region.style)])
    listed = _given(given, config, name) if given else expand(config.style, config, name)
    if not listed and not config.region:
        raise InputError("no style is given; name one or more pictures after the content")
    scales, sizes = _spread(config.style_scale, len(listed), "scale"), _spread(config.style_size, len(listed), "size")
    styles = tuple(
        _style(reader.read(f"style {i + 1}", source), weight, 1.0 if scales[i] is None else scales[i], sizes[i])
        for i, (source, weight) in enumerate(listed)
    )
    found = tuple(reader.region(number, region) for number, region in enumerate(regions, start=1))
    start = None if config.init_picture is None else colors(reader.read("init_picture", config.init_picture))
    chosen = tuple(f"{s if isinstance(s, Path) else reader.files[f'style {i}']['name']}:{weight:g}"
                   for i, (s, weight) in enumerate(listed, start=1))  # fmt: skip
    return StylePictures(styles, found, start, reader.files, chosen, any(map(cut_out, reader.masks)))


class _Reader:
    """Reads pictures and notes name and sha256 of each, by what it is used for."""

    def __init__(self, config: StyleConfig, name: str) -> None:
        self._config, self._name = config, name
        self.files: dict[str, dict[str, str]] = {}
        self.masks: list[Picture] = []

    def read(self, role: str, source: object) -> Picture:
        picture = as_picture(source)
        self.files[role] = {"name": picture.name, "sha256": picture.sha256}
        return picture

    def region(self, number: int, region: StyleRegion) -> RegionPictures:
        """Return a region with its mask and its styles."""
        mask = self.read(self._config.region_roles[number - 1], region.mask or region.outside or "")
        whole = softened(self._mask(mask, region.mask is None), region.soften_px)
        own = []
        for i, (path, weight) in enumerate(expand(region.style, self._config, self._name), start=1):
            one = _style(self.read(f"region {number} style {i}", path), weight, 1.0, None)
            if region.style_mask:
                one = _only(one, self._mask(self.read(f"region {number} style mask", region.style_mask), False))
            own.append(one)
        return RegionPictures(region, whole, tuple(own))

    def _mask(self, picture: Picture, inverted: bool) -> Tensor:
        self.masks.append(picture)
        return mask_of(picture, inverted=inverted, by=self._config.mask_by)


def _given(sources: Sequence[object], config: StyleConfig, name: str) -> list[tuple[object, float]]:
    """Return pictures and weights of what a program hands over: texts, pictures in memory, or (either, weight).

    Raises:
        InputError: as `expand`, or a weight that is not finite.
    """
    found: list[tuple[object, float]] = []
    for source in sources:
        picture, weight = source if isinstance(source, tuple) and len(source) == 2 else (source, 1.0)
        if not isinstance(weight, (int, float)) or not -MOST_WEIGHT <= weight <= MOST_WEIGHT:
            raise InputError(f"the weight of a style must be a finite number; got {weight!r}")
        if isinstance(picture, (str, Path)):
            found += [(path, own * weight) for path, own in expand((str(picture),), config, name)]
        else:
            found.append((picture, float(weight)))
    check_weights_of(weight for _, weight in found)
    return found


def colors(picture: Picture) -> Tensor:
    """Return ``[1, 3, H, W]``."""
    return torch.from_numpy(picture.rgb).permute(2, 0, 1)[None].contiguous()


def _style(picture: Picture, weight: float, scale: float, size_px: int | None) -> Style:
    if not scale > 0 or scale > 64:
        raise InputError(f"--style-scale must be above 0 and at most 64; got {scale}")
    if size_px is not None and size_px < 16:
        raise InputError(f"--style-size must be at least 16; got {size_px}")
    visible = None if picture.alpha is None else torch.from_numpy(picture.alpha)[None, None]
    if visible is not None and not visible.any():
        raise InputError(f"the style '{picture.name}' is transparent everywhere")
    return Style(picture.name, colors(picture), visible, weight, scale, size_px)


def _only(style: Style, mask: Tensor) -> Style:
    """Return a style of which only what a mask shows counts."""
    from dataclasses import replace

    from reverie.numerics.resample import resize

    fitted = resize(mask, (style.image.shape[-2], style.image.shape[-1])).clamp(0, 1)
    return replace(style, visible=fitted if style.visible is None else fitted * style.visible)


def _spread(values: Sequence[float], count: int, what: str) -> list:
    """Return one value per style: none, one for all, or one for each."""
    if not values:
        return [None] * count
    if len(values) == 1:
        return [values[0]] * count
    if len(values) != count:
        raise InputError(f"--style-{what} is given {len(values)} times for {count} styles; give one, or one for each")
    return list(values)
