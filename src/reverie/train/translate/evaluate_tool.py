"""`reverie translator evaluate`: a report on a translator, as a table and a sheet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.job import Input
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
        from reverie.jobs.output import Picture, Table
        from reverie.train.translate.measure import sample_sheet

        notes: list[str] = []
        rows: list[Row] = []

        def reports() -> Iterator[Report]:
            for done, total in self.measurement.looking(self.config.most):
                yield Report(done, total, "pictures")
            rows.extend(self.measurement.rows())
            notes.extend(in_words(row) for row in rows)

        def outputs() -> list[Output]:
            found: list[Output] = [Table(rows)]
            sheet = sample_sheet(self.model.net, self.measurement.shown, self.model.shape)
            return found if sheet is None else [*found, Picture(sheet, label="samples")]

        return Steps(reports(), outputs, chosen=self.chosen, notes=notes)


def in_words(row: Row) -> str:
    """Return a row of the report as a line for the terminal."""
    if row["what"] == "quality":
        text = f"{row['size']}: PSNR {row['psnr']:.2f} dB, SSIM {row['ssim']:.4f}, L1 {row['l1']:.4f}"
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
