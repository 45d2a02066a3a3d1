"""Settings that many tools share, each declared once; free of torch, so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.settings import setting
from reverie.weights.embedded import EMBEDDED_NAMES

if TYPE_CHECKING:
    from reverie.jobs.given import Given
    from reverie.numerics.mesh import Mesh


FOR_GRADIENTS = ("auto", "fp32", "fp32-fused", "fp32-fused-2", "bf16")
"""Arithmetic of networks that gradients are sent through, by tools that record which it was."""
FOR_GRADIENTS_HELP = (
    "Arithmetic of the network; auto measures. fp32-fused-2: fp32 in fewer operations, other in the last bits; "
    "fp32-fused: an older one of that kind."
)


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """Which network sees the picture."""

    model: str = setting(
        "embedded", "Network: 'embedded', a .safetensors file trained here, or a torchvision name.", file="network",
        builtin=EMBEDDED_NAMES,
        group="what is seen",
    )  # fmt: skip
    weights: str | None = setting(
        None, "State dict for a torchvision name, read as data; 'random' for an untrained one.", file="network",
        builtin=("random",),
        group="what is seen", expert=True,
    )  # fmt: skip

    def shipped(self) -> Path | None:
        """Return the file of the network that comes with the package, where that is meant."""
        from reverie.weights.embedded import STEMS, embedded_path

        return embedded_path(self.model) if self.model in STEMS else None


@dataclass(frozen=True, kw_only=True)
class SeedSettings:
    """The seed of all randomness."""

    seed: int = setting(
        0, "Seed of all randomness: the same number gives the same result.", minimum=0, maximum=2**63 - 1,
        group="result",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MachineSettings:
    """On what machine the work is done; changes nothing but the last bits of a result."""

    device: str = setting(
        "auto", "auto, cpu, cuda, cuda:N, mps, or several as cuda:0,1.", replay=False, group="machine"
    )
    precision: str = setting(
        "auto", "Arithmetic of the network; auto measures.", choices=("auto", "fp32", "bf16"), replay=False,
        counts=True,
        group="machine", expert=True,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TileSettings:
    """How much memory a picture may take."""

    tile: int | None = setting(
        None,
        "Work in tiles of this size in pixels.",
        minimum=32,
        replay=False,
        counts=True,
        own=True,
        group="machine",
        expert=True,
    )
    max_memory: str | None = setting(
        None, "Plan tiles so that the program stays below this, for example 2GB.", replay=False, group="machine"
    )


@dataclass(frozen=True, kw_only=True)
class MeshSettings:
    """How a mesh is read."""

    max_triangles: int = setting(
        1_000_000, "Meshes of more triangles are refused.", minimum=1, maximum=50_000_000, replay=False,
        group="machine", expert=True,
    )  # fmt: skip
    up: str = setting(
        "auto", "Axis that is up in the file; auto: z for STL, y for all others.", choices=("auto", "y", "z"),
        own=True, group="mesh",
    )  # fmt: skip

    def read(self, given: Given) -> Mesh:
        """Return a streamed mesh, read so.

        Raises:
            MeshError: it cannot be used.
        """
        return given.mesh(max_triangles=self.max_triangles, up=self.up)  # type: ignore[arg-type]
