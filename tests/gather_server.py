"""A server on this machine that speaks the protocols of all sources, and misbehaves as it is told.

Every request is logged with its time. Faults stand under a path and are used up in order.
"""

from __future__ import annotations

import functools
import io
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

PER_PAGE = 20


@functools.lru_cache(maxsize=4096)
def jpeg(number: int, side: int = 320, quality: int = 85) -> bytes:
    """A picture of its own for every number: a smooth field of colors and some rectangles."""
    rng = np.random.default_rng(number)
    low = Image.fromarray(rng.integers(0, 255, (5, 6, 3), dtype=np.uint8))
    pixels = np.array(low.resize((side * 4 // 3, side), Image.Resampling.BICUBIC))
    for _ in range(4):
        top, left = rng.integers(0, side - 40), rng.integers(0, side - 40)
        pixels[top : top + rng.integers(20, 120), left : left + rng.integers(20, 120)] = rng.integers(0, 255, 3)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()


@functools.lru_cache(maxsize=512)
def tile(zoom: int, column: int, row: int, side: int = 256) -> bytes:
    """Column in red, row in green, zoom in blue, and a white frame."""
    pixels = np.empty((side, side, 3), np.uint8)
    pixels[:] = (column % 256, row % 256, 10 * zoom)
    pixels[[0, -1]] = pixels[:, [0, -1]] = 255
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


@dataclass
class Fault:
    """What a request gets in place of its answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut: int | None = None  # bytes after which the connection is closed
    slow_s: float = 0.0  # between two pieces of the body


class Server:
    """Serves until it is closed; `count` pictures match every search."""

    def __init__(self, count: int = 50, *, robots: str = "", picture_host: str | None = None) -> None:
        self.count, self.robots = count, robots
        self.log: list[tuple[float, str, dict[str, str]]] = []
        self.faults: dict[str, list[Fault]] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.bodies: dict[str, bytes] = {}
        self.stac_items: list[dict] = []
        self.stac_queries: list[dict[str, str]] = []
        self.lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                outer._answer(self)

            def do_HEAD(self):
                outer._answer(self)

            def log_message(self, format, *args):  # noqa: A002
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.handle_error = lambda *_: None  # who is killed closes its connection
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.pictures = picture_host or self.url
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def endpoints(self, *names: str) -> dict[str, str]:
        return {name: f"{self.url}/{name}" for name in names}

    def asked(self, start: str) -> list[float]:
        """Return the times of requests whose path begins so."""
        return [moment for moment, path, _ in self.log if path.startswith(start)]

    # -- answering -----------------------------------------------------------------------------------------------------

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        with self.lock:
            self.log.append((time.time(), handler.path, {k.lower(): v for k, v in handler.headers.items()}))
            waiting = self.faults.get(parts.path) or []
            fault = waiting.pop(0) if waiting else Fault()
        status, kind, body = fault.status, "image/jpeg", fault.body
        if body is None and status == 200:
            status, kind, body = self._found(parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()})
        body = body or b""
        known = handler.headers.get("If-None-Match") == f'"{parts.path}"'
        if status == 200 and parts.path.startswith("/tile/") and known:
            status, body = 304, b""
        part = handler.headers.get("Range", "")
        if status == 200 and part.startswith("bytes=") and parts.path.endswith(".tif"):
            first, _, last = part[6:].partition("-")
            end = min(int(last or len(body) - 1), len(body) - 1)
            fault.headers["Content-Range"] = f"bytes {first}-{end}/{len(body)}"
            status, body = 206, body[int(first) : end + 1]
        try:
            handler.send_response(status)
            headers = {"Content-Type": kind, "Content-Length": str(len(body))}
            if parts.path.startswith("/tile/") and status == 200:
                headers |= {"ETag": f'"{parts.path}"', "Cache-Control": "max-age=60"}
            for name, value in (headers | self.headers.get(parts.path, {}) | fault.headers).items():
                handler.send_header(name, value)
            handler.end_headers()
            if handler.command == "HEAD":
                return
            self._send(handler, body, fault)
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True

    def _send(self, handler, body: bytes, fault: Fault) -> None:
        end = len(body) if fault.cut is None else fault.cut
        if fault.slow_s:
            for begin in range(0, end, max(1, end // 20)):
                handler.wfile.write(body[begin : begin + max(1, end // 20)])
                handler.wfile.flush()
                time.sleep(fault.slow_s)
        else:
            handler.wfile.write(body[:end])
        if fault.cut is not None:
            handler.close_connection = True

    def _found(self, path: str, query: dict[str, str]) -> tuple[int, str, bytes]:
        if path in self.bodies:
            return 200, "image/jpeg", self.bodies[path]
        if path.startswith("/tile/"):
            return 200, "image/png", tile(*map(int, path.removesuffix(".png").split("/")[2:]))
        if path == "/robots.txt":
            return (200, "text/plain", self.robots.encode()) if self.robots else (404, "text/plain", b"no")
        if path.startswith("/picture/"):
            return 200, "image/jpeg", jpeg(int(path.rpartition("/")[2].removesuffix(".jpg")))
        source, _, rest = path[1:].partition("/")
        answer = getattr(self, f"_{source}", None)
        found = None if answer is None else answer(rest, query)
        if found is None:
            return 404, "application/json", b'{"detail": "Not found."}'
        return 200, "application/json", json.dumps(found).encode()

    def picture(self, number: int, words: str = "") -> str:
        return f"{self.pictures}/picture/{number + 100_000 * (sum(map(ord, words)) % 997)}.jpg"

    def _openverse(self, rest: str, query: dict[str, str]):
        if rest != "v1/images/":
            return None
        size, page = min(int(query["page_size"]), 20), int(query["page"])
        numbers = range((page - 1) * size, min(page * size, self.count))
        results = [
            {
                "id": f"id-{n}", "title": f"Fountain {n}", "creator": f"Ann <{n}>",
                "license": ("by", "by-nc", "by-nd", "cc0")[n % 4],
                "license_version": "4.0", "license_url": "https://creativecommons.org/licenses/by/4.0/",
                "url": self.picture(n, query["q"]), "thumbnail": f"{self.url}/thumb/{n}", "foreign_landing_url": f"https://example.org/{n}",
                "attribution": f'"Fountain {n}" by Ann is licensed under CC BY 4.0.', "mature": False,
            }
            for n in numbers
        ]  # fmt: skip
        return {"result_count": self.count, "page_count": -(-self.count // size), "page_size": size, "page": page,
                "results": results}  # fmt: skip

    def _commons(self, rest: str, query: dict[str, str]):
        if rest != "w/api.php" or query.get("action") != "query":
            return None
        if query.get("list") == "categorymembers":
            title = query["cmtitle"]
            below = ("Details of " + title[9:], "Paintings by Paul Klee in Bern", "Paintings by Paul Klee")
            return {"query": {"categorymembers": [{"ns": 14, "title": f"Category:{name}"} for name in below]}}
        search = query["generator"] == "search"
        words = query["gsrsearch"] if search else query["gcmtitle"]
        begin = int(query.get("gsroffset" if search else "gcmcontinue", 0))
        end = min(begin + PER_PAGE, self.count)
        pages = [
            {
                "pageid": n, "ns": 6, "title": f"File:Work {n}.jpg", "index": n + 1,
                "imageinfo": [{
                    "url": f"{self.url}/original/{n}", "thumburl": self.picture(n, words), "mime": "image/jpeg",
                    "descriptionurl": f"https://commons.wikimedia.org/wiki/File:{n}.jpg", "sha1": f"{n:040x}",
                    "width": 4000, "height": 3000,
                    "extmetadata": {
                        "LicenseShortName": {"value": "CC BY-SA 4.0"},
                        "Artist": {"value": "<a href='x'>Paul&nbsp;K.</a>"},
                        "LicenseUrl": {"value": "https://creativecommons.org/licenses/by-sa/4.0"},
                        "ObjectName": {"value": f"Work {n // 2} number" + (" (detail)" if n % 2 else "")},
                    },
                }],
            }
            for n in range(begin, end)
        ]  # fmt: skip
        pages.append(
            {"pageid": 1_000_000 + begin, "title": "File:Talk.ogg", "imageinfo": [{"mime": "audio/ogg", "url": "x"}]}
        )
        more = (
            {"gsroffset" if search else "gcmcontinue": str(end), "continue": "gsroffset||"}
            if end < self.count
            else None
        )
        return {"query": {"pages": pages}, **({"continue": more} if more else {"batchcomplete": True})}

    def _met(self, rest: str, query: dict[str, str]):
        rest = rest.removeprefix("public/collection/v1/")
        if rest == "search":
            return {"total": self.count, "objectIDs": list(range(self.count)) or None}
        number = int(rest.removeprefix("objects/"))
        if number == 3:
            return None  # removed, but still in the index
        return {
            "objectID": number, "isPublicDomain": number % 5 != 4, "primaryImage": self.picture(number, "met"),
            "primaryImageSmall": self.picture(number, "met small"), "title": f"Vase {number}",
            "artistDisplayName": "", "objectURL": f"https://www.metmuseum.org/art/collection/search/{number}",
        }  # fmt: skip

    def _aic(self, rest: str, query: dict[str, str]):
        if rest != "api/v1/artworks/search":
            return None
        page, size = int(query["page"]), 20
        data = [
            {"id": n, "title": f"Print {n}", "artist_title": "Utagawa", "image_id": f"{n:08x}" if n != 2 else None,
             "is_public_domain": True}
            for n in range((page - 1) * size, min(page * size, self.count))
        ]  # fmt: skip
        self.bodies |= {
            f"/iiif/2/{row['image_id']}/full/843,/0/default.jpg": jpeg(7000 + int(row["id"])) for row in data
        }
        return {"pagination": {"total": self.count, "current_page": page, "total_pages": -(-self.count // size)},
                "data": data,
                "config": {"iiif_url": f"{self.url}/iiif/2", "website_url": "https://www.artic.edu"}}  # fmt: skip

    def _rijksmuseum(self, rest: str, query: dict[str, str]):
        if rest == "search/collection":
            begin = int(query.get("pageToken", "p0")[1:])
            end = min(begin + PER_PAGE, self.count)
            items = [
                {"id": f"https://id.rijksmuseum.nl/{1000 + n}", "type": "HumanMadeObject"} for n in range(begin, end)
            ]
            following = {
                "next": {
                    "id": f"{self.url}/rijksmuseum/search/collection?pageToken=p{end}",
                    "type": "OrderedCollectionPage",
                }
            }
            return {"type": "OrderedCollectionPage", "orderedItems": items, **(following if end < self.count else {})}
        number = int(rest)
        if number < 2000:
            english = [{"id": "http://vocab.getty.edu/aat/300388277", "type": "Language"}]
            names = [
                {"type": "Name", "content": f"Schilderij {number}"},
                {"type": "Name", "content": f"Painting {number}", "language": english},
            ]
            return {"type": "HumanMadeObject", "identified_by": names,
                    "shows": [{"id": f"https://id.rijksmuseum.nl/{number + 1000}"}],
                    "produced_by": {"referred_to_by": [{"type": "LinguisticObject", "content": "Judith Leyster"}]},
                    }  # fmt: skip
        if number < 3000:
            rights = [
                {"type": "Right", "classified_as": [{"id": "https://creativecommons.org/publicdomain/mark/1.0/"}]}
            ]
            return {
                "type": "VisualItem",
                "digitally_shown_by": [{"id": f"https://id.rijksmuseum.nl/{number + 1000}"}],
                "subject_to": rights,
            }
        self.bodies[f"/micrio/{number}/full/640,/0/default.jpg"] = jpeg(number)
        return {"type": "DigitalObject", "access_point": [{"id": f"{self.url}/micrio/{number}/full/max/0/default.jpg"}]}

    def _stac(self, rest: str, query: dict[str, str]):
        if rest != "search" or query.get("collections") != "sentinel-2-l2a":
            return None
        self.stac_queries.append(query)
        return {"type": "FeatureCollection", "features": self.stac_items}

    def _flickr(self, rest: str, query: dict[str, str]):
        if query.get("api_key") != "secret-key":
            return {"stat": "fail", "code": 100, "message": "Invalid API Key (Key has invalid format)"}
        page = int(query["page"])
        photos = [
            {"id": str(n), "owner": "5@N0", "title": f"Photo {n}", "license": "4", "ownername": "Bea",
             "url_l": self.picture(n, "flickr")}
            for n in range((page - 1) * PER_PAGE, min(page * PER_PAGE, self.count))
        ]  # fmt: skip
        return {"stat": "ok", "photos": {"page": page, "pages": -(-self.count // PER_PAGE), "photo": photos}}
