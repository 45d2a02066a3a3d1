"""The wall: what may be shown in public, the newest first, with how it came about; and the QR code of the booth."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from reverie.apps.web.studio.api_booth import BOOTH
from reverie.apps.web.studio.studio import Studio, number_of, studio_of
from reverie.jobs.queue.entry import Entry, MissingError, Result
from reverie.jobs.queue.trail import FRAMES

MOST_SHOWN = 40
MOST_FILMS = 12  # of reactions, that play in quiet times
REACTION = f"{BOOTH}reaction"  # who queues what rules ask for; it is shown as what visitors make


async def shown(request: Request) -> Response:
    """List what the wall shows, the newest first; ?screen= and ?screens= give each of several its own part."""
    studio = studio_of(request)
    screens = max(1, min(32, number_of(request, "screens", 1) or 1))
    screen = max(1, min(screens, number_of(request, "screen", 1) or 1))
    found = await run_in_threadpool(on_wall, studio)
    films = [f"/api/wall/idle/{number}" for number in range(len(await run_in_threadpool(films_of, studio)))]
    return JSONResponse({
        "items": [_item(studio, *one) for one in found[screen - 1 :: screens]], "screen": screen,
        "idle": films[screen - 1 :: screens] or films, "pace": 1.0 if studio.signals is None else studio.signals.pace,
    })  # fmt: skip


async def idle(request: Request) -> Response:
    """Return a film of quiet times."""
    number = request.path_params["number"]
    films = await run_in_threadpool(films_of, studio_of(request))
    if not 0 <= number < len(films):
        raise MissingError("there is no such film")
    return FileResponse(films[number])


async def picture(request: Request) -> Response:
    """Return a picture of the wall: what is "before", "after", or the number of one on the way."""
    studio, key, what = studio_of(request), request.path_params["key"], request.path_params["what"]
    found = await run_in_threadpool(on_wall, studio)
    entry, result = next(((e, r) for e, r in found if r.id == key), (None, None))
    if entry is None or result is None:
        raise MissingError("there is no such picture on the wall")
    if what == "after":
        path, digest = studio.home.result(entry.id) / result.name, result.sha256
    elif what == "before" and isinstance(source := entry.record.get("input"), Mapping) and source:
        digest = str(source["sha256"])
        path = await run_in_threadpool(studio.files.path, digest)
    else:
        number = int(what) if what.isdecimal() and len(what) < 4 else -1
        frame = studio.home.job(entry.id) / FRAMES / f"{number:03d}.jpg"
        if not frame.exists():
            raise MissingError("there is no such picture on the wall")
        return FileResponse(frame, media_type="image/jpeg")
    return FileResponse(await studio.thumbs.get(path, digest, 1600), media_type="image/jpeg")


async def qr(request: Request) -> Response:
    """Return the QR code of the booth's address."""
    import segno

    studio = studio_of(request)
    address = studio.settings.address or f"{request.url.scheme}://{request.headers.get('host', '')}/booth"
    out = io.BytesIO()
    segno.make(address, micro=False).save(out, kind="svg", scale=8, border=2, dark="#111", light="#fff")
    return Response(out.getvalue(), media_type="image/svg+xml")


def films_of(studio: Studio) -> list[str | Path]:
    """Return the films of quiet times: those that were named, and what reactions made."""
    made: list[str | Path] = []
    for entry in studio.queue.gallery(limit=200):
        for result in entry.results:
            shown = entry.owner == REACTION and not studio.settings.moderated and result.shown != "no"
            if result.kind == "film" and (shown or result.shown == "yes"):
                made.append(studio.home.result(entry.id) / result.name)
    return [*studio.settings.idle, *made[:MOST_FILMS]]


def on_wall(studio: Studio) -> list[tuple[Entry, Result]]:
    """Return the visitors' pictures that may be shown, and others that somebody has released; the newest first.

    Where the wall is moderated, only what somebody has released.
    """
    found: list[tuple[Entry, Result]] = []
    for entry in studio.queue.gallery(limit=200):
        result = next((one for one in entry.results if one.kind == "picture"), None)
        if result is None:
            continue
        visitor = entry.owner.startswith(BOOTH) and not studio.settings.moderated and result.shown != "no"
        if visitor or result.shown == "yes":
            found.append((entry, result))
    return found[:MOST_SHOWN]


def _item(studio: Studio, entry: Entry, result: Result) -> dict[str, object]:
    folder = studio.home.job(entry.id) / FRAMES
    frames = len(list(folder.iterdir())) if folder.is_dir() else 0
    base = f"/api/wall/{result.id}"
    return {
        "id": result.id, "created": result.created, "before": f"{base}/before" if entry.record.get("input") else "",
        "after": f"{base}/after", "frames": [f"{base}/{number}" for number in range(frames)],
    }  # fmt: skip
