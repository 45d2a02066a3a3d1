"""Settings of `reverie gather` images, artists, public and veto; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.jobs.blocks import SeedSettings
from reverie.media.suffixes import LISTS
from reverie.settings import setting


@dataclass(frozen=True, kw_only=True)
class NetSettings:
    """How servers are asked; nothing of it is stored."""

    contact: str | None = setting(
        None,
        "Your address of mail or web, which servers are told; or set REVERIE_CONTACT.",
        replay=False,
        group="servers",
    )
    pause: float = setting(
        1.0, "Least seconds between two requests to one host; more where its documentation asks for it.", minimum=0,
        replay=False, group="servers",
    )  # fmt: skip
    workers: int = setting(
        4, "Requests at once, each to another host.", minimum=1, maximum=16, flag="--hosts", replay=False,
        group="servers", expert=True,
    )  # fmt: skip
    endpoint: tuple[str, ...] = setting(
        (), "Another server for a source, as NAME=URL: a mirror, or one of your own.", replay=False, group="servers",
        expert=True, user_only="",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PictureSettings:
    """Which pictures are taken, and how the folder is made."""

    count: int = setting(100, "Pictures of each class.", minimum=1, maximum=100_000, group="which pictures")
    licence: str = setting(
        "modify", "What they may be used for: modify leaves out ND, commercial also NC; public: public domain only.",
        choices=("any", "modify", "commercial", "public"), group="which pictures",
    )  # fmt: skip
    side: int = setting(
        1280,
        "Width to fetch, in pixels, where a source has a choice.",
        minimum=64,
        maximum=8192,
        group="which pictures",
    )
    min_side: int = setting(256, "Least pixels of the shorter side.", minimum=16, group="which pictures")
    max_aspect: float = setting(3.0, "Most of the longer side to the shorter.", minimum=1, group="which pictures")
    grey: bool = setting(False, "Take black and white pictures too.", group="which pictures")
    max_mb: float = setting(
        32.0, "Most megabytes of one file.", above=0, maximum=1024, group="which pictures", expert=True
    )
    val: float = setting(
        0.1, "Fraction of each class that is held out, by whole works.", minimum=0, maximum=0.5, group="folder"
    )
    reuse: str | None = setting(
        None, "An earlier folder of 'gather', whose pictures are taken from there and not asked for again.",
        replay=False, group="servers", user_only="",
    )  # fmt: skip
    balance: bool = setting(False, "Cut every class to the size of the smallest.", group="folder")
    neighbors: bool = setting(
        True, "Look for pictures of the same thing with the embedded network, and keep them together.", group="folder"
    )


@dataclass(frozen=True, kw_only=True)
class ImagesConfig(PictureSettings, NetSettings):
    """What is gathered, from where."""

    words: tuple[str, ...] = setting(
        (), "Classes, such as 'fountain, arch', or a text file with one a line; search words after a colon.",
        file="text", files_end=LISTS,
    )  # fmt: skip
    source: tuple[str, ...] = setting(
        ("openverse", "commons"),
        "openverse, commons, met, aic, rijksmuseum, flickr (FLICKR_API_KEY), or web: fragile, of unknown licence.",
        group="which pictures",
    )


@dataclass(frozen=True, kw_only=True)
class ArtistsConfig(PictureSettings, NetSettings):
    """Whose paintings are gathered."""

    names: tuple[str, ...] = setting(
        (), "Painters, or a text file with one a line, perhaps a category after a colon; else the shipped list.",
        file="text", files_end=LISTS,
    )  # fmt: skip
    museums: bool = setting(False, "Search the Met, Chicago and the Rijksmuseum too.", group="which pictures")


@dataclass(frozen=True, kw_only=True)
class PublicConfig(NetSettings, SeedSettings):
    """Which collection, and what of it."""

    dataset: str = setting("", "cifar100, pets, coco-minitrain, wikiart or painter-by-numbers.")
    count: int = setting(25_000, "Pictures of coco-minitrain.", minimum=1, maximum=118_287)
    masks: bool = setting(False, "Pets: pictures and masks of the animals, for 'reverie train translate'.")
    painters: tuple[str, ...] = setting((), "Of wikiart and painter-by-numbers: only these painters.", late=True)
    each: int = setting(
        200, "Of wikiart and painter-by-numbers: pictures of each artist.", minimum=1, maximum=100_000, late=True
    )
    pause: float = setting(
        0.25, "Least seconds between two requests to one host.", minimum=0, replay=False, group="servers"
    )


@dataclass(frozen=True, kw_only=True)
class VetoConfig:
    """What is left out."""

    veto: str = setting("", "The list that the review page saved: one file a line.", file="text")
