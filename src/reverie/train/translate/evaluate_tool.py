"""`reverie translator evaluate`: a report on a translator, as a table and a sheet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.job import Input, Json
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Report
from reverie.train.translate.evaluate_config import TranslatorEvaluateConfig

if TYPE_CHECKING:
    from reverie.jobs.output import Output
    from reverie.train.translate.evaluate import Row


class PreparedEvaluation:
    """A network and the pictures that it is measured on."""

    def __init__(self, config: TranslatorEvaluateConfig, session: Session) -> None:
        from reverie.critic.precision import resolve_device
        from reverie.models.translator import chosen_values
        from reverie.models.translator_file import load_translator, translator_path
        from reverie.train.translate.evaluate import open_measurement
        from reverie.weights.checkpoint import file_sha256

        if not config.data:
            raise InputError("there is nothing to measure on; name a folder of pictures")
        self.config, path = config, translator_path(config.model)
        self.model = load_translator(path)
        device = resolve_device(config.device)
        self.model.net.to(device)
        name = Path(config.model).name
        values = chosen_values(config.param, self.model.shape.planes, name)
        self.measurement = open_measurement(
            self.model, Path(config.data), None if config.targets is None else Path(config.targets),
            side_by_side=config.side_by_side, filter_name=config.filter, values=values,
        )  # fmt: skip
        self.chosen = Chosen(Input(name, file_sha256(path)), str(device))
        self.notes: list[str] = [f"measured on pictures that it has not seen: {self.measurement.which}"]

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work; its main result is the table."""
        rows: list[Row] = []
        notes: list[str] = []

        def reports() -> Iterator[Report]:
            yield from self.reports(rows)
            notes.extend(in_words(row) for row in rows)

        return Steps(reports(), lambda: self.outputs(rows), chosen=self.chosen, notes=notes)

    def reports(self, rows: list[Row]) -> Iterator[Report]:
        """Measure picture by picture, and fill the rows at the end."""
        for done, total in self.measurement.looking(self.config.most):
            yield Report(done, total, "pictures")
        rows.extend(self.measurement.rows())

    def outputs(self, rows: Sequence[Row]) -> list[Output]:
        """Return the table, and a sheet of some pictures."""
        from reverie.jobs.output import Picture, Table
        from reverie.train.translate.measure import sample_sheet

        found: list[Output] = [Table(rows)]
        sheet = sample_sheet(self.model.net, self.measurement.shown, self.model.shape)
        return found if sheet is None else [*found, Picture(sheet, label="samples")]


@dataclass(frozen=True, eq=False)
class TranslatorReport:
    """A translator's evaluation as a folder: its table, and a sheet of given, made and wanted."""

    outputs: Sequence[Output]
    rows: Sequence[Row]
    label: str = ""
    suffixes: tuple[str, ...] = ()

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Fill the folder."""
        from reverie.jobs.output import Folder

        def fill(folder: Path) -> None:
            for output in self.outputs:
                name = f"{output.label or 'evaluation'}{output.suffixes[0]}"
                output.write(folder / name, record, quality)

        return Folder(fill).write(path, record, quality)

    def printed(self, *, as_json: bool) -> str:
        """Return what was found, in words or as rows."""
        return json.dumps(list(self.rows), indent=2) if as_json else "\n".join(in_words(row) for row in self.rows)


class PreparedReport:
    """A translator's evaluation as `reverie train evaluate` gives it: one folder, or lines on standard output."""

    def __init__(self, config: TranslatorEvaluateConfig, session: Session) -> None:
        self.inner = PreparedEvaluation(config, session)
        self.notes = self.inner.notes

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the evaluation."""
        rows: list[Row] = []
        return Steps(
            self.inner.reports(rows), lambda: [TranslatorReport(self.inner.outputs(rows), rows)],
            chosen=self.inner.chosen,
        )  # fmt: skip


def in_words(row: Row) -> str:
    """Return a row of the report as a line for the terminal."""
    if row["what"] == "quality":
        similar = row.get("ssim_decided", row["ssim"])
        text = f"{row['size']}: PSNR {row['psnr']:.2f} dB, SSIM {similar:.4f}, L1 {row['l1']:.4f}"
        right = row.get("accuracy")
        return text if right is None else f"{text}, {right:.1%} of the pixels of the right class"
    if row["what"] == "reach":
        far = f"the network sees {row['found_px']} px far (built for {row['built_px']})"
        theirs = row["filter_px"]
        return far if theirs is None else f"{far}, the filter {theirs} px"
    text = f"{row['megapixels_per_s']} megapixels a second on one picture of {row['side_px']} px"
    times = row.get("times_the_filter")
    return text if times is None else f"{text}, {times:.1f} times as long as the filter"


TRANSLATOR_EVALUATE: Tool[TranslatorEvaluateConfig] = Tool(
    name="translator evaluate", doing="measuring", ending="", config=TranslatorEvaluateConfig,
    summary="Measure a translator on unseen pictures and sizes: PSNR, SSIM, how far it sees, speed.",
    prepare=PreparedEvaluation,
    roles=(
        Role("model", "network", "'sobel', or a file of 'reverie train translate'."),
        Role("data", "folder", "Pictures that it has not seen: a folder or a zip."),
    ),
    makes="table", suffix=".json", name_of=lambda config: f"{Path(config.model).stem}-evaluation",
    examples=(
        "reverie translator evaluate sobel PICTURES/",
        "reverie translator evaluate mine.safetensors photos/ --targets drawings/",
    ),
)  # fmt: skip
