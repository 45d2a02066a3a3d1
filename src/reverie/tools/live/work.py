"""A live show as a work: each step reads the signals, moves the scene and draws a frame, at the best rate there is.

While things move, a slow scene is drawn as a draft; once it stands still, whole. What came in is recorded as a take.
"""

from __future__ import annotations

import contextlib
import statistics
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np

from reverie.errors import InputError, ReverieError
from reverie.jobs.job import Json
from reverie.jobs.output import Bytes, Output
from reverie.jobs.work import Chosen, Plan, Progress, Report
from reverie.media.signals.board import Board
from reverie.media.signals.take import Take, TakeRecorder, unfinished
from reverie.tools.live.inputs import Inputs
from reverie.tools.live.mapping import LiveMap, Mapper
from reverie.tools.live.outputs import Outputs
from reverie.tools.live.reactions import Action, Fired, Reactor, Rules, send

STILL_WAIT_S = 0.1  # a scene that stands still looks up so often
SMOOTHED = 0.1  # how much of the rate one more frame is
MEASURED, WHOLE_EVERY = 5, 60  # frames that say whether the scene is slow; among so many drafts one is whole
STEERED = ("mouse x", "mouse y", "mouse down", "mouse wheel")
LONGEST_STEP_S = 0.25  # a pause, or a slow frame, moves a scene no further than this

P = TypeVar("P")  # what a scene is drawn from


class Scene(Protocol[P]):
    """What a show shows; its state changes by `advance` alone, its pictures come of a pose alone or of poses in order.

    Attributes:
        size: height and width of a whole frame.
        usual: text of the map where none is given.
        drafts: whether it has drafts that are much quicker.
    """

    @property
    def size(self) -> tuple[int, int]: ...
    @property
    def usual(self) -> str: ...
    @property
    def drafts(self) -> bool: ...

    def bounds(self, parameter: str) -> tuple[float, float]:
        """Return between what a parameter may be.

        Raises:
            InputError: there is no such parameter.
        """
        ...

    def advance(self, values: Mapping[str, float], step_s: float) -> P:
        """Move on by some seconds with these parameters, and return the pose."""
        ...

    def same(self, one: P, other: P) -> bool:
        """Tell whether two poses give the same picture."""
        ...

    def draw(self, pose: P, *, draft: bool) -> np.ndarray:
        """Return the picture ``[H, W, 3]`` uint8 of a pose; of a draft, perhaps smaller."""
        ...

    def event(self, action: Action) -> None:
        """Obey an action that is the scene's, such as going to a seed."""
        ...


Look = Callable[[np.ndarray], Mapping[str, float]]
"""Gives {"class NAME": probability} of a picture."""


