"""Settings of `reverie mesh`; free of torch so that help is instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from reverie.errors import InputError
from reverie.jobs.blocks import MachineSettings, MeshSettings, NetworkSettings, SeedSettings
from reverie.jobs.key_values import KeyValues, entry, inside
from reverie.settings import setting
from reverie.tools.mesh_style.regions import MeshRegion

TEXTURES = ("solid", "stack", "spectrum", "pixels")
LIGHTS = ("auto", "soft", "unlit", "head", "cone", "sky")


@dataclass(frozen=True)
class MeshLock(KeyValues):
    """One part, by a material of the file or by a picture on its texture coordinates, white where vertices stay."""

    option: ClassVar[str] = "--lock"
    example: ClassVar[str] = "material=handle"
    several: ClassVar[str] = "several parts"

    material: str | None = entry(None)
    mask: str | None = entry(None, file="mask")

    def check(self) -> None:
        """Refuse a part that has no place, or two."""
        if (self.material is None) == (self.mask is None):
            raise InputError("give material or mask, one of them")


@dataclass(frozen=True, kw_only=True)
class ViewSettings:
    """From where, how large and how often a mesh is looked at."""

    size: int = setting(
        256, "Side of the pictures of the mesh that are looked at, in pixels.", minimum=32, maximum=2048, group="views"
    )
    steps: int = setting(300, "Steps, half of them at half the size.", minimum=0, maximum=100_000, group="views")
    views: int = setting(2, "Pictures of the mesh per step.", minimum=1, maximum=64, group="views")
    lowest: float = setting(-35.0, "Lowest elevation of the camera in degrees.", minimum=-90, maximum=90, group="views")
    highest: float = setting(70.0, "Highest elevation of the camera.", minimum=-90, maximum=90, group="views")
    light: str = setting(
        "auto", "Light: a soft lamp on the camera, none at all, a strong one, a random one from above, or a sky; auto: "
        "soft, and a sky where only the shape changes.",
        choices=LIGHTS, group="views",
    )  # fmt: skip
    sides: str = setting(
        "triangles", "Light falls on the seen side of each triangle, or, as in results of before, of each pixel.",
        choices=("triangles", "pixels"), late="pixels", group="views", expert=True,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TextureSettings:
    """What gets a texture."""

    texture: str = setting(
        "solid", "How a texture is held: a solid block of color without seams, a stack of resolutions, a Fourier "
        "spectrum, or plain pixels.", choices=TEXTURES, group="texture", expert=True,
    )  # fmt: skip
    texture_size: int = setting(
        1024, "Side of the texture in the result, in texels.", minimum=64, maximum=8192, group="texture"
    )
    unfold: bool = setting(
        False, "Unfold the surface anew, even where the file's own texture coordinates can be used.",
        group="texture",
    )  # fmt: skip
    texture_rate: float = setting(
        1.0,
        "Size of a step of the texture, relative to what suits it.",
        above=0,
        maximum=10,
        group="texture",
        expert=True,
    )


UNGUARDED = 1.0


def folds_setting() -> Any:
    """Declare how far a shape may fold before its steps are taken back: fits fold 1 %, bare vertices 7 to 26 %."""
    return setting(
        0.05, "Fraction of edges that may fold, or of triangles that may become slivers, beyond those of the file; "
        "steps that exceed it are taken back and made smaller. 1: never, as in results of before.",
        minimum=0, maximum=1, late=UNGUARDED, group="shape", expert=True,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ShapeSettings:
    """How the vertices move."""

    shape_rate: float = setting(
        0.006, "Size of a step of the vertices, in radii of the mesh.", above=0, maximum=1, group="shape", expert=True
    )
    smoothness: float = setting(
        10.0, "How far neighbors move together; 0 moves every vertex alone.", minimum=0, maximum=10_000, group="shape"
    )
    reach: float = setting(
        0.1, "How far a vertex can move, in radii of the mesh.", above=0, maximum=10, flag="--max-move",
        alias=("--reach",), group="shape",
    )  # fmt: skip
    schedule: str = setting(
        "staged", "How vertices move: broad forms first and details last, or the same at all steps, as in "
        "results of before.", choices=("staged", "even"), group="shape", expert=True,
    )  # fmt: skip
    lock: tuple[str, ...] = setting(
        (), "A part whose vertices stay where they are, as material=NAME, or mask=FILE with a picture on the file's "
        "texture coordinates, white where they stay; repeatable.", inside=inside(MeshLock), whole=True, late=True,
        group="shape",
    )  # fmt: skip
    most_folds: float = folds_setting()


@dataclass(frozen=True, kw_only=True)
class AscentSettings(ViewSettings, TextureSettings, ShapeSettings):
    """How a mesh is looked at and moved, step by step."""

    @property
    def lamp(self) -> str:
        """The light, as it was chosen."""
        return "soft" if self.light == "auto" else self.light

    @property
    def turns(self) -> bool:
        """Whether light falls on the seen side of each triangle."""
        return self.sides == "triangles"


def upgrade_fit(record: Mapping[str, object]) -> Mapping[str, object]:
    """Return a record of `mesh fit` of an older version as today's: steps were never taken back."""
    config = record.get("config")
    return {**record, "config": {"most_folds": UNGUARDED, **config}} if isinstance(config, Mapping) else record


