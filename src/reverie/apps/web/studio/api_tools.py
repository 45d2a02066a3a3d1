"""Tools, presets, the state of the studio, and the description of the interface."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TypedDict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reverie.apps.web.studio.studio import fields_of, studio_of
from reverie.errors import InputError
from reverie.jobs.job import Json
from reverie.jobs.queue.entry import MissingError
from reverie.jobs.queue.lease import Leases
from reverie.jobs.queue.store import Queue, new_id
from reverie.version import __version__

MOST_PRESETS = 200
LEFT_OUT = ("input", "machine", "steering", "stopped_at_step", "version")  # what belongs to the one result


async def tools(request: Request) -> Response:
    """List the tools with their forms."""
    studio = studio_of(request)
    return JSONResponse(await run_in_threadpool(lambda: studio.forms))


async def status(request: Request) -> Response:
    """Say how the studio is: version, workers, limits."""
    studio = studio_of(request)
    workers = await run_in_threadpool(Leases(studio.queue.database).living)
    settings = studio.settings
    return JSONResponse({
        "version": __version__, "workers": len(workers), "devices": [device for _, _, device in workers],
        "trouble": studio.keeper.trouble if studio.keeper is not None else "",
        "most_upload_bytes": settings.most_upload_bytes, "most_pixels": settings.most_pixels,
        "most_waiting": settings.most_waiting, "keep_hours": settings.keep_hours, "password": bool(settings.password),
        "moderated": settings.moderated,
    })  # fmt: skip


async def list_presets(request: Request) -> Response:
    """List presets: settings of a tool under a name, with a picture."""
    return JSONResponse(await run_in_threadpool(presets_of, studio_of(request).queue))


async def post_preset(request: Request) -> Response:
    """Keep the settings of a result as a preset, with the result as its picture: {"name", "result", "booth"}."""
    asked = await fields_of(request, name=str, result=str, booth=bool)
    name = asked.get("name", "").strip()[:60]
    if not name or "result" not in asked:
        raise InputError("expected name and result")
    made = await run_in_threadpool(_kept, studio_of(request).queue, name, asked["result"], asked.get("booth", False))
    return JSONResponse(made, 201)


async def change_preset(request: Request) -> Response:
    """Say whether a preset is offered to visitors: {"booth": true}."""
    asked = await fields_of(request, booth=bool)
    queue, key = studio_of(request).queue, request.path_params["key"]

    def change() -> int:
        with queue.database.writing() as db:
            return db.execute("UPDATE presets SET booth = ? WHERE id = ?", (asked.get("booth", False), key)).rowcount

    if not await run_in_threadpool(change):
        raise MissingError("there is no such preset")
    return Response(status_code=204)


async def delete_preset(request: Request) -> Response:
    """Remove a preset."""
    queue, key = studio_of(request).queue, request.path_params["key"]

    def delete() -> None:
        with queue.database.writing() as db:
            db.execute("DELETE FROM presets WHERE id = ?", (key,))

    await run_in_threadpool(delete)
    return Response(status_code=204)


class KeptPreset(TypedDict):
    """A look that somebody kept of a result."""

    id: str
    name: str
    tool: str
    record: Mapping[str, Json]
    picture: str
    booth: bool


def presets_of(queue: Queue, *, booth: bool = False) -> list[KeptPreset]:
    """Return the presets, or those that visitors are offered."""
    with queue.database.reading() as db:
        rows = db.execute("SELECT * FROM presets WHERE booth >= ? ORDER BY created", (int(booth),)).fetchall()
    return [
        {"id": row["id"], "name": row["name"], "tool": row["tool"], "record": json.loads(row["record"]),
         "picture": row["picture"], "booth": bool(row["booth"])}
        for row in rows
    ]  # fmt: skip


def _kept(queue: Queue, name: str, key: str, booth: bool) -> KeptPreset:
    result = queue.result(key)
    entry = queue.get(result.job)
    record = {key: value for key, value in entry.record.items() if key not in LEFT_OUT}
    made: KeptPreset = {
        "id": new_id(),
        "name": name,
        "tool": entry.tool,
        "record": record,
        "picture": result.sha256,
        "booth": booth,
    }
    with queue.database.writing() as db:
        if db.execute("SELECT count(*) FROM presets").fetchone()[0] >= MOST_PRESETS:
            raise InputError(f"there are {MOST_PRESETS} presets already; remove one first")
        db.execute(
            "INSERT INTO presets (id, name, tool, record, picture, booth, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (made["id"], name, entry.tool, json.dumps(record), result.sha256, int(booth), time.time()),
        )
    return made
