"""The studio's application: routes, errors as one sentence, the guard around it, the page's files."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from reverie.apps.web.studio import api_booth, api_files, api_gradio, api_jobs, api_pages, api_tools, api_wall
from reverie.apps.web.studio.guard import COOKIE, COOKIE_S, PAGES, Guard, Passes, same
from reverie.apps.web.studio.openapi import openapi
from reverie.apps.web.studio.retention import clean
from reverie.apps.web.studio.settings import StudioSettings
from reverie.apps.web.studio.studio import Studio, owner_of
from reverie.errors import InputError, ReverieError
from reverie.jobs.queue.entry import MissingError
from reverie.jobs.queue.home import Home
from reverie.jobs.queue.keeper import Keeper
from reverie.jobs.queue.trail import without_places

STATIC = Path(__file__).parent / "static"
CLEAN_EVERY_S = 60.0
MOST_LOGIN = 4096


def build(home: Home, settings: StudioSettings, keeper: Keeper | None = None) -> Starlette:
    """Return the application.

    Args:
        home: the folder of the queue.
        settings: where it listens and what it allows.
        keeper: looks after the workers.

    Raises:
        InputError: it would be open to others without a password.
    """
    if settings.open_to_others and not settings.password:
        raise InputError("a studio that others can reach needs a password: set REVERIE_PASSWORD")
    studio = Studio(home, settings, keeper)
    passes = Passes(studio.home.root / "key", settings.password)
    app = Starlette(
        routes=routes(), exception_handlers={ReverieError: _refused, InputError: _refused},
        lifespan=_lifespan,
    )  # fmt: skip
    app.add_middleware(Guard, settings=settings, passes=passes)
    app.state.studio, app.state.passes, app.state.attendant = studio, passes, None
    return app


def routes() -> list:
    """Return all routes."""
    return [
        Route("/", page("index.html")),
        Route("/login", page("login.html"), name="login_page"),
        Route("/login", login, methods=["POST"]),
        Route("/favicon.ico", lambda request: RedirectResponse("/static/icon.svg")),
        *_studio(),
        *_exhibition(),
        *_gradio(),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]


def _studio() -> list[Route]:
    jobs, files, tools, pages = api_jobs, api_files, api_tools, api_pages
    return [
        Route("/api/status", tools.status),
        Route("/api/tools", tools.tools),
        Route("/api/files", files.post_file, methods=["POST"]),
        Route("/api/bundles", files.post_bundle, methods=["POST"]),
        Route("/api/files/{digest}/small", files.file_small),
        Route("/api/jobs", jobs.post_job, methods=["POST"]),
        Route("/api/jobs", jobs.list_jobs),
        Route("/api/jobs/{key}", jobs.get_job),
        Route("/api/jobs/{key}", jobs.delete_job, methods=["DELETE"]),
        Route("/api/jobs/{key}/wish", jobs.wish_job, methods=["POST"]),
        Route("/api/jobs/{key}/retry", jobs.retry_job, methods=["POST"]),
        Route("/api/jobs/{key}/priority", jobs.prioritize_job, methods=["POST"]),
        Route("/api/jobs/{key}/steer", jobs.steer_job, methods=["POST"]),
        Route("/api/jobs/{key}/preview", jobs.job_preview),
        Route("/api/jobs/{key}/curves", jobs.job_curves),
        Route("/api/jobs/{key}/log", jobs.job_log),
        Route("/api/events", jobs.events),
        Route("/api/gallery", files.gallery),
        Route("/api/results/{key}", files.get_result),
        Route("/api/results/{key}", files.mark_result, methods=["PATCH"]),
        Route("/api/results/{key}/small", files.result_small),
        Route("/api/results/{key}/page", pages.result_page),
        Route("/api/results/{key}/job", files.result_record),
        Route("/api/results/{key}/replay", files.replay_result, methods=["POST"]),
        Route("/api/presets", tools.list_presets),
        Route("/api/presets", tools.post_preset, methods=["POST"]),
        Route("/api/presets/{key}", tools.change_preset, methods=["PATCH"]),
        Route("/api/presets/{key}", tools.delete_preset, methods=["DELETE"]),
        Route("/api/openapi.json", openapi),
        Route("/inside/{token}/{key}/{path:path}", pages.inside),
    ]


def _exhibition() -> list[Route]:
    booth, wall = api_booth, api_wall
    return [
        Route("/booth", page("booth.html")),
        Route("/wall", page("wall.html")),
        Route("/moderate", page("moderate.html")),
        Route("/api/booth/choices", booth.choices),
        Route("/api/booth/about", booth.about),
        Route("/api/booth/files", booth.post_file, methods=["POST"]),
        Route("/api/booth/files/{digest}", booth.own_file),
        Route("/api/booth/jobs", booth.post_job, methods=["POST"]),
        Route("/api/booth/jobs/{key}", booth.get_job),
        Route("/api/booth/jobs/{key}/preview", booth.preview),
        Route("/api/booth/jobs/{key}/picture", booth.picture),
        Route("/api/booth/pictures/{digest}", booth.choice_picture),
        Route("/api/wall", wall.shown),
        Route("/api/wall/qr.svg", wall.qr),
        Route("/api/wall/idle/{number:int}", wall.idle),
        Route("/api/wall/{key}/{what}", wall.picture),
    ]


def _gradio() -> list[Route]:
    face, prefix = api_gradio, api_gradio.PREFIX
    return [
        Route("/config", face.config),
        Route(f"{prefix}/info", face.info),
        Route(f"{prefix}/upload", face.upload, methods=["POST"]),
        Route(f"{prefix}/queue/join", face.join, methods=["POST"]),
        Route(f"{prefix}/queue/data", face.data),
        Route(f"{prefix}/heartbeat/{{session}}", face.heartbeat),
        Route(f"{prefix}/cancel", face.cancel, methods=["POST"]),
        Route(f"{prefix}/reset", face.cancel, methods=["POST"]),
        Route(f"{prefix}/file={{path:path}}", face.file),
    ]


def page(name: str):
    """Return the handler of one of our pages."""

    async def show(request: Request) -> Response:
        return HTMLResponse((STATIC / name).read_text("utf-8"), headers={"Cache-Control": "no-cache"})

    return show


async def login(request: Request) -> Response:
    """Take the password of a form and give a pass."""
    from urllib.parse import parse_qs

    blob = bytearray()
    async for piece in request.stream():
        blob += piece
        if len(blob) > MOST_LOGIN:
            raise InputError("that is no password")
    given = parse_qs(blob.decode("utf-8", "replace")).get("password", [""])[0]
    settings = request.app.state.studio.settings
    wanted = request.query_params.get("next", "")
    wanted = wanted if wanted in PAGES else "/"
    if not same(given, settings.password or ""):
        return RedirectResponse(f"/login?wrong=1&next={wanted}", 303)
    answer = RedirectResponse(wanted, 303)
    value = request.app.state.passes.made(owner_of(request), member=True)
    answer.set_cookie(
        COOKIE, value, max_age=COOKIE_S, httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
    return answer


def _refused(request: Request, error: Exception) -> Response:
    """Answer with the one sentence of an error."""
    missing, known = isinstance(error, MissingError), isinstance(error, InputError)
    return JSONResponse({"error": without_places(str(error))}, 404 if missing else 400 if known else 500)


@contextlib.asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    studio: Studio = app.state.studio
    over = threading.Event()

    def cleaning() -> None:
        while True:
            with contextlib.suppress(ReverieError):  # a busy database or a full disk: tried again in a minute
                clean(studio.queue, studio.files, studio.settings, time.time())
            if over.wait(CLEAN_EVERY_S):
                return

    cleaner = threading.Thread(target=cleaning, name="cleaner", daemon=True)
    cleaner.start()
    attendant = app.state.attendant
    helper = None if attendant is None else threading.Thread(target=attendant.serve, args=(over,), daemon=True)
    if helper is not None:
        helper.start()
    try:
        yield
    finally:
        over.set()
        await studio.following.close()
        await run_in_threadpool(cleaner.join)
        if helper is not None:
            await run_in_threadpool(helper.join)
