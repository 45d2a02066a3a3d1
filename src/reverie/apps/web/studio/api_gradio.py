"""The studio for `gradio_client`: every tool is an endpoint, its settings are the parameters, its results files.

Programs written for Gradio speak to the same queue as the page; nothing of Gradio is needed here.
Source: the protocol "sse_v3" of Gradio 5 and 6, as its client speaks it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Self, TypedDict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from reverie.apps.web.studio.api_files import get_result
from reverie.apps.web.studio.form_data import FormFiles, boundary_of
from reverie.apps.web.studio.forms import FieldShown, Form
from reverie.apps.web.studio.studio import Studio, body_of, owner_of, studio_of
from reverie.errors import InputError
from reverie.jobs.queue.entry import OPEN, MissingError
from reverie.jobs.queue.files import Incoming, kind_of
from reverie.jobs.queue.store import new_id
from reverie.jobs.queue.trail import progress_of, without_places

PREFIX = "/gradio_api"
SPOKEN = "6.16.0"  # the version of Gradio whose protocol this is
LOOK_S, ALIVE_S = 0.2, 15.0
MOST_SESSIONS, MOST_FILES = 1000, 100
FILE_KIND = {"title": "FileData", "type": "object", "properties": {"path": {"type": "string"}}}
PLAIN = {"whole": ("integer", "int"), "number": ("number", "float"), "switch": ("boolean", "bool")}


async def config(request: Request) -> Response:
    """Describe the endpoints as Gradio's client expects."""
    studio, components, endpoints = studio_of(request), [_component(0, FILE_KIND)], []
    for number, form in enumerate(await run_in_threadpool(lambda: studio.forms)):
        asked = parameters(form)
        inputs = [len(components) + k for k in range(len(asked))]
        components += [_component(key, one["type"]) for key, one in zip(inputs, asked, strict=True)]
        endpoints.append({
            "id": number, "api_name": _word(form["name"]), "inputs": inputs, "outputs": [0], "backend_fn": True,
            "queue": True, "targets": [], "types": {"generator": False, "cancel": False}, "show_api": True,
            "api_visibility": "public", "zero_gpu": False,
        })  # fmt: skip
    return JSONResponse({
        "version": SPOKEN, "api_prefix": PREFIX, "protocol": "sse_v3", "components": components,
        "dependencies": endpoints, "max_file_size": studio.settings.most_upload_bytes, "title": "Reverie",
    })  # fmt: skip


async def info(request: Request) -> Response:
    """Describe the parameters of every endpoint."""
    forms = await run_in_threadpool(lambda: studio_of(request).forms)
    returned = _parameter("results", "the files that were made", FILE_KIND, "list[filepath]", None)
    named = {
        f"/{_word(one['name'])}": {"parameters": parameters(one), "returns": [returned], "description": one["summary"]}
        for one in forms
    }
    return JSONResponse({"named_endpoints": named, "unnamed_endpoints": {}})


async def upload(request: Request) -> Response:
    """Keep the files of a form; return what jobs call them by."""
    form = FormFiles(boundary_of(request.headers.get("content-type", "")))
    with Received(studio_of(request), owner_of(request)) as received:
        async for piece in request.stream():
            for part in form.feed(piece):
                await run_in_threadpool(received.take, part)
    return JSONResponse(received.names)


async def join(request: Request) -> Response:
    """Queue a job: {"fn_index": N, "data": [...], "session_hash": TEXT}."""
    studio, asked = studio_of(request), await body_of(request)
    forms = await run_in_threadpool(lambda: studio.forms)
    number, values, session = (asked.get(key) if isinstance(asked, dict) else None
                               for key in ("fn_index", "data", "session_hash"))  # fmt: skip
    if not (isinstance(number, int) and 0 <= number < len(forms) and isinstance(values, list) and session):
        raise InputError("expected fn_index, data and session_hash")
    sessions, session = studio.sessions, str(session)[:64]
    if len(sessions) >= MOST_SESSIONS and session not in sessions:
        sessions.pop(next(iter(sessions)))
    try:
        entry = await run_in_threadpool(studio.post, job_of(forms[number], values), owner_of(request))
        key, refused = entry.id, ""
    except InputError as error:  # the client reads reasons from the stream alone
        key, refused = new_id(), without_places(str(error))
    sessions.setdefault(session, {})[key] = refused
    return JSONResponse({"event_id": key})


