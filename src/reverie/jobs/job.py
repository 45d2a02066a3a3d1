"""A job: what a tool is asked to do, or was, as a value and as plain JSON.

What an output carries inside, what the studio queues and what a cluster ships is this. The JSON keeps the layout that
pictures have had from the beginning, so that all of them go on replaying:

    {"tool", "version", "config": {settings by name}, "input": {"name", "sha256", ...} or null, "model", "machine",
     "files": {role: {"name", "sha256"}}, "steering": [[step, change], ...], "quality", "stopped_at_step", ...}

A tool whose settings have several sections stores each under its own name (a film: "config" and "video"). It is parsed
here and nowhere else; everything after `parse` works on typed values.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from reverie.errors import InputError, JobError
from reverie.settings import parse_settings, to_record, types_of

if TYPE_CHECKING:
    from reverie.jobs.tool import AnyTool

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

LEADING = ("keyframes",)  # entries that records have had before all others from the beginning
MEANT = "classes"  # entry that says which classes the texts of the settings named: {"dog": ["chihuahua", ...]}
BEFORE_MACHINE = ("spectrum",)  # and these before "machine"
MOST_NAME = 255  # characters of a file's name
MOST_CHANGES = 400
MOST_FILES = 10_000
NETWORKS = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".caffemodel")  # suffixes of networks that are files
OF_LIBRARY = re.compile(r"timm/\w+(\.\w+)*", re.ASCII)  # networks of another library by name
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Input:
    """What a job says of a file that goes in: its name without folders, its content, and its size if a picture's."""

    name: str
    sha256: str
    width: int | None = None
    height: int | None = None

    def record(self) -> dict[str, Json]:
        """Return it as plain JSON."""
        size = {} if self.width is None else {"width": self.width, "height": self.height}
        return {"name": self.name, "sha256": self.sha256, **size}


@dataclass(frozen=True)
class Change:
    """What was changed while the work ran, and the number of the first step that it holds for."""

    step: int
    values: Mapping[str, Json]


@dataclass(frozen=True)
class Made:
    """With what a result was made: a replay compares it and says what differs."""

    version: str = ""
    torch: str = ""
    device: str = "cpu"
    threads: int | None = None

    def machine(self) -> dict[str, Json]:
        """Return what stands under "machine"."""
        return {"torch": self.torch, "device": self.device, "threads": self.threads}


@dataclass(frozen=True)
class Job:
    """What a tool is asked to do, or was.

    Attributes:
        tool: its name in the registry.
        config: its settings; names of files in it have no folders.
        streamed: what it is applied to, if to anything.
        model: the network.
        files: fixed inputs by role.
        made: with what.
        changes: what was steered.
        stopped_at_step: where it was stopped and kept, if it was.
        quality: of lossy pictures.
        more: what else stands in the record: measurements, notes of the tool.
    """

    tool: str
    config: object
    streamed: Input | None = None
    model: Input | None = None
    files: Mapping[str, Input] = field(default_factory=dict)
    made: Made = field(default_factory=Made)
    changes: tuple[Change, ...] = ()
    stopped_at_step: int | None = None
    quality: int | None = None
    more: Mapping[str, Json] = field(default_factory=dict)

    def record(self) -> dict[str, Json]:
        """Return the job as plain JSON."""
        about: dict[str, Json] = {name: value for name, value in self.more.items() if name in LEADING}
        about |= {"tool": self.tool, "version": self.made.version}
        (first, part), *others = sections(self.config).items()
        about[first] = to_record(part)
        about["input"] = None if self.streamed is None else self.streamed.record()
        about["model"] = None if self.model is None else self.model.record()
        about |= {name: self.more[name] for name in BEFORE_MACHINE if name in self.more}
        about["machine"] = self.made.machine()
        if self.files:
            about["files"] = {role: item.record() for role, item in self.files.items()}
        about |= {name: to_record(part) for name, part in others}
        about |= self.more
        if self.changes:
            about["steering"] = [[change.step, dict(change.values)] for change in self.changes]
        if self.quality is not None:
            about["quality"] = self.quality
        return about if self.stopped_at_step is None else about | {"stopped_at_step": self.stopped_at_step}


def sections(config: object) -> dict[str, object]:
    """Return the parts of a tool's settings by the name they are stored under: "config", or its own sections."""
    kinds = section_types(type(config))
    return {"config": config} if tuple(kinds) == ("config",) and not hasattr(config, "config") else {
        name: getattr(config, name) for name in kinds
    }  # fmt: skip


@functools.lru_cache(1024)
def section_types(cls: type) -> Mapping[str, type]:
    """Return the classes of the parts of a tool's settings by the name they are stored under."""
    hints = types_of(cls)
    nested = {f.name: hints[f.name] for f in dataclasses.fields(cls) if dataclasses.is_dataclass(hints[f.name])}
    return MappingProxyType(nested or {"config": cls})


