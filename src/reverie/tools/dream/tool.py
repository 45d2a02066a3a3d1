"""`reverie dream` as a tool: what it takes, how its network is opened, and which work a picture gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.mask_rule import with_mask_rule
from reverie.tools.dream.presets import PRESETS, usual
from reverie.tools.dream.rules import check_dream, check_together
from reverie.tools.latent.config import LatentDreamConfig

if TYPE_CHECKING:
    from reverie.critic.critic import Critic
    from reverie.objective import Objective
    from reverie.optimize.gradient import Ascent
    from reverie.optimize.together import Together
    from reverie.optimize.transforms import Look
    from reverie.tools.dream.references import References
    from reverie.tools.dream.work import DreamWork
    from reverie.tools.dream_steps.disk import DiskDream


@dataclass(frozen=True)
class OwnGoal:
    """What a program of somebody's own amplifies, and how it looks at pictures; None for what the settings say."""

    objective: Objective | None = None
    transforms: Look | None = None

    def ascent(self, config: DreamConfig, critic: Critic, references: References) -> Ascent | Together:
        """Return what is amplified.

        Raises:
            InputError: settings that say something else.
        """
        from reverie.errors import InputError
        from reverie.optimize.gradient import Ascent
        from reverie.tools.dream_steps.objective import build_objective, smoothed, transforms_of

        for name in ("channel", "class_name", "guide", "guide_class", "caricature", "group", "direction"):
            if self.objective is not None and getattr(config, name):
                raise InputError(f"an objective of your own does not go with {name}; leave one out")
        goal = self.objective
        goal = build_objective(config, critic, references) if goal is None else smoothed(goal, config)
        return Ascent(critic, goal, self.transforms or transforms_of(config))


class PreparedDream:
    """The open network and the other pictures, each read once; what no picture could be dreamt with is refused here."""

    def __init__(self, config: DreamConfig, session: Session, own: OwnGoal | None = None) -> None:
        self.config, self.session, self._own = config, session, own
        self.critic: Critic = session.critic(config.model, config.weights, config.device, config.precision, fuse=True)
        self.notes: Sequence[str] = [*self.critic.notes, *wording_notes(config, self.critic)]
        picks = config.target_from is not None and Path(config.target_from).is_dir()  # by the name of each picture
        self._shared = None if picks else self._raised(config, "")
        self._masked: References | None = None

    def _raised(self, config: DreamConfig, name: str) -> tuple[References, Ascent | Together]:
        """Return the other pictures but the mask, and what is raised."""
        from reverie.tools.dream.references import read_references
        from reverie.tools.dream_steps.objective import build_ascent

        references = read_references(replace(config, mask=None, keep=None, mask_invert=False), name)
        if self._own is None:
            return references, build_ascent(config, self.critic, references)
        return references, self._own.ascent(config, self.critic, references)

    @property
    def _brought(self) -> str:
        """What a program brought itself, in words."""
        own = self._own or OwnGoal()
        parts = [("a network", self.critic.brought),
                 ("an objective", own.objective), ("transforms", own.transforms)]  # fmt: skip
        return ", ".join(name for name, there in parts if there)

    def _with_mask(self, references: References) -> References:
        from reverie.tools.dream.references import with_mask

        if self._shared is None:
            return with_mask(references, self.config)
        self._masked = self._masked or with_mask(references, self.config)
        return self._masked

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> DreamWork | DiskDream:
        """Return the dream of one picture, in memory, or on disk where that is needed or pays; or one from noise.

        Raises:
            InputError: settings, network or picture that cannot be used.
        """
        from reverie.errors import InputError
        from reverie.optimize.disk import ON_DISK
        from reverie.tools.dream.work import DreamWork
        from reverie.tools.dream_steps.ascent import plan_dream
        from reverie.tools.dream_steps.disk import DiskDream

        config = replace(self.config, seed=seed)
        check_together(config, has_picture=given is not None)
        limited = config
        if self.session.memory_bytes is not None:
            limited = replace(config, max_memory=str(self.session.memory_bytes))
        used = self.session.used_bytes
        references, ascent = self._shared or self._raised(config, "" if given is None else given.name)
        size = _size_on_file(given, config)
        if size is not None and config.normalize not in ON_DISK and config.disk != "yes":
            try:
                plan_dream(size, limited, self.critic, ascent, used_bytes=used)
                size = None
            except InputError:  # too large for memory: on disk, and without what needs it
                config, limited = (replace(c, normalize="mean-abs") for c in (config, limited))
        if size is not None:
            choice = {"auto": None, "yes": True, "no": False}[config.disk]
            layout = plan_dream(size, limited, self.critic, ascent, used_bytes=used, disk=choice)
            if layout.memory.disk:
                assert given is not None and given.path is not None
                folder = None if scratch is None else scratch.parent
                return DiskDream(given.path, config, self.critic, layout, references, ascent, folder)
        picture = None if given is None else given.picture
        shape = None if picture is None else (picture.rgb.shape[0], picture.rgb.shape[1])
        layout = plan_dream(shape, limited, self.critic, ascent, used_bytes=used)
        return DreamWork(picture, config, self.critic, layout, self._with_mask(references), ascent, self._brought)


