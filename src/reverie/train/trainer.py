"""The loop of a classifier's training: epochs of steps, validation, checkpoints, and the end."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from reverie.critic.open import readable_names
from reverie.critic.precision import Precision, resolve_precision
from reverie.data.augment import Augmentation
from reverie.data.batches import Batch, batch_starts, epoch_batches
from reverie.data.pack import delete_packs
from reverie.errors import GradientError
from reverie.settings import to_record
from reverie.train.about import portable
from reverie.train.channels import channel_statistics
from reverie.train.classifier_config import ClassifierConfig
from reverie.train.counters import Counters
from reverie.train.dataset import TrainingData
from reverie.train.divergence import Divergence
from reverie.train.interrupt import deferred_interrupt
from reverie.train.keeping import checkpointed
from reverie.train.learner import Learner
from reverie.train.loss import ClassifierLoss, class_weights
from reverie.train.meter import Meter
from reverie.train.metrics import Evaluation, evaluate_logits, quick_scores
from reverie.train.normalization import Normalization
from reverie.train.predict import predict_logits
from reverie.train.processes import Processes
from reverie.train.product import description_of, halved
from reverie.train.records import Records
from reverie.train.run_folder import RunFolder
from reverie.train.schedule import progressive_px, warm_cosine
from reverie.train.start import Start
from reverie.train.step import TrainStep
from reverie.train.teacher import Teacher
from reverie.train.track import open_trackers
from reverie.weights.checkpoint import Description

LOG_EVERY = 20


class Trainer:
    """The state of one run; `steps` is the loop."""

    def __init__(
        self, data: TrainingData, start: Start, teacher: Teacher | None, run: RunFolder, config: ClassifierConfig,
        processes: Processes, device: torch.device, saved: dict[str, Any] | None,
    ) -> None:  # fmt: skip
        self.data, self.run, self.config, self.processes, self.device = data, run, config, processes, device
        precision = (saved or {}).get("precision", "auto") if config.precision == "auto" else config.precision
        self.precision: Precision = resolve_precision(precision, self.device)
        self.normalization, self.options = start.normalization or data.normalization, start.options
        self.learner = Learner(start, teacher, config, self.device, processes)
        self.at, self.meter, self.lr = Counters(), Meter(), 0.0
        self.divergence = Divergence(len(data.classes))
        self.evaluation: Evaluation | None = None
        self.statistics: dict[str, Tensor] = {}
        self.finished = False
        if saved is not None:
            with run.restoring():
                self._restore(saved)
        weights = class_weights(data.train.labels, len(data.classes)).to(self.device) if config.class_weights else None
        self.loss = ClassifierLoss(self.normalization, config.label_smoothing, weights, self.device, self.precision)
        self.records: Records | None = None

    def summary(self) -> str:
        """Return one line about data, network and machine."""
        held = len(self.data.val.paths) if self.data.val else 0
        parameters = sum(p.numel() for p in self.learner.net.parameters()) / 1e6
        text = (
            f"{len(self.data.train.paths)} pictures of {len(self.data.classes)} classes to learn, {held} held out; "
            f"{self.config.architecture}, {parameters:.2f} M parameters, {self.precision} on {self.device}"
        )
        if count := len(self.data.broken):
            left_out = f"{count} unreadable picture{'s' * (count > 1)}"
            text += f"; left out {left_out}, named in {self.run.path / 'broken.txt'}"
        return text

    # -- the loop ---------------------------------------------------------------------------------------------

    def steps(self) -> Iterator[TrainStep]:
        """Train to the end of the schedule, then evaluate; the last step is "done"."""
        self._open_records()
        try:
            yield from checkpointed(self._epochs(), self._save, may=lambda: not self.divergence.suspected)
        except GradientError as error:
            kept = f"; the checkpoint from before stays in '{self.run.path}'" if self.run.checkpoint.exists() else ""
            raise GradientError(f"{error}{kept}") from error
        finally:
            if self.records is not None:
                self.records.close()
        yield self._finish()

    def _epochs(self) -> Iterator[TrainStep]:
        while not self._is_over():
            yield from self._one_epoch()
            yield self._end_of_epoch()

    def _one_epoch(self) -> Iterator[TrainStep]:
        self.learner.train_mode()
        self.meter = Meter()
        with closing(self._batches()) as batches:
            began = time.monotonic()
            for batch in batches:
                if self._progress() >= 1:
                    return
                yield self._one_step(batch, began)
                began = time.monotonic()

    def _batches(self) -> Generator[Batch, None, None]:
        c, at = self.config, self.at
        if at.batch_in_epoch == 0 or at.epoch_px == 0:
            at.epoch_px = progressive_px(self._progress(), c.input_px) if c.progressive else c.input_px
        how = Augmentation(min_scale=c.min_scale, flip=c.flip, color=c.color, noise=c.noise, blur=c.blur)
        return epoch_batches(
            self.data.train, how, at.epoch_px, c.batch, c.seed, at.epoch,
            skip=at.batch_in_epoch, shard=self.processes.shard,
        )  # fmt: skip

    def _one_step(self, batch: Batch, began: float) -> TrainStep:
        self.lr = self.config.lr * self.config.batch / 128 * warm_cosine(self._progress(), self.config.warmup)
        with deferred_interrupt():
            loss = self.learner.update(batch, self.loss, self.lr, self.at.step)
            self.divergence.check_step(loss, self.at.step, self.config.lr)
            seconds = time.monotonic() - began
            self._add_time(seconds)
            self.at.step += 1
            self.at.batch_in_epoch += 1
        self.meter.add(loss, len(batch.labels) * self.processes.world, seconds, batch.waited_s)
        moment = self._moment("train")
        if self.at.step % LOG_EVERY == 0:
            self._log(moment)
        return moment

    def _is_over(self) -> bool:
        return self._progress() >= 1 or 0 < self.config.patience <= self.at.since_best

    def _progress(self) -> float:
        if self.config.minutes is not None:
            return self.at.elapsed_s / (60 * self.config.minutes)
        return self.at.step / max(1, round(self.config.epochs * self._steps_per_epoch()))

    def _steps_per_epoch(self) -> int:
        return len(batch_starts(len(self.data.train.paths), self.config.batch))

    def _add_time(self, seconds: float) -> None:
        """Count time that belongs to the budget; the first process's clock rules, so that all stop together."""
        self.at.elapsed_s += seconds
        if self.config.minutes is not None:
            self.at.elapsed_s = self.processes.from_main(self.at.elapsed_s)

    def _moment(self, phase: str, **more: Any) -> TrainStep:
        progress, meter = self._progress(), self.meter
        eta = self.at.elapsed_s * max(0.0, 1 - progress) / progress if progress > 0 else float("nan")
        return TrainStep(
            phase, self.at.step, self.at.epoch, min(1.0, progress), meter.loss, self.lr, self.at.epoch_px,
            pictures_per_s=meter.rate, wait_share=meter.wait_share, eta_s=eta, **more,
        )  # fmt: skip

    # -- epochs, records, checkpoints -------------------------------------------------------------------------

    def _end_of_epoch(self) -> TrainStep:
        began = time.monotonic()
        metrics = self.processes.from_main(self._validate())
        self.divergence.check_epoch(self.meter.loss, metrics.get("val_loss", 0.0), self.at.step, self.config.lr)
        with deferred_interrupt():
            self._add_time(time.monotonic() - began)
            if self.at.count_epoch(metrics.get("top1", 0.0)) and self.config.patience > 0 and self.processes.is_main:
                self.run.save_best(self.learner.average.net.state_dict())
            is_whole = self.at.batch_in_epoch >= self._steps_per_epoch()
            if is_whole:
                self.at.epoch, self.at.batch_in_epoch = self.at.epoch + 1, 0
            moment = self._moment("epoch", metrics=metrics)
            if not is_whole:  # the run ends within its next epoch, which is counted where it is told about
                moment = replace(moment, epoch=self.at.epoch + 1)
            self._log(moment)
            self._save()
        return moment

    def _validate(self) -> dict[str, float]:
        """Return the scores of the averaged network; only the first process's copy has the right buffers."""
        logits = self._predict()
        return {} if logits is None or self.data.val is None else quick_scores(logits, self.data.val.labels)

    def _predict(self) -> Tensor | None:
        if self.data.val is None or not self.processes.is_main:
            return None
        net, px = self.learner.average.net, self.config.input_px
        return predict_logits(net, self.data.val, px, self.normalization, self.device, self.precision)

    def _open_records(self) -> None:
        if self.processes.is_main:
            settings = portable(self.config) | {"data": self.data.folder.name}
            trackers = open_trackers(self.config.track, self.run.path, settings, self.at.step)
            self.run.write_settings(settings)
            if self.at.step == 0:
                self.run.begin_log()
            self.records = Records(self.run, trackers)

    def _log(self, moment: TrainStep) -> None:
        if self.records is not None:
            self.records.log(moment, self.at.elapsed_s)

    def _save(self) -> None:
        if self.processes.is_main:
            about = {
                "config": to_record(self.config), "data_digest": self.data.folder.digest, "precision": self.precision,
                "mean": self.normalization.mean, "std": self.normalization.std,
            }  # fmt: skip
            self.run.save_checkpoint(about | self.learner.state() | self.at.record())

    def _restore(self, saved: dict[str, Any]) -> None:
        self.learner.restore(saved)
        self.at = Counters.restored(saved)
        if "mean" in saved:
            self.normalization = Normalization(saved["mean"], saved["std"])
        if self.processes.is_main:
            self.run.truncate_log(self.at.step)

    def _finish(self) -> TrainStep:
        metrics: dict[str, float] = {}
        if self.processes.is_main:
            net = self.learner.average.net
            if self.config.patience > 0:
                self.run.load_best_into(net)
            logits = self._predict()
            if logits is not None and self.data.val is not None:
                self.evaluation = evaluate_logits(logits, self.data.val.labels, readable_names(self.data.classes))
                metrics = self.evaluation.summary()
            self.statistics = channel_statistics(
                net, self.config.architecture, self.normalization, self.data.train, self.device
            )
            self.run.write_csv()
        self.processes.wait()
        if self.processes.is_local_main:
            delete_packs(self.run.path)
        self.finished = True
        return TrainStep("done", self.at.step, self.at.epoch, 1.0, metrics=metrics)

    def made(self) -> tuple[Mapping[str, Tensor], Description] | None:
        """Return the averaged network in half precision; None in all processes but the first."""
        if not self.processes.is_main:
            return None
        metrics = {} if self.evaluation is None else self.evaluation.summary()
        spent = {"steps": self.at.step}
        if self.config.minutes is not None:
            spent["elapsed_s"] = round(self.at.elapsed_s)
        about = description_of(self.data, self.config, self.normalization, self.options, metrics, spent)
        return halved(self.learner.average.net) | self.statistics, about
