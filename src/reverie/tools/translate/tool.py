"""`reverie translate`: pictures and films through a network that learned a filter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.job import Input
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan, Report
from reverie.tools.translate.config import TranslateConfig, check_order

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

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

        from reverie.models.translator import told
        from reverie.tools.translate.tiles import translated_tiles

        assert given is not None
        net, shape = self.model.net, self.model.shape
        pixels, alpha, bits = self._pixels(given)
        height, width = pixels.shape[:2]
        side = self._tile_side((height, width))
        stored = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None]
        image = told(shape.given_kind.planes(stored), shape.planes, self.values)
        out = torch.zeros(1, net.outputs, height, width)

        def shown() -> np.ndarray:
            return shape.wanted_kind.picture(out[0])[0]

        def reports() -> Iterator[Report]:
            for done, total in translated_tiles(net, image, side, out):
                yield Report(done, total, unit="tiles", preview=shown)

        plan = Plan(
            {"size": [width, height], "tile": side}, summary=f"{width} x {height} px", suffixes=self._suffixes,
            because="what this network makes is written as",
        )  # fmt: skip
        return Steps(reports(), lambda: self._outputs(out, alpha, bits), plan=plan, chosen=self.chosen)

    def _pixels(self, given: Given) -> tuple[np.ndarray, np.ndarray | None, int]:
        """Return ``[H, W, stored]`` in [0, 1], transparency, and bits of a picture, or of an array."""
        from reverie.media.arrays import SUFFIX, read_array

        kind = self.model.shape.given_kind
        is_array = given.path is not None and given.path.suffix.lower() == SUFFIX
        if kind.is_array and is_array:
            assert given.path is not None
            pixels = kind.scaled(read_array(given.path, given.name), given.name)
            given.size = (pixels.shape[0], pixels.shape[1])
            return pixels, None, 16
        if kind.is_array or is_array:
            wanted = f"arrays ({SUFFIX}) of {kind.channels} channels" if kind.is_array else "pictures"
            raise InputError(f"'{Path(self.config.model).name}' takes {wanted}; '{given.name}' is none")
        picture = given.picture
        return kind.pixels(picture.rgb, picture.alpha, picture.name), picture.alpha, picture.bits

    @property
    def _suffixes(self) -> tuple[str, ...]:
        """Formats of results."""
        from reverie.jobs.output import Picture
        from reverie.media.arrays import SUFFIX

        return (*Picture.suffixes, SUFFIX) if self.model.shape.wanted_kind.is_array else Picture.suffixes

    def _outputs(self, out: Tensor, alpha: np.ndarray | None, bits: int) -> list[Output]:
        from reverie.jobs.output import Bytes, Picture
        from reverie.media.arrays import SUFFIX, array_bytes

        shape = self.model.shape
        rgb, own = shape.wanted_kind.picture(out[0], numbers=self.config.numbers)
        kept = None if shape.given_kind.name == "alpha" else alpha
        picture = Picture(rgb, own if own is not None else kept, 8 if shape.wanted_kind.is_labels else bits)
        if not shape.wanted_kind.is_array:
            return [picture]
        values = shape.wanted_kind.array(out[0])
        return [picture, Bytes(lambda *_: array_bytes(values), (SUFFIX,), "values")]

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
    config=TranslateConfig, prepare=PreparedTranslation, check=check_order, formats=(".npy",),
    roles=(
        Role("model", "network", "'sobel', which is shipped, or a file of 'reverie train translate'."),
        Role("picture", "picture", "Pictures, folders or films to translate.", streamed=True),
    ),
    examples=("reverie translate sobel photo.jpg", "reverie translate mine.safetensors holiday/ -o edges/",
        "reverie translate blur.safetensors photo.jpg --param sigma=1.5"),
)  # fmt: skip