def upgrade(record: Mapping[str, object]) -> Mapping[str, object]:
    """Return a record of an older version as today's.

    Its vertices, if they moved, moved the same way at all steps, of which none was taken back; its light asked each
    pixel for its side.
    """
    config = record.get("config")
    if not isinstance(config, Mapping):
        return record
    moves = config.get("geometry") or config.get("what", "texture") != "texture"
    before = {"schedule": "even" if moves else "staged", "sides": "pixels", "most_folds": UNGUARDED}
    return {**record, "config": {**before, **config}}


@dataclass(frozen=True, kw_only=True)
class MeshStyleConfig(AscentSettings, MeshSettings, NetworkSettings, SeedSettings, MachineSettings):
    """How a mesh takes on a style."""

    style: tuple[str, ...] = setting((), "Style: a picture; repeatable.", file="picture", group="style")
    strength: float = setting(
        0.7, "From 0, the mesh as it is, to 1, nothing but style.", minimum=0, maximum=1, group="style"
    )
    score: str = setting(
        "w2", "What of the style is matched.", choices=("w2", "w2-ns", "gram", "covariance", "mean-std"), group="style"
    )
    region: tuple[str, ...] = setting(
        (), "A part with a style of its own, as material=NAME,style=FILE,strength=1, or mask=FILE,keep=1 with a mask "
        "on the file's texture coordinates; repeatable.", inside=inside(MeshRegion), whole=True, group="style",
    )  # fmt: skip
    style_scale: float = setting(
        1.0, "Size of the style's picture, as a fraction of the mesh's diameter: smaller for finer strokes.",
        above=0, maximum=16, group="style",
    )  # fmt: skip
    smooth: float = setting(0.02, "Weight of total variation against the rest.", minimum=0, maximum=1000, group="style")
    memory: float = setting(
        0.9, "How much of the statistics is remembered from the views of the steps before.", minimum=0, maximum=0.999,
        group="style", expert=True,
    )  # fmt: skip
    geometry: bool = setting(False, "Move the vertices as well.", group="shape")


@dataclass(frozen=True, kw_only=True)
class MeshDreamConfig(AscentSettings, MeshSettings, NetworkSettings, SeedSettings, MachineSettings):
    """What a mesh dreams."""

    what: str = setting("texture", "What is changed.", choices=("texture", "shape", "both"), group="result")
    layer: tuple[str, ...] = setting(
        (), "Layer to amplify, optionally weighted as NAME:WEIGHT; repeatable.", group="dream",
        excludes=("class_name",),
    )  # fmt: skip
    channel: tuple[int, ...] = setting(
        (), "Only these channels of the layer; repeatable.", group="dream", needs=("layer",)
    )
    class_name: str | None = setting(
        None, "Class to dream, by name or number, instead of a layer.", flag="--class", group="dream"
    )
    guide: str | None = setting(
        None, "Picture whose forms to draw out of the mesh.", file="picture", group="dream",
        excludes=("class_name", "channel"),
    )  # fmt: skip
    smooth: float = setting(0.0, "Weight of total variation against the rest.", minimum=0, group="dream")

    @property
    def lamp(self) -> str:
        """The light, as it was chosen."""
        return "sky" if self.light == "auto" and self.what == "shape" else super().lamp


@dataclass(frozen=True, kw_only=True)
class MeshFitConfig(MeshSettings, SeedSettings):
    """How a mesh is brought to the shape of guides."""

    guide: tuple[str, ...] = setting(
        (),
        "Guide: a picture whose silhouette, and color, the mesh takes on; repeatable.",
        file="picture",
        group="guide",
    )
    camera: tuple[str, ...] = setting(
        (), "From where each guide is seen, as AZIMUTH,ELEVATION or AZIMUTH,ELEVATION,DISTANCE in degrees and radii of "
        "the mesh; one for each guide. Default: searched for.", whole=True, group="guide",
    )  # fmt: skip
    color: bool = setting(False, "Take on the colors of the guides as well.", group="result")
    fixed_shape: bool = setting(False, "Leave the vertices where they are.", group="result", needs=("color",))
    steps: int | None = setting(
        None,
        "Steps of the shape; default: 300 for one guide, 1200 for several. --color adds 120 of its own.",
        minimum=0,
        maximum=100_000,
        group="result",
    )
    size: int = setting(
        256, "Side of the pictures that are compared, in pixels.", minimum=32, maximum=2048, group="result"
    )
    smoothness: float = setting(
        4.0, "How far neighbors move together at the end; less follows the guides closer.",
        minimum=0, maximum=10_000, group="shape",
    )  # fmt: skip
    symmetry: str = setting(
        "none", "Axis along which both sides of the mesh stay mirror images.", choices=("none", "x", "y", "z"),
        group="shape",
    )  # fmt: skip
    lock: tuple[str, ...] = setting(
        (), "A part whose vertices stay where they are, as material=NAME, or mask=FILE with a picture on the file's "
        "texture coordinates, white where they stay; repeatable.", inside=inside(MeshLock), whole=True, late=True,
        group="shape",
    )  # fmt: skip
    subdivide: str = setting(
        "auto", "Cut triangles into smaller ones first: where they are coarse, or never.", choices=("auto", "no"),
        group="shape", expert=True,
    )  # fmt: skip
    most_folds: float = folds_setting()
    texture_size: int = setting(
        1024, "Side of the texture in the result, in texels.", minimum=64, maximum=8192, group="texture"
    )
    unfold: bool = setting(False, "Unfold the surface anew.", group="texture")
