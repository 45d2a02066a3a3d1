"""`reverie latent live` and `latent render`: latent space steered while it is shown, and the session made again."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.film import EncodingSettings, FrameSequence
from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.tool import Role, Tool
from reverie.settings import setting, to_record
from reverie.tools.latent.config import GeneratorSettings, KeptFrames, upgraded
from reverie.tools.latent.sample import MODEL, PreparedGenerator
from reverie.tools.live.config import ShowSettings

if TYPE_CHECKING:
    from reverie.tools.latent.model import LatentModel
    from reverie.tools.latent_live.scene import LatentScene, Pose
    from reverie.tools.live.reactions import Rules
    from reverie.tools.live.recorded import Seen
    from reverie.tools.live.work import LiveWork

PCA_SAMPLES = 5000


@dataclasses.dataclass(frozen=True, kw_only=True)
class LatentLiveConfig(GeneratorSettings, ShowSettings):
    """Where a show in latent space goes."""

    seeds: str = setting("0-7", "Seeds that the way passes.", group="show")
    speed: float = setting(0.15, "Seeds passed a second, where no signal says.", minimum=-4, maximum=4, group="show")
    directions: str | None = setting(
        None, "A file of 'latent directions'; else PCA is done now.", file="network", group="show"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class LatentRenderConfig(GeneratorSettings, EncodingSettings, KeptFrames):
    """How a recorded session becomes a film."""

    session: str = setting("", "The session: a .jsonl file of 'reverie latent live'.", file="text")
    map: str | None = setting(None, "Another map of signals than the one it was played with.", file="text")
    fps: float = setting(30.0, "Frames a second.", above=0, maximum=240, group="film")
    size: int | None = setting(None, "Enlarge the frames to this height.", minimum=16, maximum=8192, group="film")
    preview: bool = setting(False, "Draw a quick, rough proxy.", group="film")
    directions: str | None = setting(None, "A file of 'latent directions'; else PCA.", file="network")


class PreparedLive(PreparedGenerator):
    """An open generator, a way through its latent space, and what moves it."""

    config: LatentLiveConfig

    def __init__(self, config: LatentLiveConfig, session: Session) -> None:
        from reverie.tools.live.recorded import Show

        super().__init__(config, session)
        self.show = Show(config, scene_of(self.model, config.seeds, config.speed, config.directions), session)

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> LiveWork[Pose]:
        """Return the show; its result is the session."""
        about = {"tool": "latent live", "settings": to_record(self.config), "network": self.model.sha256}
        return self.show.work(seed, about, self.model.chosen, self.config.device, scratch)


class PreparedRender(PreparedGenerator):
    """A recorded session and its open generator."""

    config: LatentRenderConfig

    def __init__(self, config: LatentRenderConfig, session: Session) -> None:
        from reverie.tools.live.recorded import read_session

        self.take, self.played = read_session(config.session, "latent live", LatentLiveConfig)
        default = LatentRenderConfig()
        same = {name: getattr(self.played, name) for name in ("truncation", "class_name", "noise")
                if getattr(config, name) == getattr(default, name)}  # fmt: skip
        super().__init__(dataclasses.replace(config, **same), session)
        self._session = session
        if self.take.about.get("network") != self.model.sha256:
            raise InputError(f"the session was played on another network ('{Path(self.played.model).name}'); "
                             "give it with --model")  # fmt: skip

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> FrameSequence:
        """Return the film; the latents of its frames stand beside it."""
        from reverie.tools.latent_films.walk import lasting, latent_film
        from reverie.tools.live.reactions import look_of
        from reverie.tools.live.recorded import playback

        config, played = self.config, self.played
        scene = scene_of(self.model, played.seeds, played.speed, config.directions)

        def look(rules: Rules | None) -> Seen[Pose] | None:
            classes = look_of(rules, self._session, played.critic, config.device)
            return None if classes is None else lambda pose: classes(scene.draw(pose, draft=False))

        film = playback(self.take, config.fps, config.map, scene, played.seed, look)
        manifest = {
            "tool": "latent render", "network": self.model.sha256, "settings": lasting(config), "map": film.map.text,
            "session": str(self.take.length_s),
        }  # fmt: skip
        return latent_film(
            self.model,
            lambda n: (film.poses[n].ws, self.model.noise_of(0)),
            len(film.poses),
            film.rate,
            config,
            scratch,
            manifest,
        )


def scene_of(model: LatentModel, seeds: str, speed: float, directions: str | None) -> LatentScene:
    """Return the scene of an open generator."""
    from reverie.tools.latent_live.scene import LatentScene
    from reverie.tools.latent_search.directions import principal_directions, read_directions

    if directions is not None:
        found = read_directions(Path(directions), model.config.w_dim)
    else:
        found = principal_directions(model.net, model.config.w_dim, PCA_SAMPLES, model.sha256)
    return LatentScene(model, seeds, found, speed)


LATENT_LIVE: Tool[LatentLiveConfig] = Tool(
    name="latent live", doing="playing", ending="",
    summary="Steer latent space while it is shown: mouse, keys, sensors.",
    config=LatentLiveConfig, prepare=PreparedLive, upgrade=upgraded, roles=(MODEL,),
    makes="table", suffix=".jsonl", live=True,
    name_of=lambda config: "session",
    examples=(
        "reverie latent live",
        "reverie latent live --map breath.yaml --rules rules.yaml -o evening.jsonl",
        "reverie latent live mine.safetensors --show-host 0.0.0.0",
    ),
)  # fmt: skip

LATENT_RENDER: Tool[LatentRenderConfig] = Tool(
    name="latent render", doing="rendering", ending="", summary="Make a film of a recorded live session, whole.",
    config=LatentRenderConfig, prepare=PreparedRender, upgrade=upgraded,
    roles=(Role("session", "text", "The session: a .jsonl file of 'reverie latent live'."),),
    makes="film", suffix=".mp4", name_of=lambda config: Path(config.session).stem,
    examples=("reverie latent render evening.jsonl --size 512 --fps 60",),
)  # fmt: skip
