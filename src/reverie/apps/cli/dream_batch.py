"""`reverie dream` with many pictures: what is still to do, who does it, and what the user sees."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reverie.apps.cli.batch_options import BatchOptions
from reverie.apps.cli.dream_worker import Payload
from reverie.apps.cli.tally import Tally
from reverie.critic.devices import is_cpu, split_devices
from reverie.data.sources import Found, Source
from reverie.data.targets import output_folder, plan_targets, remove_leftovers
from reverie.errors import OutputError, ReverieError
from reverie.jobs.batch import Job, Moment, run_jobs
from reverie.jobs.cores import WORKER_BYTES, Shares, share_out, usable_cores
from reverie.jobs.seed import seed_for
from reverie.media.source import pixels_of
from reverie.media.write import check_writable
from reverie.optimize.byte_counts import format_bytes, parse_bytes
from reverie.tools.finished import Wanted, is_finished

ROOM_PER_PIXEL = 100  # bytes that a picture takes whatever its tiles: PICTURE_BUFFERS of three floats, and its file


@dataclass(frozen=True)
class Trade:
    """What is done to many pictures: how results are called, who does it, and what a finished one carries.

    Attributes:
        ending: of the names of results.
        doing: for progress, as in ``dreaming``.
        opener: of workers, from (settings, threads).
        wanted: from (settings, file, quality) to what its result would carry.
        films: makes the films among them, from (sources and targets, settings, settings of films, tally).
    """

    ending: str
    doing: str
    opener: Callable[[Any, int | None], Any]
    wanted: Callable[[Any, Path, int], Wanted]
    films: Callable[..., None]


@dataclass(frozen=True)
class Crew:
    """Jobs that are worked through together, and who does it."""

    jobs: list[Job]
    openers: list[Any]
    here: bool


def run_batch(found: Found, config: Any, video: Any, options: BatchOptions, trade: Trade) -> int:
    """Work through all pictures, list what failed, and return the exit code: 0, 2 for bad input, 1 otherwise."""
    folder = output_folder(found.sources, options.output)
    pairs, notes = _without_results(found, plan_targets(found.sources, folder, options.suffix, trade.ending))
    began, tally = time.monotonic(), Tally(quiet=options.dry_run)
    on_cpu = is_cpu(config.device)
    limit = None if config.max_memory is None else parse_bytes(config.max_memory)
    shares = share_out(options.workers, limit if on_cpu else None)
    films = [pair for pair in pairs if pair[0].kind == "film"]
    jobs = _to_do([pair for pair in pairs if pair[0].kind == "picture"], config, options, tally, trade)
    if options.dry_run:
        print(json.dumps(_decisions(jobs, shares, tally, notes), indent=2, ensure_ascii=False))
        return tally.exit_code
    for note in notes:
        print(note, file=sys.stderr)
    _prepare_folders(jobs)
    if jobs and on_cpu:
        print(_intent(trade.doing, len(jobs), shares, config.max_memory), file=sys.stderr)
    before = tally.settled
    try:
        for crew in _crews(jobs, config, shares, options.workers, on_cpu, trade):
            _follow(crew, tally, before, len(jobs), trade.doing)
    except KeyboardInterrupt:
        print(f"reverie: stopped by Ctrl-C; {tally.summary()}; the same command goes on from here", file=sys.stderr)
        return 130
    if films:
        trade.films(films, config, video, tally, overwrite=options.overwrite)
    tally.list_notes()
    tally.list_failures()
    print(f"{tally.summary()} in {time.monotonic() - began:.1f} s", file=sys.stderr)
    return tally.exit_code


def _without_results(found: Found, pairs: Sequence[tuple[Source, Path]]) -> tuple[list[tuple[Source, Path]], list[str]]:
    """Leave out pictures that are results of others in the list, as in a second run of ``dream *.png``."""
    targets = {target.resolve() for _, target in pairs}
    kept = [(source, target) for source, target in pairs if source.path.resolve() not in targets]
    notes = [*found.notes]
    if len(kept) < len(pairs):
        notes.append(f"{len(pairs) - len(kept)} results of other pictures in the list were left out")
    return kept, notes


def _to_do(
    pairs: Sequence[tuple[Source, Path]], config: Any, options: BatchOptions, tally: Tally, trade: Trade
) -> list[Job]:
    """Return what is not finished yet, the largest first, so that no worker is left alone with one at the end."""
    jobs: list[Job] = []
    for source, target in pairs:
        seed = seed_for(config.seed, source.name)
        try:
            made = trade.wanted(replace(config, seed=seed), source.path, options.quality)
            finished = is_finished(target, made, overwrite=options.overwrite)
        except ReverieError as error:
            tally.fail(source.name, str(error), error.exit_code)
            continue
        if finished:
            tally.skip(target)
        else:
            jobs.append(Job(source.name, source.path, target, Payload(seed, options.quality, pixels_of(source.path))))
    return sorted(jobs, key=lambda job: -job.payload.pixels)


def _prepare_folders(jobs: Sequence[Job]) -> None:
    """Make the folders of the results and check that they can be written to, before any work."""
    for target in {job.target.parent: job.target for job in jobs}.values():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder '{target.parent}': {error.strerror or error}") from error
        check_writable(target)
    remove_leftovers([job.target for job in jobs])


def _crews(
    jobs: Sequence[Job], config: Any, shares: Shares, workers: str, on_cpu: bool, trade: Trade
) -> Iterator[Crew]:
    """Share the jobs out: a worker per device, or several on the CPU; what is too large for a share comes last, alone.

    Which picture is too large is decided by its own size and the machine: the company it is in changes nothing.
    """
    if not on_cpu:
        names = split_devices(config.device)
        names = names if workers == "auto" else [names[i % len(names)] for i in range(shares.workers)]
        threads = max(1, usable_cores() // len(names))
        if jobs:
            yield Crew(list(jobs), [trade.opener(replace(config, device=n), threads) for n in names], len(names) == 1)
        return
    room = shares.worker_bytes - WORKER_BYTES
    most = room / ROOM_PER_PIXEL if shares.workers > 1 else math.inf
    large = [job for job in jobs if job.payload.pixels > most]
    small = [job for job in jobs if job.payload.pixels <= most]
    if small:
        share = replace(config, device="cpu", max_memory=str(shares.worker_bytes))
        yield Crew(small, [trade.opener(share, shares.threads)] * shares.workers, shares.workers == 1)
    if large:
        whole = replace(config, device="cpu", max_memory=str(shares.budget_bytes))
        yield Crew(large, [trade.opener(whole, shares.threads * shares.workers)], False)


def _follow(crew: Crew, tally: Tally, before: int, total: int, doing: str) -> None:
    """Run one crew, with progress."""
    from reverie.apps.cli.progress import bar

    under_way: dict[int, float] = {}
    began = time.monotonic()
    with bar(doing) as line, closing(run_jobs(crew.jobs, crew.openers, here=crew.here)) as events:
        for event in events:
            if isinstance(event, Moment):
                under_way[id(event.job)] = event.share
            else:
                under_way.pop(id(event.job), None)
                tally.count(event)
            done = tally.settled - before
            share = min((done + sum(under_way.values())) / total, 1.0)
            eta = (time.monotonic() - began) * (1 - share) / share if share else None
            line.update(share, f"{done} of {total} pictures", eta)


def _intent(doing: str, count: int, shares: Shares, max_memory: str | None) -> str:
    workers = "1 worker" if shares.workers == 1 else f"{shares.workers} workers"
    threads = "1 thread" if shares.threads == 1 else f"{shares.threads} threads"
    together = f", within {format_bytes(shares.budget_bytes)} together" if max_memory is not None else ""
    pictures = "1 picture" if count == 1 else f"{count} pictures"
    return f"{doing} {pictures}: {workers} with {threads} each{together}"


def _decisions(jobs: Sequence[Job], shares: Shares, tally: Tally, notes: Sequence[str]) -> dict[str, Any]:
    return {
        "workers": shares.workers, "threads": shares.threads, "memory_mb": round(shares.budget_bytes / 1e6),
        "finished": tally.skipped, "notes": list(notes),
        "refused": [{"source": name, "why": message} for name, message, _ in sorted(tally.failures)],
        "jobs": [
            {"source": str(job.source), "output": str(job.target), "seed": job.payload.seed}
            for job in sorted(jobs, key=lambda job: job.name)
        ],
    }  # fmt: skip
