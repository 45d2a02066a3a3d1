"""Pages that tools made: they run separately from ours, without cookies, requests of scripts, or a way to the studio.

A sandboxed page is nobody to the browser, so what it shows beside itself cannot ask with a cookie. It lies under an
address that nobody can guess, made from the result's id and the studio's key, and leads to that one result.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from reverie.apps.web.studio.guard import same
from reverie.apps.web.studio.studio import studio_of
from reverie.jobs.queue.entry import MissingError

SHOWN = (".html", ".js", ".css", ".json", ".csv", ".png", ".jpg", ".jpeg", ".webp", ".gif", ".svg", ".mp4", ".webm")


def sandbox(request: Request) -> str:
    """Return the policy of a page that a tool made."""
    here = f"{request.url.scheme}://{request.headers.get('host', '')}/inside/"
    return (
        f"sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline' blob: {here}; "
        f"style-src 'unsafe-inline' {here}; img-src data: blob: {here}; media-src data: blob: {here}; "
        "font-src data:; frame-ancestors 'self'"
    )


async def result_page(request: Request) -> Response:
    """Lead to the page of a result: the result itself, or what `page_of` finds."""
    studio, key = studio_of(request), request.path_params["key"]
    result = await run_in_threadpool(studio.queue.result, key)
    path = studio.home.result(result.job) / result.name
    name = page_of(path)
    return RedirectResponse(f"/inside/{request.app.state.passes.token(key)}/{key}/{name}", 303)


def page_of(result: Path) -> str:
    """Return the name of the page of a result: its own, or of a folder index.html in it or in a folder of it.

    Raises:
        MissingError: it has none.
    """
    if result.suffix == ".html" and result.is_file():
        return result.name
    for page in (result / "index.html", *sorted(result.glob("*/index.html"))):
        if page.is_file():
            return page.relative_to(result).as_posix()
    raise MissingError("this result has no page")


async def inside(request: Request) -> Response:
    """Return a file of a result to a page of the same result."""
    studio, key = studio_of(request), request.path_params["key"]
    if not same(request.path_params["token"], request.app.state.passes.token(key)):
        raise MissingError("there is nothing here")
    result = await run_in_threadpool(studio.queue.result, key)
    whole = studio.home.result(result.job) / result.name
    path = _within(whole, request.path_params["path"]) if whole.is_dir() else whole
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers = {
        "Content-Security-Policy": sandbox(request), "Cross-Origin-Resource-Policy": "cross-origin",
        "Cache-Control": "private, max-age=86400, immutable",
    }  # fmt: skip
    return FileResponse(path, media_type=kind, headers=headers)


def _within(folder: Path, name: str) -> Path:
    """Return a file below a folder.

    Raises:
        MissingError: there is none, it lies elsewhere, or it is of no kind that pages show.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file() or path.suffix.lower() not in SHOWN:
        raise MissingError("there is nothing here")
    return path
