"""A tool with many inputs: what is still to do, who does it, and what the user sees."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.apps.cli.afar import batch_afar
from reverie.apps.cli.one import check_target, run_one, suffix_for
from reverie.apps.cli.outcomes import Outcomes
from reverie.apps.cli.output import print_note
from reverie.apps.cli.pipes import as_given
from reverie.apps.cli.tool_config import films_of, settings_of
from reverie.cluster.executors import open_executor
from reverie.critic.devices import is_cpu, split_devices
from reverie.data.sources import Found, Source
from reverie.data.targets import output_folder, plan_targets, remove_leftovers
from reverie.errors import OutputError, ReverieError
from reverie.jobs.batch import Item, Moment, Outcome, run_jobs
from reverie.jobs.cores import WORKER_BYTES, Shares, share_out, usable_cores
from reverie.jobs.earlier import earlier_note, earlier_results
from reverie.jobs.given import Given
from reverie.jobs.interrupts import cause
from reverie.jobs.job import Json, sections
from reverie.jobs.many import Asked, Opener
from reverie.jobs.tool import AnyTool
from reverie.jobs.values import seed_of, with_chosen
from reverie.jobs.wanted import target_for
from reverie.media.source import pixels_of
from reverie.optimize.byte_counts import format_bytes, parse_bytes
from reverie.tools.registry import command_of

if TYPE_CHECKING:
    from reverie.apps.cli.common_options import Common

SEED_EACH = "--seed each: every picture has a seed of its own, by its name"
ROOM_PER_PIXEL = 100  # bytes that a picture takes whatever its tiles: PICTURE_BUFFERS of three floats, and its file


def run_many(
    tool: AnyTool, find: Callable[[str], AnyTool], found: Found, given: Mapping[str, object], common: Common
) -> int:
    """Work through all inputs, list what failed, and return the exit code: 0, 2 for bad input, 1 otherwise."""
    config, found = settings_of(tool, find, given, common), _without_earlier(tool, found)
    folder = output_folder(found.sources, None if common.output is None else as_given(common.output))
    singles = [source for source in found.sources if source.kind in ("picture", "mesh")]
    pairs = plan_targets(singles, folder, suffix_for(tool, None, common), tool.ending)
    began, outcomes = time.monotonic(), Outcomes(quiet=common.dry_run, noun=_noun(tool, 2))
    on_cpu, limit = is_cpu(_value(config, "device") or "auto"), _value(config, "max_memory")
    shares = share_out(common.workers, parse_bytes(limit) if limit is not None and on_cpu else None)
    notes = [*found.notes, *([SEED_EACH] if common.seed_each else [])]
    executor = open_executor(common.executor, find, common.workers) if not common.dry_run else None
    items = _to_do(tool, find, pairs, config, common, outcomes, notes)
    if common.dry_run:
        print(json.dumps(_decisions(items, shares, outcomes, notes, found), indent=2, ensure_ascii=False))
        return outcomes.exit_code
    if common.verbose:
        print(json.dumps(_decisions(items, shares, outcomes, [], found), indent=2, ensure_ascii=False), file=sys.stderr)
    for note in notes:
        print_note(note)
    _prepare_folders(tool, items, config)
    batches = _batches(tool, find, items, config, shares, common.workers, on_cpu=on_cpu)
    if executor is not None:
        batches = iter([batch_afar(tool, executor, items, config)] if items else [])
    elif items and on_cpu:
        print(_intent(tool, len(items), shares, limit), file=sys.stderr)
    try:
        before = outcomes.settled
        for batch in batches:
            _follow(tool, batch, outcomes, before, len(items))
        _films(tool, find, found, given, common, folder, outcomes)
    except KeyboardInterrupt:
        outcomes.list_failures()
        print_note(f"reverie: stopped by {cause()}; {outcomes.summary()}; the same command goes on from here")
        return 130
    outcomes.list_notes()
    outcomes.list_failures()
    print(f"{outcomes.summary()} in {time.monotonic() - began:.1f} s", file=sys.stderr)
    return outcomes.exit_code


def _without_earlier(tool: AnyTool, found: Found) -> Found:
    """Return the inputs without what this command made of others among them, and a line that says so."""
    left_out = earlier_results([source.path for source in found.sources], tool.name, command_of)
    if not left_out:
        return found
    kept = tuple(source for source in found.sources if source.path not in left_out)
    return replace(found, sources=kept, notes=(*found.notes, earlier_note(left_out)))


def _films(
    tool: AnyTool, find: Callable[[str], AnyTool], found: Found, given: Mapping[str, object], common: Common,
    folder: Path | None, outcomes: Outcomes,
) -> None:  # fmt: skip
    """Work on the films among the inputs, one after the other."""
    filming = films_of(tool) or (tool if tool.streamed is not None and tool.streamed.kind == "film" else None)
    for one in (source for source in found.sources if source.kind == "film"):
        if filming is None:
            outcomes.fail(one.name, f"reverie {tool.name} does not work on films", 2)
            continue
        own = dict(given) | {"seed": own_seed(one.name)} if common.seed_each else given
        _film(filming, find, one, settings_of(filming, find, own, common, tool), common, folder, outcomes)


def own_seed(name: str) -> int:
    """Return the seed that a picture of this name has under ``--seed each``: the same on every machine."""
    return int.from_bytes(sha256(name.encode()).digest()[:4], "big") >> 1


def _value(config: object, name: str) -> Any:
    """Return a setting, wherever it stands; None where there is none."""
    return next((getattr(part, name) for part in sections(config).values() if hasattr(part, name)), None)


def _noun(tool: AnyTool, count: int) -> str:
    """Return what a tool works on, as a word behind a number."""
    one, several = ("mesh", "meshes") if tool.streamed and tool.streamed.kind == "mesh" else ("picture", "pictures")
    return one if count == 1 else several


def _intent(tool: AnyTool, count: int, shares: Shares, limit: str | None) -> str:
    workers = "1 worker" if shares.workers == 1 else f"{shares.workers} workers"
    threads = "1 thread" if shares.threads == 1 else f"{shares.threads} threads"
    together = f", within {format_bytes(shares.budget_bytes)} together" if limit is not None else ""
    return f"{tool.doing} {count} {_noun(tool, count)}: {workers} with {threads} each{together}"


def _to_do(
    tool: AnyTool, find: Callable[[str], AnyTool], pairs: Sequence[tuple[Source, Path]], config: object,
    common: Common, outcomes: Outcomes, notes: list[str],
) -> list[Item[Asked]]:  # fmt: skip
    """Return what is not there yet, the largest first, so that no worker is left alone with one at the end."""
    items = []
    for source, wanted in pairs:
        try:
            given = Given(source.path, kind=source.kind)
            own_config = with_chosen(config, {"seed": own_seed(source.name)}) if common.seed_each else config
            target = target_for(
                tool, find, own_config, given, wanted, quality=common.quality, overwrite=common.overwrite
            )
        except ReverieError as error:
            outcomes.fail(source.name, str(error), error.exit_code)
            continue
        if target.finished:
            outcomes.skip(target.path)
            continue
        notes += [target.note] if target.note else []
        asked = Asked(seed_of(own_config), common.quality, source.kind, pixels_of(source.path))
        items.append(Item(source.name, source.path, target.path, asked))
    return sorted(items, key=lambda item: -item.payload.pixels)


def _prepare_folders(tool: AnyTool, items: Sequence[Item[Asked]], config: object) -> None:
    for target in {item.target.parent: item.target for item in items}.values():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder '{target.parent}': {error.strerror or error}") from error
        check_target(tool, target, config)
    remove_leftovers([item.target for item in items])


Batch = Callable[[], Generator[Moment[Asked] | Outcome[Asked]]]
"""Begins to work through some items and yields what happens."""


def _batches(
    tool: AnyTool, find: Callable[[str], AnyTool], items: list[Item[Asked]], config: object, shares: Shares,
    workers: str, *, on_cpu: bool,
) -> Iterator[Batch]:  # fmt: skip
    """Share the items out: a worker per device, or several on the CPU; what is too large for a share comes last, alone.

    Which picture is too large is decided by its own size and the machine: the company it is in changes nothing.
    """

    def opener(threads: int, memory: int | None = None, **changed: Json) -> Opener:
        return Opener(find, tool.name, with_chosen(config, changed), threads, memory)

    if not items:
        return
    if not on_cpu:
        names = split_devices(_value(config, "device"))
        names = names if workers == "auto" else [names[i % len(names)] for i in range(shares.workers)]
        threads = max(1, usable_cores() // len(names))
        yield partial(run_jobs, items, [opener(threads, device=name) for name in names], here=len(names) == 1)
        return
    most = (shares.worker_bytes - WORKER_BYTES) / ROOM_PER_PIXEL if shares.workers > 1 else math.inf
    large = [item for item in items if item.payload.pixels > most]
    small = [item for item in items if item.payload.pixels <= most]
    if small:
        openers = [opener(shares.threads, shares.worker_bytes)] * shares.workers
        yield partial(run_jobs, small, openers, here=shares.workers == 1)
    if large:
        yield partial(run_jobs, large, [opener(shares.threads * shares.workers, shares.budget_bytes)])


def _follow(tool: AnyTool, batch: Batch, outcomes: Outcomes, before: int, total: int) -> None:
    """Run one batch, with progress."""
    from reverie.apps.cli.progress import bar

    under_way: dict[int, float] = {}
    first: tuple[float, float] | None = None  # time and share of the first report, behind the start of the workers
    with bar(tool.doing) as line, closing(batch()) as events:
        for event in events:
            if isinstance(event, Moment):
                under_way[id(event.job)] = event.share
            else:
                under_way.pop(id(event.job), None)
                outcomes.count(event)
            done = outcomes.settled - before
            share = min((done + sum(under_way.values())) / total, 1.0)
            now = time.monotonic()
            first = first or (now, share)
            eta = (now - first[0]) * (1 - share) / (share - first[1]) if share > first[1] else None
            line.update(share, f"{done} of {total} {_noun(tool, 2)}", eta)


def _film(
    filming: AnyTool, find: Callable[[str], AnyTool], source: Source, config: object, common: Common,
    folder: Path | None, outcomes: Outcomes,
) -> None:  # fmt: skip
    """Work on a film of a list; the films of a list come after its pictures, one by one."""
    here = replace(common, output=None if folder is None else f"{folder}/")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    before = outcomes.skipped
    try:
        code = run_one(filming, find, config, Given(source.path, kind="film"), here, there=outcomes.skip)
    except ReverieError as error:
        outcomes.fail(source.name, str(error), error.exit_code)
        return
    if code == 130:
        raise KeyboardInterrupt
    outcomes.made += outcomes.skipped == before


def _decisions(
    items: Sequence[Item[Asked]], shares: Shares, outcomes: Outcomes, notes: Sequence[str], found: Found
) -> dict[str, object]:
    films = [source.name for source in found.sources if source.kind == "film"]
    more: dict[str, object] = {"films": films} if films else {}
    return {
        "inputs": len(items) + len(films) + outcomes.skipped + len(outcomes.failures),
        "workers": shares.workers, "threads": shares.threads, "finished": outcomes.skipped, "notes": list(notes),
        "refused": [{"source": name, "why": message} for name, message, _ in sorted(outcomes.failures)],
        "jobs": [{"source": str(i.source), "output": str(i.target)} for i in sorted(items, key=lambda i: i.name)],
    } | more  # fmt: skip
