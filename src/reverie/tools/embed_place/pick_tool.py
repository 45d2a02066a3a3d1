"""`reverie embed pick`: the pictures of a list as a folder, in their class folders."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from reverie.errors import DataError, InputError, unknown_name
from reverie.jobs.given import Given
from reverie.jobs.plain_text import read_text
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Plan, Report
from reverie.tools.embed.config import PickConfig

MOST_BYTES = 64 << 20  # of a list


class PreparedPick:
    """The collection, and the names of those that are taken."""

    def __init__(self, config: PickConfig, session: Session) -> None:
        from reverie.data.collection import open_collection

        self.config, self.collection = config, open_collection(Path(config.data))
        known = {item.path for item in self.collection.items}
        wanted = listed_names(Path(config.names), config.column)
        missing = [name for name in wanted if name not in known]
        if missing:
            raise DataError(
                f"{unknown_name('picture', missing[0], sorted(known))} in '{config.data}'; the list names it"
            )
        chosen = set(wanted)
        self.names = sorted(known - chosen if config.others else chosen)
        if not self.names:
            raise InputError("no picture is left to take")
        self.notes: Sequence[str] = ()

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the copying."""
        from reverie.jobs.output import Folder

        archive, names = self.collection.archive, self.names

        def fill(folder: Path) -> None:
            for name in names:
                place = folder / PurePosixPath(name)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(archive.read(name))

        def steps() -> Iterator[Report]:
            yield Report(len(names), len(names), "pictures", "copying")

        return Steps(steps(), lambda: [Folder(fill)], plan=Plan({"pictures": len(names)}, summary="copied as they are"))


def listed_names(path: Path, column: str) -> list[str]:
    """Return the names of a CSV column, or the lines of a text.

    Raises:
        InputError: no such file or column, too large, or no names.
    """
    text = read_text(path, "the list of names", MOST_BYTES)
    if path.suffix.lower() == ".csv":
        rows = csv.DictReader(io.StringIO(text))
        if column not in (rows.fieldnames or ()):
            raise InputError(unknown_name("column", column, tuple(rows.fieldnames or ()), f"in '{path.name}'"))
        names = [row[column] for row in rows]
    else:
        names = [line.strip() for line in text.splitlines()]
    names = [name for name in names if name]
    unsafe = [name for name in names if name.startswith(("/", "\\")) or ".." in PurePosixPath(name).parts]
    if unsafe or not names:
        raise InputError(f"'{unsafe[0]}' is no name of a picture" if unsafe else f"'{path.name}' names no picture")
    return names


PICK: Tool[PickConfig] = Tool(
    name="embed pick", doing="copying", ending="picked",
    summary="Copy the pictures of a list, such as a selection on the page, into a folder.",
    config=PickConfig, prepare=PreparedPick,
    roles=(
        Role("data", "folder", "The folder or zip that was mapped."),
        Role("names", "text", "A CSV of the page or the map's folder, or a text with a name a line."),
    ),
    makes="folder", suffix="", name_of=lambda config: Path(config.data).stem,
    examples=(
        "reverie embed pick holiday/ selection.csv -o best",
        "reverie embed pick holiday/ holiday-map/duplicates.csv --column other --others -o clean",
    ),
)  # fmt: skip
