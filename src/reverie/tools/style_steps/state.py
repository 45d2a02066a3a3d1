"""An unfinished or a preview's style transfer on disk: everything needed to go on, and nothing that runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from reverie.errors import InputError
from reverie.jobs.job import Json
from reverie.numerics.resample import resize_wrapped
from reverie.optimize.warm_adam import Average, WarmAdam
from reverie.tools.style_steps.plan import StylePlan
from reverie.tools.style_steps.steps import StyleState
from reverie.weights.atomic import write_bytes
from reverie.weights.boundary import reads

SUFFIX = ".reverie"
KEY = "reverie_style_state"
FORMAT = 1


@dataclass(frozen=True, eq=False)
class StateFile:
    """A state as a result of a work; it has the name of the picture, with a suffix of its own."""

    state: StyleState
    plan: StylePlan
    label: str = ""
    suffixes: tuple[str, ...] = (SUFFIX,)

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Write it, and say what it is good for.

        Raises:
            OutputError: it cannot be written; nothing is left behind.
        """
        save_state(path, self.state, record, self.plan)
        return (f"its state is '{path}'; --resume-from goes on from it",)


def save_state(path: Path, state: StyleState, record: Mapping[str, Json], plan: StylePlan) -> None:
    """Write a state beside its settings, atomically.

    Raises:
        OutputError: it cannot be written; nothing is left behind.
    """
    tensors, about = parts_of(state, plan)
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_bytes(Path(path), save(ready, {KEY: json.dumps(about | {"record": record})}))


def parts_of(state: StyleState, plan: StylePlan) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors of a state, which are not copies, and what it says of itself; see `restored`."""
    assert state.pixels is not None
    tensors = {"pixels": state.pixels}
    about: dict[str, Any] = {
        "format": FORMAT, "scale": state.scale, "step": state.step, "index": state.index, "scores": state.scores,
        "sizes": [list(s.size) for s in plan.scales], "steps": [s.steps for s in plan.scales],
    }  # fmt: skip
    if state.average is not None and state.average.total is not None:
        tensors["average"] = state.average.total
        about |= {"average_weight": state.average.weight, "average_decay": state.average.decay}
    if state.adam is not None and state.adam.first is not None and state.adam.second is not None:
        tensors |= {"adam_first": state.adam.first, "adam_second": state.adam.second}
        about |= {"adam_count": state.adam.count}
    return tensors, about


@reads
def load_state(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors of a state and what it says of itself.

    Raises:
        InputError: missing, or not a state of ours.
    """
    if not Path(path).is_file():
        raise InputError(f"there is no state '{path}' to go on from")
    try:
        with safe_open(str(path), "pt") as file:
            about = json.loads((file.metadata() or {}).get(KEY, "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, ValueError, OSError) as error:
        raise InputError(f"'{path}' is no state of a style transfer, or it is broken") from error
    if (
        not isinstance(about, dict)
        or about.get("format") != FORMAT
        or not _says_all(about)
        or not _fits(tensors, about)
    ):
        raise InputError(f"'{path}' is no state of a style transfer that this version can read")
    return tensors, about


def same_run(about: dict[str, Any], plan: StylePlan) -> bool:
    """Tell whether a state stands in a run with the same sizes and steps, so that it goes on bit for bit."""
    sizes = [list(s.size) for s in plan.scales]
    return about["sizes"] == sizes and about["steps"] == [s.steps for s in plan.scales]


def restored(tensors: dict[str, Tensor], about: dict[str, Any], lr: float, decay: float) -> StyleState:
    """Return the state as it was."""
    adam = None
    if "adam_first" in tensors:
        adam = WarmAdam(lr, first=tensors["adam_first"], second=tensors["adam_second"], count=about["adam_count"])
    average = None
    if "average" in tensors:
        average = Average(about.get("average_decay", decay), tensors["average"], about["average_weight"])
    return StyleState(
        about["scale"], about["step"], about["index"], tensors["pixels"], adam, average, list(about["scores"])
    )


def grown(state: StyleState, size: tuple[int, int], wrap: tuple[bool, bool] = (False, False)) -> StyleState:
    """Return the state of a finished preview as the start of a larger run, at the first of its sizes."""
    shown = state.shown() if state.average is not None else state.pixels
    assert shown is not None
    if state.adam is not None:
        state.adam.grow(size, wrap)
    return StyleState(pixels=resize_wrapped(shown, size, wrap).clamp(0, 1).contiguous(), adam=state.adam)


def _says_all(about: dict[str, Any]) -> bool:
    """Tell whether a state says where it stands, in a run that it describes."""
    sizes, steps, scores = (_items(about.get(name)) for name in ("sizes", "steps", "scores"))
    counts = [*(about.get(name) for name in ("scale", "step", "index")), *steps]
    if not sizes or len(sizes) != len(steps) or not isinstance(about.get("scores"), list):
        return False
    if not all(type(count) is int and count >= 0 for count in counts) or about["scale"] >= len(sizes):
        return False
    return all(isinstance(size, list) for size in sizes) and all(isinstance(score, (int, float)) for score in scores)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _fits(tensors: dict[str, Tensor], about: dict[str, Any]) -> bool:
    """Tell whether all tensors are pictures of the size where the state stands, and what belongs together is there."""
    shape = [1, 3, *about["sizes"][about["scale"]]]
    if "pixels" not in tensors or any(list(t.shape) != shape or not t.is_floating_point() for t in tensors.values()):
        return False
    if "average" in tensors and not isinstance(about.get("average_weight"), (int, float)):
        return False
    if len({"adam_first", "adam_second"} & tensors.keys()) == 1:
        return False
    counted = "adam_first" not in tensors or type(about.get("adam_count")) is int
    return counted and all(bool(tensor.isfinite().all()) for tensor in tensors.values())
