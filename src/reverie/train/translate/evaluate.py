"""What a translator is worth: near to what is wanted on unseen pictures and sizes, how far it sees, how fast it is."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from reverie.data.batches import seeded
from reverie.data.examples import Examples, FilterExamples, Teacher
from reverie.data.pairs import PairExamples
from reverie.data.user_filter import chosen_filter
from reverie.errors import DataError, InputError
from reverie.models.pix2pix import Generator
from reverie.models.student import EPSILON, Seen
from reverie.models.translator import told
from reverie.models.translator_file import OpenTranslator
from reverie.numerics.resample import resize
from reverie.train.translate.measure import compared
from reverie.train.translate.task import PROBE_PX, difference_reach_px

SIZES = {"64 x 64": (64, 64), "512 x 512": (512, 512), "1001 x 733": (733, 1001)}  # beside the pictures as they are
OWN = "as they are"
ROUNDS = 3  # of measuring speed, of which the median counts
Row = dict[str, float | int | str | None]


@dataclass
class Measurement:
    """Rows of a report, filled while pictures are looked at.

    Args:
        model: the network.
        examples: pictures and what should become of them; all are held out.
        values: of the numbers that it takes.
    """

    model: OpenTranslator
    examples: Examples
    values: Mapping[str, float]
    which: str
    scores: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    shown: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    def looking(self, most: int) -> Iterator[tuple[int, int]]:
        """Measure up to `most` pictures, at their own size and, where there is a filter, at others."""
        total = min(most, self.examples.held)
        for number, (image, wanted) in enumerate(islice(self.examples.held_out(), most), start=1):
            bare = image[:, : self.model.shape.given_kind.channels]
            self._look(OWN, bare, wanted if self.examples.target(bare) is None else None)
            if self.examples.target(bare) is not None:
                for name, size in SIZES.items():
                    self._look(name, resize(bare, size).clamp(0, 1), None)
            yield number, total

    def _look(self, where: str, bare: Tensor, wanted: Tensor | None) -> None:
        wanted = self.examples.target(bare, self.values) if wanted is None else wanted
        assert wanted is not None
        image = told(bare, self.model.shape.planes, self.values)
        self.scores.setdefault(where, []).append(compared(self.model.net, image, wanted, self.model.shape.wanted_kind))
        if where == OWN and len(self.shown) < 6:
            self.shown.append((image, wanted))

    def rows(self) -> list[Row]:
        """Return what was found: a row for each size, one for how far it sees, one for speed."""
        found: list[Row] = []
        for where, scores in self.scores.items():
            row: Row = {"what": "quality", "size": where, "pictures": len(scores), "which": self.which}
            for name in scores[0]:
                values = [s[name] for s in scores]
                row[name] = round(statistics.fmean(values), 5)
                row[f"worst_{name}"] = round(max(values) if name == "l1" else min(values), 5)
            found.append(row)
        return [*found, self.reach(), self.speed()]

    def reach(self) -> Row:
        """Return how far the network is built to see, how far it was found to see, and the same of the filter."""
        shape = self.model.shape
        probe = torch.rand(1, shape.given_kind.channels, PROBE_PX, PROBE_PX, generator=seeded("reach")) * 0.6 + 0.2
        net = local(self.model)
        seen = difference_reach_px(lambda x: net(told(x, shape.planes, self.values)), probe, 1e-7)
        theirs = None
        if self.examples.target(probe) is not None:
            theirs = difference_reach_px(lambda x: self._true(x), probe, 1e-4)
        enough = "" if theirs is None else "yes" if theirs <= self.model.net.reach_px else "no"
        return {
            "what": "reach", "built_px": self.model.net.reach_px, "found_px": seen, "filter_px": theirs,
            "sees_enough": enough, "whole_picture": "yes" if isinstance(self.model.net, Generator) else "no",
        }  # fmt: skip

    def speed(self, side_px: int = 512) -> Row:
        """Return megapixels a second of CPU time, of network and filter, on one picture."""
        shape = self.model.shape
        bare = resize(self.shown[0][0][:, : shape.given_kind.channels], (side_px, side_px)).clamp(0, 1)
        image = told(bare, shape.planes, self.values).to(next(self.model.net.parameters()).device)
        with torch.inference_mode():
            own = _seconds(lambda: self.model.net(image))
        row: Row = {"what": "speed", "side_px": side_px, "megapixels_per_s": round(side_px**2 / 1e6 / own, 3)}
        if self.examples.target(bare) is not None:
            theirs = _seconds(lambda: self._true(bare))
            row |= {"filter_megapixels_per_s": round(side_px**2 / 1e6 / theirs, 3), "times_the_filter": own / theirs}
        return row

    def _true(self, bare: Tensor) -> Tensor:
        found = self.examples.target(bare, self.values)
        assert found is not None
        return found


def _seconds(run: Callable[[], object]) -> float:
    run()
    spent = []
    for _ in range(ROUNDS):
        began = time.process_time()
        run()
        spent.append(time.process_time() - began)
    return max(statistics.median(spent), 1e-9)


def local(model: OpenTranslator) -> Callable[[Tensor], Tensor]:
    """Return the network as a function of the neighborhood alone: norms keep the statistics of the first picture."""
    net = model.net
    if not isinstance(net, Generator):
        return torch.no_grad()(net)
    kept: dict[int, tuple[Tensor, Tensor]] = {}

    def seen(index: int, x: Tensor) -> tuple[Tensor, Tensor]:
        if index not in kept:
            variance, mean = torch.var_mean(x.float(), dim=(2, 3), correction=0, keepdim=True)
            kept[index] = (mean, (variance + EPSILON).sqrt())
        return kept[index]

    frozen: Seen = seen
    return torch.no_grad()(partial(net, seen=frozen))


def open_measurement(
    model: OpenTranslator, data: Path, targets: Path | None, *, side_by_side: bool, filter_name: str | None,
    values: Mapping[str, float],
) -> Measurement:  # fmt: skip
    """Return what is to be measured.

    Pictures of the data that the network learned from are left out: only those that were held out count.

    Raises:
        InputError: the filter is not known.
        DataError: pairs that do not fit.
    """
    recipe, shape = model.about.recipe, model.shape
    share, seed = float(recipe.get("held_out", 0.1)), int(recipe.get("seed", 0))

    def opened(part: float) -> Examples:
        if targets is not None or side_by_side:
            return PairExamples(data, targets, (shape.given_kind, shape.wanted_kind), part, seed)
        return FilterExamples(data, teacher, part, seed)

    teacher = (
        _teacher(model, filter_name) if targets is None and not side_by_side else Teacher(chosen_filter("sobel"), {})
    )
    everything = opened(1.0)
    if everything.outputs != model.net.outputs:
        raise DataError(
            f"'{model.path.name}' gives {model.net.outputs} channels, the targets have {everything.outputs}"
        )
    if everything.held > 1 and share > 0:
        split = opened(share)
        if split.digest == model.about.data.get("digest") and split.held:
            return Measurement(model, split, values, "held out from training")
    return Measurement(model, everything, values, "all")


def _teacher(model: OpenTranslator, name: str | None) -> Teacher:
    about = model.about.data
    learned = about.get("filter")
    if name is None and isinstance(learned, str):
        if ".py:" in learned or learned.startswith("style:"):
            raise InputError(
                f"'{model.path.name}' learned from '{learned}', which it does not hold; give it with --filter"
            )
        name = learned
    if name is None:
        raise InputError(f"'{model.path.name}' learned from pairs; name theirs with --targets or --side-by-side")
    fixed = about.get("parameters", {})
    seed = int(model.about.recipe.get("seed", 0))
    return Teacher(chosen_filter(name, seed), dict(fixed) if isinstance(fixed, dict) else {}, model.shape.planes)
