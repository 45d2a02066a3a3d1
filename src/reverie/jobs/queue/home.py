"""Where a queue keeps everything: one folder, nothing outside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from reverie.errors import InputError

ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


@dataclass(frozen=True)
class Home:
    """The folder of a queue.

    Attributes:
        root: holds `jobs.db`, `files/` (inputs by content), `results/`, `jobs/` (what a running job leaves behind).
    """

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "jobs.db"

    @property
    def files(self) -> Path:
        return self.root / "files"

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def thumbs(self) -> Path:
        return self.root / "thumbs"

    @property
    def incoming(self) -> Path:
        return self.root / "incoming"

    @property
    def empty(self) -> Path:
        """Where workers stand: bare names of files that a job holds mean nothing there."""
        return self.root / "empty"

    def job(self, key: str) -> Path:
        """Return the folder of a job's progress, preview, log and unfinished state."""
        return self.root / "jobs" / _checked(key)

    def result(self, key: str) -> Path:
        """Return the folder of a job's results."""
        return self.results / _checked(key)

    def make(self) -> Home:
        """Create the folders, for this user alone.

        Raises:
            InputError: they cannot be created.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            for folder in (self.files, self.results, self.thumbs, self.incoming, self.empty, self.root / "jobs"):
                folder.mkdir(exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot make '{self.root}': {error.strerror or error}") from error
        return self


def _checked(key: str) -> str:
    """Return a key that is safe as the name of a folder; the keys of the queue all are."""
    if not ID.fullmatch(key):
        raise ValueError(f"no key of a job: {key[:80]!r}")
    return key


def default_home() -> Path:
    """Return the folder of this user's queue: REVERIE_STUDIO, else in the system's place for data."""
    import os

    import platformdirs

    given = os.environ.get("REVERIE_STUDIO")
    return Path(given) if given else Path(platformdirs.user_data_dir("reverie", appauthor=False)) / "studio"
