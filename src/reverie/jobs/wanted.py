"""The job that a result would carry, before anything is opened: compared with what is there already."""

from __future__ import annotations

from reverie.jobs.blocks import NetworkSettings
from reverie.jobs.files import fixed_files, without_folders
from reverie.jobs.given import Given, sha256_of
from reverie.jobs.job import Input, Job, sections
from reverie.jobs.tool import AnyTool


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
