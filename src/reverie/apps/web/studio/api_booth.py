"""The booth: visitors send a picture, choose a look, and see their own result grow; nothing else is theirs to reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from reverie.apps.web.studio.api_tools import presets_of
from reverie.apps.web.studio.forms import Form
from reverie.apps.web.studio.pictures import without_job
from reverie.apps.web.studio.studio import Studio, fields_of, owner_of, studio_of
from reverie.errors import InputError
from reverie.jobs.job import Json
from reverie.jobs.queue.entry import ENDED, Entry, MissingError
from reverie.jobs.queue.trail import look, progress_of

BOOTH = "booth:"  # before the owner of a visitor's jobs
PRIORITY = 10  # visitors stand and wait
MOST_WAITING = 2
MOST_UPLOAD_BYTES = 40 << 20


async def choices(request: Request) -> Response:
    """List the looks that visitors may choose from."""
    return JSONResponse([
        {key: choice[key] for key in ("id", "name", "help", "picture")} for choice in await _choices(request)
    ])  # fmt: skip


async def about(request: Request) -> Response:
    """Say what becomes of visitors' pictures: for how many hours they are kept, and whether somebody releases them."""
    settings = studio_of(request).settings
    return JSONResponse({"keep_hours": settings.keep_hours, "moderated": settings.moderated})


async def post_file(request: Request) -> Response:
    """Keep a visitor's picture; the body is the file, ?name= its name."""
    studio = studio_of(request)
    most = min(MOST_UPLOAD_BYTES, studio.settings.most_upload_bytes)
    with studio.files.incoming(most) as incoming:
        async for piece in request.stream():
            if piece:
                await run_in_threadpool(incoming.add, piece)
        name = request.query_params.get("name", "")
        item = await run_in_threadpool(studio.files.keep, incoming, name, owner=_owner(request))
    if item.kind != "picture":
        raise InputError("a picture is expected")
    return JSONResponse({"sha256": item.sha256, "name": item.name}, 201)


async def own_file(request: Request) -> Response:
    """Return a visitor's own picture small: phones send formats that their browsers do not show."""
    studio, digest = studio_of(request), request.path_params["digest"]
    item = await run_in_threadpool(studio.files.known, digest)
    if item.owner != _owner(request):
        raise MissingError("there is no such picture")
    path = await run_in_threadpool(studio.files.path, digest)
    return FileResponse(await studio.thumbs.get(path, digest, 512), media_type="image/jpeg")


async def post_job(request: Request) -> Response:
    """Make a look of a visitor's picture: {"choice": ID, "sha256": TEXT, "name": TEXT}."""
    asked = await fields_of(request, choice=str, sha256=str, name=str)
    choice = next((one for one in await _choices(request) if one["id"] == asked.get("choice")), None)
    if choice is None:
        raise InputError("choose one of the looks")
    studio = studio_of(request)
    item = await run_in_threadpool(studio.files.known, asked.get("sha256", ""))
    record = {**choice["record"], "input": {"name": asked.get("name") or item.name, "sha256": item.sha256}}
    record = record if studio.signals is None else studio.signals.moved(record)
    entry = await run_in_threadpool(
        studio.post, record, _owner(request), suffix=".jpg", priority=PRIORITY, most=MOST_WAITING
    )
    return JSONResponse(await run_in_threadpool(_shown, studio, entry), 201)


async def get_job(request: Request) -> Response:
    """Return a visitor's own job."""
    studio, entry = studio_of(request), await _own(request)
    await run_in_threadpool(look, studio.home.job(entry.id))
    return JSONResponse(await run_in_threadpool(_shown, studio, entry))


async def preview(request: Request) -> Response:
    """Return how far the picture is."""
    studio, entry = studio_of(request), await _own(request)
    path = studio.home.job(entry.id) / "preview.jpg"
    if not path.exists():
        raise MissingError("there is nothing yet")
    return Response(await run_in_threadpool(path.read_bytes), media_type="image/jpeg")


