"""All tools by name: a plain dict of import paths, so that listing them loads none."""

from __future__ import annotations

from reverie.errors import JobError, unknown_name
from reverie.jobs.film import film
from reverie.jobs.sheet import sheet
from reverie.jobs.tool import AnyTool, load

# name → (import path of the tool, what it does, for the list of commands)
TOOLS: dict[str, tuple[str, str]] = {
    "style": ("reverie.tools.style.tool:STYLE", "Paint a picture in the style of others."),
    "translate": (
        "reverie.tools.translate.tool:TRANSLATE",
        "Translate pictures and films by a network that learned how.",
    ),
    "train translate": (
        "reverie.train.translate_tool:TRAIN_TRANSLATE",
        "Teach a network a filter, or pairs of pictures.",
    ),
    "embed map": (
        "reverie.tools.embed.tool:MAP",
        "Lay out a collection of pictures as a map, by what a network sees in them.",
    ),
    "embed place": (
        "reverie.tools.embed.place_tool:PLACE",
        "Place new pictures on a map, with their nearest neighbors.",
    ),
    "embed layers": (
        "reverie.tools.embed.layers_tool:LAYERS",
        "Compare how well the layers of a network tell classes apart.",
    ),
}

# name → import path of tools that have no command of their own: the films of others
HIDDEN: dict[str, str] = {"style-film": "reverie.tools.style.film_tool:STYLE_FILM"}

GROUPS: dict[str, str] = {  # the first word of two → what its tools have in common
    "embed": "Map a collection by what a network sees: 'reverie embed FOLDER' is 'reverie embed map FOLDER'.",
}

USUAL: dict[str, str] = {"embed": "map"}  # the command of a group that is meant where none is named

COMBINED = {"film": film, "sheet": sheet}


def find_tool(name: str) -> AnyTool:
    """Return a tool by the name that jobs store, such as "dream" or "film(translate)".

    Raises:
        JobError: there is none.
    """
    outer, bracket, rest = name.partition("(")
    if bracket and rest.endswith(")") and outer in COMBINED and "(" not in rest:
        return COMBINED[outer](find_tool(rest[:-1]))
    if name in HIDDEN:
        return load(HIDDEN[name])
    if name not in TOOLS:
        raise JobError(unknown_name("tool", name[:60], TOOLS))
    return load(TOOLS[name][0])
