"""`reverie models convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def convert_command(
    model: Annotated[str, Parameter(help="A name of the list, such as googlenet-caffe.")],
    weights: Annotated[Path, Parameter(help="Its weights: .caffemodel, .safetensors, .pth.")],
    /,
    *,
    output: Annotated[Path, Parameter(name=("--output", "-o"), help="The .safetensors file to write.")],
    mean: Annotated[
        Path | None,
        Parameter(help="Mean picture of Caffe (.binaryproto), where it is not the usual one."),
    ] = None,
    classes: Annotated[Path | None, Parameter(help="Text of class names, one a line.")] = None,
) -> int:
    """Make one file of a network of others that knows its architecture, colors and classes: --model FILE is enough."""
    from reverie.apps.cli.output import print_note, print_path
    from reverie.critic.convert import convert
    from reverie.errors import OutputError

    if output.exists():
        raise OutputError(f"'{output}' is there already; give another name")
    about = convert(model, weights, output, mean=mean, labels=classes)
    colors = ", ".join(f"{255 * value:.1f}" for value in about.mean)
    print_note(f"{about.architecture}, {len(about.classes)} classes, mean {colors} (red, green, blue)")
    print_path(output)
    return 0
