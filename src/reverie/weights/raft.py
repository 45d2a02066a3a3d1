"""Where the weights of RAFT, the optional estimator of motion, are looked for; they are never downloaded by themselves.

Source: Teed & Deng 2020, arXiv 2003.12039; torchvision's small version, trained on FlyingChairs and FlyingThings3D.
"""

from __future__ import annotations

from torch import Tensor

from reverie.errors import WeightsError
from reverie.weights.checkpoint import file_sha256
from reverie.weights.fetch import cache_dir
from reverie.weights.foreign import load_state_dict

URL = "https://download.pytorch.org/models/raft_small_C_T_V2-01064c6d.pth"
NAME = URL.rpartition("/")[2]
SHA256_PREFIX = "01064c6d"


def raft_state() -> dict[str, Tensor]:
    """Return the weights of RAFT small.

    Raises:
        WeightsError: not on this machine, or another file.
    """
    path = cache_dir() / "weights" / NAME
    if not path.is_file():
        raise WeightsError(
            f"--flow raft needs weights that are not part of Reverie: place {URL} (4 MB) at '{path}', or use --flow dis"
        )
    if not file_sha256(path).startswith(SHA256_PREFIX):
        raise WeightsError(f"'{path}' is not the file from {URL}: its sha256 should begin with {SHA256_PREFIX}")
    return load_state_dict(path)
