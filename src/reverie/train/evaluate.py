"""Evaluate a trained network file on labelled pictures: the work of `reverie train evaluate MODEL DATA`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reverie.critic.open import readable_names
from reverie.critic.precision import resolve_device, resolve_precision
from reverie.data import pack
from reverie.data.folder import Item, PictureFolder, open_folder, require_dataset
from reverie.errors import DataError, OutputError, WeightsError, unknown_name
from reverie.models.build import build_classifier
from reverie.settings import check_settings
from reverie.train.evaluate_config import EvaluateConfig
from reverie.train.interrupt import deferred_interrupt
from reverie.train.metrics import Evaluation, evaluate_logits
from reverie.train.normalization import Normalization
from reverie.train.predict import predicting_logits
from reverie.train.report import write_report
from reverie.weights.atomic import write_bytes
from reverie.weights.checkpoint import Description, load_model
from reverie.weights.foreign import misfit

__all__ = ["EvaluateConfig", "EvaluateStep", "Evaluation", "evaluate_logits", "evaluate_model", "write_report"]

NAMED = 5  # broken pictures in the message; a report names all of them in broken.txt
MEMORY_LIMIT_BYTES = 2**30  # of decoded pictures; larger sets are decoded as they are needed


@dataclass(frozen=True)
class EvaluateStep:
    """One moment of an evaluation: `phase` is ``load``, ``evaluate`` or ``done``, `progress` in [0, 1] of the phase.

    The last step carries the `evaluation`, the pictures that could not be read, a message that counts both, and the
    pictures that were looked at.
    """

    phase: str
    progress: float = 0.0
    message: str = ""
    evaluation: Evaluation | None = None
    broken: tuple[str, ...] = ()
    pictures: pack.Pictures | None = None


def evaluate_model(
    model: Path, data: Path, output: Path | None = None, config: EvaluateConfig | None = None
) -> Iterator[EvaluateStep]:
    """Evaluate the file of a classifier on `data`, and write the report into `output` if given.

    Classes are matched by name; the data may hold fewer than the network knows.

    Raises:
        WeightsError: the file is not a classifier.
        DataError: the data cannot be used, or holds classes that the network does not know.
        OutputError: the report cannot be written.
    """
    config = config or EvaluateConfig()
    check_settings(config)
    device = resolve_device(config.device)
    net, about = load_classifier(model)
    require_dataset(data)
    yield EvaluateStep("load", message=f"reading {data.name}")
    chosen = choose_pictures(data, about, config.pictures)
    chosen = replace(chosen, items=match_classes(chosen.items, chosen.folder.classes, about.classes, model.name))
    if output is not None and output.exists() and not output.is_dir():
        raise OutputError(f"cannot write a report into '{output}': it is a file; name a folder")
    for step in _measure(net, about, chosen, device, config):
        if step.evaluation is not None and output is not None:
            try:
                output.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(f"cannot create the folder '{output}': {error.strerror or error}") from error
            fill_report(step, output)
        yield step


def fill_report(step: EvaluateStep, folder: Path) -> None:
    """Write what the last step of an evaluation found into a folder: tables, pictures, and what could not be read.

    Raises:
        OutputError: it cannot be written.
    """
    assert step.evaluation is not None
    assert step.pictures is not None
    write_report(step.evaluation, folder, step.pictures)
    if step.broken:
        write_bytes(folder / "broken.txt", "".join(f"{name}\n" for name in step.broken).encode())


def _measure(
    net: nn.Module, about: Description, chosen: Chosen, device: torch.device, config: EvaluateConfig
) -> Iterator[EvaluateStep]:  # fmt: skip
    """Read the pictures and look at them."""
    items = chosen.items
    reading = pack.loading_pictures(chosen.folder.archive, items, about.input_px, limit_bytes=MEMORY_LIMIT_BYTES)
    with closing(reading):
        while True:
            try:
                with deferred_interrupt():
                    done = next(reading)
            except StopIteration as end:
                pictures, broken = end.value
                break
            yield EvaluateStep("load", done / len(items))
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    precision, parts = resolve_precision(config.precision, device), []
    shown = Normalization(about.mean, about.std)
    for logits in predicting_logits(net, pictures, about.input_px, shown, device, precision, config.batch):
        parts.append(logits)
        yield EvaluateStep("evaluate", sum(map(len, parts)) / len(pictures.paths))
    evaluation = evaluate_logits(torch.cat(parts), pictures.labels, readable_names(about.classes))
    said = measured_on(evaluation, chosen.which, broken)
    yield EvaluateStep("done", 1.0, said, evaluation, broken, pictures)


def measured_on(evaluation: Evaluation, which: str, broken: tuple[str, ...]) -> str:
    """Return one line: how many pictures of how many classes were measured, which, and what was left out."""
    present = int((evaluation.support > 0).sum())
    known = "" if present == len(evaluation.classes) else f" of the {len(evaluation.classes)} it knows"
    text = f"measured on {len(evaluation.labels)} pictures ({which}) of {present} classes{known}"
    if broken:
        named = ", ".join(broken[:NAMED]) + (f" and {len(broken) - NAMED} more" if len(broken) > NAMED else "")
        text += f"; left out {len(broken)} unreadable picture{'s' * (len(broken) > 1)}: {named}"
    return text


def load_classifier(path: Path) -> tuple[nn.Module, Description]:
    """Return the network of a self-describing file, in eval mode, and its description.

    Raises:
        WeightsError: missing, broken, or not a classifier.
    """
    state, about = load_model(path)
    if about.kind != "classifier":
        raise WeightsError(f"'{path.name}' holds a network of kind '{about.kind}'; expected a classifier")
    net = build_classifier(about.architecture, len(about.classes), about.options)
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        reason = misfit(net.state_dict(), state)
        raise WeightsError(f"'{path.name}' does not fit {about.architecture}: {reason}") from error
    return net.eval(), about


@dataclass(frozen=True)
class Chosen:
    """A dataset, the pictures of it to evaluate, and which they are in words."""

    folder: PictureFolder
    items: tuple[Item, ...]
    which: str


def choose_pictures(data: Path, about: Description, which: str) -> Chosen:
    """Return the pictures of a dataset to evaluate.

    Data that a network was trained on is split again as it was then, so that no picture it has seen is counted.
    """
    split: dict[str, Any] = {name: about.recipe[name] for name in ("val_share", "seed") if name in about.recipe}
    folder = open_folder(data, **split)
    known = folder.digest == about.data.get("digest")
    if which == "all" or (which == "auto" and not (folder.explicit_split or known)):
        return Chosen(folder, folder.train + folder.val, "all, also those it learned from" if known else "all")
    if not folder.val:
        raise DataError(f"'{data}' holds no validation folder and nothing is held out; use --pictures all")
    words = "the validation folder" if folder.explicit_split else "held out by the seed"
    return Chosen(folder, folder.val, "held out from training" if known else words)


def match_classes(
    items: Sequence[Item], classes: tuple[str, ...], known: tuple[str, ...], model: str
) -> tuple[Item, ...]:
    """Return the items labelled with the network's class numbers; case does not matter, nor do WordNet numbers.

    Raises:
        DataError: classes that the network does not know.
    """
    index: dict[str, int] = {}
    for names in ([n.casefold() for n in readable_names(known)], [n.casefold() for n in known], known):
        index |= {name: i for i, name in enumerate(names)}  # later ones count more
    table = [index.get(name, index.get(name.casefold(), -1)) for name in classes]
    unknown = [name for name, at in zip(classes, table, strict=True) if at < 0]
    if unknown:
        more = f" (and {len(unknown) - 1} more classes)" if len(unknown) > 1 else ""
        raise DataError(f"{unknown_name('class', unknown[0], readable_names(known))} in '{model}'{more}")
    return tuple(replace(item, label=table[item.label]) for item in items)
