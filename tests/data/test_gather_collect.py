"""Gathering as a whole: counts, balance of sources, duplicates, refusals, stops, kills, offline."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing

import pytest
from PIL import Image

from gather_server import Fault, Server, jpeg
from reverie.data.gather.check import Bounds, check_picture
from reverie.data.gather.collect import Collector, Terms, Wish
from reverie.data.gather.manifest import Manifest
from reverie.data.gather.sources.catalogue import open_source
from reverie.data.net.address import RefusedError, place_of, split_address
from reverie.data.net.client import Client
from reverie.data.net.pace import Pace
from reverie.errors import InputError, OfflineError


def as_jpeg(image: Image.Image, quality: int = 90) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


@pytest.fixture
def server():
    with Server(30) as running:
        yield running


FOUNTAIN = (Wish("fountain", "fountain"),)


def gather(server, folder, wishes=FOUNTAIN, sources=("openverse",), steps=None, **terms):
    """Run to the end, or for some steps; return the kept pictures and the notes."""
    endpoints = server.endpoints(*sources)
    pace = Pace(folder.parent / "pace.sqlite")
    trusted = [place_of(split_address(server.url))]
    client = Client("a@example.org", pace, pause_s=0.0, trusted=trusted, backoff_s=0.01)
    manifest = Manifest(folder)
    opened = {name: open_source(name, endpoints=endpoints) for name in sources}
    collector = Collector(manifest, client, opened, wishes, Terms(**{"count": 8, "licence": "any", **terms}))
    try:
        run = collector.steps()
        for number, _ in enumerate(run, start=1):
            if number == steps:
                run.close()
                break
        return manifest.kept(), collector.notes
    finally:
        client.close()
        manifest.close()
        pace.close()


def test_every_class_gets_its_count_from_all_sources_evenly(server, tmp_path):
    kept, notes = gather(server, tmp_path / "m", (Wish("a", "a"), Wish("b", "b")), ("openverse", "commons"))
    counts = {(k.label, k.record.source) for k in kept}
    assert len(kept) == 16 and counts == {(c, s) for c in "ab" for s in ("openverse", "commons")}
    for label in "ab":
        assert sum(k.record.source == "commons" for k in kept if k.label == label) == 4
    assert notes == []
    for item in kept:
        assert (tmp_path / "m" / "pictures" / item.file).read_bytes() and len(item.sha256) == 64


def test_when_there_are_no_more_it_says_so(server, tmp_path):
    kept, notes = gather(server, tmp_path / "m", count=1000)
    assert len(kept) == 30
    assert "fountain: 30 of 1000 pictures; there are no more" in notes


def test_what_is_no_good_is_left_out_with_a_reason(server, tmp_path):
    """One of each kind of bad picture; the rest is taken, and nothing is asked for twice."""
    paths = [f"/picture/{number + 100_000 * (sum(map(ord, 'fountain')) % 997)}.jpg" for number in range(30)]
    picture = Image.open(io.BytesIO(jpeg(5)))
    bad = {
        0: jpeg(1)[:900], 1: b"<html>no</html>", 2: as_jpeg(picture.resize((100, 80))),
        3: as_jpeg(picture.convert("L")),
        4: as_jpeg(Image.new("RGB", (400, 400), (90, 20, 20))), 5: as_jpeg(picture.resize((1600, 300))), 6: b"",
    }  # fmt: skip
    server.bodies |= {paths[number]: body for number, body in bad.items()}
    server.faults[paths[7]] = [Fault(404)]
    server.faults[paths[8]] = [Fault(headers={"Content-Type": "text/html"}, body=b"<p>")]
    server.faults[paths[9]] = [Fault(302, {"Location": "http://169.254.169.254/x"})]
    server.bodies[paths[11]] = server.bodies[paths[10]] = jpeg(77)  # byte for byte
    server.bodies[paths[12]] = as_jpeg(Image.open(io.BytesIO(jpeg(77))).resize((853, 640)), 60)  # to the eye
    server.bodies[paths[13]] = as_jpeg(Image.open(io.BytesIO(jpeg(77))).transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    kept, notes = gather(server, tmp_path / "m", count=30)
    assert len(kept) == 30 - 13
    said = " ".join(notes)
    for word in ("too small", "black and white", "empty", "too narrow", "damaged", "404", "page instead", "private",
                 "byte for byte", "looks like"):  # fmt: skip
        assert word in said or word in _reasons(tmp_path / "m"), word
    assert "looks like another picture" in said
    with closing(Manifest(tmp_path / "m")) as manifest:
        assert ("127.0.0.1 answered 404", 1) in manifest.reasons()
    asked = [path for _, path, _ in server.log if path.startswith("/picture")]
    assert len(asked) == len(set(asked)) == 30


def _reasons(folder) -> str:
    with sqlite3.connect(folder / "manifest.sqlite") as file:
        found = " ".join(why for (why,) in file.execute("SELECT why FROM item"))
    file.close()
    return found


def test_black_and_white_is_taken_where_it_is_wanted():
    picture = Image.open(io.BytesIO(jpeg(5)))
    assert check_picture(as_jpeg(picture.convert("L")), Bounds(grey=True)).suffix == ".jpg"
    with pytest.raises(RefusedError, match="black and white"):
        check_picture(as_jpeg(picture.convert("L")), Bounds())


def test_a_stopped_run_goes_on_without_asking_again(server, tmp_path):
    gather(server, tmp_path / "m", count=20, steps=9)
    before = [path for _, path, _ in server.log if path.startswith("/picture")]
    assert 5 < len(before) < 20
    kept, _ = gather(server, tmp_path / "m", count=20)
    asked = [path for _, path, _ in server.log if path.startswith("/picture")]
    assert len(kept) == 20 and len(set(asked)) == 20
    assert len(asked) <= 20 + 1  # at most the one that was under way
    assert len(server.asked("/openverse")) == 1


def test_more_of_the_same_takes_only_what_is_missing(server, tmp_path):
    gather(server, tmp_path / "m", count=5)
    kept, _ = gather(server, tmp_path / "m", count=9)
    assert len(kept) == 9 and len([p for _, p, _ in server.log if p.startswith("/picture")]) == 9


def test_other_terms_decide_anew_without_asking_again(server, tmp_path):
    """A run that goes on with a stricter bound keeps nothing by the looser one, and the other way round."""
    gather(server, tmp_path / "m", count=5, bounds=Bounds(100))
    assert gather(server, tmp_path / "m", count=5, bounds=Bounds(400))[0] == []
    kept, _ = gather(server, tmp_path / "m", count=5, bounds=Bounds(100))
    assert len(kept) == 5
    kept, _ = gather(server, tmp_path / "m", count=5, licence="public")
    assert {k.record.licence for k in kept} == {"CC0 4.0"}


def test_failures_that_pass_are_tried_again_and_others_given_up(server, tmp_path):
    path = f"/picture/{100_000 * (sum(map(ord, 'fountain')) % 997)}.jpg"
    server.faults[path] = [Fault(cut=100)] * 6
    kept, _ = gather(server, tmp_path / "m", count=30)
    assert len(kept) == 30 and len(server.asked(path)) == 7


def test_one_process_at_a_time(server, tmp_path):
    first = Manifest(tmp_path / "m")
    with pytest.raises(InputError, match="another process"):
        Manifest(tmp_path / "m")
    first.close()
    Manifest(tmp_path / "m").close()


def test_offline_is_one_clear_sentence(tmp_path):
    with Server(3) as server:
        pass  # closed: the port refuses
    with pytest.raises(OfflineError, match=r"no connection to 127\.0\.0\.1 .* needs the internet") as caught:
        gather(server, tmp_path / "m")
    assert "\n" not in str(caught.value)


def test_a_source_that_is_down_does_not_stop_the_others(server, tmp_path):
    server.faults["/commons/w/api.php"] = [Fault(500)] * 100
    kept, notes = gather(server, tmp_path / "m", sources=("openverse", "commons"))
    assert len(kept) == 8 and any("commons does not answer" in note for note in notes)
