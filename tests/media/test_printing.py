"""Pages: their size in dots, bleed, borders, marks, the resolution that files say; no CUPS is one line."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from reverie.errors import InputError
from reverie.media.printing import Sheet, page_bytes, page_of, paper_of, send_to_printer

RED = np.full((60, 90, 3), (200, 0, 0), np.uint8)


def test_a_filled_page_has_the_size_of_its_paper_turned_with_its_bleed():
    page, notes = page_of(RED, Sheet(paper_of("a6"), 254, 3.0))
    assert page.shape == (1050 + 60, 1480 + 60, 3)
    assert (page == (200, 0, 0)).all()
    assert "soft" in notes[1]


def test_a_whole_picture_lies_in_the_middle_of_its_white_border():
    page, _ = page_of(RED, Sheet((100, 100), 254, 0, 10, fill=False))
    assert page.shape == (1000, 1000, 3)
    dark = (page[..., 1] < 128).any(1).nonzero()[0], (page[..., 1] < 128).any(0).nonzero()[0]
    assert (dark[1][0], dark[1][-1]) == (100, 899)
    assert abs(len(dark[0]) - 533) <= 1


def test_crop_marks_stand_at_the_corners_outside_the_bleed():
    page, _ = page_of(RED, Sheet((100, 100), 254, 3.0, marks=True))
    assert page.shape[0] == 1000 + 2 * (30 + 60)
    assert (page[0, 90] == 0).all() and (page[90, 0] == 0).all()
    assert (page[200, 55] == 255).all()
    assert (page[200, 65] == (200, 0, 0)).all()


@pytest.mark.parametrize("suffix", [".pdf", ".png", ".tif", ".jpg"])
def test_files_say_their_resolution(suffix):
    blob = page_bytes(page_of(RED, Sheet((50, 50), 200))[0], suffix, 200, '{"tool": "print"}')
    if suffix == ".pdf":
        assert blob.startswith(b"%PDF") and b"/MediaBox [ 0 0 141.84 141.84 ]" in blob
    else:
        assert Image.open(io.BytesIO(blob)).info["dpi"] == pytest.approx((200, 200), abs=0.1)


def test_papers_and_printers_that_are_none(monkeypatch, tmp_path):
    assert paper_of("120x180mm") == (120, 180)
    for text in ("a9", "10x10", "1x5mm", "x"):
        with pytest.raises(InputError, match="no paper"):
            paper_of(text)
    with pytest.raises(InputError, match="larger than is made"):
        page_of(RED, Sheet((3000, 3000), 1200))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="CUPS"):
        send_to_printer(tmp_path / "a.pdf", "printer")


def test_a_printer_gets_the_file(monkeypatch, tmp_path):
    program = tmp_path / "lp"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/said\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    send_to_printer(tmp_path / "a.pdf", "Selphy", {"media": "Postcard"})
    assert (tmp_path / "said").read_text().split() == [
        "-d",
        "Selphy",
        "-o",
        "media=Postcard",
        "--",
        str(tmp_path / "a.pdf"),
    ]
