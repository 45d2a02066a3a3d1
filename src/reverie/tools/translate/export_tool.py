"""`reverie translator export`: a folder with the network in the formats of others, and a report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.jobs.given import Given
from reverie.jobs.job import Input, Json
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Report
from reverie.tools.translate.export_config import TranslatorExportConfig

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.tools.translate.export import Part


class PreparedExport:
    """A network, and crops to calibrate it on."""

    def __init__(self, config: TranslatorExportConfig, session: Session) -> None:
        from reverie.models.translator_file import load_translator, translator_path
        from reverie.tools.fast.packages import check_packages
        from reverie.weights.checkpoint import file_sha256

        check_packages()
        self.config, self.path = config, translator_path(config.model)
        self.model = load_translator(self.path)
        self.crops = self._crops()
        self.chosen = Chosen(Input(Path(config.model).name, file_sha256(self.path)))
        self.notes: list[str] = [] if config.data else ["no int8 network: it needs pictures, --data FOLDER"]

    def _crops(self) -> list[Tensor]:
        """Return twice as many crops as calibrate."""
        from reverie.data.batches import seeded
        from reverie.data.examples import Drawing, FilterExamples, Teacher
        from reverie.data.pairs import PairExamples
        from reverie.data.user_filter import chosen_filter
        from reverie.models.translator import told

        if self.config.data is None:
            return []
        path, shape = Path(self.config.data), self.model.shape
        kinds = (shape.given_kind, shape.given_kind)
        examples = (
            FilterExamples(path, Teacher(chosen_filter("posterize"), {}), 0, 0)
            if shape.given == "color"
            else PairExamples(path, path, kinds, 0, 0)
        )
        draw = examples.draw(
            2 * self.config.pictures, self.config.crop_px, seeded("calibration"), Drawing(mirror=False)
        )
        return [told(crop[None], shape.planes) for crop in draw[0]]

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work; its result is the folder."""
        from reverie.jobs.output import Folder

        made = Exporting(self)

        def fill(folder: Path) -> None:
            for part in made.parts:
                (folder / part.name).write_bytes(part.blob)
            (folder / "report.json").write_bytes(made.report())

        return Steps(made.reports(), lambda: [Folder(fill)], chosen=self.chosen, notes=made.notes)


class Exporting:
    """The files of one export as they are made, and what is reported of them.

    Attributes:
        parts: what is made so far: ONNX, torch.export, and with pictures int8.
        notes: lines for the user.
    """

    def __init__(self, prepared: PreparedExport) -> None:
        from reverie.tools.translate.export import stride_of_export

        self.model, self.crops, self.half = prepared.model, prepared.crops, prepared.config.pictures
        self.sizes = {"ours": prepared.path.stat().st_size}
        self.parts: list[Part] = []
        self.notes: list[str] = []
        self.loss: dict[str, float] = {}
        self.stride = stride_of_export(self.model.net)
        if self.stride > 1:
            self.notes.append(
                f"the exported networks take pictures whose sides are multiples of {self.stride}; ours takes any"
            )

    def reports(self) -> Iterator[Report]:
        """Make one file after the other, and compare each with ours."""
        from reverie.tools.translate.export import export_onnx, export_program

        total = 3 if self.crops else 2
        for make in (export_onnx, export_program):
            self.parts.append(make(self.model))
            yield Report(len(self.parts), total, "files", stage=self.parts[-1].name)
        if self.crops:
            self._in_int8()
            yield Report(total, total, "files", stage=self.parts[-1].name)
        self.sizes |= {part.name: len(part.blob) for part in self.parts}
        self.notes.append("sizes: " + ", ".join(f"{name} {size / 1000:.0f} KB" for name, size in self.sizes.items()))
        worst = max(max(part.differences.values()) for part in self.parts if part.differences)
        self.notes.append(f"largest difference from ours: {worst:.1e}")

    def _in_int8(self) -> None:
        from reverie.tools.translate.export import loss_of, quantized

        self.parts.append(quantized(self.parts[0], self.crops[: self.half]))
        self.loss = loss_of(self.parts[-1], self.parts[0], self.crops[self.half :])
        self.notes.append(
            f"int8 against float32: PSNR {self.loss['psnr']:.1f} dB, SSIM {self.loss['ssim']:.4f}, on "
            f"{self.half} crops that did not calibrate it"
        )

    def report(self, job: Mapping[str, Json] | None = None) -> bytes:
        """Return sizes, differences and losses as JSON, with the job where it stands in no file beside it."""
        found: dict[str, object] = {} if job is None else {"job": job}
        found |= {"multiples_of_px": self.stride, "bytes": self.sizes}
        if self.loss:
            found["int8_against_float32"] = self.loss
        found["largest_difference"] = {part.name: part.differences for part in self.parts if part.differences}
        return (json.dumps(found, indent=1) + "\n").encode()


TRANSLATOR_EXPORT: Tool[TranslatorExportConfig] = Tool(
    name="translator export", doing="exporting", ending="", config=TranslatorExportConfig,
    summary="Write a translator as ONNX and torch.export, compared with ours; with pictures also in int8.",
    prepare=PreparedExport,
    roles=(Role("model", "network", "'sobel', or a file of 'reverie train translate'."),),
    makes="folder", suffix="", name_of=lambda config: f"{Path(config.model).stem}-export",
    examples=(
        "reverie translator export sobel -o sobel-export",
        "reverie translator export mine.safetensors --data photos/",
    ),
)  # fmt: skip
