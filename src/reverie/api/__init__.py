"""The Python interface: what `import reverie` offers, for scripts and notebooks.

from reverie import dream, visualize

dream("valley.jpg", strength=2).save("dreamt.jpg")
visualize(net, "layer3:7").save("channel.png")
"""

from __future__ import annotations

from reverie.api.drawing import Drawing, visualize
from reverie.api.pictures import Dream, Steering, Styling, compare, dream, style
from reverie.api.tools import Result, info, replay, run_tool, tool_names

__all__ = [
    "Drawing", "Dream", "Result", "Steering", "Styling", "compare", "dream", "info", "replay", "run_tool", "style",
    "tool_names", "visualize",
]  # fmt: skip
