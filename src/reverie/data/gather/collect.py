"""Gather pictures of classes from sources: search, fetch, check, keep, until there are enough or no more.

Each host is asked by one worker at a time; several hosts are asked side by side. Of the sources, the one that gave the
fewest pictures to a class comes next, so that no source dominates.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

from reverie.data.gather.check import Bounds, Checked, check_picture
from reverie.data.gather.manifest import Item, Kept, Manifest, Query
from reverie.data.gather.record import Licence, Page, Source, allowed
from reverie.data.net.address import RefusedError, place_of, split_address
from reverie.data.net.client import Client, FetchError, Stopped
from reverie.data.perceptual import Known
from reverie.errors import OfflineError

POLL_S = 0.5
TRIES_OF_A_SEARCH = 2
LOOKED_THROUGH = 40  # pictures that wait, for one whose host is free


@dataclass(frozen=True)
class Wish:
    """Pictures of one class, by its search words."""

    label: str
    words: str


@dataclass(frozen=True)
class Terms:
    """What is taken.

    Attributes:
        count: pictures of each class.
        bounds: of size and color.
        licence: what they may be used for.
        most_bytes: of a file.
        workers: requests at once, to different hosts.
    """

    count: int = 100
    bounds: Bounds = field(default_factory=Bounds)
    licence: Licence = "modify"
    most_bytes: int = 32 << 20
    workers: int = 4


@dataclass(frozen=True)
class Moment:
    """How far it is: pictures kept and wanted, and what happened last."""

    kept: int
    wanted: int
    line: str


@dataclass
class _Class:
    """One class on its way."""

    wish: Wish
    queries: dict[str, Query]
    waiting: dict[str, deque[Item]]
    kept: dict[str, int]
    under_way: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)

    def short_of(self, count: int) -> bool:
        return sum(self.kept.values()) + sum(self.under_way.values()) < count

    def sources(self) -> list[str]:
        """Return the sources, the one that gave the fewest pictures first."""
        return sorted(self.queries, key=lambda s: self.kept.get(s, 0) + self.under_way.get(s, 0))


_Task = tuple[str, "_Class", str, "Item | Query"]  # host, class, source, what is asked


class Collector:
    """Goes on from where a manifest stands.

    Args:
        manifest: open; the collector does not close it.
        client: sends the requests.
        sources: by name.
        wishes: the classes.
        terms: what is taken.
        here: files of pictures that were fetched before, by address; they are not asked for.
    """

    def __init__(
        self, manifest: Manifest, client: Client, sources: Mapping[str, Source], wishes: Sequence[Wish], terms: Terms,
        here: Mapping[str, Path] | None = None,
    ) -> None:  # fmt: skip
        self.manifest, self.client, self.sources, self.terms = manifest, client, dict(sources), terms
        self.notes: list[str] = []
        self.newest: Path | None = None  # the picture that was kept last
        settled = json.dumps([terms.licence, asdict(terms.bounds), terms.most_bytes])
        self._here = {**(here or {}), **manifest.settle(settled)}
        self._known, self._digests = Known(), set[str]()
        self._why: dict[str, str] = {}  # source → why it does not answer
        there = manifest.kept()
        for kept in there:
            self._remember(kept)
        self._classes = [self._class(wish, there) for wish in wishes]

    @property
    def kept(self) -> int:
        """How many pictures are here."""
        return sum(sum(c.kept.values()) for c in self._classes)

    @property
    def wanted(self) -> int:
        """How many there are to be."""
        return self.terms.count * len(self._classes)

    def steps(self) -> Iterator[Moment]:
        """Gather, yielding after each picture and each page of results.

        Raises:
            OfflineError: no source answers, and there is not one picture.
        """
        tasks: dict[Future[object], _Task] = {}
        pool = ThreadPoolExecutor(self.terms.workers, "gather")
        try:
            while True:
                self._start(tasks, pool)
                if not tasks:
                    break
                done, _ = wait(tasks, POLL_S, FIRST_COMPLETED)
                for future in done:
                    line = self._settled(tasks.pop(future), future)
                    yield Moment(self.kept, self.wanted, line)
        finally:
            self.client.stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
        self._finish()

    # -- choosing what to ask ------------------------------------------------------------------------------------------

    def _start(self, tasks: dict[Future[object], _Task], pool: ThreadPoolExecutor) -> None:
        """Give free workers something to do, each another host."""
        busy = {task[0] for task in tasks.values()}
        for cls in self._classes:
            for source in cls.sources():
                if len(tasks) >= self.terms.workers:
                    return
                task = self._next(cls, source, busy, tasks)
                if task is not None:
                    busy.add(task[0])
                    cls.under_way[source] = cls.under_way.get(source, 0) + isinstance(task[3], Item)
                    tasks[pool.submit(self._do, task)] = task

    def _next(self, cls: _Class, source: str, busy: set[str], tasks: Mapping[Future[object], _Task]) -> _Task | None:
        if not cls.short_of(self.terms.count):
            return None
        delayed = False
        for item in islice(cls.waiting[source], LOOKED_THROUGH):
            host = _host(item.record.url)
            if not self.client.answers(item.record.url):
                continue
            if host not in busy:
                cls.waiting[source].remove(item)
                return host, cls, source, item
            delayed = True
        query = cls.queries[source]
        searching = any(task[3] is query for task in tasks.values())
        if query.done or searching or delayed or source in self._why:
            return None
        host = _host(self.sources[source].api)
        return None if host in busy else (host, cls, source, query)

    # -- asking, in a worker -------------------------------------------------------------------------------------------

    def _do(self, task: _Task) -> object:
        _, _, source, asked = task
        if isinstance(asked, Query):
            return self.sources[source].page(self.client, asked.words, asked.cursor)
        file = self._here.get(asked.record.url)
        blob = file.read_bytes() if file else self.client.picture(asked.record.url, self.terms.most_bytes).content
        return blob, check_picture(blob, self.terms.bounds)

    # -- what came of it -----------------------------------------------------------------------------------------------

    def _settled(self, task: _Task, future: Future[object]) -> str:
        _, cls, source, asked = task
        if isinstance(asked, Query):
            return self._searched(cls, source, asked, future)
        cls.under_way[source] -= 1
        try:
            blob, checked = future.result()  # type: ignore[misc]
        except RefusedError as error:
            self.manifest.drop(asked, str(error))
            return str(error)
        except FetchError as error:
            if self.manifest.failed(asked, str(error)):
                cls.waiting[source].append(Item(asked.id, asked.label, asked.record, asked.tries + 1))
            return str(error)
        except Stopped:
            cls.waiting[source].appendleft(asked)
            return ""
        return self._fetched(cls, source, asked, blob, checked)

    def _fetched(self, cls: _Class, source: str, item: Item, blob: bytes, checked: Checked) -> str:
        if checked.sha256 in self._digests:
            self.manifest.drop(item, "it is here already, byte for byte")
            return "a duplicate"
        twin = self._known.match(checked.hashes)
        if twin is not None:
            self.manifest.drop(item, f"it looks like picture {twin}")
            return "a duplicate"
        kept = self.manifest.keep(item, blob, checked)
        self._remember(kept)
        self.newest = self.manifest.pictures / kept.file
        cls.kept[source] = cls.kept.get(source, 0) + 1
        return item.record.title

    def _searched(self, cls: _Class, source: str, query: Query, future: Future[object]) -> str:
        try:
            page = future.result()
            assert isinstance(page, Page)
        except RefusedError as error:
            self.manifest.exhausted(query, str(error))
            cls.queries[source] = Query(query.id, query.label, query.words, source, query.cursor, True)
            self.notes.append(str(error))
            return str(error)
        except FetchError as error:
            cls.failed[source] = cls.failed.get(source, 0) + 1
            if cls.failed[source] >= TRIES_OF_A_SEARCH or "no connection" in str(error):
                self._why[source] = str(error)
                self.notes.append(f"{source} does not answer: {error}")
            return str(error)
        except Stopped:
            return ""
        taken = [r for r in page.records if allowed(r, self.terms.licence)]
        cls.queries[source], items = self.manifest.found(query, taken, page.cursor)
        cls.waiting[source].extend(items)
        return f"{len(items)} found for {query.label}"

    # -- beginning and end ---------------------------------------------------------------------------------------------

    def _class(self, wish: Wish, there: Sequence[Kept]) -> _Class:
        queries = {name: self.manifest.query(wish.label, wish.words, name) for name in self.sources}
        waiting: dict[str, deque[Item]] = {name: deque() for name in self.sources}
        for item in self.manifest.waiting(wish.label):
            if item.record.source in waiting:
                waiting[item.record.source].append(item)
        counts: dict[str, int] = {}
        for kept in there:
            if kept.label == wish.label:
                counts[kept.record.source] = counts.get(kept.record.source, 0) + 1
        return _Class(wish, queries, waiting, counts)

    def _remember(self, kept: Kept) -> None:
        self._known.add(kept.id, kept.d, kept.p)
        self._digests.add(kept.sha256)

    def _finish(self) -> None:
        if not self.kept and self._why:
            raise OfflineError(
                f"nothing could be gathered: {'; '.join(dict.fromkeys(self._why.values()))}; gathering needs the "
                "internet: the same command goes on when there is a connection"
            )
        for cls in self._classes:
            got = sum(cls.kept.values())
            if got < self.terms.count:
                self.notes.append(f"{cls.wish.label}: {got} of {self.terms.count} pictures; there are no more")
        self.notes += [f"{host} is left alone: {why}" for host, why in self.client.left_alone().items()]
        self.notes += [f"left out {number} times: {why}" for why, number in self.manifest.reasons()[:8]]


def _host(url: str) -> str:
    try:
        host, port = place_of(split_address(url))
    except RefusedError:
        return ""
    return f"{host}:{port}"
