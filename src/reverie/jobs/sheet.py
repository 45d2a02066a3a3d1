"""Contact sheets: `sheet(tool, vary)` is one picture of what settings do; it replays like any other."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, make_dataclass
from pathlib import Path

import numpy as np

from reverie.errors import InputError
from reverie.jobs.files import named_files
from reverie.jobs.given import Given
from reverie.jobs.job import MEANT, Json, joined, section_types, sections
from reverie.jobs.output import Picture
from reverie.jobs.part_files import part_folder, read_part, write_part
from reverie.jobs.session import Session
from reverie.jobs.spread import Spread
from reverie.jobs.steps import Steps
from reverie.jobs.tool import AnyTool, Prepared, Tool
from reverie.jobs.values import seed_of, setting_of, with_chosen
from reverie.jobs.work import Chosen, Plan, Progress, Report, Work
from reverie.settings import setting

MOST_TILES = 200


@dataclass(frozen=True)
class SheetSettings:
    """What varies over a sheet."""

    vary: str = setting("{}", "Settings and their values as JSON: the first gives the rows, the last the columns.")
    tile_px: int = setting(320, "Longer side of a tile in pixels.", minimum=16, maximum=4096)


def sheet(tool: AnyTool) -> AnyTool:
    """Return the tool that draws one sheet of another tool's results; its settings have a section "sheet" more."""
    if tool.makes != "picture":
        raise InputError(f"reverie {tool.name} makes no pictures; a sheet needs some")
    parts = section_types(tool.config)
    cls = make_dataclass(
        f"{tool.config.__name__}Sheet", [*parts.items(), ("sheet", SheetSettings)], frozen=True,
        namespace={"__module__": __name__},
    )  # fmt: skip

    def prepare(config: object, session: Session) -> Prepared:
        rest = {name: part for name, part in sections(config).items() if name != "sheet"}
        how = sections(config)["sheet"]
        assert isinstance(how, SheetSettings)
        return _PreparedSheet(tool, joined(tool.config, rest), how, session)

    def name_of(config: object) -> str:
        rest = {name: part for name, part in sections(config).items() if name != "sheet"}
        return tool.name.replace(" ", "-") if tool.name_of is None else tool.name_of(joined(tool.config, rest))

    return Tool(
        name=f"sheet({tool.name})", doing=tool.doing, ending=f"{tool.ending}-sheet".lstrip("-"), summary=tool.summary,
        config=cls, name_of=name_of, prepare=prepare, roles=tool.roles, spreads=True, upgrade=tool.upgrade,
    )  # fmt: skip


def varied(vary: str) -> dict[str, list[Json]]:
    """Return what varies.

    Raises:
        InputError: no JSON object of lists, or too many tiles.
    """
    try:
        found = json.loads(vary)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"a sheet varies settings given as JSON, such as {{\"strength\": [0.3, 0.5]}}; got '{vary}'"
        ) from error
    if not isinstance(found, dict) or not found or not all(isinstance(v, list) and v for v in found.values()):
        raise InputError(f"a sheet varies settings by name, each with a list of values; got '{vary}'")
    count = 1
    for values in found.values():
        count *= len(values)
    if count > MOST_TILES:
        raise InputError(f"a sheet holds at most {MOST_TILES} pictures; these values make {count}")
    return found


class _PreparedSheet:
    def __init__(self, tool: AnyTool, config: object, how: SheetSettings, session: Session) -> None:
        self.tool, self.config, self.how, self.session = tool, config, how, session
        self.vary = varied(how.vary)
        known = {field.name: field for _, field in tool.fields()}
        for name in self.vary:
            if name not in known:
                from reverie.errors import unknown_name

                raise InputError(unknown_name("setting", name, known))
        files = [name for name in self.vary if known[name].metadata.get("file") or known[name].metadata.get("inside")]
        self.held = {name: setting_of(config, name) for name in files}
        self.machine = {name for name, field in known.items() if not field.metadata.get("replay", True)}
        self.notes: list[str] = []

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Work:
        """Return the work on all tiles."""
        points = [dict(zip(self.vary, values, strict=True)) for values in itertools.product(*self.vary.values())]
        points = [{name: self._value(name, value) for name, value in point.items()} for point in points]
        tiles = _Tiles(self, points, given, scratch)
        first = self.prepared(tiles.points[0]).work(given, seed)
        machine = {name: value for name, value in first.chosen.config.items() if name in self.machine}
        tiles.more.update(_meant(first))
        chosen = Chosen(first.chosen.model, first.chosen.device, config=machine, more=tiles.more)
        first.close()
        plan = Plan({"pictures": len(points), "columns": tiles.columns}, float(len(points)))
        return Steps(tiles.steps(), tiles.outputs, plan=plan, chosen=chosen, notes=tiles.notes, spread=tiles.spread)

    def prepared(self, point: Mapping[str, Json]) -> Prepared:
        return self.tool.prepare(with_chosen(self.config, point), self.session)

    def _value(self, name: str, value: Json) -> Json:
        """Return a value of a setting, a list where it takes several; files are given by their numbers among those."""
        if name not in self.held:
            several = isinstance(setting_of(self.config, name), tuple) and not isinstance(value, list)
            return [value] if several else value
        held = self.held[name]
        if not isinstance(held, tuple):
            return value
        numbers = value if isinstance(value, list) else [value]
        if not all(isinstance(n, int) and 1 <= n <= len(held) for n in numbers):
            raise InputError(f"a sheet takes files of --{name} by number, from 1 to {len(held)}; got {value}")
        return [held[int(number) - 1] for number in numbers]  # type: ignore[arg-type]

    def caption(self, point: Mapping[str, Json]) -> str:
        """Return what stands below a tile."""
        return caption(point, self.vary, self._named(point))

    def _named(self, point: Mapping[str, Json]) -> dict[str, str]:
        """Return the names of the files that the settings of a tile have, in words."""
        config, found = with_chosen(self.config, point), {}
        for role, path in named_files(config):
            name = role.split(" ")[0]
            found[name] = f"{found[name]} + {Path(path).stem}" if name in found else Path(path).stem
        return {name: words for name, words in found.items() if name in self.held}


