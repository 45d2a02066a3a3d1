"""`reverie models`: list, show, fetch."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from reverie.apps.cli.output import PipeConsole, print_lines, print_note, print_path
from reverie.errors import printable

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.critic.critic import Critic
    from reverie.critic.layers import Field

CLASSES_SHOWN = 40
WIDE = 240  # columns of a table that goes into a pipe or file


def list_command() -> int:
    """List the networks that can be dreamt with."""
    from reverie.critic.open import CAFFE
    from reverie.models.build import NAMED
    from reverie.weights.catalogue import CATALOGUE
    from reverie.weights.checkpoint import load_description
    from reverie.weights.embedded import EMBEDDED_NAMES, embedded_path
    from reverie.weights.fetch import cached

    table = Table("name", "weights", "classes", "from", box=None, header_style="bold")
    for name in EMBEDDED_NAMES:
        table.add_row(name, "shipped", str(len(load_description(embedded_path(name)).classes)), "ours")
    for name in NAMED:
        record = CATALOGUE.get(name)
        if record is None:
            table.add_row(name, "your own: --weights FILE", "", "Caffe: nin-caffe")
        else:
            state = "here" if cached(name) else "not fetched"
            table.add_row(name, state, "1000", "Caffe: bvlc_googlenet" if record.sha1 else "torchvision")
    table.add_row("FILE.safetensors", "yours", "", "reverie train classifier DATA")
    console = PipeConsole(highlight=False)
    console.print(table)
    console.print(
        "'reverie models fetch NAME' downloads weights; torchvision's were trained on ImageNet, whose pictures are for "
        "non-commercial research.\n"
        f"NAME{CAFFE} (as in 'vgg16{CAFFE} --weights FILE') is the same network for weights from Caffe: blue, green, "
        "red up to 255, less Caffe's mean.\n"
        f"googlenet{CAFFE} is the network of the first DeepDream, with its layers' names: inception_4c/output."
    )
    return 0


def show_command(
    name: Annotated[str, Parameter(help="A name of the list, or a .safetensors file.")],
    /,
    *,
    weights: Annotated[
        str | None, Parameter(help="State dict for a torchvision name; 'random' for an untrained one.")
    ] = None,
    all: Annotated[bool, Parameter(name="--all", negative="", help="Every module and every class.")] = False,  # noqa: A002
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")] = False,
) -> int:
    """Show a network's layers: channels, stride and receptive field."""
    print_layers(name, weights, everything=all, as_json=as_json)
    return 0


def print_layers(name: str, weights: str | None, *, everything: bool = False, as_json: bool = False) -> None:
    """Print a table of layers to standard output."""
    from reverie.critic.open import open_critic

    critic = open_critic(name, weights, device="cpu", precision="fp32")
    shown = critic.layers if everything else critic.named_layers
    rows = []
    for layer in shown:
        spatial = layer.name != "logits" and layer.stride > 0
        field = _field_of(critic, layer.name) if spatial and not everything else None
        rows.append((layer, field))
    about = critic.identity
    if as_json:
        record = {
            "name": about.name, "sha256": about.sha256, "classes": list(about.classes), "min_px": critic.min_side,
            "layers": [
                {"name": x.name, "path": x.path, "channels": x.channels, "stride_px": x.stride,
                 "receptive_field_px": f.full_px if f else None} for x, f in rows
            ],
        }  # fmt: skip
        print(json.dumps(record, indent=2, ensure_ascii=False))
        return
    table = Table(box=None, header_style="bold")
    for name in ("layer", "channels", "stride px", "receptive field px", "module"):
        table.add_column(name, overflow="fold", no_wrap=name in ("layer", "module") and not sys.stdout.isatty())
    for layer, field in rows:
        mark = " *" if layer.name in about.default_layers else ""
        stride = str(layer.stride) if layer.stride else "whole picture"
        cells = layer.name + mark, str(layer.channels), stride, str(field.full_px) if field else "", layer.path
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console = PipeConsole(highlight=False, width=None if sys.stdout.isatty() else WIDE)  # names are copied: never cut
    classes = f"{len(about.classes) or 'unnamed'} classes"
    print_lines(f"{about.name}: {classes}, pictures of at least {critic.min_side} px; * marks the default layer")
    console.print(table)
    if about.classes:
        some = _some(about.classes, len(about.classes) if everything else CLASSES_SHOWN)
        console.print(Text(printable(f"classes: {some}"), style="dim"))


def _field_of(critic: Critic, name: str) -> Field | None:
    """Return a layer's receptive field; None where it cannot be measured, as behind norms of the whole picture."""
    from reverie.errors import GradientError

    try:
        return critic.field([name])
    except GradientError:
        return None


def _some(names: tuple[str, ...], count: int) -> str:
    shown = ", ".join(names[:count])
    more = len(names) - count
    return f"{shown} and {more} more; --all or --json lists them" if more > 0 else shown


def fetch_command(name: Annotated[str, Parameter(help="A name of the list.")], /) -> int:
    """Download a network's weights from their official address, checked by the hash that its authors publish."""
    from reverie.apps.cli.progress import bar
    from reverie.weights.embedded import STEMS, embedded_path
    from reverie.weights.fetch import fetch

    if name in STEMS:
        print("the embedded network is part of this installation; there is nothing to fetch", file=sys.stderr)
        print_path(embedded_path(name))
        return 0
    with bar(f"fetching {name}") as line:
        path = fetch(
            name, lambda done, total: line.update(done / max(total, 1), f"{done / 1e6:.0f} of {total / 1e6:.0f} MB")
        )
    print_path(path)
    return 0


def calibrate_command(
    model: Annotated[str, Parameter(help="'embedded', a .safetensors file trained here, or a torchvision name.")],
    photos: Annotated[str, Parameter(help="Folder of ordinary photographs, a hundred or more.")],
    /,
    *,
    weights: Annotated[str | None, Parameter(help="State dict for a torchvision name.")] = None,
) -> int:
    """Measure how strong every channel of a network is on your photographs, for `--objective equalized` and `peaks`."""
    from reverie.apps.cli.progress import bar
    from reverie.critic.critic import LOGITS
    from reverie.critic.open import open_critic
    from reverie.critic.statistics import SHORT_PX, at_size, cached_path, keep, measure
    from reverie.data.sources import find_sources
    from reverie.media.image import read_picture

    found = find_sources((photos,), recursive=True)
    critic = open_critic(model, weights, device="cpu")
    names = [layer.name for layer in critic.named_layers if layer.name != LOGITS and layer.stride]
    with bar("measuring") as line:

        def pictures() -> Iterator[Tensor]:
            import torch

            for number, source in enumerate(found.sources, start=1):
                line.update(number / len(found.sources), f"picture {number} of {len(found.sources)}")
                rgb = torch.from_numpy(read_picture(source.path).rgb).permute(2, 0, 1)[None]
                for short in SHORT_PX:
                    yield from at_size(rgb, short)

        keep(critic, measure(critic, pictures(), names), replace=True)
    print_note(f"{len(names)} layers of {critic.identity.name} measured on {len(found.sources)} pictures")
    print_path(cached_path(critic))
    return 0
