"""Run the studio: workers, server, and the lines that say where it is."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import ssl
import sys
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reverie.apps.web.studio.settings import StudioSettings
from reverie.cluster.far_keeper import keeper_of
from reverie.errors import InputError, OutputError
from reverie.jobs.queue.home import Home
from reverie.jobs.queue.store import Queue

if TYPE_CHECKING:
    from starlette.applications import Starlette

PASSWORD = "REVERIE_PASSWORD"
CLOSE_S = 3  # for open pages to be let go


def serve(
    home: Home, settings: StudioSettings, *, certificate: str | None = None, key: str | None = None,
    open_page: bool = False, prepare: Callable[[Starlette], None] | None = None,
) -> int:  # fmt: skip
    """Listen until told to end, and return the exit code.

    Args:
        home: the folder of the queue.
        settings: where to listen and what is allowed.
        certificate: file in PEM form, for HTTPS.
        key: its private key.
        open_page: open a browser.
        prepare: is given the application before it listens to anybody.

    Raises:
        InputError: the extra `studio` is not installed, the certificate cannot be used, or there is no such port.
        OutputError: the address or port cannot be used.
    """
    try:
        import uvicorn

        from reverie.apps.web.studio.app import build
    except ImportError as error:
        raise InputError(f"the studio needs '{error.name}': pip install 'reverie[studio]'") from error
    check_certificate(certificate, key)
    settings, made = with_password(settings)
    queue = Queue(home)  # a home that cannot be used is said before a port that is taken
    listening = _listening(settings)
    how = (settings.registry, settings.devices, settings.executor, settings.workers)
    with listening, keeper_of(queue, *how, frames=settings.frames) as keeper:
        app = build(home, settings, keeper)
        address = _address(settings.host, listening, "https" if certificate else "http")
        settings_of(app, settings.address or f"{address}booth")
        if prepare is not None:
            prepare(app)
        announce(address, settings, made, home)
        if open_page:
            webbrowser.open(address)
        uvicorn.Server(uvicorn.Config(app, **_how(certificate, key))).run(sockets=[listening])
    return 0


def _listening(settings: StudioSettings) -> socket.socket:
    """Return the socket; from now on SIGTERM raises, so that the workers are told."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    return listen(settings)


def _address(host: str, listening: socket.socket, scheme: str) -> str:
    return f"{scheme}://{shown_host(host)}:{listening.getsockname()[1]}/"


def _how(certificate: str | None, key: str | None) -> dict[str, Any]:
    """Return how the server listens: nothing of it is said to strangers, and nobody can hold it up."""
    return {
        "log_level": "warning", "access_log": False, "server_header": False, "date_header": False,
        "timeout_graceful_shutdown": CLOSE_S, "ssl_certfile": certificate, "ssl_keyfile": key, "proxy_headers": False,
        "h11_max_incomplete_event_size": 64 << 10, "timeout_keep_alive": 30, "ws": "none",
    }  # fmt: skip


def check_certificate(certificate: str | None, key: str | None) -> None:
    """Read the files of HTTPS before anything is started.

    Raises:
        InputError: one is missing, or they do not belong together.
    """
    if certificate is None:
        if key is not None:
            raise InputError("--key belongs to a certificate: give --certificate too")
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
    except OSError as error:  # what is wrong with the contents is one, too
        reason = error.strerror if error.errno and not isinstance(error, ssl.SSLError) else "not a pair in PEM form"
        files = f"'{certificate}'" if key is None else f"'{certificate}' and --key '{key}'"
        raise InputError(
            f"--certificate {files} cannot be used ({reason}); expected PEM files, the key without a password"
        ) from error


def settings_of(app: Starlette, address: str) -> None:
    """Tell the application under which address visitors find the booth."""
    app.state.studio.settings = replace(app.state.studio.settings, address=address)


def with_password(settings: StudioSettings) -> tuple[StudioSettings, bool]:
    """Return the settings with the password of the environment, or with a new one where others can come in."""
    given = os.environ.get(PASSWORD) or settings.password
    if given or not settings.open_to_others:
        return replace(settings, password=given), False
    return replace(settings, password=secrets.token_urlsafe(9)), True


def listen(settings: StudioSettings) -> socket.socket:
    """Return a socket that listens.

    Raises:
        InputError: there is no such port.
        OutputError: the address or port cannot be used.
    """
    check_port(settings.port)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((settings.host, settings.port))
    except OSError as error:
        found.close()
        raise OutputError(f"the studio cannot listen on {settings.host}, port {settings.port} ({error.strerror}); "
                          "give another --port") from error  # fmt: skip
    return found


def check_port(port: int) -> None:
    """Refuse a number that no port has.

    Raises:
        InputError: names the range.
    """
    if not 0 <= port <= 65535:
        raise InputError(f"--port takes 0 to 65535; got {port}")


def shown_host(host: str) -> str:
    """Return the host as it stands in an address that others can use."""
    name = own_address() if host in ("0.0.0.0", "::") else host
    return f"[{name}]" if ":" in name else name


def own_address() -> str:
    """Return the address of this machine in its network, which phones find without a name server; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address that belongs to nobody: only the route to it is asked for
            return str(probe.getsockname()[0])
        except OSError:  # no network at all
            return socket.gethostname()


def announce(address: str, settings: StudioSettings, made: bool, home: Home) -> None:
    """Print where the studio is and what it asks for."""
    print(f"studio: {address}", file=sys.stderr, flush=True)
    if settings.exhibition:
        print(f"        booth {settings.address or f'{address}booth'}", file=sys.stderr, flush=True)
        print(f"        wall {address}wall, moderation {address}moderate", file=sys.stderr, flush=True)
    print(f"        results and queue in {home.root}", file=sys.stderr, flush=True)
    if settings.password:
        which = settings.password if made else f"that of {PASSWORD}"
        print(f"        password: {which}", file=sys.stderr, flush=True)
