"""`reverie visualize` as a tool: one picture of one target, or a sheet of several."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.jobs.given import Given
from reverie.jobs.job import Input, Json
from reverie.jobs.parts import Part, Parts
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan, Preview, Report
from reverie.media.suffixes import TRANSPARENT
from reverie.settings import marked
from reverie.tools.visualize.config import PRESETS, VisualizeConfig, name_of, network_stem, usual

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from reverie.critic.critic import Critic
    from reverie.jobs.output import Output
    from reverie.tools.visualize.drawing import Drawing, VisualizeStep
    from reverie.tools.visualize.targets import Target

SHEET, SHEET_COLUMNS, SHEET_TILE_PX, SHEET_QUALITY = "visualize --sheet", 5, 256, 88
SEARCH: Mapping[str, Json] = marked(VisualizeConfig, "search")  # once a seed is kept


def _opened(config: VisualizeConfig, session: Session) -> Critic:
    """Return the network; one of no such name may be what is to be drawn, as in ``visualize goldfish``."""
    from reverie.errors import InputError

    try:
        return session.critic(config.model, config.weights, config.device, config.precision, fuse=True)
    except InputError as error:
        if Path(config.model).suffix or config.weights is not None:
            raise
        option = "--channel" if ":" in config.model else "--class"
        raise InputError(f"no network called '{config.model}'; to draw it, {option} {config.model}: {error}") from error


class PreparedVisualize:
    """The open networks and what is drawn of them."""

    def __init__(self, config: VisualizeConfig, session: Session) -> None:
        from reverie.tools.visualize.drawing import Networks, check_plan
        from reverie.tools.visualize.found import found_in
        from reverie.tools.visualize.priors import Spectrum
        from reverie.tools.visualize.targets import find_targets

        self.config, self.notes, self.found = config, list[str](), found_in(session)
        self.critic = _opened(config, session)
        self.verifier: Critic | None = None
        self.ensemble: Critic | None = None
        if config.verifier is not None:
            self.verifier = session.critic(config.verifier, config.verifier_weights, config.device, config.precision)
        if config.ensemble is not None:
            self.ensemble = session.critic(config.ensemble, None, config.device, self.critic.precision)
        self.networks = Networks(self.critic, self.ensemble, self.verifier)
        self.targets = find_targets(config, self.critic)
        check_plan(config, self.networks, self.targets)
        held = settle(config, "").spectrum_from
        self.spectrum: Json = None if held is None else json.loads(held)
        self.profile = None if held is None else Spectrum.of(json.loads(held)).profile

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work on the one picture that the settings name, or on a sheet."""
        self.config = replace(self.config, seed=seed)
        one = len(self.targets) == 1 and (self.config.batch == 1 or self.config.picture is not None)
        return self._picture(self.targets[0]) if one else self._sheet()

    def digest(self, target: Target) -> str:
        """Return a digest of all that decides a target's pictures."""
        from reverie.tools.visualize.found import digest_of

        return digest_of(target, self.config, self.networks, self.spectrum)

    def _drawn(self, target: Target) -> Iterator[VisualizeStep]:
        from reverie.tools.visualize.drawing import visualize_steps

        return visualize_steps(
            self.config, self.critic, verifier=self.verifier, ensemble=self.ensemble, profile=self.profile,
            targets=[target],
        )  # fmt: skip

    def _picture(self, target: Target) -> Steps:
        from reverie.tools.visualize.drawing import picture_size

        config, number, digest = self.config, self.config.picture or 0, self.digest(target)
        height, width = picture_size(config, target)
        latest: list[VisualizeStep] = []

        def steps() -> Iterator[Report]:
            drawing = self.found.drawn(digest)
            if drawing is None:
                for step in self._drawn(target):
                    latest[:] = [step]
                    done, total = (step.run - 1) * step.steps + step.index, step.runs * step.steps
                    drawing = step.drawing
                    if drawing is None:
                        yield Report(done, total, "steps", _stage(step), {"score": step.score}, 1.0, _preview(step))
                assert drawing is not None
                self.found.latest = digest, drawing
            work.chosen = self._chosen(target, digest, number, drawing)
            work.notes += [f"{target.name}: {_spoken(drawing)}, seed {drawing.seed}"] if number == 0 else []
            done = total = latest[0].runs * latest[0].steps if latest else 1
            yield Report(done, total, "steps", target.name, {"score": drawing.score}, preview=lambda: _rgb(drawing))

        def outputs() -> list[Output]:
            from reverie.jobs.output import Picture
            from reverie.tools.visualize.drawing import opacity

            drawing = self.found.drawn(digest)
            if drawing is None:
                return [Picture(_rgb_of(latest[0].images[number]))]
            alpha = opacity(drawing.attention).numpy()[number] if config.alpha else None
            return [Picture(_rgb_of(drawing.images[number]), alpha)]

        suffixes = TRANSPARENT if config.alpha else ()
        about: dict[str, Json] = {"size": [width, height], "target": target.name}
        plan = Plan(about, None, f"{width} x {height} px", suffixes, because="--alpha needs")
        work = Steps(steps(), outputs, plan=plan, chosen=self._chosen(target, digest, number, None))
        return work

    def _chosen(self, target: Target, digest: str, number: int, drawing: Drawing | None) -> Chosen:
        """Return what a picture's record says: the kept seed takes the place of the search for it."""
        from reverie.tools.visualize.found import NAMING, identity

        verifier = self.verifier
        about = self._about()
        about |= {"target": target.name, "picture": number, "asked": digest}
        config: dict[str, Json] = NAMING | dict(target.settings)
        if drawing is not None:
            verdict = drawing.verdicts[number]
            config |= {**SEARCH, "seed": drawing.seed}
            about["chosen"] = {
                "seeds": self.config.best_of, "verifier": None if verifier is None else identity(verifier),
                "score": verdict.score, "probability": verdict.probability, "rank": verdict.rank,
            }  # fmt: skip
        return self._made(config, about, self._files("ensemble"))

    def _files(self, *roles: str) -> dict[str, Input]:
        """Return what a record says of the files of further networks; those of the package are known by their names."""
        from reverie.jobs.given import sha256_of

        named = {role: getattr(self.config, role) for role in roles}
        return {r: Input(Path(p).name, sha256_of(Path(p))) for r, p in named.items() if p and Path(p).is_file()}

    def _about(self) -> dict[str, Json]:
        from reverie.tools.visualize.found import identity

        second: dict[str, Json] = {} if self.ensemble is None else {"ensemble": identity(self.ensemble)}
        return {"spectrum": self.spectrum, **second}

    def _made(
        self, config: Mapping[str, Json], about: Mapping[str, Json], files: Mapping[str, Input] | None = None
    ) -> Chosen:
        who = self.critic.identity
        named = dict(config) | {"precision": self.critic.precision}
        if isinstance(self.spectrum, Mapping):
            named["spectrum_from"] = self.spectrum["from"]
        model = Input(who.name, who.sha256)
        return Chosen(model, self.critic.device.type, files or {}, config=named, more=about)

    def _sheet(self) -> Steps:
        config = self.config
        tiles: list[np.ndarray] = []
        names: list[str] = []
        weight = config.best_of  # of a target

        def steps() -> Iterator[Report]:
            for number, target in enumerate(self.targets, start=1):
                done = self.found.tiles(self.digest(target), config.batch)
                for step in self._drawn(target) if done is None else ():
                    if step.drawing is not None:
                        work.notes.append(f"{target.name}: {_spoken(step.drawing)}, seed {step.drawing.seed}")
                        done = _tiles_of(step.drawing)
                    yield Report(
                        number - 1, len(self.targets), "targets", _stage(step), {"score": step.score}, 1 / step.steps,
                        _preview(step),
                    )  # fmt: skip
                assert done is not None
                tiles.extend(done)
                names.extend([target.name] * config.batch)
                yield Report(number, len(self.targets), "targets", target.name, weight=0)

        def outputs() -> list[Output]:
            from reverie.jobs.output import Picture
            from reverie.media.sheet import contact_sheet

            side = min(SHEET_TILE_PX, max(max(t.shape) for t in tiles))
            columns = min(SHEET_COLUMNS, len(tiles)) if len(tiles) <= 40 else 10
            return [Picture(contact_sheet(tiles, columns=columns, captions=names, tile_px=side))] if tiles else []

        plan = Plan({"targets": [t.name for t in self.targets], "batch": config.batch}, len(self.targets) * weight)
        files = self._files("verifier", "verifier_weights", "ensemble")
        work = Steps(steps(), outputs, plan=plan, chosen=self._made({}, self._about(), files))
        return work