def wording_notes(config: DreamConfig, critic: Critic) -> list[str]:
    """Return how texts were understood that may mean something else: groups of classes, weights of one layer."""
    from reverie.critic.classes import several_in_words
    from reverie.tools.dream_steps.objective import weighted

    notes: list[str] = []
    if config.class_name is not None:
        found = critic.class_indices(config.class_name)
        notes += [several_in_words(config.class_name, found, critic.identity.classes)] if len(found) > 1 else []
    if len(config.layer) == 1:
        name, weight = weighted(config.layer[0])
        if weight > 1 and weight.is_integer():
            notes.append(f"{config.layer[0]} is the whole layer {name}, counted {weight:g} times; "
                         f"its channel {weight:g} is --channel {name}:{weight:g}")  # fmt: skip
    return notes


def _size_on_file(given: Given | None, config: DreamConfig) -> tuple[int, int] | None:
    """Return the size by the header of a picture that may lie on disk; None for all others.

    Whoever reads a damaged file next says why it cannot be read.
    """
    from reverie.errors import PictureError
    from reverie.media.strips import upright_size

    if given is None or given.path is None or config.disk == "no":
        return None
    if config.canvas == "spectrum" or config.group:
        return None
    try:
        return upright_size(given.path)
    except PictureError:
        return None


def settle(config: DreamConfig, name: str) -> DreamConfig:
    """Return the settings for the picture of this name: with the artwork that is picked for it."""
    if not config.target_from:
        return config
    from reverie.tools.dream.references import pick_target

    found = pick_target(config.target_from, config.target_class, config.seed, name)
    return replace(config, target_from=str(found), target_class=None)


def upgrade(record: Mapping[str, object]) -> Mapping[str, object]:
    """Return a record of an older version as today's: what lay beside the settings stands in them."""
    record = with_mask_rule(record, DreamConfig)
    config = record.get("config")
    if not isinstance(config, Mapping):
        return record
    known = {key: value for key, value in record.items() if key != "disk"}
    if "disk" not in config:
        known["config"] = {**config, "disk": "yes" if record.get("disk") else "no"}
    return known


def network(config: DreamConfig) -> Path | None:
    """Return the file of the network, if it lies here."""
    from reverie.weights.network_file import network_file

    return network_file(config.model, config.weights)


def latent_settings(config: DreamConfig, seed: int) -> LatentDreamConfig:
    """Return the same dream as `reverie latent dream` says it; there are no octaves, so all steps count.

    Raises:
        InputError: several goals: one class, or one layer and channel, can be followed.
    """
    from reverie.tools.dream_steps.objective import weighted

    layers = [weighted(text)[0] for text in config.layer]
    if len(layers) > 1 or len(config.channel) > 1 or (config.class_name is None) == (not layers):
        raise InputError("--latent follows one thing: --class NAME, or one --layer (and one --channel)")
    return LatentDreamConfig(
        model=str(config.latent), toward=config.class_name, layer=layers[0] if layers else None,
        channel=config.channel[0] if config.channel else None, critic=config.model,
        steps=max(1, config.octaves * config.steps * config.iterations), seed=seed, device=config.device,
        precision="auto" if config.precision not in ("fp32", "bf16") else config.precision, tiles="products",
    )  # fmt: skip


class PreparedThroughLatents:
    """A dream through the latent space of `config.latent`."""

    def __init__(self, config: DreamConfig, session: Session) -> None:
        self.config, self.session = config, session
        latent_settings(config, config.seed)
        self.notes: list[str] = []

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work: the picture, its latents, and the way there side by side.

        Raises:
            InputError: there is a picture: a generator draws its own.
        """
        from reverie.tools.latent_search.dream import PreparedLatentDream

        if given is not None:
            raise InputError(
                f"--latent begins at a picture of the generator, by --seed; leave '{given.name}' out "
                "('reverie latent project' finds a photograph in its latent space)"
            )
        return PreparedLatentDream(latent_settings(self.config, seed), self.session).work(None, seed, scratch=scratch)


def prepared(config: DreamConfig, session: Session) -> PreparedDream | PreparedThroughLatents:
    """Open what the settings name."""
    if config.latent is None:
        return PreparedDream(config, session)
    return PreparedThroughLatents(config, session)


DREAM: Tool[DreamConfig] = Tool(
    name="dream", doing="dreaming", ending="dream",
    summary="Dream pictures and films: amplify what a network sees in them.",
    config=DreamConfig, prepare=prepared, check=check_dream, settle=settle, upgrade=upgrade,
    network=network, presets=PRESETS, usual=usual,
    roles=(
        Role(
            "pictures", "picture", "Pictures, films, patterns, folders, or - for standard input; none: from noise.",
            streamed=True, required=False, alias=("--source",),
        ),
    ),
    film="reverie.tools.dream_film.tools:DREAM_VIDEO", moving="reverie.tools.dream_film.tools:DREAM_LOOP",
    name_of=lambda config: "noise", spreads=lambda config: config.tile is not None,
    examples=(
        "reverie dream photo.jpg", "reverie dream photo.jpg --preset carnival --strength 150%",
        "reverie dream clip.mp4 --duration 5", "reverie dream --latent flowers --class orange -o orange.png",
        "reverie dream photo.jpg --zoom 1.04/s --seconds 10 -o film.mp4",
    ),
)  # fmt: skip
