"""`reverie gather public`: well-known collections, checked by their checksums, as folders of pictures."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.data.public import NAMES as PICTURES
from reverie.errors import DataError, InputError, unknown_name
from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Plan, Report
from reverie.tools.gather.config import PublicConfig

if TYPE_CHECKING:
    from reverie.data.net.client import Client
    from reverie.data.public.archive import RemoteFile
    from reverie.data.public.coco import Annotations
    from reverie.jobs.output import Output
    from reverie.tools.gather.net import Net

OF_PAINTERS = ("wikiart", "painter-by-numbers")  # through packages of their own
NAMES = (*PICTURES, *OF_PAINTERS)
MOST_PICTURE_BYTES = 16 << 20
SOURCE = "SOURCE.txt"  # beside the pictures: whom to cite, and under which licence they are


class PreparedPublic:
    """The files that are needed."""

    def __init__(self, config: PublicConfig, session: Session) -> None:
        from reverie.data.public import cifar, coco, pets
        from reverie.tools.gather.net import Net

        if config.dataset not in NAMES:
            raise InputError(unknown_name("public collection", config.dataset, NAMES))
        if config.masks and config.dataset != "pets":
            raise InputError("--masks goes with pets; the other collections have none")
        if config.painters and config.dataset not in OF_PAINTERS:
            raise InputError(f"--painters goes with {' and '.join(OF_PAINTERS)}")
        if config.dataset in OF_PAINTERS:
            from reverie.data.public.painters import TERMS, package_of

            package_of(config.dataset)
            self.config, self.net, self.files = config, Net(config), ()
            self.notes = [TERMS[config.dataset]]
            return
        module = {"cifar100": cifar, "pets": pets, "coco-minitrain": coco}[config.dataset]
        self.config, self.net = config, Net(config)
        self.files = tuple(moved(file, self.net.endpoints.get(config.dataset)) for file in module.FILES)
        self.notes = [module.CITATION]

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return fetching and unpacking."""
        from reverie.jobs.output import Folder

        place = scratch or Path(f"{self.config.dataset}.frames")
        unpacking = Unpacking(self.config, self.files, place, seed, self.net, self.notes[0])
        size = sum(file.size_bytes for file in self.files)
        decisions = {"files": [file.name for file in self.files], "megabytes": round(size / 2**20)}
        outputs: list[Output] = [Folder(unpacking.fill, written=unpacking.done)]
        return Steps(
            unpacking.steps(), lambda: outputs, plan=Plan(decisions, summary=self.config.dataset),
            notes=unpacking.notes,
        )  # fmt: skip


def moved(file: RemoteFile, base: str | None) -> RemoteFile:
    """Return a file as another server has it, under the same name."""
    return file if base is None else replace(file, url=f"{base.rstrip('/')}/{file.name}")


