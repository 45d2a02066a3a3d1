"""Train a classifier on a folder of pictures, as a stream of `TrainStep` records.

SGD with Nesterov momentum, warm-up and cosine, label smoothing, an averaged copy of the weights, and batches that
depend only on (seed, epoch, number): a run that was interrupted and resumed ends with the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import Tensor

from reverie.critic.precision import resolve_device
from reverie.data.first_frames import first_frames_note
from reverie.data.folder import require_dataset
from reverie.media.write import write_picture
from reverie.settings import check_settings
from reverie.train.classifier_config import ClassifierConfig
from reverie.train.counters import check_resumes
from reverie.train.dataset import find_pictures, loading_data
from reverie.train.processes import Processes
from reverie.train.randomness import private_random
from reverie.train.report import write_report
from reverie.train.run_folder import RunFolder
from reverie.train.start import check_input_size, initial_network
from reverie.train.step import TrainStep
from reverie.train.teacher import open_teacher
from reverie.train.track import check_tracker
from reverie.train.trainer import Trainer
from reverie.train.work import curves_of
from reverie.weights.checkpoint import Description

__all__ = ["ClassifierConfig", "ClassifierTraining", "TrainStep"]


class ClassifierTraining:
    """One run, from reading the pictures to the report; see `reverie.train.keeping.Training`.

    Args:
        config: settings; `data` names the pictures.
        run: where checkpoint, records and report stand; a checkpoint in it is gone on with.

    Raises:
        DataError: there is no data.
        InputError: settings out of range, or other than those of the run that is gone on with.
        WeightsError: a damaged checkpoint.
    """

    def __init__(self, config: ClassifierConfig, run: RunFolder) -> None:
        check_settings(config)
        check_tracker(config.track)
        self.config, self.run = config, run
        self.trainer: Trainer | None = None
        for path in (Path(config.data), Path(config.val)) if config.val else (Path(config.data),):
            require_dataset(path)

    @property
    def finished(self) -> bool:
        return self.trainer is not None and self.trainer.finished

    def steps(self) -> Iterator[TrainStep]:
        """Read the pictures, train, evaluate; the last step is "done"."""
        processes = Processes(self.config.device)
        try:
            with self.run.claimed(alone=processes.is_main):
                yield from self._steps(processes)
        finally:
            processes.close()

    def _steps(self, processes: Processes) -> Iterator[TrainStep]:
        """Check all that can be checked without reading pictures, read them, train."""
        config, run = self.config, self.run
        saved = run.load_checkpoint() if run.checkpoint.is_file() else None
        device = processes.device or resolve_device(config.device)
        yield TrainStep("load", message=f"reading {Path(config.data).name}")
        folder = find_pictures(Path(config.data), config)
        moving = first_frames_note(folder.archive, [item.path for item in folder.train + folder.val])
        for note in (*folder.notes, *moving):
            yield TrainStep("load", message=note)
        if saved is not None:
            check_resumes(saved, config, folder.digest)
        with private_random(device, config.seed):
            start = initial_network(config, folder.classes, load=saved is None)
        check_input_size(start.net, config)
        with private_random(device, config.seed):
            teacher = open_teacher(config, start.net, device, processes.world)
        pictures = yield from loading_data(folder, run.path, config, processes)
        if processes.is_main:
            run.name_broken(pictures.broken)
        self.trainer = Trainer(pictures, start, teacher, run, config, processes, device, saved)
        yield TrainStep("load", progress=1.0, message=self.trainer.summary())
        yield from self.trainer.steps()

    def made(self) -> tuple[Mapping[str, Tensor], Description] | None:
        """Return the network that there is; None before the first step, and in all processes but the first."""
        return None if self.trainer is None else self.trainer.made()

    def write_report(self, folder: Path) -> None:
        """Write the learning curves, and tables and pictures about the held-out pictures where there are some."""
        trainer = self.trainer
        if trainer is not None and trainer.evaluation is not None and trainer.data.val is not None:
            write_report(trainer.evaluation, folder, trainer.data.val)
        curves = curves_of(self.run)
        if curves is not None:
            write_picture(folder / "curves.png", curves)