@dataclass
class Stage(Generic[P]):
    """Signals, parameters and reactions of a show; the same live and when it is made again.

    Args:
        scene: what is moved.
        live_map: how.
        rules: what happens by itself; None for nothing.
        seed: of chance.
    """

    scene: Scene[P]
    live_map: LiveMap
    rules: Rules | None = None
    seed: int = 0
    fired: list[Fired] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mapper = Mapper(self.live_map)
        self._bounds = {name: self.scene.bounds(name) for name in self.live_map.moves}
        self.reactor = None if self.rules is None else Reactor(self.rules, self.seed)
        for rule in self.rules.rules if self.rules else ():
            for action in rule.actions:
                for name in action.value if action.kind == "set" else ():
                    self._bounds[name] = self.scene.bounds(name)
        self._set: dict[str, tuple[float, float]] = {}  # parameter → value, and until when
        self._looked_s = -1e9
        self.values: Mapping[str, float] = {}

    def pose(self, board: Board, now_s: float, step_s: float) -> P:
        """Return the pose of the scene at a time of the board's clock."""
        values = self.mapper.values(board, now_s)
        self._set = {name: kept for name, kept in self._set.items() if kept[1] > now_s}
        values |= {name: value for name, (value, _) in self._set.items()}
        self.values = {name: min(max(v, self._bounds[name][0]), self._bounds[name][1]) for name, v in values.items()}
        return self.scene.advance(self.values, step_s)

    @property
    def bounds(self) -> Mapping[str, tuple[float, float]]:
        """Between what each parameter moves."""
        return self._bounds

    def number_of(self, fired: Fired) -> int:
        """Return the number of the rule that fired, from 0."""
        assert self.rules is not None
        return self.rules.rules.index(fired.rule)

    def due(self, now_s: float) -> bool:
        """Tell whether the picture is to be looked at again."""
        return self.rules is not None and now_s - self._looked_s >= self.rules.every_s

    def react(self, board: Board, seen: Mapping[str, float], now_s: float, begin_s: float) -> list[Fired]:
        """Let the rules see classes and signals; return what fired, after the scene has obeyed."""
        if self.reactor is None:
            return []
        self._looked_s = now_s
        for name, value in seen.items():
            board.put(name, value, now_s)
        raw = {name: sample.value for name, sample in board.all().items()}
        fired = self.reactor.step(raw | self.mapper.latest | dict(seen), now_s - begin_s)
        for one in fired:
            self._obey(one.action, now_s)
        self.fired += fired
        return fired

    def _obey(self, action: Action, now_s: float) -> None:
        if action.kind == "set":
            until = now_s + action.more.get("for", float("inf"))
            self._set |= {name: (value, until) for name, value in action.value.items()}
        elif action.kind == "seed":
            self.scene.event(action)


@dataclass(frozen=True)
class Session(Bytes):
    """The file of a session; once it is written, `kept` is called."""

    kept: Callable[[], None] = lambda: None

    def write(self, path: Path, record: Mapping[str, Json], quality: int) -> Sequence[str]:
        """Write it, then tell."""
        said = super().write(path, record, quality)
        self.kept()
        return said


