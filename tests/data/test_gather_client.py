"""The polite client against a server that misbehaves: pace, retries, bounds, redirects, robots, opt-outs."""

from __future__ import annotations

import email.utils
import threading
import time

import pytest

from gather_server import Fault, Server, jpeg
from reverie.data.net.address import RefusedError, check_peer, check_place, place_of, shown, split_address
from reverie.data.net.client import Client, FetchError, Stopped
from reverie.data.net.consent import Rules, check_headers, rules_for
from reverie.data.net.pace import Pace

PICTURE = "/picture/1.jpg"


@pytest.fixture
def server():
    with Server(10) as running:
        yield running


@pytest.fixture
def ask(tmp_path, server):
    """A client that trusts the server and hurries."""
    pace = Pace(tmp_path / "pace.sqlite")
    client = Client(
        "a@example.org",
        pace,
        pause_s=0.0,
        trusted=[place_of(split_address(server.url))],
        deadline_s=0.5,
        backoff_s=0.01,
    )
    yield client
    client.close()
    pace.close()


def test_a_picture_arrives_whole_and_the_server_knows_who_asks(server, ask):
    answer = ask.picture(server.url + PICTURE, 1 << 20)
    assert answer.content == jpeg(1)
    _, _, headers = server.log[-1]
    assert headers["user-agent"].startswith("Reverie/") and "a@example.org" in headers["user-agent"]
    assert server.log[0][1] == "/robots.txt"  # before the first picture


@pytest.mark.parametrize("status", [429, 500, 502, 503])
@pytest.mark.slow
def test_a_busy_server_is_asked_again_after_the_time_it_names(server, ask, status):
    server.faults[PICTURE] = [Fault(status, {"Retry-After": "1"})]
    assert ask.picture(server.url + PICTURE, 1 << 20).content == jpeg(1)
    first, second = server.asked(PICTURE)
    assert 1.0 <= second - first < 2.0


@pytest.mark.slow
def test_retry_after_may_be_a_date(server, ask):
    later = email.utils.formatdate(time.time() + 2, usegmt=True)
    server.faults[PICTURE] = [Fault(503, {"Retry-After": later})]
    ask.picture(server.url + PICTURE, 1 << 20)
    first, second = server.asked(PICTURE)
    assert second - first >= 0.9  # a date has whole seconds


def test_a_host_that_asks_for_an_hour_is_left_alone(server, ask):
    server.faults[PICTURE] = [Fault(429, {"Retry-After": "3600"})]
    with pytest.raises(FetchError, match="asks to wait 60 minutes"):
        ask.picture(server.url + PICTURE, 1 << 20)
    with pytest.raises(FetchError, match="60 minutes"):
        ask.picture(server.url + "/picture/2.jpg", 1 << 20)
    assert len(server.asked("/picture")) == 1
    assert not ask.answers(server.url + PICTURE)


def test_a_host_that_always_fails_is_left_alone_after_a_few_requests(server, ask):
    for number in range(20):
        server.faults[f"/picture/{number}.jpg"] = [Fault(500)] * 10
        with pytest.raises(FetchError):
            ask.picture(f"{server.url}/picture/{number}.jpg", 1 << 20)
    assert len(server.asked("/picture")) == 5 * 4  # five addresses, four attempts each
    assert "127.0.0.1" in ask.left_alone()


@pytest.mark.parametrize("fault", [Fault(cut=500), Fault(slow_s=0.06)])
def test_a_broken_or_endless_answer_is_a_failure_and_tried_again(server, ask, fault):
    server.faults[PICTURE] = [fault]
    assert ask.picture(server.url + PICTURE, 1 << 20).content == jpeg(1)
    assert len(server.asked(PICTURE)) == 2


