"""`reverie compare` as a tool: a table on standard output, and a sheet of all pictures where one is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.job import Json
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan, Report
from reverie.tools.compare.config import CompareConfig

if TYPE_CHECKING:
    from reverie.jobs.output import Output

LOWER = (
    "lower is better: style 1 = none taken on, 0 = the same statistics; content 0 = unchanged, 1 = as a flat picture"
)


class PreparedCompare:
    """The settings, with the result in its place."""

    def __init__(self, config: CompareConfig, session: Session) -> None:
        self.notes: list[str] = []
        if not config.styled:
            raise InputError("there is no picture to compare; name one or more after content and style")
        style, styled = config.style or "", config.styled
        if len(styled) == 1 and _was_stylized(style) and not _was_stylized(styled[0]):
            self.notes.append(f"'{style}' was stylized here: taken for the result, and '{styled[0]}' for the style")
            style, styled = styled[0], (style,)
        self.config = replace(config, style=style, styled=styled)

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work: every picture through every network."""
        from reverie.jobs.output import Picture, Table
        from reverie.tools.compare.comparison import Comparing
        from reverie.tools.compare.table import table

        config = self.config
        comparing = Comparing(config.content, config.style, [Path(name) for name in config.styled], config)

        def steps() -> Iterator[Report]:
            for done, (network, picture) in enumerate(comparing.steps(), start=1):
                yield Report(done, comparing.total, "pictures", f"{picture} by {network}")
            work.notes += [*(note for note in comparing.notes if note not in work.notes), LOWER]
            record = comparing.result().record()
            work.chosen = replace(work.chosen, more={key: record[key] for key in ("size", "networks", "pictures")})

        def outputs() -> list[Output]:
            if any(not rows for rows in comparing.rows):
                return []
            found = comparing.result()
            rows: list[Mapping[str, Json]] = [
                {"picture": p.name, "network": r.network, "layer": r.layer, "style": r.style, "content": r.content}
                for p in found.pictures for r in p.rows
            ]  # fmt: skip
            return [Table(rows, table(found), found.record()), Picture(found.sheet(), label="sheet")]

        networks = ", ".join(scorer.name for scorer in comparing.scorers)
        height, width = comparing.size
        plan = Plan({"size": [width, height], "networks": networks}, None, f"{width} x {height} px")
        device = comparing.scorers[0].critic.device.type
        work = Steps(steps(), outputs, plan=plan, chosen=Chosen(device=device, about=networks))
        work.notes += comparing.notes
        return work


def _was_stylized(name: str) -> bool:
    """Tell whether a picture carries the settings of a style transfer."""
    from reverie.errors import PictureError
    from reverie.media.metadata import read_settings

    try:
        return read_settings(Path(name)).get("tool") == "style"
    except PictureError:
        return False


def upgrade(record: Mapping[str, object]) -> Mapping[str, object]:
    """Return the record of an older sheet, which named its pictures beside the settings alone, as today's."""
    config, files = record.get("config"), record.get("files")
    if not isinstance(config, Mapping) or not isinstance(files, Mapping) or config.get("styled"):
        return record
    names = {role: item.get("name") for role, item in files.items() if isinstance(item, Mapping)}
    styled = [name for role, name in names.items() if str(role).startswith("styled ")]
    inputs = {"content": names.get("content"), "style": names.get("style"), "styled": styled}
    return {**record, "config": {**config, **inputs}}


COMPARE: Tool[CompareConfig] = Tool(
    name="compare", doing="comparing", ending="compared",
    summary="Measure how much style stylized pictures took on, and how much content they kept. Lower is better. Style: "
    "1 = none taken on, 0 = the same statistics. Content: 0 = unchanged, 1 = as far as a flat picture. Measured in "
    "layers that were not matched when the picture was made, and by another network. One result may also stand "
    "between content and style, if it carries its settings.",
    config=CompareConfig, prepare=PreparedCompare, makes="table", suffix=".json", prints=True,
    extras={"sheet": "Write a sheet of all pictures, with their numbers beneath."},
    roles=(
        Role("content", "picture", "The picture that was stylized."),
        Role("style", "picture", "The picture whose style it was given."),
        Role("styled", "picture", "The results, one or several.", required=False, many=True),
    ),
    name_of=lambda config: Path(config.content or "pictures").stem, upgrade=upgrade,
    examples=("reverie compare photo.jpg starry.jpg photo-starry.png --sheet sheet.png",),
)  # fmt: skip
