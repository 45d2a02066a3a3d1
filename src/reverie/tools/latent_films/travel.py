"""Where a journey stands at a time: ws and noise, from its keys and tracks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.errors import InputError
from reverie.models.stylegan2.generator import Noise
from reverie.models.stylegan2.latents import Latents, read_latents
from reverie.tools.latent.config import parse_layers
from reverie.tools.latent.model import LatentModel
from reverie.tools.latent_films.journey import Journey, Key, Track
from reverie.tools.latent_films.paths import Curve, even_places, local_spline, spline
from reverie.tools.latent_search.directions import Directions, parse_target
from reverie.tools.latent_search.perceptual import look_at_many

LOOKS = 13  # places of a segment that are drawn to measure its speed


class Travel:
    """A journey on its network.

    Args:
        journey: keys and tracks.
        model: draws.
        directions: along which tracks move; None where there are none.
        critic: that measures perceptual speed; None for even speed.
    """

    def __init__(
        self, journey: Journey, model: LatentModel, directions: Directions | None, critic: Critic | None
    ) -> None:
        self.journey, self.model, self.directions = journey, model, directions
        self._curves: dict[str, tuple[float, Tensor, Curve | None]] = {}
        self._files = {name: self._read(name) for name in journey.files()}
        tracks = {"keys": journey.keys, **journey.groups}
        self._points = {name: [self._point(key) for key in track.keys] for name, track in tracks.items()}
        self._moves = [(parse_target(name, model.config.num_ws), values) for name, values in journey.directions.items()]
        self._timing = {} if critic is None else {n: self._timed(t, n, critic) for n, t in tracks.items()}

    def at(self, time_s: float) -> tuple[Tensor, Noise]:
        """Return ws ``[num_ws, w_dim]`` and the noise at a time."""
        psi = self._psi(time_s)
        ws = self._place("keys", self.journey.keys, time_s, psi)
        for group, track in self.journey.groups.items():
            layers = list(parse_layers(group, self.model.config.num_ws))
            ws = ws.clone()
            ws[layers] = self._place(group, track, time_s, psi)[layers]
        for (number, layers), values in self._moves:
            assert self.directions is not None
            ws = ws.clone()
            ws[list(layers)] += values.at(time_s) * self.directions.step(number).to(ws)
        return ws, self._noise(time_s)

    def _psi(self, time_s: float) -> float:
        values = self.journey.truncation
        return self.model.settings.truncation if values is None else values.at(time_s)

    def _place(self, name: str, track: Track, time_s: float, psi: float) -> Tensor:
        number, t = track.at(time_s)
        timing = self._timing.get(name)
        return self._between(name, track, number, t if timing is None else timing[number](t), psi)

    def _between(self, name: str, track: Track, number: int, t: float, psi: float) -> Tensor:
        points, curve = self._curve(name, psi)
        if t == 0:
            return points[number]
        if curve is None:
            return points[number].lerp(points[(number + 1) % len(points)], t)
        return curve((number + t) / (len(points) if track.loop else len(points) - 1))

    def _curve(self, name: str, psi: float) -> tuple[Tensor, Curve | None]:
        """Return the keys of a track at a truncation, and the spline through them; kept as long as that stays."""
        kept = self._curves.get(name)
        if kept is None or kept[0] != psi:
            points = torch.stack([self._truncated(point, psi) for point in self._points[name]])
            through = {"spline": spline, "local": local_spline}.get(self.journey.path)
            curve = None if through is None or len(points) < 3 else through(points, closed=self.journey.loop)
            kept = psi, points, curve
            self._curves[name] = kept
        return kept[1], kept[2]

    def _point(self, key: Key) -> tuple[Tensor, str | None, bool]:
        """Return ws without truncation, the class, and whether truncation applies: saved latents stay as they are."""
        if key.seed is not None:
            name = self.model.class_of_seed(key.seed, key.class_name)
            return self.model.ws_of_seed(key.seed, 1.0, name), name, True
        assert key.latents is not None
        return self._files[key.latents].row(key.row).to(self.model.device), None, False

    def _truncated(self, point: tuple[Tensor, str | None, bool], psi: float) -> Tensor:
        ws, class_name, applies = point
        return self.model.truncated(ws, psi, class_name) if applies else ws

    def _read(self, name: str) -> Latents:
        latents = read_latents(found_beside(self.journey.folder, name))
        self.model.check_fits(latents, name)
        return latents

    def _timed(self, track: Track, name: str, critic: Critic):
        """Return for each segment what makes its speed even to the eye."""
        last = len(track.keys) if track.loop else len(track.keys) - 1
        psi = self._psi(0.0)

        def measure(points: Tensor) -> Tensor:
            images = torch.cat([self.model.draw(p[None]) for p in points])
            return look_at_many(critic, images)

        found = []
        for number in range(last):

            def curve(u: float, number: int = number) -> Tensor:
                ws = self._between(name, track, number, u, psi)
                if name == "keys":
                    return ws
                layers = list(parse_layers(name, self.model.config.num_ws))
                base = self._truncated(self._points["keys"][0], psi).clone()
                base[layers] = ws[layers]
                return base

            found.append(even_places(curve, measure, LOOKS))
        return [*found, lambda t: t]

    def _noise(self, time_s: float) -> Noise:
        track = self.journey.noise
        if track is None:
            return "none" if self.model.settings.noise == "none" else "const"
        number, t = track.at(time_s)
        first, second = track.keys[number].seed, track.keys[(number + 1) % len(track.keys)].seed
        maps = self._maps(first)
        if t == 0:
            return maps
        a, b = math.cos(t * math.pi / 2), math.sin(t * math.pi / 2)  # of independent maps: the spread stays 1
        return [x * a + y * b for x, y in zip(maps, self._maps(second), strict=True)]

    def _maps(self, seed: int | None) -> Sequence[Tensor]:
        if seed is None:
            raise InputError("the keys of 'noise' are seeds")
        generator = torch.Generator().manual_seed(seed)
        device = self.model.device
        return [
            torch.randn(conv.size, generator=generator).to(device) for conv in self.model.net.synthesis.convolutions
        ]


def found_beside(folder: Path, name: str) -> Path:
    """Return a file that a journey names: beside it, or where the path says."""
    beside = folder / name
    return beside if beside.is_file() else Path(name)
