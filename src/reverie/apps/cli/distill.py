"""`reverie distill` and `reverie export`: students of one style, and their ONNX files."""

from __future__ import annotations

import json
import shlex
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.interrupts import ignore_interrupts
from reverie.apps.cli.options import with_config
from reverie.errors import InputError
from reverie.settings import check_settings, from_record, to_record
from reverie.train.distill_config import DistillConfig


@with_config(DistillConfig)
def distill_command(
    sources: Annotated[
        list[str], Parameter(help="Style pictures, each optionally weighted as FILE:WEIGHT, then pictures to learn on.")
    ],
    /,
    *,
    output: Annotated[
        str, Parameter(name=("--output", "-o"), help="File of the fast style model, ending in .safetensors.")
    ] = "student.safetensors",
    export: Annotated[str | None, Parameter(help="Write it as ONNX too, to this file.")] = None,
    resume: Annotated[bool, Parameter(negative="", help="Go on where an earlier run stopped.")] = False,
    dry_run: Annotated[bool, Parameter(negative="", help="Print all settings and stop.")] = False,
    given: dict[str, Any],
) -> int:
    """Teach a small network one style, judged by the optimizer's objective; then it paints in one pass."""
    if len(sources) < 2:
        raise InputError("reverie distill needs a style and a folder or zip of pictures: reverie distill STYLE DATA")
    config = from_record(DistillConfig, given)
    check_settings(config)
    *styles, data = sources
    if dry_run:
        print(json.dumps({"styles": styles, "data": data, "output": output, "settings": to_record(config)}, indent=2))
        return 0
    from reverie.tools.fast.export_onnx import check_export
    from reverie.tools.style.named import split_weight
    from reverie.train.distill import distill

    if export is not None:
        check_export(Path(export))
    pairs = [split_weight(text) for text in styles]
    try:
        with closing(distill(pairs, Path(data), Path(output), config, resume=resume)) as steps:
            follow_painter(steps, "distilling")
    except KeyboardInterrupt:
        ignore_interrupts()
        again = shlex.join(["reverie", "distill", *sources, "-o", output, "--resume"])
        print(f"reverie: stopped by Ctrl-C; continue with: {again} and the same options", file=sys.stderr)
        return 130
    print(output)
    return 0 if export is None else export_command(output, output=export)


def export_command(
    model: Annotated[str, Parameter(help="A fast style model's file, or 'any' for the shipped network for any style.")],
    /,
    *,
    output: Annotated[str, Parameter(name=("--output", "-o"), help="File to write, ending in .onnx.")],
) -> int:
    """Write a network that paints in one pass as ONNX, compared with ours by onnxruntime."""
    from reverie.tools.fast.export_onnx import check_export, export_onnx
    from reverie.tools.fast.model import open_student

    check_export(Path(output))
    made = export_onnx(open_student(None if model == "any" else model, device="cpu"), Path(output))
    shown = ", ".join(f"{difference:.1e} at {size}" for size, difference in made.differences.items())
    print(f"inputs {', '.join(made.inputs)}; largest difference from ours: {shown}", file=sys.stderr)
    print(made.path)
    return 0


def follow_painter(steps: Any, title: str) -> Path | None:
    """Show the steps of a training until it ends, and return what it wrote."""
    from reverie.apps.cli.progress import bar

    output = None
    with bar(title) as line:
        for moment in steps:
            shown = "  ".join(f"{name} {value:.3g}" for name, value in moment.metrics.items())
            if moment.phase == "train":
                line.update(moment.progress, f"step {moment.step}  {shown}", moment.eta_s)
            else:
                line.say(moment.message or f"done: {shown}")
            output = moment.output or output
    return output
