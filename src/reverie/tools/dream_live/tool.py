"""`reverie dream live` and `dream render`: a camera, film or picture in, its dream out, steered while it is shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.blocks import device_setting, network_setting
from reverie.jobs.film import EncodingSettings, FrameSequence
from reverie.jobs.given import Given, sha256_of
from reverie.jobs.job import Input
from reverie.jobs.session import Session
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen
from reverie.settings import setting, to_record
from reverie.tools.dream.config import FORMS, DreamConfig
from reverie.tools.live.config import ShowSettings

if TYPE_CHECKING:
    from reverie.tools.dream_live.scene import DreamScene, Pose
    from reverie.tools.live.work import LiveWork

CAMERAS = tuple(str(number) for number in range(10))


@dataclasses.dataclass(frozen=True, kw_only=True)
class DreamLookSettings:
    """What a show dreams of, and how finely."""

    model: str = network_setting(group="dream")
    layer: str = setting("mixed4c", "Layer to amplify.", group="dream")
    objective: str = setting("equalized", "What of it; see 'reverie dream'.", choices=FORMS, group="dream")
    steps: int = setting(1, "Steps at each size for each frame.", minimum=1, maximum=200, group="dream")
    octaves: int = setting(2, "Picture sizes to work at.", minimum=1, maximum=16, group="dream")
    step_size: float = setting(0.012, "Mean change of a pixel per step.", above=0, maximum=1, group="dream")
    size: int = setting(128, "Longer side in pixels.", minimum=48, maximum=8192, group="dream")
    blend: float = setting(0.25, "Share of a frame that is new.", minimum=0, maximum=1, group="dream")
    zoom: float = setting(1.0, "Growth of the dream a second.", minimum=0.5, maximum=2, group="dream")
    device: str = device_setting()


@dataclasses.dataclass(frozen=True, kw_only=True)
class DreamLiveConfig(DreamLookSettings, ShowSettings):
    """What comes in, and how it is dreamt."""

    source: str = setting("0", "Number of a camera, a film, or a picture.", file="film", builtin=CAMERAS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DreamRenderConfig(EncodingSettings):
    """How a recorded session becomes a film."""

    session: str = setting("", "The session: a .jsonl file of 'reverie dream live'.", file="text")
    source: str | None = setting(None, "The film or picture that came in, if it has moved.", file="film")
    map: str | None = setting(None, "Another map of signals than the one it was played with.", file="text")
    fps: float = setting(24.0, "Frames a second.", above=0, maximum=240, group="film")
    size: int | None = setting(None, "Longer side in pixels; else as it was played.", minimum=48, maximum=8192,
                               group="film")  # fmt: skip
    steps: int | None = setting(
        None, "Steps at each size; else as it was played.", minimum=1, maximum=1000, group="film"
    )
    octaves: int | None = setting(None, "Sizes; else as it was played.", minimum=1, maximum=32, group="film")
    device: str = device_setting()


class PreparedDreamLive:
    """An open network and what comes in."""

    def __init__(self, config: DreamLiveConfig, session: Session) -> None:
        from reverie.tools.live.recorded import Show

        self.config, self.scene = config, scene_of(config, config.source, session)
        self.show = Show(config, self.scene, session)
        self.notes: Sequence[str] = ()

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> LiveWork[Pose]:
        """Return the show; its result is the session."""
        config = self.config
        film = {} if config.source in CAMERAS else {"source_sha256": sha256_of(Path(config.source))}
        about = {"tool": "dream live", "settings": to_record(config) | {"source": Path(config.source).name}, **film}
        return self.show.work(seed, about, _chosen(self.scene), config.device, scratch)


class PreparedDreamRender:
    """A recorded session, its source, and the open network."""

    def __init__(self, config: DreamRenderConfig, session: Session) -> None:
        from reverie.tools.live.recorded import read_session

        self.config, self._session, self.notes = config, session, list[str]()
        self.take, played = read_session(config.session, "dream live", DreamLiveConfig)
        if played.source in CAMERAS and config.source is None:
            raise InputError("the session was played with a camera; give what it saw with --source FILM")
        beside = Path(config.session).parent / played.source
        self.source = Path(config.source) if config.source else beside if beside.exists() else Path(played.source)
        if not self.source.exists():
            raise InputError(f"the session was played with '{played.source}', which is not here; give it with --source")
        if self.take.about.get("source_sha256") not in (None, sha256_of(self.source)):
            self.notes.append(f"'{self.source.name}' is not the file that the session was played with")
        finer = {name: getattr(config, name) for name in ("size", "steps", "octaves") if getattr(config, name)}
        self.played = dataclasses.replace(played, device=config.device, **finer)

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> FrameSequence:
        """Return the film; a killed one begins again, since each frame grows out of the one before."""
        from reverie.jobs.output import even_footage
        from reverie.tools.live.recorded import playback

        config, played = self.config, self.played
        scene = scene_of(played, str(self.source), self._session)
        film = playback(self.take, config.fps, config.map, scene, played.seed)
        poses, state = film.poses, {"next": 0}

        def make(number: int):
            if number != state["next"]:  # a killed film goes on: what led there is dreamt again
                scene.restart()
                for earlier in range(number):
                    scene.draw(poses[earlier], draft=False)
            state["next"] = number + 1
            return scene.draw(poses[number], draft=False)

        manifest = {"tool": "dream render", "settings": str(to_record(played)), "map": film.map.text,
                    "length_s": str(self.take.length_s), "fps": str(film.rate)}  # fmt: skip
        files = {"source": Input(self.source.name, sha256_of(self.source))}
        notes = list(self.notes)
        if film.rules is not None and film.rules.classes:
            notes.append("rules about classes were obeyed live and are not looked at again")
        return FrameSequence(
            make, even_footage(self.source, scene.size, len(poses), film.rate), config.encoding(), scratch=scratch,
            manifest=manifest, chosen=dataclasses.replace(_chosen(scene), files=files), notes=notes,
        )  # fmt: skip


def scene_of(config: DreamLookSettings, source: str, session: Session) -> DreamScene:
    """Return the scene of what comes in."""
    from reverie.tools.dream.tool import PreparedDream
    from reverie.tools.dream_live.scene import DreamScene, Source

    dream = DreamConfig(
        model=config.model, layer=(config.layer,), objective=config.objective, steps=config.steps,
        octaves=config.octaves, step_size=config.step_size, normalize="mean-abs", device=config.device,
    )  # fmt: skip
    return DreamScene(PreparedDream(dream, session), Source(source, config.size), config.blend, config.zoom)


def _chosen(scene: DreamScene) -> Chosen:
    critic = scene.prepared.critic
    return Chosen(Input(critic.identity.name, critic.identity.sha256), str(critic.device))


DREAM_LIVE: Tool[DreamLiveConfig] = Tool(
    name="dream live", doing="dreaming", ending="", summary="Dream what a camera or film shows, while it is shown.",
    config=DreamLiveConfig, prepare=PreparedDreamLive,
    roles=(Role("source", "any", "Number of a camera, a film, or a picture.", required=False),),
    makes="table", suffix=".jsonl", live=True, name_of=lambda config: "dream-session",
    examples=("reverie dream live 0", "reverie dream live clip.mp4 --map hands.yaml --size 256"),
)  # fmt: skip

DREAM_RENDER: Tool[DreamRenderConfig] = Tool(
    name="dream render", doing="dreaming", ending="", summary="Make a film of a recorded dream session, finer.",
    config=DreamRenderConfig, prepare=PreparedDreamRender,
    roles=(Role("session", "text", "The session: a .jsonl file of 'reverie dream live'."),),
    makes="film", suffix=".mp4", name_of=lambda config: Path(config.session).stem,
    examples=("reverie dream render dream-session.jsonl --size 512 --steps 6 --octaves 3",),
)  # fmt: skip
