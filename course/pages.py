"""What becomes of an executed lesson: a page of the site, slides, a notebook without solutions."""

from __future__ import annotations

import base64
import copy
import html
import re
from pathlib import Path
from typing import Any

PICTURES = {"image/jpeg": "jpg", "image/png": "png"}
WHERE = re.compile(r"(/[\w.+-]+)+/(results|examples)/")  # folders of one machine have no place in a notebook
WRITTEN = ("stdout", "stderr")


def cleaned(notebook: Any) -> Any:
    """Remove what says only when and where a notebook ran; in place."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.pop("execution_count", None) if output.output_type == "stream" else None
            if output.output_type == "stream":
                output.text = WHERE.sub(r"\2/", output.text)
            elif "data" in output and "text/plain" in output.data and PICTURES.keys() & output.data.keys():
                output.data["text/plain"] = "a picture"
    return notebook


def without_solutions(notebook: Any) -> Any:
    """Return a notebook for students: cells of solutions left out, an empty one for each exercise, no results."""
    own = copy.deepcopy(notebook)
    own.cells = [cell for cell in own.cells if "solution" not in cell.metadata.get("tags", [])]
    for cell in own.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return own


def as_page(notebook: Any, name: str, folder: Path) -> Path:
    """Write a lesson as Markdown with its pictures beside it, and return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    for number, cell in enumerate(notebook.cells):
        solution = "solution" in cell.metadata.get("tags", [])
        body = cell.source if cell.cell_type == "markdown" else "\n".join(_code(cell, f"{name}-{number}", folder))
        if solution:
            body = (
                f"```{{admonition}} Solution\n:class: dropdown\n\n{body}\n```" if "```" not in body else _folded(body)
            )
        lines += [body, ""]
    page = folder / f"{name}.md"
    page.write_text("\n".join(lines), "utf-8")
    return page


def _folded(body: str) -> str:
    """Return a solution that contains code, hidden until it is asked for."""
    return f"`````{{admonition}} Solution\n:class: dropdown\n\n{body}\n`````"


def _code(cell: Any, name: str, folder: Path) -> list[str]:
    lines = ["```python", cell.source, "```", ""]
    for number, output in enumerate(cell.get("outputs", [])):
        if output.output_type == "stream":
            lines += ["```text", output.text.rstrip(), "```", ""]
        for kind, ending in PICTURES.items():
            if kind in output.get("data", {}):
                picture = folder / f"{name}-{number}.{ending}"
                picture.write_bytes(base64.b64decode(output.data[kind]))
                lines += [f"![Result]({picture.name})", ""]
                break
        else:
            if "text/plain" in output.get("data", {}):
                lines += ["```text", output.data["text/plain"], "```", ""]
    return lines


SLIDES = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
body {{ margin: 0; font: 1.6rem/1.5 system-ui, sans-serif; background: #15131a; color: #f3f0f7; }}
section {{ display: none; box-sizing: border-box; min-height: 100vh; padding: 6vh 8vw; }}
section:target, section.now {{ display: block; }}
h1, h2 {{ line-height: 1.15; color: #cbb2ff; }} h1 {{ font-size: 3.4rem; }} h2 {{ font-size: 2.6rem; }}
img {{ max-width: 100%; max-height: 46vh; display: block; margin-top: 2rem; image-rendering: auto; }}
code {{ color: #ffd08a; }} footer {{ position: fixed; right: 2vw; bottom: 1vh; font-size: 0.9rem; opacity: 0.6; }}
@media print {{ section {{ display: block; page-break-after: always; }} }}
</style>
{slides}
<footer>arrow keys; print for paper</footer>
<script>
const all = [...document.querySelectorAll("section")];
let at = Math.max(0, all.findIndex(s => "#" + s.id === location.hash));
const show = () => all.forEach((s, k) => s.classList.toggle("now", k === at));
addEventListener("keydown", e => {{
  const step = {{ArrowRight: 1, ArrowDown: 1, " ": 1, PageDown: 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1}}[e.key];
  if (step) {{ at = Math.min(all.length - 1, Math.max(0, at + step)); show(); e.preventDefault(); }}
}});
addEventListener("click", () => {{ at = Math.min(all.length - 1, at + 1); show(); }});
show();
</script></html>
"""


def as_slides(notebook: Any, name: str) -> str:
    """Return slides as one page that needs nothing else: cells tagged "slide", each with the next picture behind it."""
    slides: list[str] = []
    open_for_picture = False
    for cell in notebook.cells:
        if "slide" in cell.metadata.get("tags", []):
            slides.append(_markdown(cell.source))
            open_for_picture = True
        elif open_for_picture:
            picture = _first_picture(cell)
            if picture:
                slides[-1] += picture
                open_for_picture = False
    sections = "\n".join(f'<section id="s{k}">\n{text}\n</section>' for k, text in enumerate(slides))
    return SLIDES.format(title=html.escape(name.replace("_", " ")), slides=sections)


def _first_picture(cell: Any) -> str:
    for output in cell.get("outputs", []):
        for kind in PICTURES:
            if kind in output.get("data", {}):
                return f'<img alt="result" src="data:{kind};base64,{"".join(output.data[kind].split())}">'
    return ""


def _markdown(text: str) -> str:
    from markdown_it import MarkdownIt

    return MarkdownIt().render(text)