async def data(request: Request) -> Response:
    """Follow the jobs of a session as server-sent events, until all are over."""
    return _stream(_messages(studio_of(request), request.query_params.get("session_hash", "")[:64]))


async def heartbeat(request: Request) -> Response:
    """Say now and then that the studio is there."""
    following = studio_of(request).following

    async def beats() -> AsyncIterator[bytes]:
        while not following.closing:
            yield b"data: ALIVE\n\n"
            await asyncio.sleep(ALIVE_S)

    return _stream(beats())


async def cancel(request: Request) -> Response:
    """Cancel a job: {"event_id": ID}."""
    asked, queue = await body_of(request), studio_of(request).queue
    key = asked.get("event_id") if isinstance(asked, dict) else None
    if not isinstance(key, str):
        raise InputError("expected event_id")
    entry = await run_in_threadpool(queue.get, key)
    if entry.state in OPEN:
        await run_in_threadpool(queue.wish, key, "cancel")
    return JSONResponse({"success": True})


async def file(request: Request) -> Response:
    """Return a result."""
    request.path_params["key"] = request.path_params["path"].partition("/")[0]
    return await get_result(request)


class Received:
    """Files of a form on their way into the store.

    Attributes:
        names: what jobs call those by that have come whole.
    """

    def __init__(self, studio: Studio, owner: str) -> None:
        self._studio, self._owner, self._name = studio, owner, ""
        self._file: Incoming | None = None
        self.names: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.__exit__()
            self._file = None

    def take(self, part: str | bytes | None) -> None:
        """Take a part: the name of a file, a piece of it, or its end."""
        files = self._studio.files
        if isinstance(part, str):
            if len(self.names) >= MOST_FILES:
                raise InputError(f"at most {MOST_FILES} files at once")
            self._file, self._name = files.incoming(self._studio.settings.most_upload_bytes), part
        elif self._file is not None and part is not None:
            self._file.add(part)
        elif self._file is not None:
            item = files.keep(self._file, self._name, owner=self._owner)
            self.names.append(f"{item.sha256}/{item.name}")
            self.__exit__()


# -- jobs -------------------------------------------------------------------------------------------------------------


class Parameter(TypedDict):
    """One parameter, as Gradio describes it."""

    label: str
    parameter_name: str
    parameter_has_default: bool
    parameter_default: object
    type: dict[str, object]
    python_type: dict[str, str]
    component: str
    example_input: object


def parameters(form: Form) -> list[Parameter]:
    """Return the parameters of a tool: what it is applied to, then its settings, each with its default."""
    streamed, found = form["streamed"], list[Parameter]()
    if streamed is not None:
        found.append(_parameter(streamed["name"], streamed["help"], FILE_KIND, "filepath", None))
        found[0]["parameter_has_default"] = not streamed["required"]
    for field in _fields(form):
        kind, python = PLAIN.get(field["type"], ("string", "str"))
        one: Mapping[str, object] = FILE_KIND if field["type"] == "file" else {"type": kind}
        python = "filepath" if field["type"] == "file" else python
        if field["many"]:
            one, python = {"type": "array", "items": one}, f"list[{python}]"
        found.append(_parameter(field["name"], field["help"], one, python, field["default"]))
    return found


def job_of(form: Form, data: list[Any]) -> dict[str, object]:
    """Return the job of the values of `parameters`; what is missing has its default."""
    job: dict[str, object] = {"tool": form["name"]}
    sections: dict[str, dict[str, object]] = {}
    values, files = list(data), dict[str, object]()
    if form["streamed"] is not None and values:
        given = _sent(values.pop(0))
        if given is not None:
            job["input"] = given
            moves = kind_of(Path(given["name"]).suffix.lower()) == "film"
            job["tool"] = form["film"] if moves and form["film"] else form["name"]
    for field, value in zip(_fields(form), values, strict=False):
        items = [_sent(one) for one in value] if isinstance(value, list) else [_sent(value)]
        if field["type"] == "file" and items and None not in items:
            roles = [f"{field['name']} {n}" for n in range(1, len(items) + 1)] if field["many"] else [field["name"]]
            files |= dict(zip(roles, items, strict=False))
            value = [one["name"] for one in items if one] if field["many"] else items[0]["name"]  # type: ignore[index]
        if value != field["default"]:
            sections.setdefault(field["section"], {})[field["name"]] = value
    return job | sections | ({"files": files} if files else {})


