"""`reverie atlas`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.options import with_config
from reverie.settings import check_settings, from_record, to_record
from reverie.tools.atlas_config import AtlasConfig


@with_config(AtlasConfig)
def atlas_command(
    model: Annotated[
        str, Parameter(help="'embedded', a .safetensors file trained here, or a torchvision name.")
    ] = "embedded",
    /,
    *,
    output: Annotated[
        str | None, Parameter(name=("--output", "-o"), help="Folder of the atlas; default: NAME-atlas.")
    ] = None,
    overwrite: Annotated[bool, Parameter(negative="", help="Replace an atlas made with other settings.")] = False,
    given: dict[str, Any],
) -> int:
    """Draw every layer of a network: a tile per channel, a sheet per layer, and a page to browse them.

    Stopped and called again, it goes on where it was.
    """
    config = from_record(AtlasConfig, to_record(AtlasConfig()) | given | {"model": model})
    check_settings(config)
    from reverie.critic.open import open_critic
    from reverie.tools.atlas import plan_atlas
    from reverie.tools.atlas_page import open_folder, write_page

    critic = open_critic(config.model, config.weights, device=config.device, precision=config.precision)
    pages = plan_atlas(config, critic)
    folder = Path(output) if output is not None else Path(f"{Path(model).stem}-atlas")
    open_folder(folder, config, critic, overwrite=overwrite)
    try:
        _draw(config, critic, folder, pages)
    except KeyboardInterrupt:
        write_page(folder, pages, config, critic)
        print("reverie: stopped by Ctrl-C; the same command goes on from here", file=sys.stderr)
        return 130
    print(write_page(folder, pages, config, critic))
    return 0


def _draw(config: AtlasConfig, critic: Any, folder: Path, pages: Any) -> None:
    from reverie.apps.cli.progress import bar
    from reverie.tools.atlas import atlas_steps
    from reverie.tools.atlas_page import write_page, write_sheet

    began, first = time.monotonic(), None
    with bar("drawing") as line:
        for step in atlas_steps(config, critic, folder, pages):
            first = step.done if first is None else first  # tiles of an earlier run say nothing about the time left
            if step.completed:
                write_sheet(folder, step.page, config, critic)
                write_page(folder, pages, config, critic)
                line.say(f"{step.page.name}: {len(step.page.tiles)} tiles")
                continue
            share = step.done / step.tiles
            new = step.done - first
            eta = (time.monotonic() - began) * (step.tiles - step.done) / new if new else None
            note = f"{step.page.name}  tile {step.done}/{step.tiles}  step {step.step}/{step.steps}"
            line.update(share, note, eta)
