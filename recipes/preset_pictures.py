"""Draw the pictures of presets that the studio shows: 224 px, from the pictures of `examples/`.

Those that are missing; named ones anew: python recipes/preset_pictures.py dream-things
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image

from reverie.apps.cli.main import main
from reverie.apps.web.studio.forms import PRESETS
from reverie.tools.registry import find_tool

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
SIDE = 224
COMMANDS = {
    "dream": [str(EXAMPLES / "valley.jpg"), "--size", "448"],
    "style": [str(EXAMPLES / "valley.jpg"), str(EXAMPLES / "brush.jpg"), "--size", "336"],
    "visualize": ["embedded", "--class", "goldfish"],
}
MORE = {"dream-things": ["--class", "monarch"]}


def draw(tool: str, preset: str) -> None:
    """Draw the picture of one preset: the centered square of what its command makes."""
    name = f"{tool}-{preset}"
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.png"
        if main([tool, *COMMANDS[tool], "--preset", preset, *MORE.get(name, []), "-o", str(made)]) != 0:
            raise SystemExit(f"{name} could not be drawn")
        with Image.open(made) as picture:
            short = min(picture.size)
            left, top = ((side - short) // 2 for side in picture.size)
            square = picture.convert("RGB").crop((left, top, left + short, top + short))
            square.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(PRESETS / f"{name}.jpg", quality=88)


if __name__ == "__main__":
    for tool in COMMANDS:
        for preset in find_tool(tool).presets:
            name = f"{tool}-{preset}"
            if name in sys.argv[1:] or (len(sys.argv) == 1 and not (PRESETS / f"{name}.jpg").exists()):
                draw(tool, preset)
                print(PRESETS / f"{name}.jpg")
