"""`reverie export`: a network that paints or translates in one pass in formats of others, ONNX above all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.job import Input, Json
from reverie.jobs.output import Bytes, Output
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Prepared, Role, Tool
from reverie.jobs.work import Chosen, Plan, Report
from reverie.settings import setting
from reverie.tools.fast.packages import check_packages

SUFFIX = ".onnx"


@dataclass(frozen=True)
class ExportConfig:
    """What is exported."""

    model: str = setting(
        "any", "A student's or translator's file, 'any' for the shipped network for any style, or 'sobel'.",
        file="network", builtin=("any", "sobel"),
    )  # fmt: skip
    data: str | None = setting(
        None, "Translators: pictures to calibrate an int8 network on, a folder or a zip; without them there is none.",
        file="folder", late=True,
    )  # fmt: skip
    pictures: int = setting(
        16, "How many of them calibrate; as many others measure the loss.", minimum=1, maximum=512, late=True,
        needs=("data",),
    )  # fmt: skip
    crop_px: int = setting(
        128, "Side of the crops that calibrate.", minimum=32, maximum=1024, late=True, needs=("data",)
    )


class PreparedExport:
    """A network that paints, open on the CPU in fp32, as exporting needs it."""

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


class PreparedTranslatorExport:
    """A translator; ONNX is the main result, the rest stands beside it."""

    def __init__(self, config: ExportConfig, session: Session) -> None:
        from reverie.tools.translate.export_config import TranslatorExportConfig
        from reverie.tools.translate.export_tool import PreparedExport as Inner

        known = {field.name: getattr(config, field.name) for field in fields(TranslatorExportConfig)}
        self.inner = Inner(TranslatorExportConfig(**known), session)
        self.notes: Sequence[str] = self.inner.notes

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work: every file is compared with ours before it is written."""
        from reverie.tools.fast.export_onnx import with_job
        from reverie.tools.translate.export_tool import Exporting

        made = Exporting(self.inner)

        def outputs() -> list[Output]:
            found: list[Output] = []
            for part in made.parts:
                label = part.name.removeprefix("model").partition(".")[0].strip("-")
                onnx = Path(part.name).suffix == SUFFIX
                encode = partial(_encoded, part.blob, with_job if onnx else None)
                found.append(Bytes(encode, (Path(part.name).suffix,), label if onnx else "program", inside=onnx))
            return [*found, Bytes(lambda _, record: made.report(record), (".json",), "report", inside=True)]

        plan = Plan(suffixes=(SUFFIX,))
        return Steps(made.reports(), outputs, plan=plan, chosen=self.inner.chosen, notes=made.notes)


def _encoded(
    blob: bytes, add: Callable[[bytes, Mapping[str, Json]], bytes] | None, suffix: str, record: Mapping[str, Json]
) -> bytes:
    return blob if add is None else add(blob, record)


def prepared(config: ExportConfig, session: Session) -> Prepared:
    """Return the export that suits the kind of network.

    Raises:
        InputError: pictures to calibrate a network that is no translator.
    """
    from reverie.models.translator_file import SHIPPED, is_translator

    check_packages()
    if config.model in SHIPPED or is_translator(Path(config.model)):
        return PreparedTranslatorExport(config, session)
    if config.data is not None:
        raise InputError(f"--data is for translators; '{Path(config.model).name}' is another kind of network")
    return PreparedExport(config, session)


def check(config: ExportConfig) -> None:
    """Refuse where a package is missing.

    Raises:
        InputError: names it.
    """
    check_packages()


EXPORT: Tool[ExportConfig] = Tool(
    name="export", doing="exporting", ending="", summary="Write a network that stylizes or translates as ONNX.",
    config=ExportConfig, prepare=prepared, check=check,
    roles=(
        Role("model", "network", "A student's or translator's file, 'any' for the network for any style, or 'sobel'."),
    ),
    makes="network", suffix=SUFFIX, name_of=lambda config: Path(config.model).stem,
    examples=("reverie export student.safetensors -o student.onnx", "reverie export any",
        "reverie export sobel --data photos/ -o sobel.onnx"),
)  # fmt: skip
