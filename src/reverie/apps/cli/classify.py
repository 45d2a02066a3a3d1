"""`reverie classify`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from reverie.apps.cli.output import print_note
from reverie.errors import InputError


def classify_command(
    model: Annotated[str, Parameter(help="'embedded', a .safetensors file trained here, or a torchvision name.")],
    pictures: Annotated[tuple[str, ...], Parameter(help="Pictures, or folders of pictures.", negative="")],
    /,
    *,
    weights: Annotated[str | None, Parameter(help="State dict for a torchvision name.")] = None,
    top: Annotated[int, Parameter(help="How many classes to name.")] = 3,
    device: Annotated[str, Parameter(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON object per picture.")] = False,
) -> int:
    """Name what a network sees in pictures."""
    if top < 1:
        raise InputError(f"--top must be at least 1; got {top}")
    paths = _expand(pictures)
    from reverie.critic.open import open_critic
    from reverie.tools.classify import classify

    critic = open_critic(model, weights, device=device)
    failed = 0
    for found in classify(critic, paths, top=top):
        for note in found.notes:
            print_note(note)
        if found.error:
            failed += 1
            print_note(f"reverie: {found.error}")
        elif as_json:
            record = {
                "picture": str(found.path),
                "classes": [{"name": n, "probability": round(p, 5)} for n, p in found.classes],
            }
            print(json.dumps(record, ensure_ascii=False))
        else:
            print(f"{found.path}  " + "  ".join(f"{name} {p:.1%}" for name, p in found.classes))
    return 2 if failed else 0


def _expand(pictures: tuple[str, ...]) -> list[Path]:
    from reverie.data.folder import SUFFIXES

    paths: list[Path] = []
    for text in pictures:
        path = Path(text)
        if path.is_dir():
            paths += sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
        else:
            paths.append(path)
    if not paths:
        raise InputError("no pictures to classify")
    return paths
