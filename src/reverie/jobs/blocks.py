"""Settings that many tools share, each declared once; free of torch, so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.settings import setting
from reverie.weights.embedded import EMBEDDED_NAMES

if TYPE_CHECKING:
    from reverie.jobs.given import Given
    from reverie.numerics.mesh import Mesh

CODECS = ("libx264", "libx265", "libsvtav1", "libvpx-vp9", "prores_ks", "ffv1")
OWN_WAY = "own way"  # mark of a setting that goes with no usual preset
CODEC_SPEEDS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")


def device_setting(*, several: bool = False, group: str = "machine", **facts: Any) -> str:
    """Declare where a work is done, on one device or on several; further facts as `setting` has them."""
    names = "auto, cpu, cuda, cuda:N, mps, or several as cuda:0,1." if several else "auto, cpu, cuda, cuda:N or mps."
    return setting("auto", names, replay=False, group=group, **facts)


def gradient_precision_setting(**facts: Any) -> str:
    """Declare the arithmetic of a network that gradients are sent through, by a tool that records which it was."""
    text = (
        "Arithmetic of the network; auto measures. fp32-fused-2: fp32 in fewer operations, other in the last bits; "
        "fp32-fused: an older one of that kind."
    )
    choices = ("auto", "fp32", "fp32-fused", "fp32-fused-2", "bf16")
    return setting("auto", text, choices=choices, replay=False, counts=True, expert=True, **facts)


def network_setting(default: str = "embedded", **facts: Any) -> str:
    """Declare which network sees the pictures."""
    text = f"Network: '{default}', a .safetensors file trained here, or a torchvision name."
    return setting(default, text, file="network", builtin=EMBEDDED_NAMES, **facts)


def weights_setting(**facts: Any) -> str | None:
    """Declare the file of that network's weights, where its name does not say it."""
    text = "State dict for a torchvision name, read as data; 'random' for an untrained one."
    return setting(None, text, file="network", builtin=("random",), expert=True, **facts)


def codec_setting(**facts: Any) -> str:
    """Declare how a video is encoded."""
    return setting("libx264", "Codec of a video.", choices=CODECS, replay=False, counts=True, expert=True, **facts)


def crf_setting(**facts: Any) -> int:
    """Declare how well a video is encoded."""
    text = "Quality of a video; smaller is better."
    return setting(18, text, minimum=0, maximum=63, replay=False, counts=True, **facts)


def speed_setting(**facts: Any) -> str:
    """Declare how long the codec may try."""
    text = "Speed of the codec."
    return setting("medium", text, choices=CODEC_SPEEDS, replay=False, counts=True, expert=True, **facts)


def audio_setting(**facts: Any) -> bool:
    """Declare whether a film keeps its sound."""
    return setting(True, "Take over the sound of a video.", replay=False, counts=True, expert=True, **facts)


def start_setting(**facts: Any) -> float:
    """Declare where in a film the work begins."""
    return setting(0.0, "Second of a video to begin at: 2.5 or 0:02.5.", minimum=0, late=True, own=True, **facts)


def duration_setting(**facts: Any) -> float | None:
    """Declare how much of a film is taken."""
    text = "Seconds of a video to take from there on; default: to its end."
    return setting(None, text, above=0, late=True, own=True, **facts)


def tile_setting(**facts: Any) -> int | None:
    """Declare the size of tiles, where the plan of the memory is not left to choose it."""
    text = "Work in tiles of this size in pixels."
    return setting(None, text, minimum=32, replay=False, counts=True, own=True, expert=True, **facts)


def max_memory_setting(example: str = "2GB", **facts: Any) -> str | None:
    """Declare how much memory the plan may count with."""
    text = f"Plan tiles so that the program stays below this, for example {example}."
    return setting(None, text, replay=False, **facts)


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """Which network sees the picture."""

    model: str = network_setting(group="what is seen")
    weights: str | None = weights_setting(group="what is seen", marks=(OWN_WAY,))

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

    device: str = device_setting(several=True)
    precision: str = setting(
        "auto", "Arithmetic of the network; auto measures.", choices=("auto", "fp32", "bf16"), replay=False,
        counts=True,
        group="machine", expert=True,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TileSettings:
    """How much memory a picture may take."""

    tile: int | None = tile_setting(group="machine")
    max_memory: str | None = max_memory_setting(group="machine")


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
