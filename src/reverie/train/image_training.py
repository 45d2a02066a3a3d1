"""A training by the shared loop of networks that make pictures: claimed folder, checkpoint found, network described."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor, nn

from reverie.jobs.work import Chosen
from reverie.train.about import portable
from reverie.train.counters import check_resumes
from reverie.train.image_loop import ImageLoop, ImageLoopConfig, Lesson, Loss
from reverie.train.run_folder import RunFolder
from reverie.train.step import TrainStep
from reverie.weights.checkpoint import Description

Describe = Callable[[nn.Module, dict[str, float]], Description]


class ImageTraining:
    """One run; see `reverie.train.keeping.Training`. A checkpoint of the same settings and data is gone on with.

    Args:
        net: the network before its first step, on its device.
        loss: weighted losses of a network at a step.
        digest: what identifies the data.
        run: where the checkpoint stands.
        config: the settings.
        describe: what the network's file says, from the network and what was measured.
        summary: of data and network, in one line.
        chosen: device, precision and network that it learns with.
        notes: gives lines for the user, such as what was left out so far.
        half: the file holds half precision.
        close: called at the end, whatever it was.

    Raises:
        InputError, DataError, WeightsError: the checkpoint is of other settings or data, or damaged.
    """

    def __init__(
        self, net: nn.Module, loss: Loss, digest: str, run: RunFolder, config: ImageLoopConfig, describe: Describe, *,
        summary: str, chosen: Chosen, notes: Callable[[], Sequence[str]] = tuple, half: bool = False,
        close: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self.run, self.config, self.summary, self.chosen, self.notes = run, config, summary, chosen, notes
        self.finished = False
        self._describe, self._half, self._close = describe, half, close
        saved = run.load_checkpoint() if run.checkpoint.is_file() else None
        if saved is not None:
            check_resumes(saved, config, digest)
        self.metrics: dict[str, float] = {}
        self.loop = ImageLoop(net, Lesson(loss, self._ended, digest), run, config, saved)

    def steps(self) -> Iterator[TrainStep]:
        """Train to the end of the schedule; the last step carries what was measured."""
        with self.run.claimed():
            self.run.write_settings(portable(self.config))
            yield TrainStep("load", self.loop.step, message=self.summary)
            try:
                for step in self.loop.steps():
                    yield replace(step, output=None)
            finally:
                self._close()

    def made(self) -> tuple[Mapping[str, Tensor], Description]:
        """Return the averaged network as it is now."""
        net = self.loop.average.net
        state = net.state_dict()
        return (
            {name: value.half() for name, value in state.items()} if self._half else state,
            self._describe(net, self.metrics),
        )

    def _ended(self, net: nn.Module, metrics: dict[str, float]) -> Path:
        self.metrics, self.finished = metrics, True
        return self.run.network
