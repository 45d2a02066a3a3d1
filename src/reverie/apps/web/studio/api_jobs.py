"""Jobs over HTTP: post, list, follow, ask for a stop; the queue decides everything."""

from __future__ import annotations

from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from reverie.apps.web.studio.show import job_shown
from reverie.apps.web.studio.studio import body_of, fields_of, number_of, owner_of, studio_of
from reverie.errors import InputError
from reverie.jobs.queue.entry import ENDED, OPEN, Entry, MissingError, Wish
from reverie.jobs.queue.trail import look, progress_of

WISHES: dict[str, Wish] = {"pause": "pause", "resume": "", "stop": "stop", "cancel": "cancel"}
MOST_PRIORITY = 100
MOST_LISTED = 200


async def post_job(request: Request) -> Response:
    """Queue a job; the body is the job's JSON: ?priority=, ?format= of the result, ?once= a word for safe repeats."""
    studio, record = studio_of(request), await body_of(request)
    priority = _priority(number_of(request, "priority", 0))
    suffix = request.query_params.get("format", "")
    once, owner = request.query_params.get("once", "")[:64], owner_of(request)
    entry = await run_in_threadpool(studio.post, record, owner, suffix=suffix, priority=priority, once=once)
    return JSONResponse(await _shown(request, entry), 201, {"Location": f"/api/jobs/{entry.id}"})


async def list_jobs(request: Request) -> Response:
    """List jobs, the latest first; ?state=open|ended, ?mine=1, ?before=NUMBER, ?limit=N."""
    studio, ask = studio_of(request), request.query_params
    states = {"open": OPEN, "ended": ENDED}.get(ask.get("state", ""), ())
    owner = owner_of(request) if ask.get("mine") else None
    limit = min(MOST_LISTED, number_of(request, "limit", 60) or 60)
    found = await run_in_threadpool(
        studio.queue.all, states=states, owner=owner, limit=limit, before=number_of(request, "before")
    )
    return JSONResponse([await _shown(request, entry) for entry in found])


async def get_job(request: Request) -> Response:
    """Return one job."""
    return JSONResponse(await _shown(request, await _entry(request)))


async def delete_job(request: Request) -> Response:
    """Remove a job that is over, with its results."""
    await run_in_threadpool(studio_of(request).queue.delete, request.path_params["key"])
    return Response(status_code=204)


async def wish_job(request: Request) -> Response:
    """Ask for a pause, to go on, to stop and keep, or to cancel: {"wish": "pause" | "resume" | "stop" | "cancel"}."""
    asked = await fields_of(request, wish=str)
    wish = asked.get("wish")
    if not isinstance(wish, str) or wish not in WISHES:
        raise InputError(f"expected wish: one of {', '.join(WISHES)}")
    entry = await run_in_threadpool(studio_of(request).queue.wish, request.path_params["key"], WISHES[wish])
    return JSONResponse(await _shown(request, entry))


async def retry_job(request: Request) -> Response:
    """Queue a job again that failed or was cancelled."""
    return JSONResponse(
        await _shown(request, await run_in_threadpool(studio_of(request).queue.retry, request.path_params["key"]))
    )


async def prioritize_job(request: Request) -> Response:
    """Change the priority of a job: {"priority": N}."""
    asked = await fields_of(request, priority=int)
    priority = _priority(asked.get("priority"))
    queue = studio_of(request).queue
    return JSONResponse(
        await _shown(request, await run_in_threadpool(queue.prioritize, request.path_params["key"], priority))
    )


async def steer_job(request: Request) -> Response:
    """Change a steerable setting while the job runs: {"NAME": VALUE}."""
    studio, asked = studio_of(request), await body_of(request)
    entry = await _entry(request)
    tool = studio.find(entry.tool)
    progress = await run_in_threadpool(progress_of, studio.home.job(entry.id)) or {}
    known = {field.name for _, field in tool.fields() if field.metadata.get("steer")} | {*progress.get("steerable", ())}
    if not isinstance(asked, dict) or len(asked) != 1 or not set(asked) <= known:
        raise InputError(
            f"expected one setting that can be steered: {', '.join(sorted(known)) or 'this tool has none'}"
        )
    ((name, value),) = asked.items()
    await run_in_threadpool(studio.queue.steer, entry.id, name, value)
    return Response(status_code=204)


async def job_preview(request: Request) -> Response:
    """Return the latest preview of a running job as JPEG; asking for it is what makes the worker draw the next."""
    entry = await _entry(request)
    folder = studio_of(request).home.job(entry.id)
    await run_in_threadpool(look, folder)
    return _file(folder / "preview.jpg", "image/jpeg")


async def job_curves(request: Request) -> Response:
    """Return the scores of a job by step."""
    path = studio_of(request).home.job((await _entry(request)).id) / "curves.json"
    return _file(path, "application/json") if path.exists() else JSONResponse([])


async def job_log(request: Request) -> Response:
    """Return the log of a job."""
    entry = await _entry(request)
    path = studio_of(request).home.job(entry.id) / "log.txt"
    text = await run_in_threadpool(path.read_text, "utf-8") if path.exists() else ""
    return PlainTextResponse(text)


async def events(request: Request) -> Response:
    """Follow the queue as server-sent events; ?job=ID only that one, until it is over."""
    only = request.query_params.get("job")
    following = studio_of(request).following
    if only is not None:
        await run_in_threadpool(studio_of(request).queue.get, only)
    if following.full:
        return JSONResponse({"error": "too many pages are open"}, 503)
    stream = following.events(owner_of(request), only)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _entry(request: Request) -> Entry:
    return await run_in_threadpool(studio_of(request).queue.get, request.path_params["key"])


async def _shown(request: Request, entry: Entry) -> dict:
    return await run_in_threadpool(job_shown, entry, studio_of(request).home, owner=owner_of(request))


def _file(path: Path, kind: str) -> Response:
    if not path.exists():
        raise MissingError("there is nothing yet")
    try:
        return Response(path.read_bytes(), media_type=kind)
    except FileNotFoundError as error:  # the job ended between the two looks
        raise MissingError("there is nothing any more") from error


def _priority(value: int | None) -> int:
    if value is None or not -MOST_PRIORITY <= value <= MOST_PRIORITY:
        raise InputError(f"priority must be between -{MOST_PRIORITY} and {MOST_PRIORITY}")
    return value
