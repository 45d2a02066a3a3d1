"""Items whose input and result lie in an object store: fetched, worked on, stored; skipped where up to date."""

from __future__ import annotations

import atexit
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, mkdtemp

from reverie.cluster.storage import exists, fetch, is_url, put
from reverie.jobs.batch import Item
from reverie.jobs.files import with_parts, with_paths
from reverie.jobs.given import Given
from reverie.jobs.job import sections
from reverie.jobs.many import Asked, Many, Opener
from reverie.jobs.target import Target
from reverie.jobs.values import with_chosen
from reverie.jobs.wanted import target_for
from reverie.jobs.worker import Do, Reports

THERE = "there already"  # what an item says that was up to date


@dataclass(frozen=True)
class Remote:
    """What a worker must know of one item: where its input is, where its result goes.

    Attributes:
        source: address of the input.
        target: address of the result.
        asked: seed, quality, kind.
        overwrite: replace an own result of other settings.
    """

    source: str
    target: str
    asked: Asked
    overwrite: bool = False


@dataclass(frozen=True)
class RemoteOpener:
    """Opens a tool in a worker, with the files that its settings name fetched first; see `reverie.jobs.batch`."""

    opener: Opener

    def __call__(self) -> Do[Item[Remote]]:
        def near(role: str, path: str) -> str:
            if not is_url(path):
                return path
            folder = mkdtemp(prefix="reverie-fixed-")  # of this process, gone with it
            atexit.register(rmtree, folder, ignore_errors=True)
            return str(fetch(path, Path(folder) / path.rpartition("/")[2]))

        config = self.opener.config
        parts = {name: with_paths(part, near) for name, part in sections(config).items()}
        opener = replace(self.opener, config=with_parts(config, parts))
        return _RemoteWork(opener(), opener)


@dataclass(frozen=True)
class _RemoteWork:
    many: Many
    opener: Opener

    def __call__(self, item: Item[Remote]) -> Reports:
        remote = item.payload
        with TemporaryDirectory(prefix="reverie-item-") as text:
            source = fetch(remote.source, Path(text) / "in" / remote.source.rpartition("/")[2])
            out = Path(text) / "out"
            out.mkdir()
            target = self._target(remote, source, out)
            if target.finished:
                return THERE
            there = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
            message = yield from self.many(Item(item.name, source, target.path, remote.asked, item.alone))
            made = [path for path in sorted(out.rglob("*")) if path.is_file() and path != target.path]
            made = [path for path in made if there.get(path) != path.stat().st_mtime_ns]
            folder = remote.target.rpartition("/")[0]
            for path in (*made, target.path):  # the main one last: where it is, all are
                put(path, f"{folder}/{path.relative_to(out).as_posix()}")
            return message

    def _target(self, remote: Remote, source: Path, out: Path) -> Target:
        """Return where the result goes, by the rule of all results: what has its name is fetched and looked at."""
        config = with_chosen(self.many.config, {"seed": remote.asked.seed})
        quality = remote.asked.quality if self.many.tool.makes == "picture" else None
        given = Given(source, kind=remote.asked.kind)
        folder, _, name = remote.target.rpartition("/")
        while True:
            target = target_for(
                self.many.tool, self.opener.find, config, given, out / name, quality=quality,
                overwrite=remote.overwrite,
            )  # fmt: skip
            address = f"{folder}/{target.path.name}"
            if target.finished or target.path.exists() or not exists(address):
                return target
            fetch(address, target.path)
