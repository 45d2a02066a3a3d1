"""Settings of a style transfer that come out of a picture, and what a finished one would carry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.apps.cli.stored import beside, find_file
from reverie.errors import InputError
from reverie.media.metadata import read_settings
from reverie.settings import from_record
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.regions import parse_region
from reverie.tools.style.rules import ANY_STYLE

if TYPE_CHECKING:
    from reverie.tools.finished import Wanted


def wanted_style(
    config: StyleConfig, source: Path | None, quality: int, piped: tuple[str, str] | None = None
) -> Wanted:
    """Return what the painting of a picture would carry, with every file named as a result names it.

    Raises:
        InputError: a style folder without pictures, or weights that are all zero.
    """
    from reverie.tools.finished import Wanted
    from reverie.tools.references import base_name
    from reverie.tools.style.sources import expand

    name = piped[0] if piped else "" if source is None else source.name
    listed = expand(config.style, config, name)
    files = {f"style {i}": path for i, (path, _) in enumerate(listed, start=1)} | _network(config)
    regions = []
    for number, text in enumerate(config.region, start=1):
        region = parse_region(text)
        mask = region.mask or region.outside
        files |= {f"region {number} mask": Path(mask)} if mask else {}
        files |= {f"region {number} style mask": Path(region.style_mask)} if region.style_mask else {}
        own = expand(region.style, config, name)
        files |= {f"region {number} style {i}": path for i, (path, _) in enumerate(own, start=1)}
        regions.append(str(region.with_files(lambda _, path: base_name(path))))
    files |= {"init_picture": Path(config.init_picture)} if config.init_picture else {}
    named = tuple(f"{path.name}:{weight:g}" for path, weight in listed)
    shown = replace(config, style=named, region=tuple(regions), style_class=None)
    return Wanted("style", shown, source, quality, files, piped)


def _network(config: StyleConfig) -> dict[str, Path]:
    """Return the file of the network that paints or judges, as ``model``."""
    from reverie.apps.cli.stored import model_file
    from reverie.weights.embedded import adaptive_path

    if config.fast is None:
        return model_file(config)
    return {"model": adaptive_path() if config.fast == ANY_STYLE else Path(config.fast)}


def style_like(made: Path, styles: tuple[str, ...]) -> StyleConfig:
    """Return the settings of a painted picture or film for another one; new styles replace those that it had.

    Raises:
        InputError: it was not painted, or a file it was painted with is nowhere.
    """
    record = read_settings(made)
    if record.get("tool") not in ("style", "style-film"):
        raise InputError(f"'{made.name}' was made by '{record.get('tool')}'; --like takes what reverie style painted")
    plain = {"size": None, "tile": None} | ({"style": [], "style_scale": [], "style_size": []} if styles else {})
    config = {**record["config"], **plain}
    return from_record(StyleConfig, with_style_files(made, record | {"config": config}, {}, ()))


def with_style_files(
    made: Path, record: dict[str, Any], overrides: dict[str, str | None], folders: tuple[str, ...]
) -> dict[str, Any]:
    """Return the settings of a record with the files that they name, found beside the picture, here or in folders.

    Raises:
        InputError: a picture that was used is nowhere.
    """
    config, known = dict(record["config"]), record.get("files", {})
    places = [Path(folder) for folder in folders]

    def found(role: str, name: str) -> str:
        return find_file(made, role, name, known.get(role, {}).get("sha256"), places)

    def found_style(role: str, text: str) -> str:
        name, colon, weight = text.rpartition(":")
        known_name = known.get(role, {}).get("name")
        if not colon or text == known_name:
            return found(role, text)
        return f"{found(role, name)}:{weight}"

    config["style"] = [found_style(f"style {i}", text) for i, text in enumerate(config["style"], start=1)]
    config["region"] = [
        str(
            parse_region(text).with_files(
                lambda role, name, number=number: (
                    found_style(f"region {number} {role}", name)
                    if role.startswith("style ") and role != "style mask"
                    else found(f"region {number} {role}", name)
                )
            )
        )
        for number, text in enumerate(config.get("region", ()), start=1)
    ]
    if config.get("init_picture"):
        config["init_picture"] = found("init_picture", config["init_picture"])
    fast = config.get("fast")
    if fast not in (None, ANY_STYLE):
        config["fast"] = overrides.get("model") or beside(made, fast)
        overrides = {**overrides, "model": None}
    for name in ("model", "weights"):
        given = overrides.get(name)
        config[name] = given or (beside(made, config[name]) if config.get(name) else None)
    return config


def replay_style(
    made: Path, record: dict[str, Any], original: Path | None, target: Path, given: dict[str, str | None],
    files: tuple[str, ...],
) -> Any:  # fmt: skip
    """Return the style transfer that a painted picture came from, ready to run again.

    Raises:
        InputError: it was painted from a preview's state, or a file differs from the one that was used.
    """
    from reverie.apps.cli.stored import check_files
    from reverie.media.write import check_writable
    from reverie.tools.style.fast import open_styling

    if record.get("resumed_from"):
        raise InputError(
            f"'{made.name}' was painted on from the state '{record['resumed_from']}'; only what was painted in one go "
            "can be replayed"
        )
    config = from_record(StyleConfig, with_style_files(made, record, given, files))
    work = open_styling(original, config)
    check_files(work.pictures.files, record.get("files", {}))
    work.call_as(record)
    work.stop_at = record.get("stopped_at_step")
    check_writable(target)
    return work
