"""The job that a result would carry, before anything is opened: compared with what is there already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from reverie.jobs.blocks import NetworkSettings
from reverie.jobs.files import fixed_files, named_files, without_folders
from reverie.jobs.given import Given, sha256_of
from reverie.jobs.job import Input, Job, Json, parse, sections
from reverie.jobs.target import Target, choose_target
from reverie.jobs.tool import AnyTool

NONE: Mapping[str, Json] = MappingProxyType({})


def target_for(
    tool: AnyTool, find: Callable[[str], AnyTool], config: object, given: Given | None, wanted: Path, *,
    quality: int | None = None, more: Mapping[str, Json] = NONE, overwrite: bool = False, home: bool = False,
) -> Target:  # fmt: skip
    """Return where the result of a tool goes, for the name that was asked for; see `choose_target`."""
    job = replace(wanted_job(tool, config, given, quality), more=more)
    sources = [Path(text) for _, text in named_files(config)] + ([given.path] if given and given.path else [])
    return choose_target(
        wanted, job, lambda data, what: parse(data, find, what), sources=sources, overwrite=overwrite, home=home,
        fresh=tool.live, joins=tool.joins,
    )  # fmt: skip


def wanted_job(tool: AnyTool, config: object, given: Given | None, quality: int | None) -> Job:
    """Return the job that a result would carry, as far as it is known before anything is opened."""
    streamed = None if given is None else Input(given.name, given.sha256)
    config = tool.settled(config, given)
    files, model = fixed_files(tool, config), None
    network = None if tool.network is None else tool.network(config)
    if network is not None:
        model = Input(network.name, sha256_of(network))
    elif tool.network is None:
        blocks = (part for part in sections(config).values() if isinstance(part, NetworkSettings))
        shipped = next((path for block in blocks if (path := block.shipped()) is not None), None)
        model = None if shipped is None else Input(shipped.name, sha256_of(shipped))
    return Job(tool.name, without_folders(config), streamed, model, files, quality=quality)
