"""`reverie gather images`: from words to a folder of pictures of classes, with whose they are.

The work's state is a manifest beside the result; a killed run goes on from it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError, ReverieError
from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan, Report
from reverie.tools.gather.config import ImagesConfig, PictureSettings
from reverie.tools.gather.wishes import parse_wishes

if TYPE_CHECKING:
    import numpy as np

    from reverie.data.gather.collect import Collector, Terms, Wish
    from reverie.data.gather.manifest import Kept, Manifest
    from reverie.data.gather.record import Source
    from reverie.jobs.output import Output
    from reverie.tools.gather.net import Net


class PreparedImages:
    """The classes and the sources, ready to be asked."""

    def __init__(self, config: ImagesConfig, session: Session) -> None:
        self.wishes = parse_wishes(config.words)
        self.config, self.names = config, config.source
        self.notes: list[str] = []
        self._open()

    def _open(self) -> None:
        from reverie.data.gather.sources.catalogue import UNLICENSED, open_source
        from reverie.tools.gather.net import Net

        self.net = Net(self.config)
        if not self.names:
            raise InputError("there is no --source to search")
        unlicensed = [name for name in self.names if name in UNLICENSED]
        if unlicensed and self.config.licence != "any":
            raise InputError(
                f"--source {unlicensed[0]} gives pictures of unknown licence; add --licence any if you want them"
            )
        self.sources = {
            name: open_source(name, side_px=self.config.side, endpoints=self.net.endpoints) for name in self.names
        }
        self.notes += [f"{name}: {source.terms}" for name, source in self.sources.items()]

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the gathering; its manifest stands in `scratch`."""
        return gathering(self.wishes, self.sources, self.config, self.net, scratch or Path("gather.frames"))


def gathering(
    wishes: Sequence[Wish], sources: Mapping[str, Source], config: PictureSettings, net: Net, scratch: Path
) -> Steps:
    """Return the work of gathering classes from sources into a folder."""
    from reverie.data.gather.check import Bounds
    from reverie.data.gather.collect import Terms
    from reverie.data.gather.record import LICENCES
    from reverie.jobs.output import Folder

    licence = LICENCES[[str(name) for name in LICENCES].index(config.licence)]
    bounds = Bounds(config.min_side, config.max_aspect, config.grey)
    terms = Terms(config.count, bounds, licence, round(config.max_mb * 2**20), net.workers)
    gathered = Gathered(wishes, sources, terms, net, scratch, config)

    def outputs() -> list[Output]:
        return [Folder(gathered.fill, written=gathered.done)]

    decisions = {
        "classes": {w.label: w.words for w in wishes}, "sources": list(sources), "pictures": config.count * len(wishes),
    }  # fmt: skip
    summary = f"{len(wishes)} class{'' if len(wishes) == 1 else 'es'} from {', '.join(sources)}"
    chosen = Chosen(more={"classes": {w.label: w.words for w in wishes}})
    return Steps(gathered.steps(), outputs, plan=Plan(decisions, summary=summary), chosen=chosen, notes=gathered.notes)