class LiveWork(Generic[P]):
    """A show that goes on until it is stopped; see `reverie.jobs.work.Work`.

    Args:
        stage: what is shown and how it moves.
        fps: frames a second at most.
        seconds: how long; None until stopped.
        about: what the session's file says of it, so that it can be made again.
        chosen: see `Chosen`.
        look: names what is in a picture, for reactions.
        scratch: beside the session's file; what came in is written there line by line, so that a crash loses nothing.
    """

    def __init__(
        self, stage: Stage[P], fps: float, seconds: float | None, about: Mapping[str, Json], chosen: Chosen, *,
        look: Look | None = None, scratch: Path | None = None,
    ) -> None:  # fmt: skip
        self.stage, self._fps, self._seconds, self._look = stage, fps, seconds, look
        self.board = Board()
        self.inputs = Inputs(stage.live_map, self.board)
        self.chosen = chosen
        self.outlets = Outputs(stage.live_map, stage.bounds)
        self.notes: list[str] = [*self.inputs.notes, *self.outlets.notes]
        if self.inputs.about:
            self.notes.append(f"listening to {', '.join(self.inputs.about)}")
        self._recorder = TakeRecorder(about, None if scratch is None else unfinished(scratch.with_suffix("")))
        height, width = stage.scene.size
        self.plan = Plan(
            {"size": [width, height], "inputs": list(self.inputs.about), "moves": sorted(stage.live_map.moves)},
            None, f"{width} x {height} px", suffixes=(".jsonl",),
            steerable=dict.fromkeys(self._names(), ()),
        )  # fmt: skip
        self.rate, self.drafts = 0.0, 0
        self._whole_s: deque[float] = deque(maxlen=MEASURED)  # seconds that whole frames took

    def __iter__(self) -> Iterator[Progress]:
        self._recorder.begin()
        clock, begin = self.board.clock, self.board.clock()
        last, whole, before, number = None, False, begin, 0
        image = np.zeros((1, 1, 3), np.uint8)
        while True:
            now = clock()
            if self._seconds is not None and now - begin >= self._seconds:
                return
            pose = self.stage.pose(self.board, now, min(now - before, LONGEST_STEP_S))
            self._recorder.note(self.board, now, begin)
            still = last is not None and self.stage.scene.same(pose, last)
            if not (still and whole):
                draft = not still and self._slow() and self.drafts % WHOLE_EVERY != WHOLE_EVERY - 1
                image = self._drawn(pose, draft, clock)
                self.drafts += draft or self._slow()
                last, whole, number = pose, not draft, number + 1
                moved = max(now - before, 1e-6)
                self.rate += (1 if number < 3 else SMOOTHED) * (1 / moved - self.rate)
                self.outlets.show(self.stage.values, image)
            else:
                self.outlets.show(self.stage.values, None)
            before = now
            self._react(image, now, begin)
            yield Report(number, None, "frames", self._said(), {"frames/s": self.rate}, preview=lambda f=image: f)
            rest = now + 1 / self._fps - clock()
            if still and whole:
                self.board.wait(self.board.wait(-1, 0), max(rest, STILL_WAIT_S))
            elif rest > 0:
                threading.Event().wait(rest)

    def control(self, change: Mapping[str, Json]) -> Mapping[str, Json]:
        """Take what somebody does by mouse or keys; from any thread, seen by the next frame."""
        for name, value in change.items():
            if name not in self.plan.steerable or isinstance(value, bool) or not isinstance(value, (int, float)):
                known = ", ".join(list(self.plan.steerable)[:8])
                raise InputError(f"a show takes {known}, each a number; got {name}"[:200])
            self.board.put(name, float(value))
        return change

    def outputs(self) -> Sequence[Output]:
        """Return the session so far."""
        take = self._recorder.take

        def encoded(suffix: str, record: Mapping[str, Json]) -> bytes:
            return take.encoded()

        return [Session(encoded, (".jsonl",), kept=self._recorder.saved)]

    def close(self) -> None:
        """Stop listening."""
        self.inputs.close()
        self.outlets.close()
        self._recorder.close()

    def _slow(self) -> bool:
        return self.stage.scene.drafts and statistics.median(self._whole_s or [0.0]) > 1 / self._fps

    def _drawn(self, pose: P, draft: bool, clock: Callable[[], float]) -> np.ndarray:
        began = clock()
        image = self.stage.scene.draw(pose, draft=draft)
        if not draft:
            self._whole_s.append(clock() - began)
        return image

    def _react(self, image: np.ndarray, now: float, begin: float) -> None:
        if not self.stage.due(now):
            return
        seen = {} if self._look is None else self._look(image)
        for fired in self.stage.react(self.board, seen, now, begin):
            self._recorder.cue(str(fired.action), now, begin)
            self.outlets.cue(str(fired.action.value), self.stage.number_of(fired))
            self.notes.append(str(fired))
            if fired.action.kind == "osc":
                with contextlib.suppress(ReverieError):
                    send(fired.action)

    def _said(self) -> str:
        return f"{self.rate:.0f} frames/s" + (", draft" if self.drafts and self._slow() else "")

    def _names(self) -> list[str]:
        sources = [s.source for s in self.stage.live_map.signals.values()]
        return list(dict.fromkeys([*STEERED, *(s for s in sources if s.startswith(("mouse ", "key ")))]))


def again(
    stage: Stage[P], take: Take, frames: int, fps: float, look: Callable[[P], Mapping[str, float]] | None = None
) -> list[P]:
    """Return the poses of a recorded session at a steady rate, as they came live."""
    board = Board(lambda: 0.0)
    number, poses = 0, list[P]()
    for frame in range(frames):
        now = frame / fps
        number = take.onto(board, now, number)
        pose = stage.pose(board, now, 1 / fps)
        poses.append(pose)
        if stage.due(now):
            stage.react(board, {} if look is None else look(pose), now, 0.0)
    return poses
