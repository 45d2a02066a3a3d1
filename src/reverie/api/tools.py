"""Every tool of the registry from Python: `reverie.run_tool("latent sample", seeds="0-3")`, or by its name.

`reverie.latent_sample(seeds="0-3")` is the same: a tool's name with underscores in place of spaces.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.api.wording import in_python
from reverie.errors import InputError, unknown_name
from reverie.jobs.files import Files
from reverie.jobs.given import Given
from reverie.jobs.job import joined, section_types
from reverie.jobs.making import given_of
from reverie.jobs.output import Output, Picture, Table
from reverie.jobs.presets import preset_of
from reverie.jobs.run import Run, open_run
from reverie.jobs.session import Session
from reverie.jobs.stored import stored_record
from reverie.jobs.target import check_no_foreign, check_no_source, place_for, say
from reverie.jobs.tool import AnyTool, load
from reverie.jobs.work import Progress
from reverie.settings import check_settings, check_together, with_tuples, without_rivals
from reverie.tools.registry import TOOLS, find_tool

if TYPE_CHECKING:
    from PIL import Image


class Result:
    """What a tool makes: iterate over its `Progress`, or have it as outputs, picture or files.

    Attributes:
        run: the run of the work, as the command line has it too.
    """

    def __init__(self, run: Run) -> None:
        self.run = run

    @in_python
    def __iter__(self) -> Iterator[Progress]:
        yield from self.run

    @property
    def notes(self) -> list[str]:
        """What a user should know."""
        return [*self.run.notes, *self.run.work.notes]

    def outputs(self) -> Sequence[Output]:
        """Run to the end and return all that was made, the main result first."""
        for _ in self:
            pass
        return self.run.outputs()

    def array(self) -> np.ndarray:
        """Run to the end and return the picture, ``[H, W, 3]``.

        Raises:
            InputError: the tool makes something else.
        """
        return np.asarray(self._picture().rgb)

    def pil(self) -> Image.Image:
        """Run to the end and return the picture as a PIL image."""
        from PIL import Image

        from reverie.media.image import to_uint8

        rgb = self.array()
        return Image.fromarray(rgb if rgb.dtype == np.uint8 else to_uint8(rgb))

    def rows(self) -> list[dict[str, object]]:
        """Run to the end and return the rows of the table that was made.

        Raises:
            InputError: there is none.
        """
        table = next((output for output in self.outputs() if isinstance(output, Table)), None)
        if table is None:
            raise InputError(f"{self.run.tool.name} makes no table")
        return [dict(row) for row in table.rows]

    @in_python
    def save(self, path: str | Path, *, quality: int = 92, overwrite: bool = False) -> tuple[Path, ...]:
        """Run to the end and write all results, the main one under this name; returns their places.

        A result of other settings that lies there is kept and these are counted up, unless `overwrite` is set.

        Raises:
            InputError, OutputError: one cannot be written.
        """
        check_no_source(Path(path), self.run.sources)
        check_no_foreign(Path(path))
        self.run.check(Path(path), quality)
        for _ in self:
            pass
        record = self.run.record(self.run.stored_quality(quality))
        place = place_for(Path(path), record, sources=self.run.sources, overwrite=overwrite)
        say(place, self.run.notes)
        return self.run.save(place.path, quality=quality)

    def close(self) -> None:
        """Give back what it holds."""
        self.run.close()

    def _picture(self) -> Picture:
        found = next((output for output in self.outputs() if isinstance(output, Picture)), None)
        if found is None:
            raise InputError(f"{self.run.tool.name} makes no picture; use .save(path) or .outputs()")
        return found

    def _repr_png_(self) -> bytes | None:
        """Return the picture for a notebook; nothing for other results."""
        from reverie.api.notebook import png_of

        found = next((output for output in self.outputs() if isinstance(output, Picture)), None)
        return None if found is None else png_of(np.asarray(found.rgb))


def tool_names() -> tuple[str, ...]:
    """Return the names of all tools."""
    return tuple(TOOLS)


@in_python
def run_tool(name: str, *inputs: object, session: Session | None = None, **settings: Any) -> Result:
    """Open a tool on its inputs; nothing is done before the result is asked for.

    Args:
        name: as on the command line: "translate", "latent sample".
        *inputs: in the order of the command line: pictures as paths, arrays, PIL images; files and folders as paths.
        session: keeps open networks for several calls.
        **settings: fields of the tool's settings: what the command line calls ``--tile-px`` is ``tile_px``; and
            ``preset``, where the tool has presets. Its usual one is meant where none is named, as in the shell.

    Raises:
        InputError: no such tool, or inputs and settings that cannot be used.
    """
    tool = find_tool(name)
    values, streamed = _placed(tool, inputs, settings)
    given = None if streamed is None else _given(tool, streamed)
    family = tool
    tool = _for_films(tool) if given is not None and given.kind == "film" else tool
    config = _config(tool, values, family, something=given is not None or family.streamed is None)
    return Result(open_run(tool, config, given, session or Session()))


def named_tool(name: str) -> Callable[..., Result] | None:
    """Return the function of a tool whose name has underscores in place of spaces; None if there is none."""
    tool = name.replace("_", " ")
    if tool not in TOOLS:
        return None

    def call(*inputs: object, **settings: Any) -> Result:
        return run_tool(tool, *inputs, **settings)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"{TOOLS[tool][1]}\n\nSee `run_tool`; settings as 'reverie {tool} --help-all' has them."
    return call


def info(path: str | Path) -> dict[str, object]:
    """Return what made a file: tool, settings, inputs, network.

    Raises:
        InputError: it carries nothing.
    """
    return dict(stored_record(Path(path)))


@in_python
def replay(path: str | Path, *, files: Sequence[str | Path] = (), **named: str | Path) -> Result:
    """Make a result again from the job inside it.

    Args:
        path: the result.
        files: folders to look for its inputs in.
        **named: role → a file that is meant: ``input="v.jpg"``, ``model="net.safetensors"``.

    Raises:
        InputError: it carries no job, or an input is nowhere.
    """
    from reverie.jobs.replay import replayed, stored_job

    made = Path(path)
    job = stored_job(made, find_tool)
    found = Files(made, [Path(folder) for folder in files], {role: Path(file) for role, file in named.items()})
    return Result(replayed(made, job, find_tool, Session(), files=found))


def _placed(
    tool: AnyTool, inputs: Sequence[object], settings: Mapping[str, object]
) -> tuple[dict[str, object], object]:
    """Return settings with the fixed inputs among them, and the streamed input."""
    values, rest, streamed = dict(settings), list(inputs), None
    for role in tool.roles:
        value = values.pop(role.name, None) if role.streamed else None
        if value is None and rest and role.name not in values:
            many = role.many and not role.streamed
            value, rest = (tuple(rest), []) if many else (rest[0], rest[1:])
        if role.streamed:
            streamed = value
        elif value is not None:
            values[role.name] = tuple(map(str, value)) if isinstance(value, tuple) else str(value)
        if role.required and (streamed is None if role.streamed else not values.get(role.name)):
            raise InputError(f"{tool.name} needs {role.name}: {role.help}")
    if rest:
        raise InputError(f"{tool.name} takes {len(tool.roles)} inputs; {len(rest)} more were given")
    return values, streamed


def _given(tool: AnyTool, source: object) -> Given:
    role = tool.streamed
    kind = "any" if role is None else role.kind
    if kind in ("picture", "film"):
        from reverie.media.footage import is_footage

        path = Path(source) if isinstance(source, (str, Path)) else None
        return Given(path, kind="film") if path is not None and is_footage(path) else given_of(source)
    path = Path(source) if isinstance(source, (str, os.PathLike)) else None
    if path is None or not path.exists():
        raise InputError(f"no {kind} at '{source}'")
    return Given(path, kind=kind)


def _for_films(tool: AnyTool) -> AnyTool:
    from reverie.jobs.film import film

    return load(tool.film) if tool.film is not None else tool if tool.makes != "picture" else film(tool)


def _config(tool: AnyTool, given: Mapping[str, object], family: AnyTool, *, something: bool) -> object:
    """Return the settings of a tool, checked: those of a preset, and what was given on top.

    `family` is the tool of pictures where `tool` works on films in its place, and `something` tells whether there is
    an input, without which no preset is usual.

    Raises:
        InputError: one that it does not have, or a value that does not fit.
    """
    kinds = section_types(tool.config)
    known = {field.name for cls in kinds.values() for field in dataclasses.fields(cls)}
    values = dict(given)
    look = values.pop("preset", None) if family.presets and "preset" not in known else None
    for name in values:
        if name not in known:
            raise InputError(unknown_name("setting", name, known, f"reverie {tool.name} --help-all lists them"))
    preset = preset_of(family, look, values, usual=something)
    parts: dict[str, object] = {}
    for section, cls in kinds.items():
        own = {field.name for field in dataclasses.fields(cls)}
        chosen = {name: value for name, value in values.items() if name in own}
        styled = {name: value for name, value in preset.items() if name in own}
        part = with_tuples(cls(**(without_rivals(cls, styled, chosen) | chosen)))
        check_settings(part)
        check_together(part)
        parts[section] = part
    config = joined(tool.config, parts)
    if tool.check is not None:
        tool.check(config)
    return config
