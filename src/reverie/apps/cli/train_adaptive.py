"""`reverie train adaptive`: the decoder that paints in any style."""

from __future__ import annotations

import shlex
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.distill import follow_painter
from reverie.apps.cli.interrupts import ignore_interrupts
from reverie.apps.cli.options import with_config
from reverie.apps.cli.recipe import read_recipe
from reverie.settings import check_settings, from_record
from reverie.train.adaptive_config import AdaptiveConfig


@with_config(AdaptiveConfig)
def adaptive_command(
    contents: Annotated[list[str], Parameter(help="Folders, zips or files of pictures to paint.")],
    /,
    *,
    styles: Annotated[list[str], Parameter(name="--styles", help="Folder, zip or file of styles; repeatable.")],
    output: Annotated[str, Parameter(name=("--output", "-o"), help="Folder of the run.")] = "runs/adaptive",
    recipe: Annotated[str | None, Parameter(help="YAML file of settings; options given here win.")] = None,
    resume: Annotated[bool, Parameter(negative="", help="Continue the run in --output where it stopped.")] = False,
    given: dict[str, Any],
) -> int:
    """Train the network that paints in any style."""
    base = {} if recipe is None else read_recipe(recipe, AdaptiveConfig)
    config = from_record(AdaptiveConfig, base | given)
    check_settings(config)
    from reverie.train.adaptive import train_adaptive

    pools = [Path(text) for text in contents], [Path(text) for text in styles]
    try:
        with closing(train_adaptive(*pools, Path(output), config, resume=resume)) as steps:
            made = follow_painter(steps, "training")
    except KeyboardInterrupt:
        ignore_interrupts()
        print(f"reverie: stopped by Ctrl-C; --resume -o {shlex.quote(output)} goes on", file=sys.stderr)
        return 130
    print(made)
    return 0
