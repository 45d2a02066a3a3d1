"""Reference of the Python side, from signatures and docstrings: every public function and class, room by room."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "reverie"
SECTION = re.compile(r"^(Args|Arguments|Attributes|Returns|Yields|Raises|Source|Differs|Formula|Shape|Units):\s*(.*)$")
ENTRY = re.compile(r"^(\*{0,2}[\w, .*]+?): (.*)$")
ROOMS = {  # folder or file of the package → what it is, for the list
    "api": "The front door: `from reverie import dream`.",
    "settings.py": "How settings are declared.",
    "errors.py": "Errors.",
    "threads.py": "Threads.",
    "numerics": "Pure functions of tensors: color, Fourier, resampling, statistics, meshes.",
    "media": "Files in and out: pictures, films, meshes, metadata, optical flow.",
    "weights": "Catalogue of networks, fetching, safe readers of foreign files.",
    "models": "Networks as modules.",
    "render": "The differentiable rasterizer, cameras, lights.",
    "canvas": "What is changed: pixels, spectra, textures, vertices, latents.",
    "critic": "A frozen network with named layers.",
    "objective": "Scores; higher is better.",
    "optimize": "The loop, gradients, tiles, transforms.",
    "data": "Folders of pictures: finding, splitting, packing, gathering.",
    "jobs": "From a tool to a result: job, work, run, outputs, replay, queue.",
    "tools": "The tools.",
    "train": "The trainers.",
    "cluster": "The same jobs on several machines.",
    "apps": "Command line, live page, studio.",
}


def write_api(folder: Path) -> int:
    """Write a page for every room, and return how many public functions and classes they describe."""
    folder.mkdir(parents=True, exist_ok=True)
    names, count = [], 0
    for room, about in ROOMS.items():
        place = PACKAGE / room
        if not place.exists():
            continue
        name = room.removesuffix(".py")
        files = [place] if place.is_file() else sorted(place.rglob("*.py"))
        parts = [part for file in files for part in module(file)]
        count += sum(part.startswith("### ") for part in parts)
        (folder / f"{name}.md").write_text("\n".join([f"# reverie.{name}", "", about, "", *parts, ""]), "utf-8")
        names.append((name, about))
    rows = [f"| [`reverie.{name}`]({name}.md) | {about} |" for name, about in names]
    text = ["# Python", "", *FRONT, "| room | |", "| --- | --- |", *rows, "", "```{toctree}", ":hidden:", ""]
    (folder / "index.md").write_text("\n".join([*text, *[name for name, _ in names], "```", ""]), "utf-8")
    return count


FRONT = (
    "```python", "from reverie import dream, style, compare, open_critic", "",
    'dream("photo.jpg").save("dream.png")', "```", "",
    "What `reverie` itself offers (`dream`, `style`, `compare`, their settings) stays as it is between versions; see",
    "[reverie.api](api.md). The rooms below are for those who build something of their own, and may change.", "",
)  # fmt: skip


def module(file: Path) -> Iterator[str]:
    """Yield the lines of what a module offers; nothing for one without public functions and classes."""
    tree = ast.parse(file.read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    public = [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    if not public:
        return
    dotted = ".".join(("reverie", *file.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    yield from (f"## {dotted}", "", *docstring(ast.get_docstring(tree)))
    for node in public:
        yield from described(node, "###")
        if isinstance(node, ast.ClassDef):
            for part in node.body:
                if isinstance(part, kinds[::2]) and not part.name.startswith("_") and ast.get_docstring(part):
                    yield from described(part, "####", f"{node.name}.")


def described(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, level: str, owner: str = ""
) -> Iterator[str]:
    """Yield heading, signature and docstring."""
    yield from (f"{level} {owner}{node.name}", "", "```python", signature(node), "```", "")
    yield from docstring(ast.get_docstring(node))


def signature(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
    """Return how it is called, as one reads it in the source, broken where it is long."""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        fields = [ast.unparse(x) for x in node.body if isinstance(x, ast.AnnAssign)]
        short = [re.sub(r" = setting\((.*)", _setting_default, line, flags=re.DOTALL) for line in fields]
        return "\n    ".join([f"class {node.name}({bases})" if bases else f"class {node.name}", *short])
    head = f"{'async ' * isinstance(node, ast.AsyncFunctionDef)}def {node.name}"
    arguments, back = ast.unparse(node.args), f" -> {ast.unparse(node.returns)}" if node.returns else ""
    line = f"{head}({arguments}){back}"
    if len(line) <= 100:
        return line
    parts = re.split(r", (?![^\[\(]*[\]\)])", arguments)
    return "\n".join([f"{head}(", *[f"    {part}," for part in parts], f"){back}"])


def _setting_default(found: re.Match[str]) -> str:
    call = ast.parse(f"setting({found[1]}", mode="eval").body
    return f" = {ast.unparse(call.args[0])}" if isinstance(call, ast.Call) and call.args else ""


def docstring(text: str | None) -> Iterator[str]:
    """Yield a Google docstring as Markdown: its sections as lists, its code as code."""
    section = ""
    for line in (text or "").splitlines():
        found = SECTION.match(line)
        if found:
            section = found[1]
            yield from ("", f"**{section}**" + (f" {safe(found[2])}" if found[2] else ""), "")
        elif (
            section
            and line.startswith("    ")
            and (entry := ENTRY.match(line.strip()))
            and not line.startswith("     ")
        ):
            yield f"- `{entry[1]}`: {safe(entry[2])}"
        elif section and line.startswith("    "):
            yield f"  {safe(line.strip())}"
        else:
            section = section if line.strip() == "" else ""
            yield line if line.startswith("    ") else safe(line)
    yield ""


def safe(text: str) -> str:
    """Return a line in which Markdown reads nothing but code."""
    parts = re.split(r"(``.+?``|`.+?`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*_<\[$#|])", r"\\\1", part) for part in parts)
