"""`reverie translate`: pictures and films through a network that learned a filter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.jobs.given import Given
from reverie.jobs.job import Input
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan, Report
from reverie.tools.translate.config import TranslateConfig, check_order

if TYPE_CHECKING:
    from reverie.jobs.output import Output
    from reverie.models.translator_file import OpenTranslator


class PreparedTranslation:
    """A network, opened and on its device."""

    def __init__(self, config: TranslateConfig, session: Session) -> None:
        from reverie.critic.precision import resolve_device
        from reverie.models.translator import chosen_values
        from reverie.models.translator_file import translator_path
        from reverie.weights.checkpoint import file_sha256

        check_order(config)
        self.config, self.session = config, session
        self.device = resolve_device(config.device)
        path = translator_path(config.model)
        self.model = session.opened(("translator", str(path), str(self.device)), lambda: self._opened(path))
        self.chosen = Chosen(Input(Path(config.model).name, file_sha256(path)), str(self.device))
        self.values = chosen_values(config.param, self.model.shape.planes, Path(config.model).name)
        self.used_bytes = session.measure()  # before the first picture is read
        self.notes: Sequence[str] = ()

    def _opened(self, path: Path) -> OpenTranslator:
        from reverie.models.translator_file import load_translator

        model = load_translator(path)
        model.net.to(self.device)
        return model

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work on one picture; its transparency and bits are kept."""
        import numpy as np
        import torch

        from reverie.jobs.output import Picture
        from reverie.models.translator import told
        from reverie.tools.translate.tiles import translated_tiles

        assert given is not None
        picture, net, shape = given.picture, self.model.net, self.model.shape
        height, width = picture.rgb.shape[:2]
        side = self._tile_side((height, width))
        pixels = shape.given_kind.pixels(picture.rgb, picture.alpha, picture.name)
        stored = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None]
        image = told(shape.given_kind.planes(stored), shape.planes, self.values)
        out = torch.zeros(1, net.outputs, height, width)

        def shown() -> np.ndarray:
            return shape.wanted_kind.picture(out[0])[0]

        def reports() -> Iterator[Report]:
            for done, total in translated_tiles(net, image, side, out):
                yield Report(done, total, unit="tiles", preview=shown)

        def outputs() -> list[Output]:
            rgb, alpha = shape.wanted_kind.picture(out[0], numbers=self.config.numbers)
            bits = 8 if shape.wanted_kind.is_labels else picture.bits
            kept = None if shape.given_kind.name == "alpha" else picture.alpha
            return [Picture(rgb, alpha if alpha is not None else kept, bits)]

        plan = Plan({"size": [width, height], "tile": side}, summary=f"{width} x {height} px")
        return Steps(reports(), outputs, plan=plan, chosen=self.chosen)

    def _tile_side(self, size: tuple[int, int]) -> int:
        from reverie.optimize.tiles import memory_budget
        from reverie.tools.translate.tiles import tile_side

        if self.config.tile is not None:
            return self.config.tile
        budget, _ = memory_budget(self.config.max_memory, self.device)
        return tile_side(self.model.net, size, budget, self.used_bytes)


TRANSLATE: Tool[TranslateConfig] = Tool(
    name="translate", doing="translating", ending="translated",
    summary="Translate pictures and films by a network that learned how.",
    config=TranslateConfig, prepare=PreparedTranslation, check=check_order,
    roles=(
        Role("model", "network", "'sobel', which is shipped, or a file of 'reverie train translate'."),
        Role("picture", "picture", "Pictures, folders or films to translate.", streamed=True),
    ),
    examples=("reverie translate sobel photo.jpg", "reverie translate mine.safetensors holiday/ -o edges/",
        "reverie translate blur.safetensors photo.jpg --param sigma=1.5"),
)  # fmt: skip
