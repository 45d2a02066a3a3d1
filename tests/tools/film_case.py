"""What tests of films share: the end of a job that made its frames."""

from __future__ import annotations

from typing import Any

from reverie.jobs.work import Chosen, Plan
from reverie.tools.films.job import FilmJob
from reverie.tools.films.work import FilmWork


def as_work(job: FilmJob) -> FilmWork:
    """Return a job of frames as a work."""
    return FilmWork(job, Plan(), Chosen, lambda: "")


def finished(job: FilmJob, work: FilmWork | None = None) -> dict[str, Any]:
    """Put a film together as a run does, and return what was measured."""
    work = work or as_work(job)
    measured = job.measured()
    (film,) = work.outputs()
    job.notes += film.write(job.target, job.settings() | measured, 92)
    work.close()
    return measured