class _Tiles:
    """The pictures of a sheet, one after the other, made here or elsewhere.

    Attributes:
        more: entries of the record: captions, and what texts meant.
        notes: lines of all tiles, each once.
    """

    def __init__(
        self, sheet: _PreparedSheet, points: Sequence[dict[str, Json]], given: Given | None, scratch: Path | None
    ) -> None:
        self.sheet, self.points, self._given, self._scratch = sheet, points, given, scratch
        self.columns = len(next(reversed(sheet.vary.values())))
        self._captions = [sheet.caption(point) for point in points]
        self.more: dict[str, Json] = {"captions": [*self._captions]}
        self.notes: list[str] = []
        self._made: list[np.ndarray] = []
        self.spread = Spread(self._part)

    def steps(self) -> Iterator[Progress]:
        """Make them all."""
        if self.spread.elsewhere:
            yield from self._elsewhere()
            return
        count = len(self.points)
        for number, point in enumerate(self.points, start=1):
            prepared = self.sheet.prepared(point)
            work = prepared.work(self._given, seed_of(with_chosen(self.sheet.config, point)))
            for progress in work:
                stage = f"picture {number} of {count}  {progress.stage}"
                yield Report(number - 1, count, "pictures", stage, progress.scores, 0, progress.preview)
            self._made.append(_main(work).rgb)
            self._note((*prepared.notes, *work.notes))
            if meant := _meant(work):
                self.more[MEANT] = {**self.more.get(MEANT, {}), **meant[MEANT]}  # type: ignore[dict-item]
            less = {name: value for name, value in work.chosen.counts.items() if name in point}
            if less:
                self._captions[number - 1] = f"{self.sheet.caption(dict(point) | less)} at most"
            work.close()
            yield Report(number, count, "pictures", f"picture {number} of {count}")

    def outputs(self) -> list[Picture]:
        """Return the sheet of those that there are."""
        from reverie.media.image import to_uint8
        from reverie.media.sheet import contact_sheet

        drawn = [tile if tile.dtype == np.uint8 else to_uint8(np.ascontiguousarray(tile)) for tile in self._made]
        shown = self._captions[: len(drawn)]
        return [Picture(contact_sheet(drawn, columns=self.columns, tile_px=self.sheet.how.tile_px, captions=shown))]

    def _part(self, number: int, folder: Path) -> Sequence[str]:
        point = self.points[number]
        prepared = self.sheet.prepared(point)
        work = prepared.work(self._given, seed_of(with_chosen(self.sheet.config, point)))
        for _ in work:
            pass
        write_part(folder, number, [_main(work).rgb])
        work.close()
        return [*prepared.notes, *work.notes]

    def _elsewhere(self) -> Iterator[Progress]:
        assert self._scratch is not None
        count = len(self.points)
        with part_folder(self._scratch) as folder:
            for done, (_, told) in enumerate(self.spread.made(range(count), folder), start=1):
                self._note(told)
                yield Report(done, count, "pictures", f"picture {done} of {count}")
            for number in range(count):
                self._made.extend(read_part(folder, number))

    def _note(self, lines: Sequence[str]) -> None:
        self.notes.extend(line for line in lines if line not in self.notes)


def _main(work: Work) -> Picture:
    main = work.outputs()[0]
    assert isinstance(main, Picture)
    return main


def _meant(work: Work) -> dict[str, Mapping[str, Json]]:
    """Return what texts of a tile mean, see `reverie.jobs.job.MEANT`; an empty mapping without any."""
    found = work.chosen.more.get(MEANT)
    return {MEANT: found} if isinstance(found, Mapping) else {}


def caption(point: Mapping[str, Json], vary: Mapping[str, list[Json]], files: Mapping[str, str]) -> str:
    """Return what differs from tile to tile, and nothing else; `files` has words for settings that name some."""
    shown = {name: value for name, value in point.items() if len(vary[name]) > 1} or dict(point)
    words = {name: " ".join(map(str, value)) if isinstance(value, list) else value for name, value in shown.items()}
    return ", ".join(files.get(name) or f"{name.replace('_', ' ')} {value}" for name, value in words.items())
