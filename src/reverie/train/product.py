"""What a finished classifier run leaves behind: the report and one self-describing network file."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from torch import Tensor, nn

import reverie
from reverie.critic.open import readable_names
from reverie.settings import to_record
from reverie.train.classifier_config import ClassifierConfig
from reverie.train.counters import check_same_settings
from reverie.train.dataset import TrainingData
from reverie.train.metrics import evaluate_logits
from reverie.train.normalization import Normalization
from reverie.train.report import write_report
from reverie.train.run_folder import NETWORK, RunFolder
from reverie.train.step import TrainStep
from reverie.weights.checkpoint import Description, load_description, save_model


def portable_settings(config: ClassifierConfig) -> dict[str, Any]:
    """Return the settings without the folders of this machine."""
    return to_record(config) | {"init": Path(config.init).name, "val": Path(config.val).name}


def write_evaluation(logits: Tensor | None, data: TrainingData, folder: Path) -> dict[str, float]:
    """Write the report of the held-out pictures and return its summary; nothing where none are held out."""
    if logits is None or data.val is None:
        return {}
    evaluation = evaluate_logits(logits, data.val.labels, readable_names(data.classes))
    write_report(evaluation, folder, data.val)
    return evaluation.summary()


def write_network(
    net: nn.Module, folder: Path, data: TrainingData, config: ClassifierConfig, normalization: Normalization,
    options: dict[str, Any], metrics: dict[str, float], spent: dict[str, int],
) -> Path:  # fmt: skip
    """Write ``model.safetensors`` in half precision and return its path."""
    description = Description(
        architecture=config.architecture,
        classes=data.classes,
        mean=normalization.mean,
        std=normalization.std,
        input_px=config.input_px,
        options=options,
        color_correlation=data.color_correlation,
        metrics={name: round(value, 5) for name, value in metrics.items()},
        data={
            "name": data.folder.name, "digest": data.folder.digest,
            "train": len(data.train.paths), "val": len(data.val.paths) if data.val else 0,
        },
        recipe=portable_settings(config) | spent,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        version=reverie.__version__,
    )  # fmt: skip
    path = folder / NETWORK
    save_model(path, {n: v.half() if v.is_floating_point() else v for n, v in net.state_dict().items()}, description)
    return path


def finished_step(run: RunFolder, config: ClassifierConfig) -> TrainStep:
    """Return the record of a run that was finished before: there is nothing left to do.

    Raises:
        InputError: other settings were asked for than the run was made with.
    """
    about = load_description(run.network)
    check_same_settings(about.recipe, config, f"'{run.path}', which is finished,")
    message = f"'{run.path}' is finished; there is nothing to resume"
    steps = int(about.recipe.get("steps", 0))
    return TrainStep("done", steps, progress=1.0, metrics=about.metrics, message=message, output=run.network)
