"""`reverie replay`: make a result again from the settings it carries."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from reverie.apps.cli.replay_tool import replay_tool
from reverie.errors import InputError


def replay_command(
    picture: Annotated[
        str, Parameter(help="A picture, film, mesh, network, sound, table or folder that Reverie made.")
    ],
    /,
    *,
    output: Annotated[
        str | None, Parameter(name=("--output", "-o"), help="File to write; default: NAME-replay.")
    ] = None,
    source: Annotated[
        str | None, Parameter(name="--input", help="The original, if it is not beside the result.")
    ] = None,
    model: Annotated[str | None, Parameter(help="The network file, if it is not beside the result.")] = None,
    weights: Annotated[
        str | None, Parameter(help="The state dict, if one was used and it is not beside the result.")
    ] = None,
    mask: Annotated[str | None, Parameter(help="The mask, if one was used and it is not beside the result.")] = None,
    files: Annotated[
        tuple[str, ...],
        Parameter(
            help="Folder to look for guides, artworks and masks in; repeatable.", negative="", show_default=False
        ),
    ] = (),
) -> int:
    """Make a result again, byte for byte, from the settings inside it."""
    made = Path(picture)
    if not made.exists():
        raise InputError(f"no file at '{picture}'")
    named = {"input": source, "model": model, "weights": weights, "mask": mask}
    return replay_tool(made, output, named, files)
