"""Pages for printing: a picture on paper of a size, at a resolution, with bleed and crop marks; and CUPS."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from reverie.errors import InputError, OutputError

MM = 25.4  # in an inch
PAPERS_MM = {
    "a3": (297, 420), "a4": (210, 297), "a5": (148, 210), "a6": (105, 148), "letter": (215.9, 279.4),
    "9x13": (89, 127), "10x15": (102, 152), "13x18": (127, 178), "20x30": (203, 305), "30x40": (305, 406),
    "square": (127, 127),
}  # fmt: skip
MARK_MM, MARK_GAP_MM = 5.0, 1.0
MOST_PX = 400_000_000
SOFT_DPI = 150  # below it a print looks soft from near
PRINT_S = 20.0  # for CUPS to take a job


@dataclass(frozen=True)
class Sheet:
    """How a page is made.

    Attributes:
        paper_mm: width and height after cutting; turned to fit the picture.
        dpi: dots per inch.
        bleed_mm: of the picture beyond the edge on each side.
        border_mm: of white inside the edge.
        fill: whether the picture fills the page, cut to its shape, or is shown whole.
        marks: whether crop marks are drawn outside.
    """

    paper_mm: tuple[float, float]
    dpi: int = 300
    bleed_mm: float = 0.0
    border_mm: float = 0.0
    fill: bool = True
    marks: bool = False


def paper_of(text: str) -> tuple[float, float]:
    """Return width and height in millimetres of a paper by its name, or of WIDTHxHEIGHTmm.

    Raises:
        InputError: no such paper.
    """
    if text.lower() in PAPERS_MM:
        return PAPERS_MM[text.lower()]
    width, cross, height = text.lower().removesuffix("mm").partition("x")
    try:
        found = float(width), float(height)
    except ValueError:
        found = (0.0, 0.0)
    if not cross or not text.lower().endswith("mm") or not all(10 <= side <= 3000 for side in found):
        raise InputError(f"no paper '{text[:40]}'; known: {', '.join(PAPERS_MM)}, or a size such as 120x180mm")
    return found


def page_of(rgb: np.ndarray, sheet: Sheet) -> tuple[np.ndarray, list[str]]:
    """Return the page ``[H, W, 3]`` uint8 of a picture ``[H, W, 3]`` uint8, and lines for the user.

    Raises:
        InputError: the page would be too large.
    """
    picture = Image.fromarray(rgb)
    wide = (picture.width >= picture.height) != (sheet.paper_mm[0] >= sheet.paper_mm[1])
    paper = sheet.paper_mm[::-1] if wide else sheet.paper_mm
    dots = sheet.dpi / MM
    bleed, border = round(sheet.bleed_mm * dots), round(sheet.border_mm * dots)
    cut = round(paper[0] * dots), round(paper[1] * dots)
    outside = bleed + (round((MARK_MM + MARK_GAP_MM) * dots) if sheet.marks else 0)
    whole = cut[0] + 2 * outside, cut[1] + 2 * outside
    if whole[0] * whole[1] > MOST_PX:
        raise InputError(f"a page of {whole[0]} x {whole[1]} px is larger than is made; take fewer --dpi")
    room = tuple(side - 2 * border + (2 * bleed if not border else 0) for side in cut)
    if min(room) < 8:
        raise InputError("the border leaves no room for the picture")
    scales = room[0] / picture.width, room[1] / picture.height
    scale = max(scales) if sheet.fill else min(scales)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    placed = picture.resize(size, Image.Resampling.LANCZOS)
    left, top = (size[0] - room[0]) // 2, (size[1] - room[1]) // 2
    if sheet.fill:
        placed = placed.crop((left, top, left + room[0], top + room[1]))
    page = Image.new("RGB", whole, "white")
    page.paste(placed, ((whole[0] - placed.width) // 2, (whole[1] - placed.height) // 2))
    if sheet.marks:
        _marks(page, cut, outside, bleed, round(MARK_GAP_MM * dots))
    notes = [f"{paper[0]:g} x {paper[1]:g} mm at {sheet.dpi} dpi"]
    own = sheet.dpi / scale
    if own < SOFT_DPI:
        notes.append(f"the picture has {own:.0f} dots an inch at this size and will look soft; make it larger first")
    return np.asarray(page), notes


def _marks(page: Image.Image, cut: tuple[int, ...], outside: int, bleed: int, gap: int) -> None:
    draw = ImageDraw.Draw(page)
    for x in (outside, outside + cut[0]):
        for begin, end in ((0, outside - bleed - gap), (page.height - outside + bleed + gap, page.height)):
            draw.line((x, begin, x, end), "black", 1)
    for y in (outside, outside + cut[1]):
        for begin, end in ((0, outside - bleed - gap), (page.width - outside + bleed + gap, page.width)):
            draw.line((begin, y, end, y), "black", 1)


def page_bytes(page: np.ndarray, suffix: str, dpi: int, record_text: str = "") -> bytes:
    """Return a file of a page that says its resolution."""
    out, image = io.BytesIO(), Image.fromarray(page)
    if suffix == ".pdf":
        image.save(out, "PDF", resolution=dpi, quality=95, producer="Reverie")
    elif suffix == ".png":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        if record_text:
            info.add_itxt("reverie", record_text)
        image.save(out, "PNG", dpi=(dpi, dpi), pnginfo=info)
    elif suffix == ".jpg":
        image.save(out, "JPEG", quality=95, subsampling=0, dpi=(dpi, dpi))
    else:
        image.save(out, "TIFF", compression="tiff_lzw", dpi=(dpi, dpi))
    return out.getvalue()


def program_of_cups() -> str:
    """Return the program that takes files to print.

    Raises:
        InputError: there is none.
    """
    program = shutil.which("lp")
    if program is None:
        raise InputError("printing needs CUPS: apt install cups-client, and a printer that 'lpstat -p' lists")
    return program


def send_to_printer(path: Path, printer: str, options: Mapping[str, str] | None = None) -> None:
    """Give a file to CUPS.

    Raises:
        InputError: there is no CUPS, or no such printer.
        OutputError: it was not taken.
    """
    program = program_of_cups()
    if not printer or printer.startswith("-"):
        raise InputError(f"'{printer}' is no name of a printer; 'lpstat -p' lists them")
    more = [word for name, value in (options or {}).items() for word in ("-o", f"{name}={value}")]
    try:
        command = [program, "-d", printer, *more, "--", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PRINT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OutputError(f"the printer '{printer}' does not answer: {error}") from error
    if done.returncode:
        raise OutputError(f"'{printer}' did not take it: {' '.join(done.stderr.split())[:200]}")
