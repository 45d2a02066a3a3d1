"""Every source against a server that speaks its documented protocol: fields, licences, pages to their end."""

from __future__ import annotations

import time

import pytest

from gather_server import Fault, Server
from reverie.data.gather.record import Record, allowed, plain
from reverie.data.gather.sources.artist import ByArtist
from reverie.data.gather.sources.catalogue import NAMES, open_source
from reverie.data.net.address import RefusedError, place_of, split_address
from reverie.data.net.client import Client, FetchError
from reverie.data.net.pace import Pace
from reverie.errors import InputError

COUNT = 50


@pytest.fixture(scope="module")
def server():
    with Server(COUNT) as running:
        yield running


@pytest.fixture
def ask(tmp_path, server):
    trusted = [place_of(split_address(server.url))]
    client = Client("a@example.org", Pace(tmp_path / "p.sqlite"), pause_s=0.0, trusted=trusted, backoff_s=0.01)
    server.log.clear()
    yield client
    client.close()


def search(source, client, words):
    """Yield everything that a source has for some words, page by page."""
    cursor = None
    while True:
        page = source.page(client, words, cursor)
        yield from page.records
        cursor = page.cursor
        if cursor is None:
            return


def opened(server, name, side_px=640):
    return open_source(name, side_px=side_px, endpoints=server.endpoints(name))


def test_openverse(server, ask):
    found = list(search(opened(server, "openverse"), ask, "fountain"))
    assert len(found) == COUNT == len({r.url for r in found})
    first = found[0]
    assert (first.title, first.creator, first.licence) == ("Fountain 0", "Ann", "CC BY 4.0")
    assert first.licence_url.startswith("https://creativecommons.org/") and "licensed under" in first.attribution
    assert found[3].licence == "CC0 4.0" and first.page == "https://example.org/0"
    assert len(server.asked("/openverse")) == 3
    assert all("page_size=20" in path for _, path, _ in server.log)


def test_openverse_stops_where_strangers_may_not_go_on(ask, server, monkeypatch):
    monkeypatch.setattr(server, "count", 1000)
    assert len(list(search(opened(server, "openverse"), ask, "fountain"))) == 240


def test_commons_search_and_thumbnails_at_standard_widths(server, ask):
    found = list(search(opened(server, "commons"), ask, "fountain"))
    assert len(found) == COUNT  # sound files are passed over
    assert "iiurlwidth=960" in server.log[0][1]  # the next width that Wikimedia keeps
    assert found[0].creator == "Paul K." and found[0].licence == "CC BY-SA 4.0" and len(found[0].sha1) == 40
    assert found[0].artwork == found[1].artwork != found[2].artwork  # a work and its detail
    assert "/original/" not in found[0].url
    assert "CC BY-SA 4.0, via Wikimedia Commons" in found[0].attribution


def test_commons_category_with_those_below_it(server, ask):
    found = list(search(opened(server, "commons"), ask, "category:Paintings by Paul Klee"))
    asked = [path for _, path, _ in server.log]
    assert any("gcmtitle=Category%3APaintings+by+Paul+Klee" in path for path in asked)
    assert any("gcmtitle=Category%3APaintings+by+Paul+Klee+in+Bern" in path for path in asked)
    assert not any("Details" in path for path in asked if "gcmtitle" in path)
    assert len({r.url for r in found}) == 2 * COUNT
    assert len([p for p in asked if "cmtype=subcat" in p]) == 2  # each category once, though they lead to each other


@pytest.mark.slow
def test_commons_waits_when_its_servers_are_behind(server, ask):
    lag = b'{"error": {"code": "maxlag", "info": "Waiting for 10.1.1.1: 6 seconds lagged"}}'
    server.faults["/commons/w/api.php"] = [
        Fault(headers={"Retry-After": "1", "Content-Type": "application/json"}, body=lag)
    ]
    assert opened(server, "commons").page(ask, "fountain", None).records
    first, second = server.asked("/commons")
    assert second - first >= 1.0


def test_met(server, ask):
    found = list(search(opened(server, "met"), ask, "vase"))
    assert len(found) == COUNT - 10 - 1  # not in the public domain, and one that is gone: number 3
    assert {r.licence for r in found} == {"CC0 1.0"}
    assert found[0].title == "Vase 0" and found[0].artwork == "met/0"