@dataclass
class Unpacking:
    """Fetches the files into the cache, and lays the pictures out beside the result, with `terms` in a text file."""

    config: PublicConfig
    files: tuple[RemoteFile, ...]
    place: Path
    seed: int
    net: Net
    terms: str

    def __post_init__(self) -> None:
        self.notes: list[str] = []

    def steps(self) -> Iterator[Report]:
        """Fetch, then unpack."""
        from reverie.data.public.archive import fetching
        from reverie.weights.atomic import write_bytes
        from reverie.weights.fetch import cache_dir

        cache = cache_dir() / "datasets"
        client = self.net.client()
        try:
            for file in self.files:
                for have in fetching(client, file, cache):
                    yield Report(have >> 20, max(file.size_bytes, have) >> 20, "megabytes", file.name, weight=0.0)
            self.place.mkdir(parents=True, exist_ok=True)
            write_bytes(self.place / SOURCE, f"{self.terms}\n".encode())
            if self.config.dataset in OF_PAINTERS:
                yield from self._paintings()
            else:
                yield from self._coco(client, cache) if self.config.dataset == "coco-minitrain" else self._unpack(cache)
        finally:
            client.close()

    def _unpack(self, cache: Path) -> Iterator[Report]:
        import tarfile

        from reverie.data.public import cifar, pets
        from reverie.media.write import write_picture
        from reverie.weights.atomic import write_bytes

        found = cifar.pictures(cache) if self.config.dataset == "cifar100" else (
            pets.pairs(cache) if self.config.masks else pets.pictures(cache)
        )  # fmt: skip
        number = 0
        try:
            for number, (name, picture) in enumerate(found, start=1):
                target = self.place / name
                target.parent.mkdir(parents=True, exist_ok=True)
                if isinstance(picture, bytes):
                    write_bytes(target, picture)
                else:
                    rgb = picture if picture.ndim == 3 else picture[..., None].repeat(3, 2)
                    write_picture(target, rgb)
                yield Report(number, None, "pictures", name)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise DataError(f"the files of {self.config.dataset} are damaged ({error})") from error
        self.notes.append(f"{number} pictures")

    def _paintings(self) -> Iterator[Report]:
        import hashlib

        from reverie.data.public.painters import TERMS, checked_suffix, paintings, plain
        from reverie.errors import PictureError
        from reverie.weights.atomic import write_bytes

        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(("file", "creator", "licence", "sha256"))
        number = 0
        for painting in paintings(self.config.dataset, self.config.painters, self.config.each):
            try:
                name = f"{plain(painting.artist)}/{painting.name}{checked_suffix(painting)}"
            except PictureError as error:
                self.notes.append(f"'{painting.name}' is left out: {error}")
                continue
            (self.place / name).parent.mkdir(parents=True, exist_ok=True)
            write_bytes(self.place / name, painting.data)
            digest = hashlib.sha256(painting.data).hexdigest()
            rows.writerow((name, painting.artist, TERMS[self.config.dataset], digest))
            number += 1
            yield Report(number, None, "pictures", name)
        if not number:
            raise DataError(f"{self.config.dataset} has no painting of {', '.join(self.config.painters) or 'anybody'}")
        write_bytes(self.place / "ATTRIBUTION.csv", text.getvalue().encode())
        self.notes.append(f"{number} pictures")

    def _coco(self, client: Client, cache: Path) -> Iterator[Report]:
        from reverie.data.public.coco import PICTURES, attribution, choose, instances, read_annotations
        from reverie.weights.atomic import write_bytes

        about = read_annotations(cache / self.files[0].name)
        chosen, random_score, score = choose(about.boxes, about.bins, self.config.count, self.seed)
        self.notes.append(
            f"chi-squared of the boxes, per class and size: {score:.3f}, of a random choice {random_score:.3f}"
        )
        base = self.net.endpoints.get(self.config.dataset)
        base = PICTURES if base is None else f"{base.rstrip('/')}/train2017"
        lost = yield from self._pictures(client, about, chosen, base)
        kept = [number for number in chosen if number not in lost]
        write_bytes(self.place / "instances.json", json.dumps(instances(about, kept)).encode())
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("file", "licence", "licence_url", "page"))
        writer.writerows(row.values() for row in attribution(about, kept))
        write_bytes(self.place / "ATTRIBUTION.csv", text.getvalue().encode())

    def _pictures(self, client: Client, about: Annotations, chosen: list[int], base: str):
        """Fetch what is not there, yielding reports; return what does not exist any more."""
        from reverie.data.net.client import RefusedError
        from reverie.weights.atomic import write_bytes

        lost: set[int] = set()
        (self.place / "pictures").mkdir(exist_ok=True)
        for number, image in enumerate(chosen, start=1):
            name = Path(str(about.images[image]["file_name"])).name
            target = self.place / "pictures" / name
            if not target.is_file():
                try:
                    write_bytes(target, client.picture(f"{base}/{name}", MOST_PICTURE_BYTES).content)
                except RefusedError as error:
                    lost.add(image)
                    self.notes.append(f"'{name}' is left out: {error}")
            yield Report(number, len(chosen), "pictures", name)
        return lost

    def fill(self, folder: Path) -> None:
        """Move everything into the folder of the result, by links where the disk knows them."""
        from reverie.data.gather.layout import link

        for source in sorted(self.place.rglob("*")):
            if source.is_file() and not source.name.endswith(".part"):
                target = folder / source.relative_to(self.place)
                target.parent.mkdir(parents=True, exist_ok=True)
                link(source, target)

    def done(self) -> None:
        """Remove the folder that the pictures waited in."""
        shutil.rmtree(self.place, ignore_errors=True)


PUBLIC: Tool[PublicConfig] = Tool(
    name="gather public", doing="fetching", ending="",
    summary="Fetch a public collection: cifar100, pets, coco-minitrain, wikiart, painter-by-numbers.",
    config=PublicConfig, prepare=PreparedPublic, makes="folder", suffix="", name_of=lambda config: config.dataset,
    roles=(Role("dataset", "text", "cifar100, pets, coco-minitrain, wikiart or painter-by-numbers."),),
    examples=("reverie gather public pets --contact me@example.org -o pets/",),
)  # fmt: skip
