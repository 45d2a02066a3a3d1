"""`reverie print`: a picture as a page for the printer: size, resolution, bleed, crop marks; and onto paper by CUPS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.job import Json
from reverie.jobs.output import Bytes, Output
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Plan, Progress, Report
from reverie.settings import setting

if TYPE_CHECKING:
    import numpy as np

    from reverie.media.printing import Sheet

SUFFIXES = (".pdf", ".png", ".tif", ".jpg")


@dataclass(frozen=True, kw_only=True)
class PrintConfig:
    """What the page is like."""

    paper: str = setting("a4", "a3 to a6, letter, 9x13, 10x15, 13x18, 20x30, 30x40, square, or WIDTHxHEIGHTmm.")
    dpi: int = setting(300, "Dots an inch.", minimum=72, maximum=1200)
    bleed: float = setting(0.0, "Millimetres of picture beyond each edge; printers ask for 3.", minimum=0, maximum=50)
    border: float = setting(0.0, "Millimetres of white inside each edge.", minimum=0, maximum=200, excludes=("bleed",))
    fit: str = setting("fill", "Fill the page and cut what is over, or show the picture whole.",
                       choices=("fill", "whole"))  # fmt: skip
    marks: bool = setting(False, "Draw crop marks outside.")
    printer: str | None = setting(None, "Print it on this printer of CUPS, too.", replay=False, stored=False)

    def sheet(self) -> Sheet:
        """Return the same as `reverie.media` takes it.

        Raises:
            InputError: no such paper.
        """
        from reverie.media.printing import Sheet, paper_of

        return Sheet(paper_of(self.paper), self.dpi, self.bleed, self.border, self.fit == "fill", self.marks)


class PreparedPrint:
    """Settings of a page."""

    notes: Sequence[str] = ()

    def __init__(self, config: PrintConfig, session: Session) -> None:
        self.config, self.sheet = config, config.sheet()

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work: one page."""
        from reverie.media.image import to_uint8
        from reverie.media.printing import page_bytes, page_of, send_to_printer

        if given is None:
            raise InputError("a picture is printed; name its file")
        picture, config, pages, notes = given.picture, self.config, list["np.ndarray"](), list[str]()

        def steps() -> Iterator[Progress]:
            page, told = page_of(to_uint8(picture.rgb), self.sheet)
            pages.append(page)
            notes.extend(told)
            yield Report(1, 1, "pages", told[0], preview=lambda: page)

        def encoded(suffix: str, record: Mapping[str, Json]) -> bytes:
            return page_bytes(pages[0], suffix, config.dpi, json.dumps(record))

        def outputs() -> Sequence[Output]:
            return [Printed(encoded, SUFFIXES, sent=sent)]

        def sent(path: Path) -> str:
            if config.printer is None:
                return ""
            send_to_printer(path, config.printer)
            return f"sent to the printer '{config.printer}'"

        return Steps(steps(), outputs, plan=Plan(summary=config.paper, suffixes=SUFFIXES), notes=notes)


@dataclass(frozen=True, eq=False, kw_only=True)
class Printed(Bytes):
    """A page that goes to a printer once it stands under its name."""

    sent: Callable[[Path], str] | None = None

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Write it, and print it if that was asked for."""
        notes = list(super().write(path, record, quality))
        said = "" if self.sent is None else self.sent(path)
        return [*notes, said] if said else notes


PRINT: Tool[PrintConfig] = Tool(
    name="print", doing="laying out", ending="print",
    summary="Make a page for the printer: size, dpi, bleed, crop marks.",
    config=PrintConfig, prepare=PreparedPrint, roles=(Role("picture", "any", "The picture.", streamed=True),),
    makes="table", suffix=".pdf",
    examples=(
        "reverie print dream.png --paper 13x18",
        "reverie print dream.png --paper a3 --bleed 3 --marks -o dream-a3.pdf",
        "reverie print dream.png --paper 10x15 --printer Canon_SELPHY",
    ),
)  # fmt: skip
