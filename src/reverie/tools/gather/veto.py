"""`reverie gather veto`: a collection without the pictures that a person crossed out on its review page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.plain_text import read_text
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Plan, Report
from reverie.tools.gather.config import VetoConfig

if TYPE_CHECKING:
    from reverie.jobs.output import Output

MOST_BYTES = 64 << 20


class PreparedVeto:
    """The list."""

    def __init__(self, config: VetoConfig, session: Session) -> None:
        self.out = read_list(Path(config.veto))
        self.notes: Sequence[str] = ()

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work on one folder."""
        from reverie.data.gather.layout import ATTRIBUTION, read_rows
        from reverie.jobs.output import Folder

        assert given is not None and given.path is not None
        folder = given.path
        if not (folder / ATTRIBUTION).is_file():
            raise InputError(f"'{folder}' has no {ATTRIBUTION}; expected a folder of 'reverie gather'")
        rows = read_rows(folder / ATTRIBUTION)
        known = {row["file"] for row in rows}
        unknown = sorted(self.out - known)
        if unknown:
            raise InputError(f"'{unknown[0]}' of the list is not in '{folder}'; is it the list of another folder?")
        kept = [row for row in rows if row["file"] not in self.out]

        def outputs() -> list[Output]:
            return [Folder(lambda part: _fill(part, folder, kept))]

        def steps() -> Iterator[Report]:
            yield Report(len(kept), len(kept), "pictures")

        notes = [f"{len(self.out)} of {len(rows)} pictures are left out; '{folder.name}' itself stays as it is"]
        return Steps(steps(), outputs, plan=Plan({"kept": len(kept), "left out": len(self.out)}), notes=notes)


def _fill(part: Path, folder: Path, rows: Sequence[dict[str, str]]) -> None:
    from reverie.data.gather.layout import ATTRIBUTION, link, write_review, write_rows

    for row in rows:
        source = (folder / row["file"]).resolve()
        if not source.is_relative_to(folder.resolve()):
            raise InputError(f"'{row['file']}' is not inside '{folder}'")
        (part / row["file"]).parent.mkdir(parents=True, exist_ok=True)
        link(source, part / row["file"])
    write_rows(part / ATTRIBUTION, rows)
    write_review(part, rows)


def read_list(path: Path) -> set[str]:
    """Return the files of a list, one a line, or a JSON list of them.

    Raises:
        InputError: it cannot be read.
    """
    text = read_text(path, "the list", MOST_BYTES)
    try:
        lines = json.loads(text) if text.lstrip().startswith("[") else text.splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"the list '{path}' cannot be read: {error}") from error
    return {str(line).strip() for line in lines if str(line).strip()}


VETO: Tool[VetoConfig] = Tool(
    name="gather veto", doing="leaving out", ending="kept",
    summary="Leave out what a person crossed out on the review page.",
    config=VetoConfig, prepare=PreparedVeto, makes="folder", suffix="",
    roles=(
        Role("folder", "folder", "A folder of 'reverie gather'.", streamed=True),
        Role("veto", "text", "The list that the review page saved."),
    ),
    examples=("reverie gather veto data/ veto.txt -o clean/",),
)  # fmt: skip
