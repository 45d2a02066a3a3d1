"""`reverie translator export`: a folder with the network in the formats of others, and a report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.jobs.given import Given
from reverie.jobs.job import Input
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Report
from reverie.tools.translate.export_config import TranslatorExportConfig

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.jobs.output import Output
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
        from reverie.tools.translate.export import export_onnx, export_program, loss_of, quantized, stride_of_export

        parts: list[Part] = []
        stride = stride_of_export(self.model.net)
        report: dict[str, object] = {"multiples_of_px": stride, "bytes": {"ours": self.path.stat().st_size}}
        notes: list[str] = []
        if stride > 1:
            notes.append(f"the exported networks take pictures whose sides are multiples of {stride}; ours takes any")
        total = 3 if self.crops else 2

        def reports() -> Iterator[Report]:
            for made in (export_onnx, export_program):
                parts.append(made(self.model))
                yield Report(len(parts), total, "files", stage=parts[-1].name)
            if self.crops:
                half = self.config.pictures
                parts.append(quantized(parts[0], self.crops[:half]))
                loss = loss_of(parts[-1], parts[0], self.crops[half:])
                report["int8_against_float32"] = loss
                notes.append(f"int8 against float32: PSNR {loss['psnr']:.1f} dB, SSIM {loss['ssim']:.4f}, on "
                             f"{half} crops that did not calibrate it")  # fmt: skip
                yield Report(3, total, "files", stage=parts[-1].name)
            sizes = {"ours": self.path.stat().st_size} | {part.name: len(part.blob) for part in parts}
            report["bytes"] = sizes
            report["largest_difference"] = {part.name: part.differences for part in parts if part.differences}
            notes.append("sizes: " + ", ".join(f"{name} {size / 1000:.0f} KB" for name, size in sizes.items()))
            worst = max(max(part.differences.values()) for part in parts if part.differences)
            notes.append(f"largest difference from ours: {worst:.1e}")

        def fill(folder: Path) -> None:
            for part in parts:
                (folder / part.name).write_bytes(part.blob)
            (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")

        def outputs() -> list[Output]:
            return [Folder(fill)]

        return Steps(reports(), outputs, chosen=self.chosen, notes=notes)


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
