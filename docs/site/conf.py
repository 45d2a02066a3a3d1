"""Settings of Sphinx for the documentation site; `build.py` beside this file puts the pages together and calls it."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]

project = "Reverie"
author = "The Reverie authors"
copyright = "2026, The Reverie authors"  # noqa: A001 - the name that Sphinx reads
release = next(
    line.split('"')[1]
    for line in (ROOT / "src/reverie/version.py").read_text("utf-8").splitlines()
    if line.startswith("__version__")
)
description = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["description"]

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"


myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 4  # links such as training.md#how-long are checked
myst_linkify_fuzzy_links = False
suppress_warnings = [
    "myst.header",
    "misc.highlighting_failure",
]  # pages may begin with a smaller heading; plans and diagrams are no code
highlight_language = "sh"
pygments_style = "friendly"
pygments_dark_style = "monokai"

html_theme = "furo"
html_title = "Reverie"
html_static_path = ["static"]
html_css_files = ["reverie.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_last_updated_fmt = None
html_theme_options = {"navigation_with_keys": True, "light_css_variables": {"color-brand-primary": "#8a3ffc"}}
html_context = {"description": description}