def test_art_institute(server, ask):
    found = list(search(opened(server, "aic"), ask, "print"))
    assert len(found) == COUNT - 1  # one has no picture
    assert found[0].url.endswith("/full/843,/0/default.jpg") and found[0].page == "https://www.artic.edu/artworks/0"
    assert server.log[0][2]["aic-user-agent"].startswith("Reverie/")


def test_rijksmuseum(server, ask):
    found = list(search(opened(server, "rijksmuseum"), ask, "landschap"))
    assert len(found) == COUNT == len({r.url for r in found})
    assert found[0].url.endswith("/full/640,/0/default.jpg")
    assert (found[0].title, found[0].creator, found[0].licence) == (
        "Painting 1000",
        "Judith Leyster",
        "Public Domain Mark",
    )
    assert len([p for _, p, _ in server.log if "search/collection" in p]) == 2 + 2 + 1  # pages of 20, ten at a time


def test_flickr_needs_a_key_which_goes_nowhere_else(server, ask, monkeypatch):
    monkeypatch.delenv("FLICKR_API_KEY", raising=False)
    with pytest.raises(InputError, match="FLICKR_API_KEY"):
        opened(server, "flickr")
    monkeypatch.setenv("FLICKR_API_KEY", "secret-key")
    found = list(search(opened(server, "flickr"), ask, "arch"))
    assert len(found) == COUNT and found[0].licence == "CC BY 2.0"
    assert not any("secret-key" in record.text() for record in found)
    monkeypatch.setenv("FLICKR_API_KEY", "wrong")
    with pytest.raises(RefusedError, match="Invalid API Key") as caught:
        list(search(opened(server, "flickr"), ask, "arch"))
    assert "wrong" not in str(caught.value)


def test_web_search_is_labelled_and_its_failures_are_one_sentence(server, ask, monkeypatch):
    ddgs = pytest.importorskip("ddgs")
    pages = {
        1: [{"image": "https://a.org/1.jpg", "title": "A <b>cat</b>", "url": "https://a.org", "thumbnail": "t"}],
        2: [],
    }

    class Fake:
        def __init__(self, **_):
            pass

        def images(self, words, page, max_results):
            if words == "broken":
                raise RuntimeError("403 Ratelimit")
            return pages[page]

    monkeypatch.setattr(ddgs, "DDGS", Fake)
    source = opened(server, "web")
    (record,) = search(source, ask, "cat")
    assert record.licence == "unknown" and record.title == "A cat"
    assert "UNKNOWN" in source.terms
    with pytest.raises(FetchError, match="Ratelimit"):
        source.page(ask, "broken", None)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("flickr", "web")])
def test_a_service_that_answers_with_a_page_is_refused_in_one_sentence(server, ask, name):
    for path in ("/openverse/v1/images/", "/commons/w/api.php", "/met/public/collection/v1/search",
                 "/aic/api/v1/artworks/search", "/rijksmuseum/search/collection"):  # fmt: skip
        server.faults[path] = [Fault(body=b"<html>maintenance</html>")]
    with pytest.raises(RefusedError, match="did not answer with JSON"):
        opened(server, name).page(ask, "x", None)
    server.faults.clear()


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"results": 3, "query": [], "objectIDs": "x", "data": null}', b'"x"'])
@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("flickr", "web")])
def test_json_of_another_shape_gives_no_results(server, ask, name, body):
    for path in ("/openverse/v1/images/", "/commons/w/api.php", "/met/public/collection/v1/search",
                 "/aic/api/v1/artworks/search", "/rijksmuseum/search/collection"):  # fmt: skip
        server.faults[path] = [Fault(body=body)]
    page = opened(server, name).page(ask, "x", None)
    assert page.records == () and page.cursor is None
    server.faults.clear()


def test_a_cursor_goes_on_where_it_was_stored(server, ask):
    for name in ("openverse", "commons", "met", "aic", "rijksmuseum"):
        source = opened(server, name)
        whole = [r.url for r in search(source, ask, "x")]
        first = source.page(ask, "x", None)
        assert first.cursor is not None
        second = source.page(ask, "x", first.cursor)
        assert [r.url for r in (*first.records, *second.records)] == whole[: len(first.records) + len(second.records)]


def test_museums_are_searched_by_painter_and_others_are_left_out(server, ask):
    source = ByArtist(opened(server, "rijksmuseum"))
    assert list(search(source, ask, "category:Paintings by Judith Leyster"))
    assert any("creator=Judith+Leyster" in path for _, path, _ in server.log)
    assert not list(search(source, ask, "category:Paintings by Frans Hals"))


