"""Import torchvision, also where its compiled operators do not match the installed torch.

A CUDA build of torchvision beside a CPU build of torch fails at import with "operator torchvision::nms does
not exist". The networks and transforms are pure Python and work all the same once the two missing operator
schemas exist. A healthy installation takes the first branch and is left alone.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

_libraries: list[Any] = []  # torch drops the schemas when the Library object is collected


def torchvision() -> ModuleType:
    """Return the torchvision package; every import of it (or of timm, lpips) goes through here first."""
    try:
        import torchvision as package
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        package = _import_with_schemas()
    return package


def _import_with_schemas() -> ModuleType:
    import torch

    for name in [n for n in sys.modules if n == "torchvision" or n.startswith("torchvision.")]:
        del sys.modules[name]
    if not _libraries:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _libraries.append(library)
    import torchvision as package

    return package


def imagenet_classes() -> tuple[str, ...]:
    """Return the 1000 class names in the order of every ImageNet network."""
    return tuple(torchvision().models.ResNet18_Weights.IMAGENET1K_V1.meta["categories"])
