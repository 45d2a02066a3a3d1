"""`reverie latent open`: what a foreign file of a generator is, and the same generator as a file of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Plan, Report
from reverie.settings import setting

if TYPE_CHECKING:
    from reverie.jobs.job import Json
    from reverie.jobs.output import Output
    from reverie.models.stylegan2.foreign import Converted

MOST_TEXT = 400  # characters of what a file says of itself, in one line
MOST_CODE = 4  # pieces of source code that are named one by one


@dataclass(frozen=True, kw_only=True)
class OpenConfig:
    """How a foreign generator is kept."""

    half: bool = setting(False, "Keep the weights in 16 bits: half the size, and no difference that is seen.")


class PreparedOpen:
    """Nothing needs to be prepared."""

    notes: Sequence[str] = ()

    def __init__(self, config: OpenConfig, session: Session) -> None:
        self.config = config

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the conversion of one file, which has been read when this returns."""
        from reverie.jobs.output import Network
        from reverie.models.stylegan2.file import halved
        from reverie.models.stylegan2.foreign import convert

        if given is None or given.path is None:
            raise InputError("there is nothing to open; name a file")
        made = convert(given.path)
        state = halved(made.state) if self.config.half else made.state
        description = made.description({"name": given.name, "sha256": given.sha256})

        def steps() -> Iterator[Report]:
            yield Report(1, 1, unit="networks")

        def outputs() -> list[Output]:
            return [Network(state, description)]

        return Steps(steps(), outputs, plan=Plan(_decisions(made), 1, _shape(made)), notes=_told(made))


def _decisions(made: Converted) -> Mapping[str, Json]:
    """Return what ``--dry-run`` prints."""
    found, report = made.found, made.report
    return {
        "form": found.dialect, "parameters": made.parameters, "network": _json(made.config.record()),
        "stated": _json(found.stated),
        "source code": [f"{c.name}: {c.lines} lines, sha256 {c.sha256}" for c in found.code],
        "instructions": report.opcodes, "pickles inside": report.nested,
        "asked for": dict(report.globals.most_common(50)), "unknown": report.unknown[:50], "flags": list(report.flags),
    }  # fmt: skip


def _json(value: object) -> Json:
    return json.loads(json.dumps(value, default=str))


def _shape(made: Converted) -> str:
    height, width = made.config.size
    return f"{width} x {height} px, {made.parameters:,} parameters"


def _told(made: Converted) -> list[str]:
    """Return what a person wants to know, line by line."""
    found, config, report = made.found, made.config, made.report
    colors = {1: "grey", 3: "RGB", 4: "RGBA"}[config.colors]
    classes = f", {config.c_dim} classes" if config.c_dim else ""
    shape = f"{colors}, {config.architecture}, {config.num_ws} layers of w, mapping of {config.mapping_layers}{classes}"
    lines = [f"{found.dialect}: {_shape(made)}, {shape}"]
    lines += [f"says of itself: {key}: {_cut(value)}" for key, value in found.stated.items()]
    for code in found.code[:MOST_CODE]:
        lines.append(f"source code inside, not run: {code.name}, {code.lines} lines, sha256 {code.sha256}")
    if len(found.code) > MOST_CODE:
        lines.append(f"and {len(found.code) - MOST_CODE} more pieces of source code; --dry-run lists them")
    if report.opcodes:
        lines.append(f"{report.opcodes:,} instructions read as data, {report.nested} pickles inside; nothing was run")
    lines += [f"flagged: the file {flag}" for flag in report.flags]
    if report.unknown:
        more = f" and {len(report.unknown) - 6} more" if len(report.unknown) > 6 else ""
        lines.append(f"further classes and functions, left alone: {', '.join(map(_cut, report.unknown[:6]))}{more}")
    return lines + made.notes


def _cut(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + " ..."


LATENT_OPEN: Tool[OpenConfig] = Tool(
    name="latent open", doing="opening", ending="",
    summary="Say what a foreign generator file is, and keep it as a file of ours; nothing in it is run.",
    config=OpenConfig, prepare=PreparedOpen,
    roles=(
        Role("file", "network", "Files of NVIDIA (.pkl), rosinality, lucidrains (.pt), or state dicts.", streamed=True),
    ),
    makes="network", suffix=".safetensors",
    examples=("reverie latent open ffhq.pkl", "reverie latent open ffhq.pkl --half -o ffhq.safetensors"),
)  # fmt: skip
