"""`reverie train`: classifiers and their evaluation."""

from __future__ import annotations

import json
import os
import shlex
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.interrupts import ignore_interrupts
from reverie.apps.cli.options import with_config
from reverie.apps.cli.recipe import read_recipe
from reverie.settings import check_settings, from_record, to_record
from reverie.train.classifier_config import ClassifierConfig
from reverie.train.evaluate_config import EvaluateConfig


@with_config(ClassifierConfig)
def classifier_command(
    data: Annotated[str, Parameter(help="Folder of class folders with pictures, or a zip of one.")],
    /,
    *,
    output: Annotated[
        str | None, Parameter(name=("--output", "-o"), help="Folder of the run; default: runs/NAME.")
    ] = None,
    recipe: Annotated[str | None, Parameter(help="YAML file of settings; options given here win.")] = None,
    resume: Annotated[bool, Parameter(negative="", help="Continue the run in --output where it stopped.")] = False,
    dry_run: Annotated[bool, Parameter(negative="", help="Print all settings and stop.")] = False,
    given: dict[str, Any],
) -> int:
    """Train a classifier on your own pictures; the result dreams with `reverie dream --model`."""
    folder = Path(output) if output else Path("runs") / Path(data).stem
    config = from_record(ClassifierConfig, _base(recipe, folder if resume else None) | given)
    check_settings(config)
    if dry_run:
        print(json.dumps({"data": data, "output": str(folder), "settings": to_record(config)}, indent=2))
        return 0
    from reverie.train.classifier import train_classifier

    try:
        with closing(train_classifier(Path(data), folder, config, resume=resume)) as steps:
            _follow(steps, folder)
    except KeyboardInterrupt:
        ignore_interrupts()
        print(f"reverie: stopped by Ctrl-C; {_after_stop(data, folder)}", file=sys.stderr)
        return 130
    return 0


def _after_stop(data: str, folder: Path) -> str:
    """Say how to go on; only where there is a checkpoint is there something to resume."""
    if (folder / "checkpoint.pt").is_file():
        return f"continue with: reverie train classifier {shlex.quote(data)} -o {shlex.quote(str(folder))} --resume"
    return "nothing was learned yet, and nothing is kept"


def _base(recipe: str | None, resumed: Path | None) -> dict[str, Any]:
    """Return the settings to start from: those of a recipe, or of the run that is resumed."""
    if resumed is not None and recipe is None and (resumed / "settings.json").is_file():
        stored = json.loads((resumed / "settings.json").read_text(encoding="utf-8"))
        known = to_record(ClassifierConfig())
        return {name: value for name, value in stored.items() if name in known}
    if recipe is None:
        return {}
    return read_recipe(recipe, ClassifierConfig)


def _follow(steps: Any, folder: Path) -> None:
    """Show a run until it ends; of several processes only the first one speaks."""
    from reverie.apps.cli.progress import bar

    if os.environ.get("RANK", "0") != "0":
        for _ in steps:
            pass
        return
    last = None
    with bar("training") as line:
        for moment in steps:
            last = moment
            if moment.phase == "load" and moment.message:
                line.say(moment.message)
            elif moment.phase == "load":
                line.update(moment.progress, "decoding pictures")
            elif moment.phase == "epoch":
                shown = "  ".join(f"{name} {value:.3f}" for name, value in moment.metrics.items())
                line.say(
                    f"epoch {moment.epoch}  loss {moment.loss:.3f}  {shown}  {moment.pictures_per_s:.0f} pictures/s, "
                    f"waited for data {moment.wait_share:.1%}"
                )
            elif moment.phase == "train":
                speed = f"{moment.size_px} px  {moment.pictures_per_s:.0f} pictures/s"
                note = f"step {moment.step}  loss {moment.loss:.3f}  {speed}"
                line.update(moment.progress, note, moment.eta_s)
    if last is not None and last.phase == "done" and last.output is not None:
        shown = ", ".join(f"{name} {value:.3f}" for name, value in last.metrics.items())
        print("\n".join(line for line in (last.message, shown) if line), file=sys.stderr)
        print(f"report in {folder}; dream with: reverie dream PICTURE --model {last.output}", file=sys.stderr)
        print(last.output)


@with_config(EvaluateConfig)
def evaluate_command(
    model: Annotated[str, Parameter(help="A .safetensors file trained here.")],
    data: Annotated[str, Parameter(help="Folder of class folders with pictures, or a zip of one.")],
    /,
    *,
    output: Annotated[
        str | None, Parameter(name=("--output", "-o"), help="Folder for the report: confusion, calibration, mistakes.")
    ] = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")] = False,
    given: dict[str, Any],
) -> int:
    """Measure a trained classifier on labelled pictures."""
    from reverie.apps.cli.progress import bar
    from reverie.train.evaluate import evaluate_model
    from reverie.weights.embedded import embedded_path

    config = from_record(EvaluateConfig, given)
    path = embedded_path() if model == "embedded" else Path(model)
    evaluation = None
    with bar("evaluating") as line:
        for step in evaluate_model(path, Path(data), Path(output) if output else None, config):
            if step.message:
                line.say(step.message)
            line.update(step.progress, step.phase)
            evaluation = step.evaluation or evaluation
    assert evaluation is not None
    summary = {name: round(value, 4) for name, value in evaluation.summary().items()}
    if as_json:
        print(json.dumps(summary | {"pictures": len(evaluation.labels)}))
        return 0
    print("  ".join(f"{name} {value:.4f}" for name, value in summary.items()))
    for true, predicted, count, share in evaluation.most_confused[:5]:
        print(f"  {count:4d} x {true} taken for {predicted} ({share:.0%} of its pictures)")
    return 0