def _fields(form: Form) -> list[FieldShown]:
    """Return the settings that are parameters: of two sections with one name the first."""
    found: dict[str, FieldShown] = {}
    for field in form["fields"]:
        if not field["films"]:
            found.setdefault(field["name"], field)
    return list(found.values())


def _sent(value: object) -> dict[str, str] | None:
    """Return name and content of a file that was uploaded; None for anything else."""
    if not isinstance(value, dict) or not isinstance(value.get("path"), str):
        return None
    digest, _, name = value["path"].partition("/")
    return {"name": name, "sha256": digest}


def _parameter(name: str, text: str, kind: Mapping[str, object], python: str, default: object) -> Parameter:
    return {
        "label": name, "parameter_name": name, "parameter_has_default": True, "parameter_default": default,
        "type": dict(kind), "python_type": {"type": python, "description": text}, "component": "Reverie",
        "example_input": default,
    }  # fmt: skip


def _component(key: int, kind: Mapping[str, object]) -> dict[str, object]:
    return {"id": key, "type": "reverie", "props": {}, "skip_api": False, "api_info": dict(kind)}


def _word(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


# -- events -----------------------------------------------------------------------------------------------------------


async def _messages(studio: Studio, session: str) -> AsyncIterator[bytes]:
    said: dict[str, str] = {}
    while studio.sessions.get(session) and not studio.following.closing:
        for key, refused in list(studio.sessions[session].items()):
            message = _failed(refused) if refused else await run_in_threadpool(_message, studio, key)
            text = json.dumps({**message, "event_id": key}, ensure_ascii=False)
            if said.get(key) != text:
                said[key] = text
                yield f"data: {text}\n\n".encode()
            if message["msg"] == "process_completed":
                studio.sessions[session].pop(key, None)
        await asyncio.sleep(LOOK_S)
    studio.sessions.pop(session, None)
    yield b'data: {"msg": "close_stream", "event_id": null}\n\n'


def _message(studio: Studio, key: str) -> dict[str, object]:
    """Return where a job is, as Gradio says it."""
    try:
        entry = studio.queue.get(key)
    except MissingError as error:  # somebody deleted it
        return _failed(str(error))
    if entry.state in ("done", "stopped"):
        files = [_file(one.id, one.name, one.bytes) for one in entry.results]
        return {"msg": "process_completed", "success": True, "output": {"data": [files], "is_generating": False}}
    if entry.state not in OPEN:
        return _failed(entry.text or entry.state)
    about = progress_of(studio.home.job(entry.id)) if entry.worker else None
    if about is None:
        waiting = studio.queue.waiting()
        rank = waiting.index(entry.id) if entry.id in waiting else 0
        return {"msg": "estimation", "rank": rank, "queue_size": len(waiting), "rank_eta": None}
    part = {"index": about.get("done"), "length": about.get("total"), "unit": about.get("unit") or "steps",
            "progress": about.get("fraction"), "desc": about.get("stage")}  # fmt: skip
    return {"msg": "progress", "progress_data": [part]}


def _failed(why: str) -> dict[str, object]:
    return {"msg": "process_completed", "success": False, "output": {"error": why}}


def _file(key: str, name: str, size: int) -> dict[str, object]:
    return {
        "path": f"{key}/{name}", "url": None, "orig_name": name, "size": size, "is_stream": False,
        "meta": {"_type": "gradio.FileData"},
    }  # fmt: skip


def _stream(lines: AsyncIterator[bytes]) -> Response:
    return StreamingResponse(lines, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