def test_too_many_bytes_are_not_taken_with_or_without_a_length(server, ask):
    with pytest.raises(RefusedError, match="more than"):
        ask.picture(server.url + PICTURE, 1000)
    server.faults["/picture/2.jpg"] = [Fault(headers={"Content-Length": "10"}, body=b"x" * 10)]
    assert ask.picture(server.url + "/picture/2.jpg", 1000).content == b"x" * 10


def test_a_page_in_place_of_a_picture_is_refused_at_once(server, ask):
    server.faults[PICTURE] = [Fault(headers={"Content-Type": "text/html"}, body=b"<html>Sorry</html>")]
    with pytest.raises(RefusedError, match="page instead of a picture"):
        ask.picture(server.url + PICTURE, 1 << 20)
    assert len(server.asked(PICTURE)) == 1


@pytest.mark.parametrize("status", [403, 404, 410])
def test_no_is_no(server, ask, status):
    server.faults[PICTURE] = [Fault(status)]
    with pytest.raises(RefusedError, match=str(status)):
        ask.picture(server.url + PICTURE, 1 << 20)
    assert len(server.asked(PICTURE)) == 1


def test_redirects_are_followed_and_keys_stay_with_their_host(server, ask):
    server.faults["/a/v1/x"] = [Fault(302, {"Location": "/met/public/collection/v1/search"})]
    assert ask.json(server.url + "/a/v1/x", headers={"Authorization": "Bearer k"}, params={"key": "secret"})
    assert server.log[-1][2]["authorization"] == "Bearer k"  # the same host
    assert "secret" not in server.log[-1][1]


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:1/x.jpg", "http://localhost/x", "http://169.254.169.254/latest/meta-data", "http://10.0.0.1/a",
     "http://[::1]/x", "http://[::ffff:192.168.0.1]/x", "http://printer.local/", "file:///etc/passwd", "http://0.0.0.0/",
     "ftp://example.org/x", "http://user:pw@example.org/x", "http://router/x", "http://100.64.0.1/"],
)  # fmt: skip
def test_a_redirect_to_a_private_place_is_refused_and_nothing_is_sent(server, ask, target):
    server.faults[PICTURE] = [Fault(302, {"Location": target})]
    with pytest.raises(RefusedError):
        ask.picture(server.url + PICTURE, 1 << 20)


def test_a_name_that_leads_to_a_private_number_is_refused_before_anything_is_sent(tmp_path, server, monkeypatch):
    """What the name server says is not trusted: the peer of the connection is looked at (DNS rebinding)."""
    import socket

    real = socket.getaddrinfo
    port = int(server.url.rpartition(":")[2])
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **k: real("127.0.0.1", *a, **k))
    client = Client("a@example.org", Pace(tmp_path / "p.sqlite"), pause_s=0.0, backoff_s=0.01)
    with pytest.raises(RefusedError, match=r"private address 127.0.0.1"):
        client.json(f"http://pictures.example.org:{port}/met/public/collection/v1/search")
    client.close()
    assert server.log == []


def test_a_circle_of_redirects_ends(server, ask):
    server.faults[PICTURE] = [Fault(302, {"Location": PICTURE})] * 50
    with pytest.raises(RefusedError, match="more than 5 times"):
        ask.picture(server.url + PICTURE, 1 << 20)
    assert len(server.asked(PICTURE)) == 6


def test_addresses_are_shown_without_their_query():
    assert shown("https://a.org/x?key=secret#y") == "https://a.org/x"
    for fine in ("https://example.org/a", "http://8.8.8.8/x"):
        check_place(place_of(split_address(fine)), ())
    check_peer("127.0.0.1", ("127.0.0.1", 8000), {("127.0.0.1", 8000)})
    with pytest.raises(RefusedError):
        check_peer("127.0.0.1", ("127.0.0.1", 8001), {("127.0.0.1", 8000)})


# -- what owners allow ------------------------------------------------------------------------------------------------


