"""Inputs and results over HTTP. A browser names contents and opaque ids; it never names a place of this machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from reverie.apps.web.studio.api_pages import sandbox
from reverie.apps.web.studio.pictures import without_job, zipped
from reverie.apps.web.studio.show import file_shown, job_shown, result_shown
from reverie.apps.web.studio.studio import fields_of, number_of, owner_of, studio_of
from reverie.errors import InputError
from reverie.jobs.queue.entry import MissingError, Result

MOST_BUNDLED = 5000
INLINE = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".avif": "image/avif",
    ".gif": "image/gif", ".mp4": "video/mp4", ".webm": "video/webm", ".mov": "video/quicktime", ".html": "text/html",
    ".json": "application/json", ".glb": "model/gltf-binary", ".obj": "text/plain", ".csv": "text/plain",
}  # fmt: skip


async def post_file(request: Request) -> Response:
    """Keep an input; the body is the file, ?name= its name."""
    studio = studio_of(request)
    name = request.query_params.get("name", "")
    length = request.headers.get("content-length", "0")
    most = studio.settings.most_upload_bytes
    if length.isdecimal() and int(length) > most:
        raise InputError(f"the file is larger than {most >> 20} MB, which is the most that is taken here")
    with studio.files.incoming(most) as incoming:
        async for piece in request.stream():
            if piece:
                await run_in_threadpool(incoming.add, piece)
        item = await run_in_threadpool(studio.files.keep, incoming, name, owner=owner_of(request))
    return JSONResponse(file_shown(item), 201)


async def post_bundle(request: Request) -> Response:
    """Make one folder of several inputs: {"name": TEXT, "files": [sha256, ...]}."""
    asked = await fields_of(request, name=str, files=list)
    files = asked.get("files", [])
    if not 1 <= len(files) <= MOST_BUNDLED or not all(isinstance(item, str) for item in files):
        raise InputError(f"expected between 1 and {MOST_BUNDLED} files by sha256")
    bundle = studio_of(request).files.bundle
    item = await run_in_threadpool(bundle, files, asked.get("name") or "pictures", owner=owner_of(request))
    return JSONResponse(file_shown(item), 201)


async def file_small(request: Request) -> Response:
    """Return a small picture of an input or of any result, by content; ?px= its longer side."""
    studio, digest = studio_of(request), request.path_params["digest"]
    kept = studio.thumbs.kept(digest, number_of(request, "px", 512) or 512)
    if kept is not None:  # the picture of a preset outlives the result it was made from
        return _jpeg(kept)
    path = await run_in_threadpool(studio.files.path, digest)
    return await _small(request, path, digest)


async def get_result(request: Request) -> Response:
    """Return a result; ?download=1 as a file to keep, ?plain=1 without the job inside."""
    result, path = await _found(request)
    headers = {"Cache-Control": "private, max-age=86400, immutable"}
    name = re.sub(r"[^A-Za-z0-9._-]", "_", result.name)
    if path.is_dir():
        place = await run_in_threadpool(zipped, path, studio_of(request).home.incoming)
        headers["Content-Disposition"] = (
            f"attachment; filename=\"{name}.zip\"; filename*=UTF-8''{quote(result.name)}.zip"
        )
        done = BackgroundTask(place.unlink, missing_ok=True)
        return FileResponse(place, media_type="application/zip", headers=headers, background=done)
    kind = INLINE.get(path.suffix.lower())
    attached = bool(request.query_params.get("download")) or kind is None
    if attached:
        headers["Content-Disposition"] = f"attachment; filename=\"{name}\"; filename*=UTF-8''{quote(result.name)}"
    if kind == "text/html":
        headers["Content-Security-Policy"] = sandbox(request)
    if request.query_params.get("plain"):
        blob = await run_in_threadpool(without_job, path)
        return Response(blob, media_type=kind or "application/octet-stream", headers=headers)
    return FileResponse(path, media_type=kind or "application/octet-stream", headers=headers)


async def result_small(request: Request) -> Response:
    """Return a small picture of a result; ?px= its longer side."""
    result, path = await _found(request)
    return await _small(request, path, result.sha256)


async def mark_result(request: Request) -> Response:
    """Make a result a favorite, or decide whether it may be shown: {"favourite": true, "shown": "yes"}."""
    asked = await fields_of(request, favourite=bool, shown=str)
    if asked.get("shown", "") not in ("", "yes", "no"):
        raise InputError("expected shown: 'yes', 'no' or ''")
    found = await run_in_threadpool(studio_of(request).queue.mark, request.path_params["key"], **asked)
    return JSONResponse(result_shown(found))


async def replay_result(request: Request) -> Response:
    """Make a result again from its job and compare the bytes."""
    studio = studio_of(request)
    result = await run_in_threadpool(studio.queue.result, request.path_params["key"])
    entry = await run_in_threadpool(studio.queue.get, result.job)
    path = studio.home.result(result.job) / result.name
    record = await run_in_threadpool(_record_of, path, entry.record)
    made = await run_in_threadpool(studio.post, record, owner_of(request), suffix=entry.suffix, compare=result.id)
    return JSONResponse(await run_in_threadpool(job_shown, made, studio.home, owner=owner_of(request)), 201)


async def result_record(request: Request) -> Response:
    """Return the job inside a result."""
    result, path = await _found(request)
    entry = await run_in_threadpool(studio_of(request).queue.get, result.job)
    return JSONResponse(await run_in_threadpool(_record_of, path, entry.record))


async def gallery(request: Request) -> Response:
    """List jobs with results: ?words=, ?favourites=1, ?tool=, ?mine=1, ?before=NUMBER, ?limit=N."""
    studio, ask = studio_of(request), request.query_params
    found = await run_in_threadpool(
        studio.queue.gallery, words=ask.get("words", "")[:200], favourites=bool(ask.get("favourites")),
        tool=ask.get("tool", "")[:80], owner=owner_of(request) if ask.get("mine") else None,
        limit=min(200, number_of(request, "limit", 60) or 60), before=number_of(request, "before"),
    )  # fmt: skip
    return JSONResponse([job_shown(entry, studio.home, owner=owner_of(request)) for entry in found])


async def _found(request: Request) -> tuple[Result, Path]:
    studio = studio_of(request)
    result = await run_in_threadpool(studio.queue.result, request.path_params["key"])
    path = studio.home.result(result.job) / result.name
    if not path.exists():
        raise MissingError("there is no such result any more")
    return result, path


async def _small(request: Request, path: Path, digest: str) -> Response:
    studio = studio_of(request)
    place = await studio.thumbs.get(path, digest, number_of(request, "px", 512) or 512)
    return _jpeg(place)


def _jpeg(place: Path) -> Response:
    return FileResponse(place, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400, immutable"})


def _record_of(path: Path, record: Any) -> Any:
    """Return the job inside a result, or the one that was queued where the file holds none."""
    from reverie.jobs.stored import stored_record

    if path.suffix == ".safetensors":  # reading its description would load torch into the server
        return record
    try:
        return stored_record(path)
    except InputError:
        return record
