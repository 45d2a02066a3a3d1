"""Saved latents: what a picture was made from, beside it, so that it can be met again, moved and edited.

A safetensors file with ``ws`` ``[N, num_ws, w_dim]`` float32, and where they are known ``z`` ``[N, z_dim]``; the JSON
beside them names the rows, the network by its sha256, and the job.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from reverie.errors import InputError
from reverie.weights.boundary import reads

FORMAT = "reverie-latents"
SUFFIX = ".safetensors"
MOST_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class Latents:
    """Rows of ws, their names, and the network that they belong to."""

    ws: Tensor
    names: tuple[str, ...]
    network_sha256: str
    z: Tensor | None = None

    def __post_init__(self) -> None:
        if self.ws.ndim != 3 or len(self.ws) != len(self.names):
            raise InputError(f"latents of shape {tuple(self.ws.shape)} with {len(self.names)} names do not fit")

    def encoded(self, suffix: str, record: Mapping[str, object]) -> bytes:
        """Return the bytes of the file, with the job inside."""
        about = {"format": FORMAT, "names": self.names, "network": self.network_sha256, "job": record}
        tensors = {"ws": self.ws.detach().cpu().float().contiguous()}
        if self.z is not None:
            tensors["z"] = self.z.detach().cpu().float().contiguous()
        return save(tensors, metadata={"reverie": json.dumps(about, ensure_ascii=False)})

    def row(self, name: str | None) -> Tensor:
        """Return ``[num_ws, w_dim]`` by name or number; the first if there is no name.

        Raises:
            InputError: no such row.
        """
        if name is None:
            return self.ws[0]
        if name in self.names:
            return self.ws[self.names.index(name)]
        if name.isdecimal() and int(name) < len(self.ws):
            return self.ws[int(name)]
        raise InputError(
            f"no latent '{name}'; there are {', '.join(self.names[:8])}{' ...' if len(self.names) > 8 else ''}"
        )


@reads
def read_latents(path: Path) -> Latents:
    """Read saved latents.

    Raises:
        InputError: missing, damaged, too large, or another kind of file.
    """
    if not path.is_file():
        raise InputError(f"no saved latents at '{path}'")
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"'{path}' is larger than saved latents can be")
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("reverie", "{}"))
            if not isinstance(about, dict) or about.get("format") != FORMAT:
                raise InputError(f"'{path}' holds no saved latents")
            names = set(file.keys())
            ws = file.get_tensor("ws").float()
            z = file.get_tensor("z").float() if "z" in names else None
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"'{path}' is no readable file of saved latents") from error
    if not torch.isfinite(ws).all():
        raise InputError(f"'{path}' is damaged: a latent is no number")
    return Latents(ws, tuple(map(str, about.get("names", ()))), str(about.get("network", "")), z)
