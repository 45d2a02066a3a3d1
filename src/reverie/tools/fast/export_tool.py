"""`reverie export`: a network that paints in one pass as an ONNX file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reverie.jobs.given import Given
from reverie.jobs.job import Input, Json
from reverie.jobs.output import Bytes, Output
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan, Report
from reverie.settings import setting
from reverie.tools.fast.packages import check_packages

SUFFIX = ".onnx"


@dataclass(frozen=True)
class ExportConfig:
    """What is exported."""

    model: str = setting(
        "any", "A student's file, or 'any' for the shipped network for any style.", file="network", builtin=("any",)
    )


class PreparedExport:
    """A network, open on the CPU in fp32, as exporting needs it."""

    def __init__(self, config: ExportConfig, session: Session) -> None:
        from reverie.tools.fast.model import open_student

        check_packages()
        self.model = open_student(None if config.model == "any" else config.model, device="cpu")
        self.notes: Sequence[str] = ()

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work: the file is made and compared with ours before it is written."""
        from reverie.tools.fast.export_onnx import Exported, exported_onnx, with_job

        made: list[Exported] = []
        notes: list[str] = []

        def reports() -> Iterator[Report]:
            made.append(exported_onnx(self.model))
            shown = ", ".join(f"{difference:.1e} at {size}" for size, difference in made[0].differences.items())
            notes.append(f"inputs {', '.join(made[0].inputs)}; largest difference from ours: {shown}")
            yield Report(1, 1, "networks")

        def encoded(suffix: str, record: Mapping[str, Json]) -> bytes:
            return with_job(made[0].blob, record)

        def outputs() -> list[Output]:
            return [Bytes(encoded, (SUFFIX,), inside=True) for _ in made]

        chosen = Chosen(Input(self.model.identity.name, self.model.identity.sha256))
        return Steps(reports(), outputs, plan=Plan(suffixes=(SUFFIX,)), chosen=chosen, notes=notes)


def check(config: ExportConfig) -> None:
    """Refuse where a package is missing.

    Raises:
        InputError: names it.
    """
    check_packages()


EXPORT: Tool[ExportConfig] = Tool(
    name="export", doing="exporting", ending="", summary="Write a network that paints in one pass as ONNX.",
    config=ExportConfig, prepare=PreparedExport, check=check,
    roles=(Role("model", "network", "A student's file, or 'any' for the shipped network for any style."),),
    makes="network", suffix=SUFFIX, name_of=lambda config: Path(config.model).stem,
    examples=("reverie export student.safetensors -o student.onnx", "reverie export any"),
)  # fmt: skip