def _stage(step: VisualizeStep) -> str:
    seed = f"  seed {step.run}/{step.runs}" if step.runs > 1 else ""
    return f"{step.name}{seed}  step {step.index}/{step.steps}"


def _spoken(drawing: Drawing) -> str:
    shown = [
        f"{v.score:.3g}" if v.probability is None else f"{v.probability:.0%}, place {v.rank}" for v in drawing.verdicts
    ]
    return "; ".join(shown)


def _preview(step: VisualizeStep) -> Preview:
    return lambda: _rgb_of(step.images[0].cpu())


def _rgb(drawing: Drawing) -> np.ndarray:
    return _rgb_of(drawing.images[0])


def _rgb_of(image: Tensor) -> np.ndarray:
    return image.permute(1, 2, 0).float().cpu().numpy()


def _tiles_of(drawing: Drawing) -> list[np.ndarray]:
    from reverie.media.image import to_uint8

    return [to_uint8(_rgb_of(image)) for image in drawing.images]


def several(config: VisualizeConfig, session: Session) -> Parts[VisualizeConfig]:
    """Return a job for every picture that the settings name, and one for their sheet."""
    from reverie.tools.visualize.found import NAMING

    prepared = PreparedVisualize(config, session)
    each: list[Part[VisualizeConfig]] = []
    for target, name in _file_names(prepared.targets):
        digest = prepared.digest(target)
        for k in range(config.batch):
            second = config.ensemble if target.class_index is not None else None
            single = replace(config, **(NAMING | dict(target.settings)), picture=k, ensemble=second)
            number = "" if config.batch == 1 else f"-{k + 1}"
            decides: dict[str, Json] = {"asked": digest, "picture": k}
            each.append(Part(f"{name}{number}.png", single, decides, seen=prepared.found.note(digest, k)))
    sheet = Part("sheet.jpg", config, tool=SHEET) if len(each) > 1 else None
    return Parts(network_stem(config.model), each, sheet)


