"""The attendant of a wall: prints what newly may be shown, lets reactions see it, and listens; in its own thread."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.apps.web.studio.api_wall import REACTION, on_wall
from reverie.apps.web.studio.studio import Studio
from reverie.errors import InputError, ReverieError
from reverie.jobs.queue.trail import write_whole

if TYPE_CHECKING:
    from reverie.jobs.queue.entry import Entry, Result
    from reverie.media.printing import Sheet
    from reverie.tools.live.reactions import Fired, Rules

EVERY_S = 1.0
LISTEN_S = 0.1  # between two looks at live inputs
DONE_FILE = "attended.txt"  # ids of results that were seen to, so that a restart prints nothing twice
MOST_KNOWN = 5000
LATER = -10  # the priority of what reactions queue: visitors come first


class Attendant:
    """Sees to each new picture once.

    Args:
        studio: whose wall.
        printer: of CUPS; None to print nothing.
        sheet: how pages are made.
        rules: reactions to what is seen, or to live inputs of the studio; None for none.

    Attributes:
        log: what was done or went wrong, the latest last.
    """

    def __init__(
        self, studio: Studio, printer: str | None = None, sheet: Sheet | None = None, rules: Rules | None = None
    ) -> None:
        self._studio, self._printer, self._sheet, self._rules = studio, printer, sheet, rules
        self._file = studio.home.root / DONE_FILE
        self._done = self._file.read_text().split() if self._file.exists() else [r.id for _, r in on_wall(studio)]
        self.log: list[str] = []
        self._look, self._reactor, self._began = None, None, time.monotonic()
        if rules is not None:
            from reverie.jobs.session import Session
            from reverie.tools.live.reactions import Reactor, looking

            self._reactor = Reactor(rules)
            if rules.classes:
                self._look = looking(Session().critic("embedded", None, "auto", "auto"), rules.classes)
        self._jobs = {} if rules is None else jobs_of(rules, studio)

    def serve(self, over: threading.Event) -> None:
        """See to new pictures until it is over."""
        signals, due = self._studio.signals, 0.0
        while not over.wait(EVERY_S if signals is None else LISTEN_S):
            try:
                self.listen()
                if time.monotonic() >= due:
                    due = time.monotonic() + EVERY_S
                    self.turn()
            except ReverieError as error:
                self._say(str(error))
        if signals is not None:
            signals.close()

    def listen(self) -> None:
        """Read the live inputs, and let reactions know."""
        if self._studio.signals is None:
            return
        heard = self._studio.signals.step()
        if self._reactor is not None:
            for fired in self._reactor.step(heard, self._now()):
                self._obey(fired, next((result for _, result in on_wall(self._studio)), None))

    def turn(self) -> int:
        """See to what is new; return how many pictures that were."""
        known = set(self._done)
        fresh = [(entry, result) for entry, result in on_wall(self._studio) if result.id not in known]
        for entry, result in reversed(fresh):
            self._done.append(result.id)
            write_whole(self._file, "\n".join(self._done[-MOST_KNOWN:]).encode())
            self._one(self._studio.home.result(entry.id) / result.name, entry, result)
        return len(fresh)

    def _one(self, path: Path, entry: Entry, result: Result) -> None:
        from reverie.media.image import read_picture, to_uint8

        rgb = to_uint8(read_picture(path).rgb)
        if self._reactor is not None and entry.owner != REACTION:
            seen = {} if self._look is None else dict(self._look(rgb))
            for fired in self._reactor.step(seen, self._now()):
                self._obey(fired, result)
            self._reactor.step(dict.fromkeys(seen, 0.0), self._now())  # each picture is seen by itself
        if self._printer is not None and self._sheet is not None:
            from reverie.media.printing import page_bytes, page_of, send_to_printer

            page = self._studio.home.job(entry.id) / "print.pdf"
            write_whole(page, page_bytes(page_of(rgb, self._sheet)[0], ".pdf", self._sheet.dpi))
            send_to_printer(page, self._printer)
            page.unlink(missing_ok=True)
            self._say(f"printed {path.name}")

    def _obey(self, fired: Fired, result: Result | None) -> None:
        """Do what a rule says; `result` is the picture that was seen, or the newest on the wall."""
        from reverie.tools.live.reactions import send

        self._say(str(fired).strip())
        if fired.action.kind == "osc":
            send(fired.action)
        elif fired.action.kind == "job":
            record = dict(self._jobs[fired.action.value])
            if "input" in record and result is None:
                raise InputError("there is no picture on the wall yet that the reaction could work on")
            if "input" in record and result is not None:
                record["input"] = {"name": result.name, "sha256": result.sha256}
            self._studio.post(record, REACTION, priority=LATER)

    def _now(self) -> float:
        """Return the seconds since the doors opened."""
        return time.monotonic() - self._began

    def _say(self, line: str) -> None:
        import sys

        self.log = [*self.log[-200:], line]
        print(f"wall: {line}", file=sys.stderr, flush=True)


def jobs_of(rules: Rules, studio: Studio) -> dict[str, dict[str, object]]:
    """Return the jobs that rules queue, by the name of their file; each picture that is seen takes its input's place.

    Raises:
        InputError: there is no such file, or no job in it that can be done here.
    """
    from reverie.jobs.queue.adding import OF_ONE_RESULT, beside, read_job

    actions = [action for rule in rules.rules for action in rule.actions]
    found: dict[str, dict[str, object]] = {}
    for action in actions:
        if action.kind in ("set", "seed"):
            raise InputError(f"'{action.kind}' moves a live show; a wall takes cue, osc and job")
        if action.kind != "job" or action.value in found:
            continue
        place = rules.folder / action.value
        record = read_job(str(place))
        for path in beside(place, record, studio.find):
            studio.files.adopt(path, owner=REACTION)
        tool = studio.find(str(record.get("tool")))
        record = {key: value for key, value in record.items() if key not in (*OF_ONE_RESULT, "input")}
        if tool.streamed is not None:
            record["input"] = {}
        found[action.value] = record
    return found
