"""Colors named by code points instead of a profile: PNG's cICP chunk, AVIF's and HEIC's ``nclx``, tags of films.

They become an ICC profile, so that everything behind reads one kind of description. PQ and HLG reach far beyond white;
what is brighter than most of a page is compressed smoothly into what is left, channel by channel.
Source: ITU-T H.273 (code points), ITU-R BT.2100 (PQ, HLG), BT.2408 (reference white of 203 cd/m2),
PNG third edition, section 11.3.2.6, ICC.1:2022. Differs: the compression is one exponential, not that of BT.2390.
"""

from __future__ import annotations

import struct
from functools import lru_cache

import numpy as np

HIGH_RANGE = {16: "PQ", 18: "HLG"}
REFERENCE_WHITE = 203.0  # cd/m2, what stays as bright as white is elsewhere
HLG_PEAK = 1000.0  # cd/m2 of the display that HLG is shown on
LINEAR_UP_TO = 0.6  # of white, in linear light; above it highlights are compressed
STEPS = 4096
SRGB_LIKE = frozenset((1, 2, 6, 13, 14, 15))  # transfers that are shown as sRGB is, as viewers and players do
GAMMA = {4: 2.2, 5: 2.8, 17: 2.6}
D50 = (0.9642, 1.0, 0.8249)

# x and y of red, green, blue and white.
PRIMARIES = {
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), (0.3127, 0.3290)),  # BT.2020
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),  # DCI P3
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.3127, 0.3290)),  # Display P3
}
BT709 = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.3127, 0.3290))
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


@lru_cache(maxsize=32)
def profile_of(primaries: int, transfer: int) -> bytes | None:
    """Return an ICC profile for code points; None where they mean sRGB, or nothing that is known.

    Primaries of older television differ from sRGB's by less than screens do, and count as sRGB's, as in players.
    """
    if primaries not in PRIMARIES and transfer in SRGB_LIKE:
        return None
    if transfer not in SRGB_LIKE and transfer not in GAMMA and transfer not in HIGH_RANGE and transfer != 8:
        return None
    curve = _curve_tag(transfer)
    matrix = _to_xyz_d50(PRIMARIES.get(primaries, BT709))
    columns = {name: _xyz_tag(matrix[:, i]) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"cICP\0" + bytes(78)
    shared = {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    return _profile({b"desc": text, b"wtpt": _xyz_tag(np.array(D50)), **columns, **shared})


def high_range(transfer: int) -> str:
    """Return the name of a transfer that reaches beyond white; "" for all others."""
    return HIGH_RANGE.get(transfer, "")


def to_light(values: np.ndarray, transfer: int) -> np.ndarray:
    """Return linear light, 1 for white, of stored values in [0, 1]; highlights compressed where there are any."""
    x = np.clip(np.asarray(values, np.float64), 0.0, 1.0)
    if transfer == 16:
        return compressed(_pq_nits(x) / REFERENCE_WHITE)
    if transfer == 18:
        return compressed(_hlg_scene(x) ** 1.2 * HLG_PEAK / REFERENCE_WHITE)
    if transfer == 8:
        return x
    if transfer in GAMMA:
        return x ** GAMMA[transfer]
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def compressed(light: np.ndarray) -> np.ndarray:
    """Return light, 1 for white and far above, within [0, 1]: the same below `LINEAR_UP_TO`, smooth above."""
    room = 1 - LINEAR_UP_TO
    above = np.maximum(light, LINEAR_UP_TO) - LINEAR_UP_TO
    return np.where(light <= LINEAR_UP_TO, light, 1 - room * np.exp(-above / room))


def _pq_nits(x: np.ndarray) -> np.ndarray:
    """Return cd/m2. Source: SMPTE ST 2084."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    root = x ** (1 / m2)
    return 10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)


def _hlg_scene(x: np.ndarray) -> np.ndarray:
    """Return scene light in [0, 1]. Source: ARIB STD-B67."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(x <= 0.5, x**2 / 3, (np.exp((x - c) / a) + b) / 12)


def _to_xyz_d50(corners: tuple[tuple[float, float], ...]) -> np.ndarray:
    """Return the matrix from linear RGB to XYZ, adapted to D50. Source: B. Lindbloom, RGB/XYZ matrices."""
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in corners])
    white = columns[3]
    matrix = columns[:3].T * np.linalg.solve(columns[:3].T, white)
    gain = (BRADFORD @ np.array(D50)) / (BRADFORD @ white)
    return np.linalg.inv(BRADFORD) @ np.diag(gain) @ BRADFORD @ matrix


def _curve_tag(transfer: int) -> bytes:
    light = to_light(np.linspace(0, 1, STEPS), transfer)
    values = np.round(light * 65535).astype(">u2").tobytes()
    return b"curv" + bytes(4) + struct.pack(">I", STEPS) + values


def _xyz_tag(values: np.ndarray) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * 65536) for v in values.tolist()))


def _profile(tags: dict[bytes, bytes]) -> bytes:
    """Return a display profile of version 2 with these tags, each stored once."""
    at, table, body, known = 128 + 4 + 12 * len(tags), b"", b"", {}
    for name, data in tags.items():
        padded = data + bytes(-len(data) % 4)
        if data not in known:
            known[data] = at + len(body)
            body += padded
        table += struct.pack(">4sII", name, known[data], len(data))
    head = struct.pack(">I4sI4s4s4s", at + len(body), bytes(4), 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += (
        struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
        + b"acsp"
        + bytes(28)
        + struct.pack(">3i", *(round(v * 65536) for v in D50))
    )
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + table + body