def joined(cls: type, parts: Mapping[str, object]) -> object:
    """Return the settings of a tool from their parts."""
    return cls(**parts) if dataclasses.is_dataclass(types_of(cls).get("config")) else parts["config"]


def parse(data: object, find: Callable[[str], AnyTool], what: str = "the job") -> Job:
    """Return the job that JSON describes; the only place that looks at raw JSON.

    Args:
        data: from a file or a stranger.
        find: gives a tool by name, and raises `JobError` for one that is not there.
        what: how to call the data in messages, such as "the settings inside 'a.png'".

    Raises:
        JobError: one line that says what is wrong.
    """
    try:
        return _parsed(data, find, what)
    except JobError:
        raise
    except InputError as error:
        raise JobError(str(error)) from error


def _parsed(data: object, find: Callable[[str], AnyTool], what: str) -> Job:
    record = _mapping(data, what)
    name = record.get("tool")
    if not isinstance(name, str):
        raise JobError(f"{what} cannot be read: they do not name a tool")
    tool = find(name)
    record = _mapping(tool.upgrade(record), what) if tool.upgrade is not None else record
    kinds = section_types(tool.config)
    parts = {key: parse_settings(cls, record.get(key, {}), what) for key, cls in kinds.items()}
    known = {"tool", "version", "input", "model", "machine", "files", "steering", "quality", "stopped_at_step", *kinds}
    files = _mapping(record.get("files") or {}, f"the files of {what}")
    if len(files) > MOST_FILES:
        raise JobError(f"{what} name {len(files)} files; at most {MOST_FILES} are read")
    return Job(
        tool=name, config=joined(tool.config, parts),
        streamed=_input(record.get("input"), what), model=_input(record.get("model"), what),
        files={str(role): _present(_input(item, what), what) for role, item in files.items()},
        made=_made(record, what), changes=_changes(record.get("steering") or (), what),
        stopped_at_step=_count(record.get("stopped_at_step"), "stopped_at_step", what),
        quality=_count(record.get("quality"), "quality", what),
        more={str(key): typing.cast("Json", value) for key, value in record.items() if key not in known},
    )  # fmt: skip


def _mapping(data: object, what: str) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise JobError(f"{what} cannot be read: expected entries by name")
    return data


def _input(data: object, what: str) -> Input | None:
    if data is None:
        return None
    record = _mapping(data, what)
    name, digest = record.get("name"), record.get("sha256")
    if not isinstance(name, str) or not isinstance(digest, str) or len(name) > MOST_NAME:
        raise JobError(f"{what} cannot be read: an input has no name or no sha256")
    bare = (
        name if is_library_name(name) else name.replace("\\", "/").rpartition("/")[2]
    )  # a folder in it would be a stranger's choice of what is read
    width, height = (_count(record.get(key), key, what) for key in ("width", "height"))
    return Input(bare, digest, width, height)


def is_library_name(name: str) -> bool:
    """Tell whether this is timm/NAME, the name of a network that no file has."""
    return OF_LIBRARY.fullmatch(name) is not None and not name.lower().endswith(NETWORKS)


def _present(found: Input | None, what: str) -> Input:
    if found is None:
        raise JobError(f"{what} cannot be read: a file has no name")
    return found


def _made(record: Mapping[str, object], what: str) -> Made:
    machine = _mapping(record.get("machine") or {}, what)
    texts = {"version": record.get("version"), "torch": machine.get("torch"), "device": machine.get("device")}
    for key, value in texts.items():
        if value is not None and not isinstance(value, str):
            raise JobError(f"{what} cannot be read: '{key}' is no text")
    threads = _count(machine.get("threads"), "threads", what)
    return Made(*(str(value or "") for value in texts.values()), threads=threads)


def _changes(data: object, what: str) -> tuple[Change, ...]:
    if not isinstance(data, Sequence) or isinstance(data, str) or len(data) > MOST_CHANGES:
        raise JobError(f"{what} cannot be read: 'steering' is no list of at most {MOST_CHANGES} changes")
    found: list[Change] = []
    for item in data:
        if not isinstance(item, Sequence) or isinstance(item, str) or len(item) != 2:
            raise JobError(f"{what} cannot be read: a change in 'steering' is not [step, values]")
        step = _count(item[0], "steering", what)
        values = _mapping(item[1], what)
        found.append(Change(step or 0, {str(k): typing.cast("Json", v) for k, v in values.items()}))
    return tuple(found)


def _count(value: object, name: str, what: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise JobError(f"{what} cannot be read: '{name}' is no whole number")
    return value