def test_robots_txt_is_obeyed_with_patterns_and_for_us_by_name(server, ask):
    server.robots = "User-agent: *\nDisallow: /picture/*2.jpg$\nUser-agent: Reverie\nDisallow: /picture/1.jpg\n"
    with pytest.raises(RefusedError, match=r"robots\.txt"):
        ask.picture(server.url + PICTURE, 1 << 20)
    assert server.asked("/picture") == []
    assert ask.picture(server.url + "/picture/2.jpg", 1 << 20).content  # the rules for all do not hold for who is named
    assert len(server.asked("/robots.txt")) == 1
    assert not Rules("User-agent: *\nDisallow: /a/*2.jpg$").allows("/a/12.jpg")


def test_a_crawl_delay_makes_the_pause_longer(server, ask):
    server.robots = "User-agent: *\nCrawl-delay: 0.5\n"
    ask.picture(server.url + PICTURE, 1 << 20)
    ask.picture(server.url + "/picture/2.jpg", 1 << 20)
    first, second = server.asked("/picture")
    assert second - first >= 0.5


def test_a_server_that_cannot_say_what_it_allows_allows_nothing(server, ask):
    server.faults["/robots.txt"] = [Fault(500)] * 4
    with pytest.raises(FetchError):
        ask.picture(server.url + PICTURE, 1 << 20)
    assert server.asked("/picture") == []
    assert rules_for(404, "").allows("/x") and not rules_for(503, "").allows("/x")


@pytest.mark.parametrize(
    ("headers", "taken"),
    [({"X-Robots-Tag": "noai"}, False), ({"X-Robots-Tag": "noindex, noimageai"}, False),
     ({"TDM-Reservation": "1"}, False),
     ({"X-Robots-Tag": "reverie: noai"}, False), ({"X-Robots-Tag": "googlebot: noindex"}, True),
     ({"X-Robots-Tag": "nofollow"}, True), ({"TDM-Reservation": "0"}, True)],
)  # fmt: skip
def test_opt_outs_in_headers_are_obeyed(server, ask, headers, taken):
    server.headers[PICTURE] = headers
    if taken:
        assert ask.picture(server.url + PICTURE, 1 << 20)
    else:
        with pytest.raises(RefusedError, match="its owner"):
            ask.picture(server.url + PICTURE, 1 << 20)
    check_headers({}, "x")


# -- pace -------------------------------------------------------------------------------------------------------------


def test_two_requests_to_a_host_are_never_closer_than_the_pause(tmp_path):
    """With a clock of its own: eight threads, no two moments closer than asked."""
    now, lock, moments = [1000.0], threading.Lock(), []

    def sleep(seconds: float) -> None:
        with lock:
            now[0] += seconds
        time.sleep(0)

    pace = Pace(tmp_path / "pace.sqlite", clock=lambda: now[0], sleep=sleep)

    def work() -> None:
        for _ in range(5):
            pace.wait("a.org", 0.2, threading.Event())
            with lock:
                moments.append(now[0])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pace.close()
    assert len(moments) == 40 and now[0] - 1000 >= 39 * 0.2 - 1e-6


def test_a_new_process_remembers_when_a_host_was_asked(tmp_path):
    now = [1000.0]
    for _ in range(3):
        pace = Pace(tmp_path / "pace.sqlite", clock=lambda: now[0], sleep=lambda s: now.__setitem__(0, now[0] + s))
        pace.wait("a.org", 10.0, threading.Event())
        pace.close()
    assert now[0] == pytest.approx(1020.0)


def test_a_stop_ends_the_wait(tmp_path):
    pace, stop = Pace(tmp_path / "pace.sqlite"), threading.Event()
    pace.hold("a.org", 60.0)
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        pace.wait("a.org", 1.0, stop)
    pace.close()
    assert time.monotonic() - began < 2


def test_keys_in_addresses_are_not_logged(server, ask, caplog):
    with caplog.at_level("DEBUG", "httpx"):
        ask.json(server.url + "/met/public/collection/v1/search", {"api_key": "hidden-key"})
    assert "hidden-key" not in caplog.text
