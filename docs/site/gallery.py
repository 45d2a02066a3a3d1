"""The gallery: every picture with the command that made it, the job inside, and how to make it again."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

from reverie.errors import ReverieError
from reverie.media.metadata import read_settings

ROW = re.compile(r"^\| !\[([^\]]*)\]\(([^)]+)\) \| (.*) \|$")
QUIET = ("machine", "version", "quality")  # of a job, shown after what matters


def write_gallery(readme: Path, target: Path) -> int:
    """Write the page from the table of the folder's README and the jobs inside the pictures; return how many."""
    lines, count = ["# Gallery", "", *INTRODUCTION], 0
    for line in readme.read_text("utf-8").splitlines():
        row = ROW.match(line)
        if row is None:
            if line.startswith("## ") or (count and line and not line.startswith("|")):
                lines += [line.replace("](../", "]("), ""]
            continue
        count += 1
        lines += entry(row[1], readme.parent / row[2], row[3].replace("](../", "]("))
    target.write_text("\n".join(lines), "utf-8")
    return count


INTRODUCTION = (
    "Every picture carries the job that made it. Save one (with *Save image as*, so that its bytes stay as they are),",
    "and `reverie replay FILE` makes it again, or `reverie dream --like FILE photo.jpg` applies its settings to your",
    "picture.", "",
)  # fmt: skip


def entry(title: str, picture: Path, caption: str) -> list[str]:
    """Return the lines of one picture."""
    lines = [f"### {title[:1].upper()}{title[1:]}", "", f"![{title}](gallery/{picture.name})", "", caption, ""]
    job = stored(picture)
    if job is None:
        return [*lines, "*No job inside:* this one was put together of several results, or drawn by a script.", ""]
    text = html.escape(json.dumps(ordered(job), indent=1, ensure_ascii=False))
    return [
        *lines, "```sh", f"reverie replay {picture.name}", "```", "",
        "<details><summary>The job inside</summary>", f"<pre>{text}</pre>", "</details>", "",
    ]  # fmt: skip


def stored(picture: Path) -> dict[str, Any] | None:
    """Return the job inside a picture, if there is one."""
    try:
        return read_settings(picture)
    except ReverieError:
        return None


def ordered(job: dict[str, Any]) -> dict[str, Any]:
    """Return a job with what matters first, and without settings that were not used."""
    config = {k: v for k, v in (job.get("config") or {}).items() if v not in (None, [], "")}
    main = {k: v for k, v in job.items() if k not in QUIET and k != "config" and v not in (None, [], {})}
    return {**main, "config": config, **{k: job[k] for k in QUIET if k in job}}
