"""The files that settings of a style transfer name: in their texts, in folders, by a picture's name; free of torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from reverie.errors import InputError
from reverie.jobs.key_values import KeyValues, entry, names, number, yes_or_no
from reverie.jobs.weighted import in_weighted as in_style
from reverie.jobs.weighted import split_weight
from reverie.media.suffixes import PICTURES
from reverie.weights.in_folder import network_in

if TYPE_CHECKING:
    from reverie.tools.style.config import StyleConfig

ANY = "any"
MOST_STYLES = 256  # of one folder

Rename = Callable[[str, str], str]


@dataclass(frozen=True)
class StyleRegion(KeyValues):
    """One region and what happens there, as ``mask=sky.png,style=starry.jpg,strength=0.8``.

    Keys: ``mask`` (white is the region) or ``outside`` (black is) with a file; ``style`` (several joined by ``+``, each
    optionally ``FILE:WEIGHT``), ``style-mask`` (what counts of the style), ``strength`` (None: that of the whole
    picture), ``keep=1`` (the original stays), and ``soften`` (blur of the mask in pixels).
    """

    option: ClassVar[str] = "--region"
    example: ClassVar[str] = "mask=sky.png,style=starry.jpg,strength=0.8"
    several: ClassVar[str] = "several styles"

    mask: str | None = entry(None, file="mask")
    outside: str | None = entry(None, file="mask")
    style: tuple[str, ...] = entry((), read=names, file="style")
    style_mask: str | None = entry(None, file="style mask")
    strength: float | None = entry(None, read=number(0, 1))
    keep: bool = entry(False, read=yes_or_no)
    soften_px: float = entry(0.0, key="soften", read=number(0, 10_000))

    def check(self) -> None:
        """Refuse a region without a place, or with nothing to do."""
        if (self.mask is None) == (self.outside is None):
            raise InputError("give mask or outside, one of them")
        if self.keep and (self.style or self.strength is not None):
            raise InputError("where the original is kept, style and strength mean nothing")
        if not self.keep and not self.style and self.strength is None:
            raise InputError("say what happens there: style=FILE, strength=NUMBER or keep=1")
        if self.style_mask and len(self.style) != 1:
            raise InputError("style-mask goes with one style")


def in_region(text: str, rename: Rename) -> str:
    """Return a region with its files replaced: "mask", "style mask", "style 1", ..."""

    def renamed(role: str, name: str) -> str:
        if role.startswith("style ") and role != "style mask":
            return in_style(name, lambda _, path: rename(role, path))
        return rename(role, name)

    return str(StyleRegion.parse(text).with_files(renamed))


def settled(config: StyleConfig, name: str) -> StyleConfig:
    """Return settings in which every style is one file with its weight: folders listed, artworks picked.

    Args:
        config: the settings.
        name: of the content picture, by which artworks are picked.

    Raises:
        InputError: as `expand`, or an artwork to be picked where there is no folder.
    """
    if config.style_class is not None:
        check_folders([*config.style, *(text for part in config.region for text in StyleRegion.parse(part).style)])
    styles = tuple(f"{path}:{weight:g}" for path, weight in expand(config.style, config, name))
    regions = tuple(_settled_region(text, config, name) for text in config.region)
    return replace(config, style=styles, region=regions, style_class=None)


def _settled_region(text: str, config: StyleConfig, name: str) -> str:
    """Return a region whose styles are files; as it is where they are already."""
    region = StyleRegion.parse(text)
    if config.style_class is None and not any(split_weight(one)[0].is_dir() for one in region.style):
        return str(region)
    listed = expand(region.style, config, name)
    return str(replace(region, style=tuple(f"{path}:{weight:g}" for path, weight in listed)))


def expand(texts: Sequence[str], config: StyleConfig, name: str) -> list[tuple[Path, float]]:
    """Return files and weights of style arguments: ``FILE``, ``FILE:WEIGHT``, a folder, or one artwork out of it.

    Raises:
        InputError: a folder without pictures, or weights none of which is above zero.
    """
    found: list[tuple[Path, float]] = []
    for text in texts:
        path, weight = split_weight(text)
        if config.style_class is not None:
            from reverie.tools.dream.references import pick_target

            kind = None if config.style_class == ANY else config.style_class
            artwork = pick_target(str(path), kind, config.seed, name, ("--style-class", "the style"))
            found.append((artwork, weight))
        elif path.is_dir():
            inside = _pictures_in(path)
            found += [(p, weight / len(inside)) for p in inside]
        else:
            found.append((path, weight))
    check_weights_of(weight for _, weight in found)
    return found


def _pictures_in(folder: Path) -> list[Path]:
    if network_in(folder) != folder:
        raise InputError(f"the folder '{folder}' is that of a trained network, not of styles; --fast {folder} uses it")
    inside = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in PICTURES and not p.name.startswith(".")]
    if not inside:
        raise InputError(
            f"there is no picture in the style folder '{folder}'; --style-class picks one from its subfolders"
        )
    if len(inside) > MOST_STYLES:
        raise InputError(f"'{folder}' holds {len(inside)} pictures; a blend takes at most {MOST_STYLES}")
    return inside


def check_weights_of(weights: Iterable[float]) -> None:
    """Refuse weights none of which is above zero."""
    listed = list(weights)
    if listed and not any(weight > 0 for weight in listed):
        raise InputError("all weights of the styles are zero or below; give at least one of them more")


def check_folders(sources: Sequence[object]) -> None:
    """Refuse to pick an artwork where there is no folder to pick it from."""
    paths = [split_weight(str(source))[0] for source in sources if isinstance(source, (str, Path))]
    if not any(path.is_dir() for path in paths):
        listed = ", ".join(f"'{path.name}'" for path in paths) or "a picture in memory"
        raise InputError(f"--style-class picks an artwork from a folder; {listed} is none")