async def picture(request: Request) -> Response:
    """Return the result, to look at or with ?download=1 to keep; without the job, which names the visitor's file."""
    studio, entry = studio_of(request), await _own(request)
    if not entry.results:
        raise MissingError("there is nothing yet")
    result = entry.results[0]
    path = studio.home.result(entry.id) / result.name
    if not request.query_params.get("download"):
        return FileResponse(await studio.thumbs.get(path, result.sha256, 1600), media_type="image/jpeg")
    blob = await run_in_threadpool(without_job, path)
    headers = {"Content-Disposition": f'attachment; filename="reverie{path.suffix}"'}
    return Response(blob, media_type="image/jpeg", headers=headers)


async def choice_picture(request: Request) -> Response:
    """Return the picture of a look."""
    digest = request.path_params["digest"]
    studio = studio_of(request)
    known = {choice["digest"] for choice in await _choices(request)}
    place = studio.thumbs.kept(digest, 512) if digest in known else None
    if digest in known and place is None:
        place = await studio.thumbs.get(await run_in_threadpool(studio.files.path, digest), digest, 512)
    if place is None:
        raise MissingError("there is no such picture")
    return FileResponse(place, media_type="image/jpeg")


class Choice(TypedDict):
    """One look that visitors may choose."""

    id: str
    name: str
    help: str
    record: Mapping[str, object]
    digest: str
    picture: str


async def _choices(request: Request) -> list[Choice]:
    return await run_in_threadpool(choices_of, studio_of(request))


def choices_of(studio: Studio) -> list[Choice]:
    """Return the looks: presets that are meant for visitors, else all that were kept, else those of the tools."""
    own = presets_of(studio.queue, booth=True) or presets_of(studio.queue)
    if own and studio.settings.choices != "dreams":
        return [
            {"id": preset["id"], "name": preset["name"], "help": "", "record": preset["record"],
             "digest": preset["picture"], "picture": f"/api/booth/pictures/{preset['picture']}"}
            for preset in own
        ]  # fmt: skip
    found: list[Choice] = []
    for form in studio.forms:
        if studio.settings.choices == "dreams" and form["name"] != "dream":
            continue
        if form["streamed"] is None or form["streamed"]["kind"] != "picture" or form["makes"] != "picture":
            continue
        if any(field["required"] for field in form["fields"]):
            continue
        plain = {"name": form["name"], "help": form["summary"], "values": {}, "picture": ""}
        shipped = form["presets"] or [plain]
        usual = {} if studio.settings.size is None else {"size": studio.settings.size}
        for preset in shipped:
            record = {"tool": form["name"], **_sections(form, usual | preset["values"])}
            found.append({"id": f"{form['name']}/{preset['name']}", "name": preset["name"], "help": preset["help"],
                          "record": record, "digest": "", "picture": preset["picture"]})  # fmt: skip
    return found


def _sections(form: Form, values: Mapping[str, Json]) -> dict[str, dict[str, Json]]:
    """Return the settings of a preset by the section that each belongs to."""
    parts: dict[str, dict[str, Json]] = {}
    for field in form["fields"]:
        if field["name"] in values:
            parts.setdefault(field["section"], {})[field["name"]] = values[field["name"]]
    return parts


def _owner(request: Request) -> str:
    return BOOTH + owner_of(request)


async def _own(request: Request) -> Entry:
    """Return a job if it is this visitor's; others' are not there for him."""
    entry = await run_in_threadpool(studio_of(request).queue.get, request.path_params["key"])
    if entry.owner != _owner(request):
        raise MissingError("there is no such job")
    return entry


def _shown(studio: Studio, entry: Entry) -> dict[str, object]:
    progress = progress_of(studio.home.job(entry.id)) or {} if entry.worker else {}
    waiting = studio.queue.waiting()
    return {
        "id": entry.id, "state": entry.state, "over": entry.state in ENDED, "fraction": progress.get("fraction"),
        "eta": progress.get("eta"), "preview": progress.get("preview", 0), "made": bool(entry.results),
        "place": waiting.index(entry.id) + 1 if entry.id in waiting else 0,
        "text": entry.text if entry.state == "failed" else "",
    }  # fmt: skip
