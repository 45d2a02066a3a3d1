"""A tool: a value that says what it needs and how to prepare it. The registry maps its name to where it stands.

Every tool has fixed inputs, which are fields of its settings (style pictures, guides, networks, data), and at most one
streamed input: the picture, film, mesh or folder that it is applied to. So it opens in two moves: `prepare` once, for
all that the fixed inputs decide, and then `work` for each streamed input.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar

from reverie.errors import JobError
from reverie.jobs.given import Given
from reverie.jobs.job import Job, Json, section_types
from reverie.jobs.output import Output
from reverie.jobs.parts import Parts
from reverie.jobs.session import Session
from reverie.jobs.work import Work
from reverie.settings import fields_of

Kind = Literal["picture", "film", "mesh", "network", "folder", "data", "text", "any"]
C = TypeVar("C")
P = TypeVar("P", contravariant=True)


@dataclass(frozen=True)
class Role:
    """One place of a tool's command line, web form and Python call that takes files.

    Attributes:
        name: of the streamed input; for a fixed one, the field of the settings that holds it.
        kind: what kind of file it takes.
        help: one sentence.
        streamed: the tool is applied to each of them; else all of them go into one result.
        required: whether the tool can do without.
        many: whether several are taken.
        alias: options that give the same, such as "--source".
    """

    name: str
    kind: Kind
    help: str
    streamed: bool = False
    required: bool = True
    many: bool = False
    alias: tuple[str, ...] = ()


class Prepared(Protocol):
    """What the fixed inputs decide: open networks, references, statistics; made once per batch, film, sheet."""

    @property
    def notes(self) -> Sequence[str]: ...

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Work:
        """Return the work on one streamed input.

        Args:
            given: the streamed input; None for tools without one, or from noise.
            seed: of this work's randomness.
            scratch: a name that is free for a file or folder of the work's own, beside the result, in which a killed
                work finds its state again.

        Raises:
            InputError: it cannot be used.
        """
        ...


@dataclass(frozen=True)
class Tool(Generic[C]):
    """What a user can ask for.

    Attributes:
        name: as the registry and records have it; a space stands between a group and its command ("latent sample").
        doing: verb for progress ("dreaming").
        ending: of the names of results ("dream" gives photo-dream.png).
        summary: one sentence for the list of commands.
        config: frozen dataclass of settings; its fields make options, forms and records. Fields that are dataclasses
            themselves are sections, and their fields the options.
        roles: the inputs.
        prepare: opens what the settings name; imports its heavy parts itself.
        makes: kind of the main result.
        suffix: of results where no name is given.
        formats: further suffixes that a picture's place may have, such as ``.npy``; the plan says whether it does.
        check: refuses settings that contradict each other beyond what their fields say; torch-free.
        upgrade: turns a record of an older version into one of today's.
        examples: command lines for the help.
        name_of: stem of a result's name where there is no streamed input, from the settings.
        settle: gives the settings as they count for one input, by its name ("" without one), before anything is opened:
            a file of keyframes by its text, a picture picked from a folder.
        presets: looks by name: what each is like, and its settings; settings given beside it win.
        usual: gives the preset that is meant where none is named, from the settings that were given.
        film: import path of the tool for films, in place of `film(tool)`; its settings have its sections and more.
        moving: import path of the tool that makes a film from a still; its settings likewise.
        network: the file of the network that the settings name, if it lies here, without opening it; records name it
            as their model and not among their files.
        sheet: what `--sheet` varies, for a text of the tool's own; None where it is none.
        home: name of the main result inside a folder of its own, which ``-o`` names; "" where ``-o`` names the file.
        scratch: the place of the work's own files beside a result; NAME.frames where there is none.
        begun: settings of an unfinished work, by that place and their class, as ``--resume`` takes them; a tool that
            has it goes on with what it began.
        recipes: whether ``--recipe FILE`` gives settings too.
        failed: exit code beside the result, such as 2 where some inputs could not be used.
        then: field of the settings → tool that is applied to the result, and writes to the place the field names.
        live: a show without an end: its page shows every frame and steers it at once, its result is a recording of
            what came in, which is never there already, and to be stopped is its usual end.
        several: the results that settings ask for where they may ask for more than one, each a job of its own.
        joins: tells whether a result, by its job, is gone on with by another; only for folders, whose files then lie in
            the scratch folder of the work when it begins.
        kept: entries of a record that say how the result was found, by a search that a replay does not repeat: it
            stores them as they were.
        prints: the main result is text, which goes to standard output where no file is named; where settings decide it,
            a function of them.
        extras: results beside the main one that are written where an option of their label says so → its help.
        quality: of lossy pictures, where the user has no say.
        spreads: whether its works hand their parts to the session's executor, so that one of them keeps many machines
            busy; where settings decide it, a function of them.
    """

    name: str
    doing: str
    ending: str
    summary: str
    config: type[C]
    prepare: Callable[[C, Session], Prepared]
    roles: tuple[Role, ...] = ()
    makes: Literal["picture", "film", "mesh", "network", "table", "page", "folder"] = "picture"
    suffix: str = ".png"
    formats: tuple[str, ...] = ()
    check: Callable[[C], None] | None = None
    upgrade: Callable[[Mapping[str, object]], Mapping[str, object]] | None = None
    examples: tuple[str, ...] = ()
    name_of: Callable[[C], str] | None = None
    settle: Callable[[C, str], C] | None = None
    presets: Mapping[str, tuple[str, Mapping[str, Json]]] = dataclasses.field(default_factory=dict)
    usual: Callable[[Mapping[str, object]], str | None] | None = None
    film: str | None = None
    moving: str | None = None
    network: Callable[[C], Path | None] | None = None
    sheet: Callable[[C, str], Mapping[str, Sequence[Json]] | None] | None = None
    home: str = ""
    scratch: Callable[[Path], Path] | None = None
    begun: Callable[[Path, type], Mapping[str, object] | None] | None = None
    recipes: bool = False
    failed: Callable[[Output], int] | None = None
    then: Mapping[str, str] = dataclasses.field(default_factory=dict)
    live: bool = False
    several: Callable[[C, Session], Parts[C]] | None = None
    joins: Callable[[Job, Job], bool] | None = None
    kept: tuple[str, ...] = ()
    prints: bool | Callable[[C], bool] = False
    extras: Mapping[str, str] = dataclasses.field(default_factory=dict)
    quality: int | None = None
    spreads: bool | Callable[[C], bool] = False

    def spread_by(self, config: C) -> bool:
        """Tell whether a work with these settings has parts for other machines."""
        return self.spreads if isinstance(self.spreads, bool) else self.spreads(config)

    def prints_by(self, config: C) -> bool:
        """Tell whether the main result of these settings is read in the terminal."""
        return self.prints if isinstance(self.prints, bool) else self.prints(config)

    def settled(self, config: C, given: Given | None) -> C:
        """Return the settings as they count for this input; see `settle`."""
        return config if self.settle is None else self.settle(config, "" if given is None else given.name)

    @property
    def streamed(self) -> Role | None:
        """The input that the tool is applied to."""
        return next((role for role in self.roles if role.streamed), None)

    @property
    def fixed(self) -> tuple[Role, ...]:
        """The inputs that go into every result."""
        return tuple(role for role in self.roles if not role.streamed)

    def fields(self) -> list[tuple[str, dataclasses.Field[Any]]]:
        """Return the section and field of every setting; a name in two sections is there twice."""
        kinds = section_types(self.config)
        return [(section, field) for section, cls in kinds.items() for field in dataclasses.fields(cls)]


AnyTool: TypeAlias = "Tool[Any]"  # a registry holds tools of every configuration; each is typed where it is made


def load(path: str) -> AnyTool:
    """Return the tool at an import path, such as "reverie.tools.dream_steps.ascent.tool:DREAM".

    Raises:
        JobError: there is none.
    """
    module, _, name = path.partition(":")
    found = getattr(importlib.import_module(module), name, None)
    if not isinstance(found, Tool):
        raise JobError(f"'{path}' is no tool")
    return found


def changed(config: object, name: str, value: Json) -> object:
    """Return settings with one field set, in every section that has it."""
    for field in fields_of(config):
        part = getattr(config, field.name)
        if dataclasses.is_dataclass(part) and any(f.name == name for f in dataclasses.fields(part)):
            config = dataclasses.replace(config, **{field.name: changed(part, name, value)})  # type: ignore[type-var]
        elif field.name == name:
            config = dataclasses.replace(config, **{name: value})  # type: ignore[type-var]
    return config
