"""`reverie style`: pictures and films that keep their content and take on the style of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.job import Json
from reverie.jobs.tool import Prepared, Role, Tool
from reverie.tools.dream.mask_rule import with_mask_rule
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.named import settled
from reverie.tools.style.presets import PRESETS
from reverie.tools.style.rules import ANY_STYLE, check_inputs

if TYPE_CHECKING:
    from reverie.jobs.session import Session


def _prepare(config: StyleConfig, session: Session) -> Prepared:
    from reverie.tools.style.work import PreparedStyle

    return PreparedStyle(config, session)


def _network(config: StyleConfig) -> Path | None:
    """Return the file of the network that stylizes or scores, if it lies here."""
    from reverie.weights.embedded import adaptive_path
    from reverie.weights.network_file import network_file

    if config.fast is None:
        return network_file(config.model, config.weights)
    return adaptive_path() if config.fast == ANY_STYLE else Path(config.fast) if Path(config.fast).is_file() else None


def _upgraded(record: Mapping[str, object]) -> Mapping[str, object]:
    """Return a record with the state that its picture was gone on with among its settings."""
    record = with_mask_rule(record, StyleConfig)
    config, state = record.get("config"), record.get("resumed_from")
    if not isinstance(config, Mapping) or not isinstance(state, str):
        return record
    return {**record, "config": {**config, "resume_from": state}}


def _sheet(config: StyleConfig, text: str) -> Mapping[str, Sequence[Json]] | None:
    """Return what strengths such as 0.3,0.5,0.8 vary: a row for every style, and of several one for their blend.

    Raises:
        InputError: one is no number from 0 to 1.
    """
    if "=" in text:
        return None
    try:
        strengths = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise InputError(f"--sheet takes strengths such as 0.3,0.5,0.8; got '{text}'") from error
    if not all(0 <= strength <= 1 for strength in strengths):
        raise InputError(f"--sheet takes strengths from 0 to 1; got '{text}'")
    numbers = range(1, len(config.style) + 1)
    rows = [[number] for number in numbers] + ([list(numbers)] if len(numbers) > 1 else [])
    return {"style": rows, "strength": strengths} if rows else {"strength": strengths}


STYLE: Tool[StyleConfig] = Tool(
    name="style", doing="stylizing", ending="style",
    summary="Stylize pictures and films: their content, the look of others.",
    config=StyleConfig, prepare=_prepare, check=check_inputs, upgrade=_upgraded, settle=settled, network=_network,
    film="reverie.tools.style_film.tool:STYLE_FILM", moving="reverie.tools.style_film.tool:STYLE_FILM", sheet=_sheet,
    presets=PRESETS,
    spreads=lambda config: config.tile is not None and config.fast is None,
    roles=(
        Role("content", "picture", "Picture, film, pattern, folder, or - for standard input: what to stylize.",
             streamed=True),
        Role("style", "picture", "Styles: pictures, or folders of them, optionally weighted as FILE:WEIGHT.",
             required=False, many=True, alias=("--style",)),
    ),
    examples=(
        "reverie style photo.jpg painting.jpg --strength 70%", "reverie style photo.jpg painting.jpg --fast",
        "reverie style holiday/ --style painting.jpg -o stylized/",
    ),
)  # fmt: skip
