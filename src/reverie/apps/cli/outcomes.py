"""What became of many pictures: paths on standard output as they come, failures and a sum at the end."""

from __future__ import annotations

from pathlib import Path

from reverie.apps.cli.output import print_note, print_path
from reverie.jobs.batch import Outcome


class Outcomes:
    """Counts and reports outcomes."""

    def __init__(self, *, quiet: bool = False, noun: str = "pictures") -> None:
        self.made = self.skipped = 0
        self.failures: list[tuple[str, str, int]] = []
        self.notes: dict[str, list[str]] = {}
        self._quiet, self._noun = quiet, noun

    @property
    def settled(self) -> int:
        """How many jobs are over, well or badly."""
        return self.made + len(self.failures)

    @property
    def exit_code(self) -> int:
        """0 if nothing failed, 1 if anything failed through no fault of its file, else 2."""
        codes = {code for _, _, code in self.failures}
        return 0 if not codes else 1 if 1 in codes else 2

    def count(self, outcome: Outcome[object]) -> None:
        """Take note of a finished job and print where its result lies; lines behind its first are notes."""
        if outcome.state == "failed":
            self.fail(outcome.job.name, outcome.message, outcome.exit_code)
            return
        self.made += 1
        for note in outcome.message.splitlines()[1:]:
            self.notes.setdefault(note, []).append(outcome.job.name)
        print_path(outcome.job.target)

    def skip(self, target: Path) -> None:
        """Take note of a result that was there already, and print where."""
        self.skipped += 1
        if not self._quiet:
            print_path(target)

    def fail(self, name: str, message: str, code: int) -> None:
        """Take note of a picture that cannot be done."""
        self.failures.append((name, message, code))

    def summary(self) -> str:
        """Return the sums as words."""
        parts = [f"{self.made} made"]
        if self.skipped:
            parts.append(f"{self.skipped} there already")
        if self.failures:
            parts.append(f"{len(self.failures)} failed")
        return ", ".join(parts)

    def list_summary(self) -> None:
        """Print the sums."""
        print_note(self.summary())

    def list_notes(self) -> None:
        """Print every note once, with the picture or the number of pictures that it is about."""
        for note, names in sorted(self.notes.items()):
            print_note(f"{names[0] if len(names) == 1 else f'{len(names)} {self._noun}'}: {note}")

    def list_failures(self) -> None:
        """Print what failed and why, in the order of names."""
        for name, message, _ in sorted(self.failures):
            print_note(f"reverie: {message if name in message else f'{name}: {message}'}")
