"""`reverie visualize`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from reverie.apps.cli.options import with_config
from reverie.errors import InputError
from reverie.settings import check_settings, from_record, to_record
from reverie.tools.visualize_config import VisualizeConfig


@with_config(VisualizeConfig)
def visualize_command(
    model: Annotated[
        str, Parameter(help="'embedded', a .safetensors file trained here, or a torchvision name.")
    ] = "embedded",
    /,
    *,
    output: Annotated[
        str | None,
        Parameter(name=("--output", "-o"), help="File for one picture or for a sheet of several, or a folder for all."),
    ] = None,
    overwrite: Annotated[bool, Parameter(negative="", help="Draw again what is already in the folder.")] = False,
    quality: Annotated[int, Parameter(help="Quality of JPEG, WebP and AVIF, 1 to 100.")] = 92,
    given: dict[str, Any],
) -> int:
    """Draw what a network has learned: its classes, channels, neurons or layers."""
    config = from_record(VisualizeConfig, to_record(VisualizeConfig()) | given | {"model": model})
    check_settings(config)
    if not 1 <= quality <= 100:
        raise InputError(f"--quality must be between 1 and 100; got {quality}")
    from reverie.tools.dream.targets import find_targets
    from reverie.tools.visualize_output import plan_places, write_sheet
    from reverie.tools.visualize_record import record_of_sheet

    session = Session(config, quality)
    targets = find_targets(config, session.critic)
    places = plan_places(output, model, targets, config)
    session.draw(targets, places.files, overwrite)
    if places.sheet is not None:
        record = record_of_sheet(config, session.critic, session.spectrum)
        write_sheet(places.sheet, *session.sheet(targets), record)
        print(places.sheet)
    for paths in places.files.values():
        print(*paths, sep="\n", end="\n" if paths else "")
    return 0


class Session:
    """One call of the command: the networks, what was measured, and the pictures so far."""

    def __init__(self, config: VisualizeConfig, quality: int, spectrum: Any = None) -> None:
        from reverie.critic.open import open_critic

        def opened(model: str, weights: str | None) -> Any:
            return open_critic(model, weights, device=config.device, precision=config.precision)

        self.config, self.quality = config, quality
        self.critic = opened(config.model, config.weights)
        self.verifier = None if config.verifier is None else opened(config.verifier, config.verifier_weights)
        self.spectrum = spectrum if spectrum is not None else self._measured()
        self.last: Any = None
        self.tiles: dict[Any, tuple[list[Any], list[str]]] = {}

    def draw(self, targets: Sequence[Any], files: dict[Any, tuple[Path, ...]], overwrite: bool) -> None:
        """Draw and write what is not there yet, with progress."""
        from reverie.apps.cli.progress import bar
        from reverie.tools.visualize import visualize_steps
        from reverie.tools.visualize_output import is_current, tiles_from
        from reverie.tools.visualize_record import asked

        keys = {t: asked(t, self.config, self.critic, self.verifier, self.spectrum) for t in targets}
        done = [] if overwrite else [t for t in targets if is_current(files[t], keys[t])]
        self.tiles |= {t: (tiles_from(files[t]), [t.name] * self.config.batch) for t in done}
        todo = [t for t in targets if t not in done]
        profile = None if self.spectrum is None else self.spectrum.profile
        steps = visualize_steps(self.config, self.critic, verifier=self.verifier, profile=profile, targets=todo)
        began = time.monotonic()
        with bar("drawing") as line:
            if done:
                line.say(f"{len(done)} of {len(targets)} are there already")
            for step in steps if todo else ():
                if step.drawing is not None:
                    self._keep(step.drawing, files[step.drawing.target])
                    line.say(_spoken(step.drawing))
                _show(line, step, began)

    def sheet(self, targets: Sequence[Any]) -> tuple[list[Any], list[str]]:
        """Return all tiles and their captions."""
        found = [pair for t in targets for pair in zip(*self.tiles[t], strict=True)]
        return [tile for tile, _ in found], [caption for _, caption in found]

    def _keep(self, drawing: Any, paths: tuple[Path, ...]) -> None:
        from reverie.tools.visualize_output import save_drawing, tiles_of
        from reverie.tools.visualize_record import record_of

        context = {"verifier": self.verifier, "spectrum": self.spectrum}
        records = [record_of(drawing, k, self.config, self.critic, **context) for k in range(len(paths))]
        save_drawing(drawing, paths, records, alpha=self.config.alpha, quality=self.quality)
        self.last = drawing
        self.tiles[drawing.target] = (tiles_of(drawing), [drawing.target.name] * len(drawing.images))

    def _measured(self) -> Any:
        if self.config.spectrum_from is None:
            return None
        if self.config.prior != "maco":
            raise InputError(f"--spectrum-from goes with --prior maco; got --prior {self.config.prior}")
        from reverie.numerics.color import correlation_matrix
        from reverie.tools.measure_spectrum import measure_spectrum

        side = self.config.size or 256
        matrix = correlation_matrix(self.critic.identity.color_correlation)
        return measure_spectrum(Path(self.config.spectrum_from), side, matrix)


def replay_visualize(made: Path, record: dict[str, Any], target: Path, overrides: dict[str, str | None]) -> None:
    """Draw one picture again from the settings inside it."""
    from reverie.apps.cli.stored import with_files
    from reverie.tools.dream.targets import find_targets
    from reverie.tools.measure_spectrum import Spectrum
    from reverie.tools.visualize_output import save_drawing
    from reverie.tools.visualize_record import machine_of

    stored = with_files(made, record, overrides)
    config = from_record(VisualizeConfig, stored)
    session = Session(config, int(record["quality"]), Spectrum.of(record["spectrum"]) if record["spectrum"] else None)
    if session.critic.identity.sha256 != record["model"]["sha256"]:
        raise InputError(
            f"the network '{session.critic.identity.name}' is not the one that was used: its sha256 differs; "
            "give it with --model"
        )
    (wanted,) = find_targets(config, session.critic)
    session.draw([wanted], {wanted: ()}, overwrite=True)
    drawing = session.last.picture(record["picture"])
    again = record | {"machine": machine_of(session.critic)}
    save_drawing(drawing, [target], [again], alpha=config.alpha, quality=session.quality)


def _spoken(drawing: Any) -> str:
    shown = [
        f"{v.score:.3g}" if v.probability is None else f"{v.probability:.0%}, place {v.rank}" for v in drawing.verdicts
    ]
    return f"{drawing.target.name}: {'; '.join(shown)}, seed {drawing.seed}"


def _show(line: Any, step: Any, began: float) -> None:
    run = (step.target - 1) * step.runs + step.run - 1 + step.index / step.steps
    share = run / (step.targets * step.runs)
    eta = (time.monotonic() - began) * (1 - share) / share
    seed = f"  seed {step.run}/{step.runs}" if step.runs > 1 else ""
    line.update(share, f"{step.name}{seed}  step {step.index}/{step.steps}  score {step.score:.3g}", eta)
