"""The description of the interface (OpenAPI 3.1), made from the routes and the tools' own fields."""

from __future__ import annotations

import inspect
import re
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reverie.apps.web.studio.forms import schema_of
from reverie.apps.web.studio.studio import Studio, studio_of
from reverie.version import __version__

FILE = {
    "type": "object", "required": ["name", "sha256"],
    "properties": {
        "name": {"type": "string", "description": "as the user calls it; folders in it mean nothing"},
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "of the file's bytes"},
    },
}  # fmt: skip
INPUTS = {
    "input": {"anyOf": [FILE, {"type": "null"}], "description": "what the tool works on; sent to /api/files first"},
    "files": {
        "type": "object", "additionalProperties": FILE,
        "description": "files that settings name, by setting; 'NAME 1', 'NAME 2' where a setting takes several",
    },
    "quality": {"type": "integer", "minimum": 1, "maximum": 100, "description": "of lossy pictures"},
}  # fmt: skip


async def openapi(request: Request) -> Response:
    """Describe the interface (OpenAPI 3.1)."""
    studio, routes = studio_of(request), request.app.routes
    return JSONResponse(await run_in_threadpool(described, studio, routes))


def described(studio: Studio, routes: list[Any]) -> dict[str, object]:
    """Return the description of all routes below /api."""
    paths: dict[str, dict[str, dict[str, object]]] = {}
    for route in routes:
        if not isinstance(route, Route) or not route.path.startswith("/api/"):
            continue
        for method in sorted((route.methods or set()) - {"HEAD"}):
            paths.setdefault(route.path, {})[method.lower()] = _operation(route, method)
    jobs = {name: job_schema(studio, name) for name in (form["name"] for form in studio.forms)}
    body = {"application/json": {"schema": {"oneOf": [{"$ref": f"#/components/schemas/{_key(n)}"} for n in jobs]}}}
    paths["/api/jobs"]["post"]["requestBody"] = {"required": True, "content": body}
    paths["/api/files"]["post"]["requestBody"] = {"required": True, "content": {"application/octet-stream": {}}}
    return {
        "openapi": "3.1.0", "info": {"title": "Reverie studio", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": {_key(name): schema for name, schema in jobs.items()},
            "securitySchemes": {"password": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"password": []}] if studio.settings.password else [],
    }  # fmt: skip


def job_schema(studio: Studio, name: str) -> dict[str, object]:
    """Return the JSON Schema of a tool's job."""
    return {
        "type": "object", "required": ["tool"], "title": name,
        "properties": {"tool": {"const": name}, **schema_of(studio.find(name)), **INPUTS},
    }  # fmt: skip


def _operation(route: Route, method: str) -> dict[str, object]:
    doc = inspect.cleandoc(route.endpoint.__doc__ or "").replace("\n", " ")
    found: dict[str, object] = {"operationId": f"{method.lower()}_{route.name}", "summary": doc}
    names = re.findall(r"{(\w+)", route.path)
    asks = re.findall(r"\?(\w+)=", doc)
    found["parameters"] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
    ] + [{"name": name, "in": "query", "required": False, "schema": {"type": "string"}} for name in asks]
    found["responses"] = {
        "2XX": {"description": "as said above"},
        "4XX": {"description": 'refused: {"error": one sentence}'},
    }
    return found


def _key(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
