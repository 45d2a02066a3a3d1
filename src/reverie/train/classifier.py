"""Train a classifier on a folder of pictures, as a stream of `TrainStep` records.

SGD with Nesterov momentum, warm-up and cosine, label smoothing, an averaged copy of the weights, and batches that
depend only on (seed, epoch, number): a run that was interrupted and resumed ends with the same bytes.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from reverie.critic.precision import resolve_device
from reverie.data.folder import require_dataset
from reverie.settings import check_settings
from reverie.train.classifier_config import ClassifierConfig
from reverie.train.counters import check_same_data, check_same_settings
from reverie.train.dataset import find_pictures, loading_data
from reverie.train.processes import Processes
from reverie.train.product import finished_step
from reverie.train.randomness import private_random
from reverie.train.run_folder import RunFolder
from reverie.train.start import check_input_size, initial_network
from reverie.train.step import TrainStep
from reverie.train.track import check_tracker
from reverie.train.trainer import Trainer

__all__ = ["ClassifierConfig", "TrainStep", "train_classifier"]


def train_classifier(
    data: Path, output: Path, config: ClassifierConfig | None = None, *, resume: bool = False
) -> Generator[TrainStep, None, None]:
    """Train on `data` (a folder of class folders, or a zip of one) and write everything into the folder `output`.

    Yields a `TrainStep` per optimizer step and per epoch; the last one has ``phase == "done"`` and the path of
    ``model.safetensors``. Closing the iterator, or Ctrl-C, keeps a checkpoint that `resume` continues.

    Raises:
        DataError: the data cannot be used.
        WeightsError: nothing to resume, or initial weights of another kind.
        InputError: settings out of range, or other than those of the run being resumed.
        GradientError: the run diverged; the last checkpoint stays.
    """
    config = config or ClassifierConfig()
    check_settings(config)
    check_tracker(config.track)
    run = RunFolder(output)
    if resume and run.is_finished:
        yield finished_step(run, config)
        return
    saved = run.load_checkpoint() if resume else run.check_unused()
    if saved is not None:
        check_same_settings(saved["config"], config)
    for path in (data, Path(config.val)) if config.val else (data,):
        require_dataset(path)
    processes = Processes(config.device)
    try:
        run.create()
        with run.cleared_on_failure():
            yield from _run(data, run, config, processes, saved)
    finally:
        processes.close()


def _run(
    data: Path, run: RunFolder, config: ClassifierConfig, processes: Processes, saved: dict[str, Any] | None
) -> Iterator[TrainStep]:
    """Check all that can be checked without reading pictures, read them, train."""
    device = processes.device or resolve_device(config.device)
    yield TrainStep("load", message=f"reading {data.name}")
    folder = find_pictures(data, config)
    if saved is not None:
        check_same_data(saved, folder.digest)
    with private_random(device, config.seed):
        start = initial_network(config, folder.classes, load=saved is None)
    check_input_size(start.net, config)
    pictures = yield from loading_data(folder, run.path, config, processes)
    if processes.is_main:
        run.name_broken(pictures.broken)
    trainer = Trainer(pictures, start, run, config, processes, device, saved)
    yield TrainStep("load", progress=1.0, message=trainer.summary())
    yield from trainer.steps()
