"""The page on which a person looks through a collection and chooses what to leave out. It needs no server."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from importlib.resources import files


def review_page(title: str, rows: Sequence[dict[str, str]]) -> str:
    """Return the page for the lines of an ATTRIBUTION.csv; pictures are named relative to the folder ``review``."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["group"]] = counts.get(row["group"], 0) + 1
    shown = [
        {"f": row["file"], "c": row["class"], "t": row["title"], "a": row["attribution"], "l": row["licence"],
         "p": _safe(row["page"]), "g": int(row["group"]) if counts[row["group"]] > 1 else -1,
         "w": row["width"], "h": row["height"]}
        for row in rows
    ]  # fmt: skip
    data = json.dumps(shown, ensure_ascii=False).replace("<", "\\u003c").replace("\u2028", " ").replace("\u2029", " ")
    text = files("reverie.data.gather").joinpath("review.html").read_text(encoding="utf-8")
    return text.replace("{{TITLE}}", html.escape(title)).replace("{{DATA}}", data)


def _safe(address: str) -> str:
    return address if address.startswith(("http://", "https://")) else ""
