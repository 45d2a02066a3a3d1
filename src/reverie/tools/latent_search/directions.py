"""Directions of latent space: principal components of w (GANSpace), or of the weights (SeFa), and moves along them."""

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
from reverie.models.stylegan2.generator import Generator
from reverie.tools.latent.config import parse_layers
from reverie.weights.boundary import reads

FORMAT = "reverie-directions"
MOST_BYTES = 64 << 20
AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Directions:
    """Unit vectors ``[N, w_dim]``, and how far w spreads along each: one standard deviation, ``[N]``."""

    vectors: Tensor
    spread: Tensor
    method: str
    network_sha256: str

    def step(self, number: int) -> Tensor:
        """Return one standard deviation along a direction, ``[w_dim]``.

        Raises:
            InputError: no such direction.
        """
        if not 0 <= number < len(self.vectors):
            raise InputError(f"there is no direction {number}; there are 0 to {len(self.vectors) - 1}")
        return self.vectors[number] * self.spread[number]

    def encoded(self, suffix: str, record: Mapping[str, object]) -> bytes:
        """Return the bytes of the file, with the job inside."""
        about = {"format": FORMAT, "method": self.method, "network": self.network_sha256, "job": record}
        tensors = {"vectors": self.vectors.cpu().contiguous(), "spread": self.spread.cpu().contiguous()}
        return save(tensors, metadata={"reverie": json.dumps(about, ensure_ascii=False)})


@reads
def read_directions(path: Path, w_dim: int) -> Directions:
    """Read a file of directions.

    Raises:
        InputError: missing, damaged, or for networks of another width.
    """
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        raise InputError(f"no file of directions at '{path}'")
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("reverie", "{}"))
            if not isinstance(about, dict) or about.get("format") != FORMAT:
                raise InputError(f"'{path}' holds no directions; make some with 'reverie latent directions'")
            vectors, spread = file.get_tensor("vectors").float(), file.get_tensor("spread").float()
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"'{path}' is no readable file of directions") from error
    if vectors.ndim != 2 or vectors.shape[1] != w_dim or spread.shape != vectors.shape[:1]:
        raise InputError(f"'{path}' holds directions for another network: this one has w of {w_dim} values")
    return Directions(vectors, spread, str(about.get("method")), str(about.get("network")))


@torch.no_grad()
def principal_directions(net: Generator, count: int, samples: int, sha256: str, seed: int = 0) -> Directions:
    """Return the principal components of w over random z and, where there are classes, random classes.

    Source: Harkonen et al. 2020, GANSpace, arXiv 2004.02546, section 2.
    """
    generator = torch.Generator().manual_seed(seed)
    config, device = net.config, net.mapping.w_avg.device
    total, square, seen = torch.zeros(config.w_dim).double(), torch.zeros(config.w_dim, config.w_dim).double(), 0
    while seen < samples:
        n = min(AT_ONCE, samples - seen)
        z = torch.randn(n, config.z_dim, generator=generator)
        classes = None
        if config.c_dim:
            classes = torch.eye(config.c_dim)[torch.randint(config.c_dim, (n,), generator=generator)].to(device)
        w = net.mapping(z.to(device), classes).double().cpu()
        total += w.sum(0)
        square += w.T @ w
        seen += n
    mean = total / seen
    values, vectors = torch.linalg.eigh(square / seen - torch.outer(mean, mean))
    order = values.argsort(descending=True)[:count]
    return Directions(_signed(vectors.T[order]).float(), values[order].clamp_min(0).sqrt().float(), "pca", sha256)


@torch.no_grad()
def weight_directions(net: Generator, count: int, layers: tuple[int, ...], sha256: str) -> Directions:
    """Return the directions of w that move the styles of some layers most: eigenvectors of A^T A, A their weights.

    Source: Shen & Zhou 2021, SeFa, arXiv 2007.06600, section 3.2. The step of each is the spread of w along it.
    """
    convs = net.synthesis.styled
    weights = [convs[min(i, len(convs) - 1)].affine.weight.float() for i in layers]
    rows = torch.cat([w / w.norm(dim=1, keepdim=True) for w in weights]).double().cpu()
    values, vectors = torch.linalg.eigh(rows.T @ rows)
    chosen = _signed(vectors.T[values.argsort(descending=True)[:count]]).float()
    main = principal_directions(net, net.config.w_dim, 4096, sha256)
    along = (chosen @ main.vectors.T).square() @ main.spread.square()
    return Directions(chosen, along.sqrt(), "sefa", sha256)


def _signed(vectors: Tensor) -> Tensor:
    """Return vectors whose largest value is positive, so that a direction is the same on every machine."""
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    return vectors * largest.sign()


def parse_target(text: str, num_ws: int) -> tuple[int, tuple[int, ...]]:
    """Return direction and layers of "3" or "3@fine".

    Raises:
        InputError: another form.
    """
    number, _, layers = text.partition("@")
    if not number.strip().isdecimal():
        raise InputError(f"a direction is a number, such as 0 or 3@fine; got '{text[:60]}'")
    return int(number), parse_layers(layers or "all", num_ws)
