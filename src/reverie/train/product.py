"""What a finished classifier run leaves behind: one self-describing network file, and the report beside it."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from reverie.train.about import dated
from reverie.train.classifier_config import ClassifierConfig
from reverie.train.dataset import TrainingData
from reverie.train.normalization import Normalization
from reverie.weights.checkpoint import Description


def halved(net: nn.Module) -> dict[str, Tensor]:
    """Return the weights of a network in half precision."""
    return {name: v.half() if v.is_floating_point() else v for name, v in net.state_dict().items()}


def description_of(
    data: TrainingData, config: ClassifierConfig, normalization: Normalization, options: dict[str, Any],
    metrics: dict[str, float], spent: dict[str, int],
) -> Description:  # fmt: skip
    """Return what the file of a classifier says of itself."""
    about = Description(
        architecture=config.architecture, classes=data.classes, mean=normalization.mean, std=normalization.std,
        input_px=config.input_px, options=options, color_correlation=data.color_correlation,
        metrics={name: round(value, 5) for name, value in metrics.items()},
        data={
            "name": data.folder.name, "digest": data.folder.digest,
            "train": len(data.train.paths), "val": len(data.val.paths) if data.val else 0,
        },
    )  # fmt: skip
    return dated(about, config, **spent)
