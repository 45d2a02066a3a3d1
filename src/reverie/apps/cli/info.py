"""`reverie info`: what made a file, and from what, in a few lines."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.options import FLAGS
from reverie.apps.cli.output import print_lines, print_note
from reverie.errors import InputError
from reverie.settings import flag_of
from reverie.tools.registry import command_of


def info_command(
    files: Annotated[
        tuple[str, ...],
        Parameter(help="Files that Reverie made: pictures, films, meshes, networks, tables, folders.", negative=""),
    ],
    /,
    *,
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="Print all that is stored, as JSON.")] = False,
) -> int:
    """Say what made a file, and from what, in a few lines."""
    code = 0
    for number, text in enumerate(files):
        path = Path(text)
        if not path.exists():
            raise InputError(f"no file at '{text}'")
        try:
            record = _record(path)
        except InputError as error:
            print_note(f"reverie: {error}")
            code = 2
            continue
        if as_json:
            print(json.dumps(record, indent=2, ensure_ascii=False))
        else:
            print_lines("\n".join([*([""] if number else []), *about(path, record)]))
    return code


def _record(path: Path) -> Mapping[str, object]:
    """Return the job inside a file, or for a network without one what its file says of it."""
    from reverie.jobs.stored import job_beside_tensors, stored_record
    from reverie.weights.checkpoint import load_description
    from reverie.weights.in_folder import network_in

    path = network_in(path)
    if path.suffix != ".safetensors" or job_beside_tensors(path) is not None:
        return stored_record(path)
    return {"tool": "a network", "network": dataclasses.asdict(load_description(path))}


def about(path: Path, record: Mapping[str, object]) -> list[str]:
    """Return the lines that say what made a file."""
    network = record.get("network")
    if isinstance(network, Mapping) and "config" not in record:
        return _network(path, network)
    made = command_of(str(record.get("tool")))
    by = "a Python program with" if made.startswith("python ") else "reverie"
    head = f"{path.name}: made by {by} {made.removeprefix('python ')} {record.get('version', '')}".rstrip()
    if record.get("stopped_at_step") is not None:
        head += f", stopped at step {record['stopped_at_step']}"
    lines = [head]
    source = record.get("input")
    if isinstance(source, Mapping):
        size = f", {source['width']} x {source['height']} px" if source.get("width") else ""
        lines.append(f"  from      {source.get('name')}{size}")
    files = record.get("files")
    names = [f"{role}: {item.get('name')}" for role, item in files.items()] if isinstance(files, Mapping) else []
    lines += [f"  with      {', '.join(names[:6])}{' and more' if len(names) > 6 else ''}"] if names else []
    model = record.get("model")
    if isinstance(model, Mapping):
        lines.append(f"  network   {model.get('name')}, sha256 {str(model.get('sha256'))[:12]}")
    changed = " ".join(_changed(record))
    lines.append(f"  settings  {changed or 'the usual ones'}")
    steering = record.get("steering")
    if isinstance(steering, list) and steering:
        lines.append(f"  steered   {len(steering)} times while it ran")
    return [*lines, f"  again     reverie replay {shlex.quote(str(path))}"]


def _changed(record: Mapping[str, object]) -> Iterator[str]:
    """Give the settings that are not the usual ones, as they stand on the command line; the seed always."""
    fields = _fields(record)
    for section, values in record.items():
        if not isinstance(values, Mapping) or section not in fields:
            continue
        for name, value in values.items():
            field = fields[section].get(name)
            if field is None or not field.metadata.get("help"):
                continue
            plain = list(field.default) if isinstance(field.default, tuple) else field.default
            if name != "seed" and value == plain:
                continue
            flag = FLAGS.get(name, flag_of(field))
            shown = ",".join(map(str, value)) if isinstance(value, list) else "" if value is True else str(value)
            yield f"{flag} {shlex.quote(shown) if shown else ''}".strip()


def _fields(record: Mapping[str, object]) -> dict[str, dict[str, dataclasses.Field[Any]]]:
    """Return the fields of the tool's settings by section; none for a tool that this version does not know."""
    from reverie.jobs.job import section_types
    from reverie.tools.registry import find_tool

    try:
        kinds = section_types(find_tool(str(record.get("tool"))).config)
    except InputError:
        return {}
    return {section: {field.name: field for field in dataclasses.fields(cls)} for section, cls in kinds.items()}


def _network(path: Path, record: Mapping[str, object]) -> list[str]:
    classes = record.get("classes")
    lines = [f"{path.name}: a network of Reverie"]
    shown = [(key, value) for key, value in record.items() if isinstance(value, (str, int, float)) and value != ""]
    lines += [f"  {key:<12} {value}" for key, value in shown[:8]]
    if isinstance(classes, Sequence) and classes:
        lines.append(f"  {'classes':<12} {len(classes)}: {', '.join(map(str, classes[:8]))}"
                     + (" and more" if len(classes) > 8 else ""))  # fmt: skip
    return [*lines, f"  {'layers':<12}reverie models show {shlex.quote(str(path))}"]
