"""What the handlers of the studio share."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from reverie.apps.cli.tool_config import moving_of
from reverie.apps.web.studio.follow import Following
from reverie.apps.web.studio.forms import Form, form_of
from reverie.apps.web.studio.pictures import Thumbs
from reverie.apps.web.studio.settings import StudioSettings
from reverie.errors import InputError
from reverie.jobs.queue.accept import accept
from reverie.jobs.queue.entry import Entry
from reverie.jobs.queue.files import FileStore
from reverie.jobs.queue.home import Home
from reverie.jobs.queue.keeper import Keeper
from reverie.jobs.queue.store import Queue
from reverie.jobs.tool import AnyTool

if TYPE_CHECKING:
    from reverie.apps.web.studio.signals import WallSignals

MOST_JSON = 1 << 20


class Studio:
    """The queue, its files and tools, as the handlers use them.

    Args:
        home: the folder of the queue.
        settings: where it listens and what it allows.
        keeper: looks after the workers; None where others do.
    """

    def __init__(self, home: Home, settings: StudioSettings, keeper: Keeper | None = None) -> None:
        self.settings, self.keeper = settings, keeper
        self.queue = Queue(home)
        self.home = self.queue.home
        self.files = FileStore(self.home, self.queue.database, max_pixels=settings.most_pixels)
        self.thumbs = Thumbs(self.home, settings.most_pixels)
        self.following = Following(self.queue)
        self.sessions: dict[str, dict[str, str]] = {}  # of Gradio's client: its jobs, and why one was refused
        self.signals: WallSignals | None = None  # live inputs of a wall
        registry = importlib.import_module(settings.registry)
        self.find: Callable[[str], AnyTool] = registry.find_tool
        self._named: Mapping[str, tuple[str, str]] = registry.TOOLS

    @cached_property
    def forms(self) -> list[Form]:
        """The forms of all tools; loading them takes no torch."""
        found = [form_of(self.find(name), summary) for name, (_, summary) in self._named.items()]
        moving = [moving_of(self.find(name)) for name in self._named]
        return found + [form_of(tool) for tool in moving if tool is not None and tool.name not in self._named]

    def post_check(self, record: object) -> None:
        """Check the settings of a look, whose picture comes later.

        Raises:
            InputError: they cannot be used.
        """
        from reverie.jobs.job import parse
        from reverie.jobs.queue.taken import input_paths

        input_paths(parse(record, self.find, "the settings"), self.files)

    def post(
        self, record: object, owner: str, *, suffix: str = "", priority: int = 0, compare: str = "",
        once: str = "", most: int | None = None,
    ) -> Entry:  # fmt: skip
        """Accept a job and queue it.

        Raises:
            InputError: it cannot be done, or too many wait.
        """
        accepted = accept(record, self.find, self.files, suffix=suffix)
        return self.queue.add(
            accepted.record, suffix=accepted.suffix, title=accepted.title, owner=owner, priority=priority,
            compare=compare, once=once, most=most or self.settings.most_waiting,
        )  # fmt: skip


def studio_of(request: Request) -> Studio:
    """Return the studio of a request."""
    return request.app.state.studio


def owner_of(request: Request) -> str:
    """Return the opaque name of the browser that asks."""
    return request.scope["owner"]


async def body_of(request: Request) -> Any:
    """Return the JSON of a request.

    Raises:
        InputError: it is none, or too large.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise InputError("expected application/json")
    blob = bytearray()
    async for piece in request.stream():
        blob += piece
        if len(blob) > MOST_JSON:
            raise InputError(f"expected at most {MOST_JSON:,} bytes of JSON")
    try:
        return await asyncio.to_thread(json.loads, bytes(blob))
    except (ValueError, RecursionError) as error:
        raise InputError(f"expected JSON ({error})") from error


async def fields_of(request: Request, **kinds: type) -> dict[str, Any]:
    """Return the entries of a JSON object, each of its kind; absent ones are left out.

    Raises:
        InputError: another entry, or another kind.
    """
    body = await body_of(request)
    if not isinstance(body, dict):
        raise InputError(f"expected an object with {', '.join(kinds)}")
    for name, value in body.items():
        if name not in kinds or not isinstance(value, kinds[name]):
            raise InputError(f"expected {', '.join(f'{n}: {k.__name__}' for n, k in kinds.items())}; got '{name[:40]}'")
    return body


def number_of(request: Request, name: str, default: int | None = None) -> int | None:
    """Return a whole number of the address.

    Raises:
        InputError: it is none.
    """
    text = request.query_params.get(name)
    if text is None or text == "":
        return default
    if not text.lstrip("-").isdecimal() or len(text) > 12:
        raise InputError(f"{name} must be a whole number")
    return int(text)
