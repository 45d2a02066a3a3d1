"""Find pictures that are the same to the eye: hashes of brightness that survive scaling and JPEG.

Two 64-bit hashes: signs of differences between neighbors (dHash) and signs of low frequencies (pHash). Both are needed
for a match, since each alone is fooled by smooth pictures. Crops are not found: that is for features of a network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

SIDE_PX = 32
MOST_D, MOST_P = 8, 10  # bits of 64; measured on photographs: see tests/data/test_perceptual.py


@dataclass(frozen=True)
class Hashes:
    """`d` and `p` of a picture, and `mirrored_d`, `mirrored_p` of its mirror image; 64 bits each."""

    d: int
    p: int
    mirrored_d: int
    mirrored_p: int


def hashes_of(image: Image.Image) -> Hashes:
    """Return the hashes of a picture in any mode."""
    grey = image.convert("L")
    small = np.asarray(grey.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX), np.float64)
    ramp = np.asarray(grey.resize((9, 8), Image.Resampling.BOX), np.float64)
    return Hashes(_d(ramp), _p(small), _d(ramp[:, ::-1]), _p(small[:, ::-1]))


class Known:
    """Hashes of pictures that are there already, to be compared with new ones."""

    def __init__(self) -> None:
        self._keys: list[int] = []
        self._d, self._p = np.zeros(0, np.uint64), np.zeros(0, np.uint64)

    def add(self, key: int, d: int, p: int) -> None:
        """Add a picture under a number."""
        if len(self._keys) == len(self._d):
            room = np.zeros(max(256, len(self._d)), np.uint64)
            self._d, self._p = np.concatenate((self._d, room)), np.concatenate((self._p, room))
        self._d[len(self._keys)], self._p[len(self._keys)] = d, p
        self._keys.append(key)

    def match(self, found: Hashes, most_d: int = MOST_D, most_p: int = MOST_P) -> int | None:
        """Return the number of a picture that is the same, or its mirror image; None if there is none."""
        count = len(self._keys)
        for d, p in ((found.d, found.p), (found.mirrored_d, found.mirrored_p)):
            far_d = np.bitwise_count(self._d[:count] ^ np.uint64(d))
            far_p = np.bitwise_count(self._p[:count] ^ np.uint64(p))
            near = np.flatnonzero((far_d <= most_d) & (far_p <= most_p))
            if len(near):
                return self._keys[int(near[np.argmin(far_d[near].astype(int) + far_p[near])])]
        return None


def _d(ramp: np.ndarray) -> int:
    """Return the signs of horizontal differences of ``[8, 9]``."""
    return _packed(ramp[:, 1:] > ramp[:, :-1])


def _p(small: np.ndarray) -> int:
    """Return the signs of the 8 x 8 lowest frequencies of a cosine transform, against their median."""
    from scipy.fft import dctn

    low = np.asarray(dctn(small, norm="ortho"))[:8, :8].ravel()
    return _packed(low > np.median(low[1:]))


def _packed(bits: np.ndarray) -> int:
    return int.from_bytes(np.packbits(bits.ravel()).tobytes(), "big")
