"""Options of every tool, beside its settings; declared once, so that they read the same everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Common:
    """Options of every tool, beside its settings."""

    output: str | None = None
    like: str | None = None
    quality: int = 92
    file_format: str | None = None
    recursive: bool = False
    overwrite: bool = False
    workers: str = "auto"
    executor: str = "local"
    sheet: str | None = None
    dry_run: bool = False
    show: bool = False
    show_port: int = 0
    show_host: str = "127.0.0.1"
    look: str | None = None
    layers: bool = False
    recipe: str | None = None
    resume: bool = False
    verbose: bool = False
    seed_each: bool = False  # what --seed each says; no option of its own
    as_json: bool = False
    extras: Mapping[str, str] = field(default_factory=dict)


COMMON = (
    ("output", str | None, None, ("--output", "-o", "--out", "--destination"),
     "File to write, or a folder (ending in /) for several results."),
    ("like", str | None, None, ("--like",),
     "Take the settings out of a result that Reverie made, but for its size, mask and tiles; options given win."),
    ("quality", int | str, 92, ("--quality",), "Quality of JPEG, WebP and AVIF, 1 to 100."),
    ("file_format", str | None, None, ("--format",), "Format of results where -o names no file, such as jpg."),
    ("recursive", bool, False, ("--recursive",), "Take the subfolders of a folder along, and mirror them."),
    ("overwrite", bool, False, ("--overwrite",), "Replace results that are there already."),
    ("workers", str, "auto", ("--workers",), "Processes that share many inputs; auto: one per core, as memory allows."),
    ("executor", str, "local", ("--executor",),
     "Where to work: local, ray, ray://HOST:PORT, or slurm; see docs/cluster.md."),
    ("sheet", str | None, None, ("--sheet",), "One contact sheet of values instead, such as strength=0.3,0.5."),
    ("dry_run", bool, False, ("--dry-run",), "Print all decisions and stop."),
    ("show", bool, False, ("--show",), "Follow the work on a page in a browser."),
    ("show_port", int, 0, ("--show-port",), "Port of that page; 0 for a free one."),
    ("show_host", str, "127.0.0.1", ("--show-host",),
     "Address of that page; one that others can reach asks for a password."),
    ("look", str | None, None, ("--preset",), "A look, which other options change."),
    ("recipe", str | None, None, ("--recipe",), "YAML file of settings; options given here win."),
    ("resume", bool, False, ("--resume",),
     "Go on with the run that was stopped there, with its settings; without it, the same command goes on as well."),
    ("as_json", bool, False, ("--json",), "Print one JSON object."),
    ("layers", bool, False, ("--layers",), "List the network's layers and stop."),
    ("verbose", bool, False, ("--verbose", "-v"), "Print all decisions before the work begins."),
)  # fmt: skip

QUALITIES = ("draft", "good", "best")  # presets that --quality takes, too, where a tool has them

OFTEN = ("output", "like", "quality", "overwrite", "sheet", "dry_run", "show", "look")  # shown in the short help
GROUP_OF = {
    "look": "look",
    "workers": "machine",
    "executor": "machine",
    "show_port": "machine",
    "show_host": "machine",
    "verbose": "machine",
}


def quality_words(presets: Mapping[str, object]) -> str:
    """Return what the help of ``--quality`` says of a tool's presets; nothing where it has none of `QUALITIES`."""
    words = [name for name in QUALITIES if name in presets]
    return f" Or {', '.join(words)}: how long it works, see --preset." if words else ""
