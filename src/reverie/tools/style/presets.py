"""How long a style transfer works, by name: a line of settings each, which other options change. Free of torch."""

from __future__ import annotations

from typing import Any

# name → (what it does to the picture, settings); relative work at 512 px, in steps of the last scale: 28, 164, 471
PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "draft": (
        "a sixth of the work: colors and large strokes, without the fine texture; to choose a style and a strength",
        {"steps": 60, "step_decay": 0.6, "min_steps": 8},
    ),
    "good": ("as without a preset: strokes of all sizes", {}),
    "best": (
        "three times the work: fine strokes are sharper and follow the content more closely; for large prints",
        {"steps": 400, "step_decay": 0.85, "min_steps": 120, "plateau": 2e-5},
    ),
}
