"""`reverie replay`: make a picture again from the settings it carries."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.stored import beside, check_files, with_files
from reverie.errors import InputError
from reverie.settings import from_record
from reverie.tools.dream_config import DreamConfig


def replay_command(
    picture: Annotated[str, Parameter(help="A picture that Reverie made.")],
    /,
    *,
    output: Annotated[
        str | None, Parameter(name=("--output", "-o"), help="File to write; default: NAME-replay.")
    ] = None,
    source: Annotated[
        str | None, Parameter(name="--input", help="The original, if it is not beside the picture.")
    ] = None,
    model: Annotated[str | None, Parameter(help="The network file, if it is not beside the picture.")] = None,
    weights: Annotated[
        str | None, Parameter(help="The state dict, if one was used and it is not beside the picture.")
    ] = None,
    mask: Annotated[str | None, Parameter(help="The mask, if one was used and it is not beside the picture.")] = None,
    files: Annotated[
        tuple[str, ...],
        Parameter(
            help="Folder to look for guides, artworks and masks in; repeatable.", negative="", show_default=False
        ),
    ] = (),
) -> int:
    """Make a picture again, byte for byte, from the settings inside it."""
    from reverie.api import Dream
    from reverie.apps.cli.dream import run_dream
    from reverie.media.metadata import read_settings

    made = Path(picture)
    record = read_settings(made)
    if record.get("tool") != "dream":
        raise InputError(f"'{made.name}' was made by '{record.get('tool')}', which cannot be replayed")
    if "stopped_at_step" in record:
        raise InputError(f"'{made.name}' was stopped before its end; dream again with --like '{made}'")
    config = with_files(made, record, {"model": model, "weights": weights, "mask": mask}, files)
    original = _original(made, record.get("input"), source)
    target = Path(output) if output else made.with_name(f"{made.stem}-replay{made.suffix}")
    work = Dream(original, from_record(DreamConfig, config))
    _check_same(work, record)
    check_files(work.references.files, record.get("files", {}))
    code = run_dream(work, target, int(record.get("quality", 92)))
    if code == 0:
        same = target.read_bytes() == made.read_bytes()
        print("the bytes are the same" if same else _difference(work, record), file=sys.stderr)
    return code


def _original(made: Path, about: dict[str, Any] | None, source: str | None) -> Path | None:
    if about is None:
        return None
    path = Path(source) if source else Path(beside(made, about["name"]) or "")
    if not path.is_file():
        raise InputError(f"the original '{about['name']}' is neither beside '{made}' nor here; give it with --input")
    return path


def _check_same(work: Any, record: dict[str, Any]) -> None:
    about = record.get("input")
    if about and work.picture.sha256 != about["sha256"]:
        raise InputError(
            f"'{work.picture.name}' is not the picture that was dreamt on: its sha256 differs; give it with --input"
        )
    if work.critic.identity.sha256 != record["model"]["sha256"]:
        raise InputError(
            f"the network '{work.critic.identity.name}' is not the one that was used: its sha256 differs; "
            "give it with --model"
        )


def _difference(work: Any, record: dict[str, Any]) -> str:
    import torch

    import reverie

    here = {"version": reverie.__version__, "torch": torch.__version__, "threads": torch.get_num_threads()}
    then = {"version": record.get("version"), **record.get("machine", {})}
    changed = [f"{name} {then.get(name)} then, {value} now" for name, value in here.items() if then.get(name) != value]
    return "the bytes differ" + (
        f": {'; '.join(changed)}" if changed else ": another processor or --quality rounds differently"
    )
