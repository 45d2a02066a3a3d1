"""Generators from files of other programs: found, checked and completed, ready to be kept as a file of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from reverie.models.stylegan2.config import GeneratorConfig
from reverie.models.stylegan2.file import describe, load_generator
from reverie.models.stylegan2.infer import complete, infer_config
from reverie.weights.boundary import reads
from reverie.weights.checkpoint import Description, is_described
from reverie.weights.gan.found import Found
from reverie.weights.gan.read import find_generator
from reverie.weights.pickles.limits import Report
from reverie.weights.read_any import open_any


@dataclass
class Converted:
    """A generator of another program in our form.

    Attributes:
        config: its shape.
        state: weights by our names, float32.
        found: what the file said of itself.
        report: what the file asked for besides tensors.
        notes: what was left out, made up or assumed, one line each.
    """

    config: GeneratorConfig
    state: Mapping[str, Tensor]
    found: Found
    report: Report
    notes: list[str] = field(default_factory=list)

    @property
    def parameters(self) -> int:
        """Trained numbers, without noise maps and the mean of w."""
        return sum(v.numel() for k, v in self.state.items() if not k.endswith((".noise_const", ".w_avg")))

    def description(self, source: Mapping[str, object]) -> Description:
        """Return what the file of it says; `source` names the foreign file."""
        data = {
            "source": dict(source), "form": self.found.dialect, "stated": self.found.stated,
            "code": [{"name": c.name, "lines": c.lines, "sha256": c.sha256} for c in self.found.code],
            "flags": list(self.report.flags),
        }  # fmt: skip
        return describe(self.config, data=data, note=f"converted from a file of {self.found.dialect}")


@reads
def convert(path: Path) -> Converted:
    """Return the generator of a foreign file: of NVIDIA, rosinality, lucidrains, or a plain state dict.

    Raises:
        WeightsError: missing, damaged, made to harm, of another kind, or not whole; in one sentence.
    """
    own = _own(path)
    if own is not None:
        return own
    file = open_any(path)
    found = find_generator(file)
    config = infer_config(found.tensors, found.settings, path.name)
    state, notes = complete(config, found.tensors, path.name)
    return Converted(config, state, found, file.report, [*found.notes, *notes])


def _own(path: Path) -> Converted | None:
    """Return the generator of a file of ours, which says itself what it is; None where it is none."""
    if path.suffix.lower() != ".safetensors" or not is_described(path):
        return None
    opened = load_generator(path)
    return Converted(
        opened.config, opened.net.state_dict(), Found("Reverie"), Report(), ["it is a file of ours already"]
    )
