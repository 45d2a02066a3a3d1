"""Looks at a training on its way: a sheet of the same latents every time, and KID by the critic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.data.batches import seeded
from reverie.media.image import read_picture, to_uint8
from reverie.media.write import write_picture
from reverie.models.stylegan2.generator import Generator
from reverie.train.run_folder import RunFolder
from reverie.train.stylegan2.config import Stylegan2Config
from reverie.train.stylegan2.kid import AT_ONCE, Measure, frechet, squared_mmd
from reverie.train.stylegan2.pictures import Source

ROWS, COLUMNS = 5, 10
MOST_REAL, MADE = 2000, 1000  # pictures that KID compares


class Snapshots:
    """Sheets and KID of one run."""

    def __init__(
        self, config: Stylegan2Config, source: Source, measured: Measure, run: RunFolder, device: torch.device
    ) -> None:
        self.config, self.source, self.measured, self.device = config, source, measured, device
        self.folder = run.path / "snapshots"
        self._real: Tensor | None = None

    def due(self, kimg: float) -> bool:
        """Tell whether it is time for the next."""
        return kimg >= (len(self._files()) + 1) * self.config.snapshot_kimg

    def take(self, net: Generator, kimg: float) -> dict[str, float]:
        """Write a sheet of samples and return "kid", "fid" and "spread"; see `measure`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_picture(self.folder / f"{round(kimg * 1000):09d}.png", self.sheet(net))
        return self.measure(net)

    @torch.no_grad()
    def sheet(self, net: Generator) -> np.ndarray:
        """Return ``[H, W, 3]`` uint8: the same latents at each call; a row a class where there are classes."""
        images = torch.cat(list(self._rows(net)))
        count, _, height, width = images.shape
        rgb = ((images[:, :3].expand(-1, 3, -1, -1).clamp(-1, 1) + 1) * 127.5).round().byte()
        grid = rgb.reshape(count // COLUMNS, COLUMNS, 3, height, width).permute(0, 3, 1, 4, 2)
        return grid.reshape(count // COLUMNS * height, COLUMNS * width, 3).cpu().numpy()

    def _rows(self, net: Generator) -> Iterator[Tensor]:
        random, classes = seeded(self.config.seed, "sheet"), len(self.source.classes)
        for row in range(min(classes, 10) or ROWS):
            z = torch.randn(COLUMNS, net.config.z_dim, generator=random).to(self.device)
            label = F.one_hot(torch.full((COLUMNS,), row), classes).float().to(self.device) if classes else None
            yield net(z, label).cpu()

    @torch.no_grad()
    def measure(self, net: Generator) -> dict[str, float]:
        """Return "kid" and "fid" of the average on the embedded critic, or on another network, and "spread".

        The spread is how far made pictures are from each other, divided by how far real ones are: 1 is as varied as
        they are, and near 0 all are the same (mode collapse).
        """
        if self._real is None:
            order = torch.randperm(self.source.count, generator=seeded(self.config.seed, "kid"))[:MOST_REAL]
            real = self.source.pictures.fetch(order).float() / 255
            self._real = self.measured.features(real)
        random, made = seeded(self.config.seed, "kid made"), []
        for _ in range(0, MADE, AT_ONCE):
            z = torch.randn(AT_ONCE, net.config.z_dim, generator=random).to(self.device)
            classes = len(self.source.classes)
            labels = self.source.labels(AT_ONCE, random)
            images = net(z, F.one_hot(labels, classes).float().to(self.device) if classes else None)
            made.append(self.measured.features(images[:, :3].expand(-1, 3, -1, -1).clamp(-1, 1) / 2 + 0.5))
        both = torch.cat(made)[:MADE], self._real
        far = [x.var(0).sum().item() for x in both]
        return {"kid": squared_mmd(*both), "spread": far[0] / max(far[1], 1e-12), "fid": frechet(*both)}

    def frames(self) -> list[np.ndarray]:
        """Return all sheets so far, ``[H, W, 3]`` uint8."""
        return [to_uint8(read_picture(path).rgb) for path in self._files()]

    def remove(self) -> tuple[str, ...]:
        """Remove the sheets of a finished run; there is nothing to say of it."""
        for path in self._files():
            path.unlink()
        if self.folder.is_dir():
            self.folder.rmdir()
        return ()

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.png"))
