"""`reverie atlas` as a tool: a folder of tiles, sheets and a page, which goes on where it was stopped."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import JobError
from reverie.jobs.given import Given
from reverie.jobs.job import Input, Job
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.stored import JOB_FILE, OLDER_FILES
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan, Report
from reverie.settings import marked
from reverie.tools.atlas.config import AtlasConfig

if TYPE_CHECKING:
    from reverie.jobs.output import Output
    from reverie.tools.atlas.drawing import AtlasStep

FREE = marked(AtlasConfig, "any run")  # may differ between two runs into one folder


class PreparedAtlas:
    """The open network and all pages with their tiles."""

    def __init__(self, config: AtlasConfig, session: Session) -> None:
        from reverie.tools.atlas.drawing import plan_atlas

        self.critic = session.critic(config.model, config.weights, config.device, config.precision, fuse=True)
        self.config, self.notes = config, list[str]()
        self.pages = plan_atlas(config, self.critic)

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the drawing of every tile that is not in the scratch folder yet."""
        from reverie.jobs.output import Folder
        from reverie.tools.atlas.drawing import atlas_steps
        from reverie.tools.atlas.page import check_page, write_page, write_sheet

        config, critic, pages = replace(self.config, seed=seed), self.critic, self.pages
        folder = scratch or Path(tempfile.mkdtemp(prefix="reverie-atlas-"))
        check_page(folder)
        total = sum(len(page.tiles) for page in pages)
        ended: list[bool] = []

        def steps() -> Iterator[Report]:
            folder.mkdir(parents=True, exist_ok=True)
            for step in atlas_steps(config, critic, folder, pages):
                if step.completed:
                    write_sheet(folder, step.page, config, critic)
                    write_page(folder, pages, config, critic)
                    work.notes.append(f"{step.page.name}: {len(step.page.tiles)} tiles")
                yield Report(step.done, total, "tiles", _stage(step), {"score": step.score}, preview=step.preview)
            ended.append(True)

        def fill(target: Path) -> None:
            shutil.copytree(folder, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(JOB_FILE, *OLDER_FILES))
            write_page(target, pages, config, critic)

        def over() -> None:
            if ended or scratch is None:
                shutil.rmtree(folder, ignore_errors=True)

        def outputs() -> list[Output]:
            return [Folder(fill, written=over)]

        who = critic.identity
        chosen = Chosen(Input(who.name, who.sha256), critic.device.type, config={"precision": critic.precision})
        plan = Plan({"pages": [p.name for p in pages], "tiles": total}, None, f"{config.size} px")
        work = Steps(steps(), outputs, plan=plan, chosen=chosen)
        return work


def _stage(step: AtlasStep) -> str:
    return f"{step.page.name}  tile {step.done}/{step.tiles}  step {step.step}/{step.steps}"


def joins(stored: Job, wanted: Job) -> bool:
    """Tell whether an atlas goes on with another: of the same network, and drawn the same way; layers may join."""
    known = {**FREE, "model": "", "weights": None} if wanted.model is not None else FREE  # else by its name
    then, now = (replace(job.config, **known) for job in (stored, wanted))  # type: ignore[type-var]
    same = wanted.model is None or (stored.model is not None and stored.model.sha256 == wanted.model.sha256)
    return stored.tool == wanted.tool and same and then == now


def upgrade(record: Mapping[str, object]) -> Mapping[str, object]:
    """Return the record of an atlas; a tile or a sheet of one is no job by itself.

    Raises:
        JobError: it is one.
    """
    if "config" not in record or record.get("tool") != ATLAS.name:
        raise JobError("this is a part of an atlas, which is made again as a whole: replay its folder")
    return record


def network(config: AtlasConfig) -> Path | None:
    """Return the file of the network, if it lies here."""
    from reverie.weights.network_file import network_file

    return network_file(config.model, config.weights)


def name_of(config: AtlasConfig) -> str:
    """Return what the folder's name begins with."""
    return Path(config.model).stem


ATLAS: Tool[AtlasConfig] = Tool(
    name="atlas", doing="drawing", ending="atlas",
    summary="Draw every layer of a network: a tile per channel, a sheet per layer, and a page to browse them. "
    "Stopped and called again, it goes on where it was.",
    config=AtlasConfig, prepare=PreparedAtlas, makes="folder",
    roles=(
        Role(
            "model", "network", "'embedded', a .safetensors file trained here, or a torchvision name.", required=False
        ),
    ),
    upgrade=upgrade, network=network, name_of=name_of, joins=joins,
    examples=("reverie atlas embedded -o atlas/", "reverie atlas embedded --layer mixed4b --channels 0"),
)  # fmt: skip

PART_OF_ATLAS: Tool[AtlasConfig] = replace(ATLAS, name="atlas --sheet")  # what sheets say of themselves
