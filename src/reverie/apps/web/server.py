"""The HTTP side of the live view: a page, a stream of events, the current picture, and one way to steer."""

from __future__ import annotations

import json
import secrets
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any, Protocol

from reverie.apps.web.door import LOOPBACK, Door
from reverie.errors import InputError, OutputError
from reverie.jobs.job import Json

MOST_BODY_BYTES = 4096
MOST_WATCHERS = 16
LEAST_PAUSE_S = 0.1  # between two events
HEARTBEAT_S = 10.0
POLICY = (
    "default-src 'none'; img-src 'self' blob: data:; connect-src 'self'; script-src 'nonce-{nonce}'; "
    "style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Show(Protocol):
    """What the server shows."""

    def state(self) -> dict[str, object]: ...

    def history(self) -> list[list[float]]: ...

    def picture(self) -> tuple[int, bytes] | None: ...

    def steer(self, change: dict[str, Json]) -> None: ...

    def wait(self, version: int, seconds: float) -> int: ...

    @property
    def page(self) -> str: ...

    @property
    def ended(self) -> bool: ...


class Server(ThreadingHTTPServer):
    """Listens until `close`; every request has a thread of its own.

    Raises:
        OutputError: the address or port cannot be used.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, show: Show, door: Door, port: int = 0) -> None:
        self.show, self.door = show, door
        self.watchers: set[int] = set()
        self.closed = threading.Event()
        self.address_family = socket.AF_INET6 if ":" in door.host else socket.AF_INET
        try:
            super().__init__((door.host, port), Handler)
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no such port"
            raise OutputError(
                f"the live view cannot listen on {door.host}, port {port} ({reason}); give another --show-port"
            ) from error
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), name="live view", daemon=True)
        self._thread.start()

    def server_bind(self) -> None:
        """Bind without looking up the machine's name, which can take seconds without a network."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: a browser that goes away is no error."""

    @property
    def address(self) -> str:
        """The address to open in a browser."""
        host = "127.0.0.1" if self.door.host == "localhost" else self.door.host
        if self.door.host not in LOOPBACK and self.door.host in ("0.0.0.0", "::"):
            host = socket.gethostname()
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}/{self.door.token}/"

    def close(self) -> None:
        """Stop listening."""
        self.closed.set()
        self.shutdown()
        self.server_close()
        self._thread.join()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server  # type: ignore[assignment]
    server_version, sys_version = "Reverie", ""
    timeout = 20  # for a request to arrive

    def do_GET(self) -> None:
        """Answer with the page, the events or the picture."""
        if self._refused("GET"):
            return
        rest = self.path.partition("?")[0].split("/", 2)[2:]
        if rest == []:
            self._answer(301, b"", "text/plain", {"Location": f"/{self.server.door.token}/"})
        elif rest == [""]:
            self._page()
        elif rest == ["events"]:
            self._events()
        elif rest == ["picture"]:
            self._picture()
        elif rest == ["stream"]:
            self._stream()
        else:
            self._refuse(404, "nothing here")

    def do_POST(self) -> None:
        """Steer."""
        if self._refused("POST"):
            return
        if self.path != f"/{self.server.door.token}/steer":
            self._refuse(404, "nothing here")
            return
        try:
            self.server.show.steer(self._body())
        except InputError as error:
            self._refuse(400, str(error))
            return
        self._answer(200, json.dumps(self.server.show.state()).encode(), "application/json")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Leave the terminal to the progress bar."""

    # -- parts ------------------------------------------------------------------------------------------------

    def _body(self) -> dict[str, Json]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or len(length) > 9 or int(length) > MOST_BODY_BYTES:
            raise InputError(f"expected a JSON object of at most {MOST_BODY_BYTES} bytes")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise InputError("expected a JSON object") from error
        if not isinstance(body, dict):
            raise InputError("expected a JSON object")
        return body

    def _page(self) -> None:
        nonce = secrets.token_urlsafe(12)
        text = resources.files("reverie.apps.web").joinpath(self.server.show.page).read_text("utf-8")
        headers = {"Content-Security-Policy": POLICY.format(nonce=nonce)}
        self._answer(200, text.replace("{nonce}", nonce).encode(), "text/html; charset=utf-8", headers)

    def _picture(self) -> None:
        found = self.server.show.picture()
        if found is None:
            self._refuse(404, "there is no picture yet")
        else:
            self._answer(200, found[1], "image/jpeg", {"X-Step": str(found[0])})

    def _events(self) -> None:
        me, server = threading.get_ident(), self.server
        if len(server.watchers) >= MOST_WATCHERS:
            self._refuse(503, f"{MOST_WATCHERS} pages are open already")
            return
        server.watchers.add(me)
        try:
            self._head(200, "text/event-stream", {})
            self._event("history", server.show.history())
            self._follow()
        except OSError:  # the page was closed
            return
        finally:
            server.watchers.discard(me)

    def _stream(self) -> None:
        """Send every new picture, as soon as it is there and the page has taken the one before."""
        me, server, show = -threading.get_ident(), self.server, self.server.show
        if len(server.watchers) >= MOST_WATCHERS:
            self._refuse(503, f"{MOST_WATCHERS} pages are open already")
            return
        server.watchers.add(me)
        try:
            self._head(200, "multipart/x-mixed-replace; boundary=frame", {})
            self.wfile.write(b"--frame\r\n")
            version, last = -1, None
            while not show.ended:
                version = show.wait(version, HEARTBEAT_S)
                found = show.picture()
                if found is not None and found[0] != last:
                    last = found[0]
                    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(found[1])}\r\n\r\n"
                    self.wfile.write(head.encode() + found[1] + b"\r\n--frame\r\n")  # shown at the boundary behind it
        except OSError:  # the page was closed
            return
        finally:
            server.watchers.discard(me)

    def _follow(self) -> None:
        show, version = self.server.show, -1
        while not show.ended:
            seen, version = version, show.wait(version, HEARTBEAT_S)
            if show.ended:
                break
            if version == seen:
                self.wfile.write(b": still here\n\n")
            else:
                self._event("state", show.state())
            self.server.closed.wait(LEAST_PAUSE_S)
        self._event("end", show.state())

    def _event(self, name: str, content: Any) -> None:
        self.wfile.write(f"event: {name}\ndata: {json.dumps(content)}\n\n".encode())

    def _refused(self, method: str) -> bool:
        found = self.server.door.refusal(method, self.path, self.headers)  # type: ignore[arg-type]
        if found is not None:
            self._refuse(*found)
        return found is not None

    def _refuse(self, status: int, reason: str) -> None:
        extra = {"WWW-Authenticate": 'Basic realm="Reverie", charset="UTF-8"'} if status == 401 else {}
        self._answer(status, json.dumps({"error": reason}).encode(), "application/json", extra)

    def _answer(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self._head(status, kind, {"Content-Length": str(len(body))} | (headers or {}))
        self.wfile.write(body)

    def _head(self, status: int, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        fixed = {"Content-Type": kind, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        for name, value in (fixed | {"X-Content-Type-Options": "nosniff"} | headers).items():
            self.send_header(name, value)
        self.end_headers()