def test_records_go_through_the_manifest_unchanged():
    record = Record("u", "t", "ti\u2028tle", "Çé", "CC0", "l", "a", "p", "s", "so", "aw")
    assert Record.parse(record.text()) == record
    assert (
        plain("<a href='x'>Paul&nbsp;K.</a> \n x") == "Paul K. x" and plain(None) == "" and len(plain("x" * 999)) == 500
    )


@pytest.mark.parametrize(
    ("licence", "any_", "modify", "commercial", "public"),
    [("CC BY 4.0", 1, 1, 1, 0), ("CC BY-NC-SA 2.0", 1, 1, 0, 0), ("CC BY-ND 4.0", 1, 0, 0, 0),
     ("CC BY-NC-ND 3.0", 1, 0, 0, 0),
     ("CC0 1.0", 1, 1, 1, 1), ("Public domain", 1, 1, 1, 1), ("Public Domain Mark", 1, 1, 1, 1),
     ("unknown", 1, 0, 0, 0),
     ("No known copyright restrictions", 1, 1, 1, 1), ("GFDL", 1, 1, 1, 0), ("All rights reserved", 1, 0, 0, 0)],
)  # fmt: skip
def test_licences_decide_what_is_taken(licence, any_, modify, commercial, public):
    for name, wanted in (("any", any_), ("modify", modify), ("commercial", commercial), ("public", public)):
        assert allowed(Record("u", licence=licence), name) == bool(wanted), (licence, name)


# -- every source meets every way in which a service fails -------------------------------------------------------------

SERVICES = [name for name in NAMES if name != "web"]  # the web search speaks through a package of its own


def service_path(server, ask, name, monkeypatch):
    """Return the path that a source asks first, as it does it."""
    monkeypatch.setenv("FLICKR_API_KEY", "secret-key")
    assert opened(server, name).page(ask, "fountain", None).records
    path = server.log[0][1].partition("?")[0]
    server.log.clear()
    return path


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("name", SERVICES)
def test_a_busy_service_is_asked_again(server, ask, monkeypatch, name, status):
    path = service_path(server, ask, name, monkeypatch)
    server.faults[path] = [Fault(status=status, headers={"Retry-After": "0"})]
    assert opened(server, name).page(ask, "fountain", None).records
    assert len(server.asked(path)) >= 2


@pytest.mark.parametrize("name", SERVICES)
def test_an_answer_that_breaks_off_is_asked_for_again(server, ask, monkeypatch, name):
    path = service_path(server, ask, name, monkeypatch)
    server.faults[path] = [Fault(body=b'{"results": [' + b" " * 900, cut=300)]
    assert opened(server, name).page(ask, "fountain", None).records
    assert len(server.asked(path)) >= 2


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.slow
def test_a_service_that_never_ends_its_answer_fails_in_time(server, tmp_path, monkeypatch, name):
    trusted = [place_of(split_address(server.url))]
    client = Client("a@example.org", Pace(tmp_path / "q.sqlite"), pause_s=0.0, trusted=trusted, backoff_s=0.01,
                    deadline_s=0.2)  # fmt: skip
    server.log.clear()
    path = service_path(server, client, name, monkeypatch)
    server.faults[path] = [Fault(body=b" " * 4000, slow_s=0.1) for _ in range(6)]
    began = time.monotonic()
    with pytest.raises(FetchError):
        opened(server, name).page(client, "fountain", None)
    assert time.monotonic() - began < 6  # four tries that end at the deadline; to their ends it would be eight seconds
    server.faults.pop(path, None)
    client.close()


@pytest.mark.parametrize("target", ["http://127.0.0.2:9/x", "http://169.254.169.254/latest", "http://10.0.0.1/"])
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_that_sends_us_to_a_private_place_is_refused(server, ask, monkeypatch, name, target):
    path = service_path(server, ask, name, monkeypatch)
    server.faults[path] = [Fault(status=302, headers={"Location": target})]
    with pytest.raises(RefusedError):
        opened(server, name).page(ask, "fountain", None)
    assert len(server.log) == 1


@pytest.mark.parametrize("name", SERVICES)
def test_pages_come_to_an_end_and_every_record_once(server, ask, monkeypatch, name):
    service_path(server, ask, name, monkeypatch)
    found = list(search(opened(server, name), ask, "fountain"))
    assert 0 < len(found) <= COUNT
    assert len({record.url for record in found}) == len(found)