def _file_names(targets: Sequence[Target]) -> list[tuple[Target, str]]:
    """Return targets with file names that differ from each other whatever a file system makes of their case."""
    counts = Counter(t.file_name.lower() for t in targets)
    return [(t, t.file_name + ("" if counts[t.file_name.lower()] == 1 else f"~{i}")) for i, t in enumerate(targets)]


def settle(config: VisualizeConfig, name: str) -> VisualizeConfig:
    """Return the settings with the spectrum that was measured in place of the folder."""
    from reverie.jobs.files import HELD

    if config.spectrum_from is None or config.spectrum_from.startswith(HELD):
        return config
    from reverie.critic.open import open_critic
    from reverie.numerics.color import correlation_matrix
    from reverie.tools.visualize.priors import measure_spectrum

    critic = open_critic(config.model, config.weights, device="cpu", precision="fp32")
    matrix = correlation_matrix(critic.identity.color_correlation)
    found = measure_spectrum(Path(config.spectrum_from), config.size or 256, matrix)
    return replace(config, spectrum_from=json.dumps(found.record()))


def upgrade(record: Mapping[str, object]) -> Mapping[str, object]:
    """Return a stored record with what stands beside the settings in them: the measured spectrum, and which picture."""
    config, spectrum, picture = record.get("config"), record.get("spectrum"), record.get("picture")
    if not isinstance(config, Mapping):
        return record
    config = dict(config)
    if isinstance(spectrum, Mapping):
        config["spectrum_from"] = json.dumps(spectrum)
    if isinstance(picture, int):
        config["picture"] = picture
    return {**record, "config": config}


def network(config: VisualizeConfig) -> Path | None:
    """Return the file of the network, if it lies here."""
    from reverie.weights.network_file import network_file

    return network_file(config.model, config.weights)


VISUALIZE: Tool[VisualizeConfig] = Tool(
    name="visualize", doing="drawing", ending="",
    summary="Draw what a network has learned: its classes, channels, neurons or layers.",
    config=VisualizeConfig, prepare=PreparedVisualize,
    roles=(
        Role(
            "model", "network", "'embedded', a .safetensors file trained here, or a torchvision name.", required=False
        ),
    ),
    upgrade=upgrade, settle=settle, network=network, name_of=name_of, several=several, kept=("asked", "chosen"),
    presets=PRESETS, usual=usual,
    examples=(
        "reverie visualize embedded --class goldfish", "reverie visualize mine.safetensors --class all -o classes/",
        "reverie visualize embedded --layer mixed4b --channel 7 --channel 12 -o channels.jpg",
    ),
)  # fmt: skip

SHEET_OF_PICTURES: Tool[VisualizeConfig] = replace(VISUALIZE, name=SHEET, several=None, quality=SHEET_QUALITY)