class Gathered:
    """A gathering on its way, and the folder it becomes."""

    def __init__(
        self, wishes: Sequence[Wish], sources: Mapping[str, Source], terms: Terms, net: Net, scratch: Path,
        config: PictureSettings,
    ) -> None:  # fmt: skip
        self._wishes, self._sources, self._terms, self._net = wishes, sources, terms, net
        self._scratch, self._config = scratch, config
        self.notes: list[str] = []
        self._manifest: Manifest | None = None
        self._pairs: list[tuple[int, int]] = []
        self._complete = False

    def steps(self) -> Iterator[Report]:
        """Gather, then compare."""
        from reverie.data.gather.collect import Collector
        from reverie.data.gather.manifest import Manifest

        here = pictures_of(self._config.reuse)
        client = self._net.client()
        manifest = self._manifest = Manifest(self._scratch)
        collector = Collector(manifest, client, self._sources, self._wishes, self._terms, here)
        if collector.kept:
            self.notes.append(f"going on: {collector.kept} pictures are here already")
        try:
            for moment in collector.steps():
                newest = collector.newest
                preview = None if newest is None else lambda path=newest: _seen(path)
                yield Report(moment.kept, moment.wanted, "pictures", moment.line, preview=preview)
        except ReverieError:
            self._close()
            raise
        finally:
            self.notes += [note for note in collector.notes if note not in self.notes]
            client.close()
        if self._config.neighbors and collector.kept > 1:
            yield from self._compare(manifest, collector)
        self._complete = True

    def _compare(self, manifest: Manifest, collector: Collector) -> Iterator[Report]:
        import numpy as np

        from reverie.data.gather.neighbors import features, pairs

        paths = [manifest.pictures / kept.file for kept in self._chosen(manifest)]
        values: list[np.ndarray] = []
        for batch in features(paths):
            values.append(batch)
            done = sum(map(len, values))
            yield Report(collector.kept, collector.wanted, "pictures", f"comparing {done}/{len(paths)}", weight=0.0)
        self._pairs = list(pairs(np.concatenate(values)))

    def fill(self, folder: Path) -> None:
        """Write what there is."""
        from reverie.data.gather.artwork import grouped, held_out
        from reverie.data.gather.layout import place, write_folder
        from reverie.data.gather.manifest import Manifest

        manifest = self._manifest or Manifest(self._scratch)
        try:
            kept = self._chosen(manifest)
        finally:
            if self._manifest is None:
                manifest.close()
        labels = [item.label for item in kept]
        groups = grouped(len(kept), [item.record.artwork for item in kept], self._pairs)
        if self._config.balance:
            chosen = balanced(labels)
            place_of = {old: new for new, old in enumerate(chosen)}
            kept, labels = [kept[i] for i in chosen], [labels[i] for i in chosen]
            groups = _renumbered([groups[i] for i in chosen], place_of)
        held = held_out(labels, groups, [item.sha256 for item in kept], self._config.val)
        write_folder(folder, place(kept, groups, held), manifest.pictures)

    def _close(self) -> None:
        if self._manifest is not None:
            self._manifest.close()
            self._manifest = None

    def _chosen(self, manifest: Manifest) -> list[Kept]:
        """Return the pictures that were asked for: an earlier run may have had more classes, or a higher count."""
        room = {wish.label: self._config.count for wish in self._wishes}
        chosen: list[Kept] = []
        for item in manifest.kept():
            if room.get(item.label, 0) > 0:
                room[item.label] -= 1
                chosen.append(item)
        return chosen

    def done(self) -> None:
        """Remove the manifest and its pictures, which the folder has now; not those of a run that was stopped."""
        self._close()
        if self._complete:
            shutil.rmtree(self._scratch, ignore_errors=True)


def pictures_of(folder: str | None) -> dict[str, Path]:
    """Return the files of an earlier gathering by the addresses they were fetched from.

    Raises:
        InputError: it is none.
    """
    from reverie.data.gather.layout import ATTRIBUTION, read_rows

    if folder is None:
        return {}
    if not (Path(folder) / ATTRIBUTION).is_file():
        raise InputError(f"--reuse '{folder}' has no {ATTRIBUTION}; expected a folder of 'reverie gather'")
    found = {row.get("url", ""): Path(folder) / row["file"] for row in read_rows(Path(folder) / ATTRIBUTION)}
    return {url: path for url, path in found.items() if url and path.is_file()}


def _seen(path: Path) -> np.ndarray:
    from reverie.media.image import read_square

    with path.open("rb") as file:
        return read_square(file, 512, path.name)


def balanced(labels: Sequence[str]) -> list[int]:
    """Return the pictures that stay when every class is cut to the size of the smallest: the first ones found."""
    least = min((labels.count(label) for label in set(labels)), default=0)
    seen: dict[str, int] = {}
    chosen: list[int] = []
    for index, label in enumerate(labels):
        seen[label] = seen.get(label, 0) + 1
        if seen[label] <= least:
            chosen.append(index)
    return chosen


def _renumbered(groups: Sequence[int], place_of: Mapping[int, int]) -> list[int]:
    """Return groups named after their first picture that is still there."""
    first: dict[int, int] = {}
    return [place_of.get(group, first.setdefault(group, index)) for index, group in enumerate(groups)]


def _name(config: ImagesConfig) -> str:
    from reverie.data.gather.layout import file_name

    wishes = parse_wishes(config.words)
    return file_name("-".join(w.label for w in wishes[:3])) + ("" if len(wishes) <= 3 else f"-and-{len(wishes) - 3}")


IMAGES: Tool[ImagesConfig] = Tool(
    name="gather images", doing="gathering", ending="", summary="Gather pictures of classes, with their licences.",
    config=ImagesConfig, prepare=PreparedImages, makes="folder", suffix="", name_of=_name,
    roles=(Role("words", "text", "Classes, such as 'fountain, arch', or a text file with one a line.", many=True),),
    examples=(
        'reverie gather images "fountain, arch" --contact me@example.org -o data/',
        "reverie gather images CLASSES.txt --source commons --source met --count 300",
    ),
)  # fmt: skip
