"""What may go into the queue: a job as JSON is read, checked as the command line would, and its files must be there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reverie.errors import InputError, JobError, unknown_name
from reverie.jobs.files import names_code
from reverie.jobs.job import Job, Json, parse, section_types, sections
from reverie.jobs.queue.files import FileStore
from reverie.jobs.queue.taken import input_paths, result_stem
from reverie.jobs.tool import AnyTool, load
from reverie.media.suffixes import FILMS_OFFERED, KINDS, PICTURES_WRITTEN, VIDEOS
from reverie.settings import check_together


@dataclass(frozen=True)
class Accepted:
    """A job that may be queued: its record as it is stored, the suffix of its result, and what to call it."""

    record: Mapping[str, Json]
    suffix: str
    title: str


def accept(data: object, find: Callable[[str], AnyTool], files: FileStore, *, suffix: str = "") -> Accepted:
    """Return what a job comes to, or refuse it.

    Args:
        data: the job as JSON.
        find: gives a tool by name.
        files: where its inputs must be already.
        suffix: of the result; the tool's own if absent.

    Raises:
        InputError: one line that says what is wrong.
    """
    job = parse(data, find, "the settings")
    tool = find(job.tool)
    if job.more and not job.made.version:  # written by a person: what it says beside a job would do nothing
        known = ("tool", *section_types(tool.config), "input", "files", "steering", "quality")
        raise JobError(unknown_name("entry of a job", next(iter(job.more))[:60], known))
    for part in sections(job.config).values():
        check_together(part, has_input=job.streamed is not None)
        _check_texts(part)
    if tool.check is not None:
        tool.check(job.config)
    _check_inputs(job, tool, files)
    files.touch([item.sha256 for item in (job.streamed, *job.files.values()) if item is not None])
    return Accepted(job.record(), _suffix(tool, job, suffix), result_stem(tool, job))


def _check_inputs(job: Job, tool: AnyTool, files: FileStore) -> None:
    role = tool.streamed
    if role is None and job.streamed is not None:
        raise JobError(f"reverie {tool.name} takes no input")
    if role is not None and role.required and job.streamed is None:
        raise JobError(f"reverie {tool.name} needs {role.name}: a {role.kind}")
    input_paths(job, files)
    if role is not None and job.streamed is not None and role.kind in ("picture", "film", "mesh"):
        suffix = files.path(job.streamed.sha256).suffix.lower()
        kinds = {KINDS.get(suffix, role.kind), role.kind}
        if len(kinds) > 1 and kinds != {"picture", "film"}:
            raise JobError(f"'{job.streamed.name}' is no {role.kind}; reverie {tool.name} needs one")
        if role.kind == "picture" and suffix in VIDEOS:
            name = f"film({tool.name})" if tool.film is None else load(tool.film).name
            raise JobError(f"'{job.streamed.name}' is a film; the tool for it is '{name}'")
    for item in tool.fixed:
        if item.required and not _given(job, item.name):
            raise JobError(f"reverie {tool.name} needs {item.name}: {item.help}")


def _given(job: Job, name: str) -> bool:
    return any(getattr(part, name, None) not in (None, "", ()) for part in sections(job.config).values())


def _check_texts(part: object) -> None:
    """Refuse texts that lead out of the job: no place of the machine may be named from outside."""
    for name, value in vars(part).items():
        for text in value if isinstance(value, tuple) else (value,):
            if not isinstance(text, str):
                continue
            if names_code(text):
                raise InputError(f"'{name}' names a function of somebody's own; only the command line runs those")
            if (
                text.startswith(("/", "\\", "~"))
                or ".." in Path(text.replace("\\", "/")).parts
                or text[1:3] in (":\\", ":/")
            ):
                raise InputError(f"'{name}' names a place on this machine; send the file instead")


def _suffix(tool: AnyTool, job: Job, wanted: str) -> str:
    if tool.makes == "folder":
        return ""
    known = {"picture": PICTURES_WRITTEN, "film": FILMS_OFFERED}.get(tool.makes, (tool.suffix,))
    wanted = wanted.lower()
    if wanted and not wanted.startswith("."):
        wanted = f".{wanted}"
    wanted = ".jpg" if wanted == ".jpeg" else wanted
    if wanted:
        if wanted not in known:
            raise InputError(f"results of {tool.name} are not written as {wanted[:12]}; known: {', '.join(known)}")
        return wanted
    own = Path(job.streamed.name).suffix.lower() if job.streamed is not None else ""
    return own if tool.makes == "film" and own in FILMS_OFFERED else tool.suffix
