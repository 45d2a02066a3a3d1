"""`reverie replay`: make a picture again from the settings it carries."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.output import print_path
from reverie.apps.cli.replay_tool import is_of_registry, replay_tool
from reverie.errors import InputError
from reverie.jobs.target import check_no_source
from reverie.weights.file_names import fitted

MOST_THREADS = 256  # that a file may ask for


def replay_command(
    picture: Annotated[str, Parameter(help="A picture or video that Reverie made.")],
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
    from reverie.media.metadata import read_settings

    made = Path(picture)
    if not made.exists():
        raise InputError(f"no file at '{picture}'")
    if is_of_registry(made):
        named = {"input": source, "model": model, "weights": weights, "mask": mask}
        return replay_tool(made, output, named, files)
    record = read_settings(made)
    if record.get("tool") != "visualize":
        raise InputError(f"'{made.name}' was made by '{record.get('tool')}', which cannot be replayed")
    if output is not None:
        check_no_source(Path(output), [made])
    with _threads_of(record):
        return _replay_drawing(made, record, output, {"model": model, "weights": weights})


@contextlib.contextmanager
def _threads_of(record: dict[str, Any]) -> Iterator[None]:
    """Compute with as many threads as then, since their number changes the last bits; workers have fewer than we."""
    import torch

    before, then = torch.get_num_threads(), (record.get("machine") or {}).get("threads")
    torch.set_num_threads(then if isinstance(then, int) and 1 <= then <= MOST_THREADS else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _replay_drawing(made: Path, record: dict[str, Any], output: str | None, files: dict[str, str | None]) -> int:
    from reverie.apps.cli.visualize import replay_visualize
    from reverie.media.write import check_writable

    target = Path(output) if output else made.with_name(fitted(made.stem, f"-replay{made.suffix}"))
    check_writable(target)
    replay_visualize(made, record, target, files)
    print(_verdict(record, made, target), file=sys.stderr)
    print_path(target)
    return 0


def _verdict(record: dict[str, Any], made: Path, target: Path) -> str:
    if target.read_bytes() == made.read_bytes():
        return "the bytes are the same"
    if target.suffix.lower() != made.suffix.lower():
        return f"made again as {target.suffix}; only another {made.suffix} could have the same bytes"
    return _difference(record)


def _difference(record: dict[str, Any]) -> str:
    import torch

    import reverie

    here = {"version": reverie.__version__, "torch": torch.__version__, "threads": torch.get_num_threads()}
    then = {"version": record.get("version"), **record.get("machine", {})}
    changed = [f"{name} {then.get(name)} then, {value} now" for name, value in here.items() if then.get(name) != value]
    return "the bytes differ" + (
        f": {'; '.join(changed)}" if changed else ": another processor or --quality rounds differently"
    )
