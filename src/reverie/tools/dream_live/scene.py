"""A dream as a scene: each frame begins with the dream before, moved a little, and what newly comes in."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from reverie.errors import InputError, unknown_name
from reverie.jobs.given import Given
from reverie.jobs.output import Picture as PictureOutput
from reverie.media.image import Picture, read_picture, to_uint8
from reverie.media.signals.sources import reduced
from reverie.numerics.motion import Rates, moved, steady
from reverie.tools.dream.tool import PreparedDream
from reverie.tools.live.inputs import moving_frames
from reverie.tools.live.reactions import Action

BOUNDS = {"strength": (0.0, 8.0), "zoom": (0.5, 2.0), "rotate": (-180.0, 180.0), "blend": (0.0, 1.0)}
LAYER = re.compile(r"layer (\S+)")
LEAST_STRENGTH = 0.02  # below it nothing is dreamt
USUAL = """
moves:
  strength: {signal: mouse x, from: 0.2, to: 2.5}
  blend: {signal: mouse y, from: 0.05, to: 0.6}
  zoom:
    - {signal: key ArrowUp, from: 1, to: 1.3, rate: 0.5}
    - {signal: key ArrowDown, from: 0, to: -0.25, rate: 0.5}
  rotate:
    - {signal: key ArrowRight, from: 0, to: 20, rate: 30}
    - {signal: key ArrowLeft, from: 0, to: -20, rate: 30}
"""


class Source:
    """What comes in: frames of a camera, the newest; of a film, by time; or one picture.

    Args:
        name: number of a camera, or a file.
        size_px: longer side of the frames.
    """

    def __init__(self, name: str, size_px: int) -> None:
        from reverie.media.footage import is_footage, open_footage

        self._size_px, self._number = size_px, -1
        self._rate: float | None = None
        self._frames: Iterator[np.ndarray] | None = None
        if name.isdecimal():
            self._frames = moving_frames(int(name), Path())
        elif is_footage(name):
            self._rate = float(open_footage(name).rate)
            self._frames = moving_frames(name, Path())
        else:
            self._still = reduced(to_uint8(read_picture(Path(name)).rgb), size_px)
        self.frame = self._still if self._frames is None else reduced(next(self._frames), size_px)
        self._number = 0
        self._name = name

    def at(self, time_s: float) -> np.ndarray:
        """Return the frame ``[H, W, 3]`` uint8 of a time; a film begins again at its end."""
        if self._frames is None:
            return self.frame
        wanted = self._number + 1 if self._rate is None else int(time_s * self._rate)
        if wanted < self._number:
            self._frames, self._number = moving_frames(self._name, Path()), -1
        frame = None
        while self._number < wanted:
            frame = next(self._frames, None)
            if frame is None:
                raise InputError("the camera gives no more pictures")
            self._number += 1
        if frame is not None:
            self.frame = reduced(frame, self._size_px)
        return self.frame


@dataclass(frozen=True)
class Pose:
    """Where a dream stands: the time, the time since the last frame, and its parameters."""

    time_s: float
    step_s: float
    values: Mapping[str, float]


class DreamScene:
    """See `reverie.tools.live.work.Scene`; its pictures come of poses in order.

    Args:
        prepared: the open network.
        source: what comes in.
        blend, zoom: where no signal says.
    """

    drafts = False

    def __init__(self, prepared: PreparedDream, source: Source, blend: float, zoom: float) -> None:
        self.prepared, self._source = prepared, source
        self._usual = {"strength": 1.0, "zoom": zoom, "rotate": 0.0, "blend": blend}
        self._layers = [layer.name for layer in prepared.critic.named_layers]
        self.usual, self._time_s, self._number = USUAL, 0.0, 0
        self._before: np.ndarray | None = None
        height, width = source.frame.shape[:2]
        self.size = (height, width)

    def bounds(self, parameter: str) -> tuple[float, float]:
        """Return between what a parameter may be: strength, zoom and rotate (a second), blend, layer NAME."""
        if parameter in BOUNDS:
            return BOUNDS[parameter]
        match = LAYER.fullmatch(parameter)
        if match is None or match[1] not in self._layers:
            raise InputError(unknown_name("parameter", parameter, (*BOUNDS, *(f"layer {n}" for n in self._layers))))
        return 0.0, 1.0

    def advance(self, values: Mapping[str, float], step_s: float) -> Pose:
        """Move on in time."""
        self._time_s += step_s
        return Pose(self._time_s, step_s, self._usual | dict(values))

    def same(self, one: Pose, other: Pose) -> bool:
        """Return that a dream never stands still."""
        return False

    def restart(self) -> None:
        """Forget the dream so far."""
        self._before, self._number = None, 0

    def draw(self, pose: Pose, *, draft: bool) -> np.ndarray:
        """Return the dream ``[H, W, 3]`` uint8 at a pose."""
        frame = self._source.at(pose.time_s).astype(np.float32) / 255
        if self._before is not None:
            carried = _carried(self._before, pose)
            frame = carried + (frame - carried) * pose.values["blend"]
        self._number += 1
        if pose.values["strength"] > LEAST_STRENGTH:
            frame = self._dreamt(np.ascontiguousarray(frame.clip(0, 1)), pose)
        self._before = frame
        return to_uint8(frame)

    def event(self, action: Action) -> None:
        """Refuse: a dream has no seeds to go to."""
        raise InputError(f"'{action.kind}' is for shows of latent space")

    def _dreamt(self, frame: np.ndarray, pose: Pose) -> np.ndarray:
        picture = Picture(frame, None, 8, hashlib.sha256(b"").hexdigest(), "frame")
        work = self.prepared.work(Given(picture=picture), self._number)
        work.control({"strength": pose.values["strength"]})
        layers = {name[6:]: value for name, value in pose.values.items() if name.startswith("layer ")}
        if layers and max(layers.values()) > 0:
            work.control({"layer": max(layers, key=lambda name: layers[name])})
        for _ in work:
            pass
        result = work.outputs()[0]
        assert isinstance(result, PictureOutput)  # frames of a show lie in memory
        work.close()
        return np.asarray(result.rgb, np.float32).clip(0, 1)


def _carried(before: np.ndarray, pose: Pose) -> np.ndarray:
    """Return the dream before, grown and turned as long as a frame takes."""
    motion = steady(Rates(pose.values["zoom"], pose.values["rotate"]), pose.step_s, before.shape[:2])
    image = torch.from_numpy(before).permute(2, 0, 1)[None]
    return moved(image, motion)[0].permute(1, 2, 0).numpy()
