"""The loops: a goal, a canvas and how it is looked at give pictures step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.lazy import lazy

if TYPE_CHECKING:
    from reverie.optimize.ascend import CanvasRule, Step, StepRule, ascend_canvas, ascend_pixels
    from reverie.optimize.goal import as_objective
    from reverie.optimize.gradient import Ascent
    from reverie.optimize.rendering import render
    from reverie.optimize.transforms import Transforms
    from reverie.optimize.views import Views

__all__ = [
    "Ascent",
    "CanvasRule",
    "Step",
    "StepRule",
    "Transforms",
    "Views",
    "as_objective",
    "ascend_canvas",
    "ascend_pixels",
    "render",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "Ascent": "reverie.optimize.gradient",
        "CanvasRule": "reverie.optimize.ascend",
        "Step": "reverie.optimize.ascend",
        "StepRule": "reverie.optimize.ascend",
        "Transforms": "reverie.optimize.transforms",
        "Views": "reverie.optimize.views",
        "as_objective": "reverie.optimize.goal",
        "ascend_canvas": "reverie.optimize.ascend",
        "ascend_pixels": "reverie.optimize.ascend",
        "render": "reverie.optimize.rendering",
    },
)
