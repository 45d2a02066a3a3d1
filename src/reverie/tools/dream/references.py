"""The other pictures that a dream looks at: masks, guides and an artwork, each read once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import InputError, PictureError, unknown_name
from reverie.jobs.seed import seed_for
from reverie.media.image import Picture, read_picture
from reverie.media.suffixes import PICTURES
from reverie.numerics.resample import resize
from reverie.tools.dream.config import DreamConfig, Group
from reverie.tools.dream.mask_rule import BRIGHTNESS
from reverie.tools.dream.rules import parse_groups

GREY = 0.05  # more between the colors of a pixel than a grey mask has after compression
SPREAD = 3.0  # a Gaussian blur is cut off after this many deviations


@dataclass(frozen=True, eq=False)
class Region:
    """A group and its pictures: ``[1, 1, H, W]`` mask (at its own size) and ``[1, 3, H, W]`` guide."""

    group: Group
    mask: Tensor | None = None
    guide: Tensor | None = None


@dataclass(frozen=True, eq=False)
class References:
    """All of them, in [0, 1] and at their own sizes.

    `files` holds name and sha256 of each by what it is used for, such as ``guide`` or ``group 2 mask``; `cut_out` is
    whether a mask is a cut-out in colors.
    """

    mask: Tensor | None = None
    guide: Tensor | None = None
    target: Tensor | None = None
    regions: tuple[Region, ...] = ()
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    cut_out: bool = False


def read_references(config: DreamConfig, name: str = "") -> References:
    """Read the pictures that the settings name; `name` is that of the picture to dream on, without folders.

    Raises:
        PictureError: one is missing, broken or, if a mask, black.
        InputError: a group that cannot be read, or a folder without artworks.
    """
    files: dict[str, dict[str, str]] = {}
    masks: list[Picture] = []

    def read(role: str, path: str | Path | None) -> Picture | None:
        picture = read_picture(path) if path else None
        if picture is not None:
            files[role] = {"name": picture.name, "sha256": picture.sha256}
        return picture

    def masked(picture: Picture, inverted: bool) -> Tensor:
        masks.append(picture)
        return mask_of(picture, inverted=inverted, by=config.mask_by)

    target = pick_target(config.target_from, config.target_class, config.seed, name) if config.target_from else None
    regions = []
    for number, group in enumerate(parse_groups(config), start=1):
        mask = read(f"group {number} mask", group.mask or group.outside)
        found = None if mask is None else softened(masked(mask, group.mask is None), group.soften_px)
        regions.append(Region(group, found, _colors(read(f"group {number} guide", group.guide))))
    where = config.masking
    mask = None if where is None else read("keep" if config.keep is not None else "mask", where[0])
    guide, artwork = read("guide", config.guide), read("target_from", target)
    whole = None if mask is None or where is None else masked(mask, where[1])
    return References(whole, _colors(guide), _colors(artwork), tuple(regions), files, any(map(cut_out, masks)))


def with_mask(references: References, config: DreamConfig) -> References:
    """Return the references with the mask that the settings name.

    Raises:
        PictureError: it cannot be read, or is black.
    """
    if config.masking is None:
        return references
    path, inverted = config.masking
    picture = read_picture(path)
    role = "keep" if config.keep is not None else "mask"
    files = references.files | {role: {"name": picture.name, "sha256": picture.sha256}}
    mask = mask_of(picture, inverted=inverted, by=config.mask_by)
    return replace(references, mask=mask, files=files, cut_out=references.cut_out or cut_out(picture))


def cut_out(picture: Picture) -> bool:
    """Tell whether what is opaque of a picture has colors, as a cut-out has and a grey mask has not."""
    if picture.alpha is None:
        return False
    return float(np.ptp(picture.rgb[picture.alpha > 0], axis=1).max(initial=0.0)) > GREY


def mask_of(picture: Picture, *, inverted: bool = False, by: str | None = None) -> Tensor:
    """Return ``[1, 1, H, W]`` in [0, 1]: brightness times opacity; of a cut-out in colors its opacity alone.

    `by` may ask for brightness there too, see `reverie.tools.dream.mask_rule`.

    Raises:
        PictureError: nothing of it would be dreamt.
    """
    grey = torch.from_numpy(picture.rgb.mean(axis=2))[None, None]
    if picture.alpha is not None:
        grey = (torch.ones_like(grey) if by != BRIGHTNESS and cut_out(picture) else grey) * torch.from_numpy(
            picture.alpha
        )[None, None]
    grey = 1 - grey if inverted else grey
    if not grey.any():
        color = "white" if inverted else "black"
        raise PictureError(f"the mask '{picture.name}' is {color} everywhere: it names no part of the picture")
    return grey


def fitted_mask(mask: Tensor, size: tuple[int, int], what: str = "the mask") -> tuple[Tensor, str]:
    """Return a mask at the size of the picture, and a note where it had another."""
    height, width = mask.shape[-2:]
    if (height, width) == size:
        return mask, ""
    note = f"{what} is {width} x {height} px; resized to {size[1]} x {size[0]}"
    return resize(mask, size).clamp(0, 1), note


def fitted_masks(references: References, size: tuple[int, int]) -> tuple[Tensor | None, list[str]]:
    """Return the mask at the size of the picture, if there is one, and a note for every mask that had another size."""
    groups = [(f"the mask of group {i}", region.mask) for i, region in enumerate(references.regions, start=1)]
    notes, fitted = [], None
    for what, mask in [*groups, ("the mask", references.mask)]:
        if mask is not None:
            fitted, note = fitted_mask(mask, size, what)
            notes += [note] if note else []
    return fitted if references.mask is not None else None, notes


def pick_target(
    source: str, kind: str | None, seed: int, name: str, options: tuple[str, str] = ("--target-class", "--target-from")
) -> Path:
    """Return an artwork: `source` itself if it is a file, else one of its folder, by seed and name of the picture.

    `kind` is the subfolder to take it from; without it, any picture in the folder or below it. `options` are the names
    of kind and source, for messages.

    Raises:
        InputError: no such folder or class, or no picture in it.
    """
    root = Path(source)
    if not root.is_dir():
        if kind is not None:
            raise InputError(f"{options[0]} '{kind}' picks from a folder; {options[1]} '{source}' is none")
        return root
    if kind is not None:
        known = sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
        if not known:
            raise InputError(f"{options[0]} '{kind}' picks from a folder in '{root.name}', which has none inside")
        if kind not in known:
            raise InputError(unknown_name("class of artworks", kind, known, f"each is a folder in '{root.name}'"))
        root = root / kind
    found = sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if _is_picture(p))
    if not found:
        raise InputError(f"no artworks in '{root}'; expected pictures, for example {root.name}/monet.jpg")
    return root / found[seed_for(seed, name) % len(found)]


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES and not path.name.startswith(".") and path.is_file()


def _colors(picture: Picture | None) -> Tensor | None:
    """Return ``[1, 3, H, W]``; what is transparent becomes middle grey, which excites least."""
    if picture is None:
        return None
    images = torch.from_numpy(picture.rgb).permute(2, 0, 1)[None]
    if picture.alpha is None:
        return images.contiguous()
    return torch.lerp(torch.full_like(images, 0.5), images, torch.from_numpy(picture.alpha)[None, None])


def softened(mask: Tensor, deviation_px: float) -> Tensor:
    """Blur a mask by a Gaussian; its border is continued outwards."""
    reach = math.ceil(SPREAD * deviation_px)
    if reach == 0:
        return mask
    places = torch.arange(-reach, reach + 1, dtype=mask.dtype)
    kernel = torch.exp(-0.5 * (places / deviation_px) ** 2)
    kernel /= kernel.sum()
    across = F.conv2d(F.pad(mask, (reach, reach, 0, 0), mode="replicate"), kernel.view(1, 1, 1, -1))
    return F.conv2d(F.pad(across, (0, 0, reach, reach), mode="replicate"), kernel.view(1, 1, -1, 1)).clamp(0, 1)
