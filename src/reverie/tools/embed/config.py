"""Settings of `reverie embed`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.jobs.blocks import NetworkSettings, SeedSettings, device_setting
from reverie.settings import setting
from reverie.weights.embedded import EMBEDDED_NAMES

POOLS = ("mean", "max", "moments")
METHODS = ("tsne", "pca", "umap", "pacmap")


@dataclass(frozen=True, kw_only=True)
class LookSettings(NetworkSettings):
    """How a network looks at a collection."""

    size: int | None = setting(
        None, "Side in pixels at which the network sees the pictures; default: what it was trained on.", minimum=16,
        maximum=1024, group="what is seen",
    )  # fmt: skip
    pictures: str = setting(
        "all", "All pictures, or those of the validation folder; without one, those that a training holds out.",
        choices=("all", "held-out"),
    )  # fmt: skip
    limit: int | None = setting(None, "At most so many pictures, drawn by the seed.", minimum=5)
    batch: int = setting(64, "Pictures per pass.", minimum=1, maximum=4096, replay=False, group="machine")
    device: str = device_setting()
    precision: str = setting(
        "auto", "Arithmetic of the network; auto measures.", choices=("auto", "fp32", "bf16"), replay=False,
        counts=True,
        group="machine", expert=True,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FeatureSettings(LookSettings):
    """What of a network describes a picture."""

    pool: str = setting(
        "mean", "How a layer becomes one vector: its mean or maximum over positions, or mean and standard deviation.",
        choices=POOLS, group="what is seen",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MapConfig(FeatureSettings, SeedSettings):
    """How pictures are laid out on a map."""

    data: str = setting("", "A folder or zip of pictures, best with a folder per class.", file="folder")
    layer: str | None = setting(
        None, "Layer whose features place the pictures; default: the last one before the classes.", group="what is seen"
    )
    method: str = setting(
        "tsne", "How the map is laid out; umap and pacmap are packages of their own.", choices=METHODS
    )
    metric: str = setting(
        "cosine", "What makes two pictures similar: the angle between their features, or the distance.",
        choices=("cosine", "euclidean"),
    )  # fmt: skip
    components: int = setting(50, "Principal components that are kept.", minimum=2, maximum=512)
    perplexity: float = setting(30.0, "About how many neighbors of each picture count (t-SNE).", minimum=2, maximum=500)
    steps: int = setting(750, "Steps of the layout, the first third of them with exaggeration.", minimum=3)
    neighbors: int = setting(12, "Nearest neighbors that the page shows of each picture.", minimum=1, maximum=50)
    thumb: int = setting(
        0, "Side of the thumbnails in pixels; 0: 128 for up to 4,000 pictures, else 64.", minimum=0, maximum=256
    )
    projector: bool = setting(False, "Also write the files of TensorBoard's projector.")


@dataclass(frozen=True, kw_only=True)
class PlaceConfig:
    """On which map new pictures are placed."""

    map: str = setting("", "Folder that 'reverie embed' made, or the map.safetensors in it.", file="network")
    model: str | None = setting(
        None, "The network's file, where it lies neither here nor beside the map.", file="network",
        builtin=EMBEDDED_NAMES,
    )  # fmt: skip
    neighbors: int = setting(8, "Nearest pictures to show.", minimum=1, maximum=50)
    device: str = device_setting()


@dataclass(frozen=True, kw_only=True)
class LayersConfig(FeatureSettings, SeedSettings):
    """Which layers are compared."""

    data: str = setting("", "A folder or zip with a folder of pictures per class.", file="folder")
    layer: tuple[str, ...] = setting(
        (), "Only this layer; repeatable. Default: every layer that has a readable name.", group="what is seen"
    )
    neighbors: int = setting(10, "Nearest neighbors that vote for a class.", minimum=1, maximum=200)


@dataclass(frozen=True, kw_only=True)
class AtlasConfig(LookSettings, SeedSettings):
    """Which layer is drawn, and how finely."""

    data: str = setting("", "A folder or zip of pictures.", file="folder")
    layer: str | None = setting(None, "Layer that is drawn; default: the network's dream layer.", group="what is seen")
    grid: int = setting(12, "Cells a side.", minimum=2, maximum=40)
    least: int = setting(2, "Cells with fewer pictures than this stay empty.", minimum=1)
    tile: int = setting(80, "Side of a drawing in pixels.", minimum=32, maximum=512)
    drawing_steps: int = setting(96, "Steps of each drawing.", minimum=1, maximum=4096)
    together: int = setting(16, "Drawings that share one pass.", minimum=1, maximum=512, group="machine", expert=True)


@dataclass(frozen=True, kw_only=True)
class PickConfig:
    """Which pictures of a collection are taken, or left out."""

    data: str = setting("", "The folder or zip that was mapped.", file="folder")
    names: str = setting("", "A CSV of the page or the map's folder, or a text with a name a line.", file="text")
    others: bool = setting(False, "Take all pictures but those: a collection without its duplicates, for example.")
    column: str = setting("picture", "Column of the CSV that names pictures.")
