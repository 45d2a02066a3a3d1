"""Drawn frames by what they were drawn from, so that an edited film draws only what has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reverie.errors import OutputError, PictureError
from reverie.media.image import read_picture, to_uint8
from reverie.media.write import write_picture
from reverie.models.stylegan2.generator import Noise

MOST_BYTES = 8 << 30  # of one folder; beyond it nothing more is kept


class KeptFrameFolder:
    """Frames in a folder, named by the hash of ws, noise, network and size.

    Args:
        folder: made if it is not there.
        about: what all of its frames have in common.

    Raises:
        OutputError: it cannot be made.
    """

    def __init__(self, folder: Path, about: Hashable) -> None:
        self._folder, self._about, self._asked, self._found = folder, repr(about).encode(), 0, 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make '{folder}': {error.strerror or error}") from error
        self._before = {file.name: file.stat().st_size for file in folder.glob("*.png")}
        self._bytes = sum(self._before.values())

    @property
    def note(self) -> str:
        """How many frames were there."""
        return f"{self._found} of {self._asked} frames were there already, from '{self._folder}'"

    def get(self, ws: Tensor, noise: Noise) -> np.ndarray | None:
        """Return a frame ``[H, W, 3]`` uint8, if it is there."""
        self._asked += 1
        path = self._file(ws, noise)
        if path is None or not path.is_file():
            return None
        try:
            frame = to_uint8(read_picture(path).rgb)
        except PictureError:  # cut short by a power failure: drawn anew
            return None
        self._found += path.name in self._before  # not those of this film that it shows again
        return frame

    def put(self, ws: Tensor, noise: Noise, frame: np.ndarray) -> None:
        """Keep a frame, as long as there is room."""
        path = self._file(ws, noise)
        if path is None or self._bytes > MOST_BYTES:
            return
        write_picture(path, frame)
        self._bytes += path.stat().st_size

    def _file(self, ws: Tensor, noise: Noise) -> Path | None:
        """Return where a frame lies; None for noise that is drawn anew each time."""
        if isinstance(noise, torch.Generator):
            return None
        digest = hashlib.sha256(self._about + ws.detach().cpu().float().contiguous().numpy().tobytes())
        for part in noise if isinstance(noise, Sequence) and not isinstance(noise, str) else ():
            digest.update(part.detach().cpu().numpy().tobytes())
        digest.update(noise.encode() if isinstance(noise, str) else b"")
        return self._folder / f"{digest.hexdigest()[:32]}.png"
