"""`reverie train stylegan2` as a tool: its settings in, its steps, a generator out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan
from reverie.train.stylegan2.config import Stylegan2Config, check_config
from reverie.train.work import begun, place_of, training_work

if TYPE_CHECKING:
    from reverie.jobs.output import Output
    from reverie.train.step import TrainStep
    from reverie.train.stylegan2.loop import Stylegan2Training

CALIBRATED_S = 20.0  # of training, before it is said how far the budget goes
COLLAPSED, COLLAPSED_KIMG = 0.1, 20.0  # spread of pictures, as a share of the real ones', that is called collapse
FEW_KIMG, MUCH_KIMG = 60.0, 600.0  # the shipped network saw 130 at 64 px
LEAST_PX, MOST_PX = 32, 256  # sides between which another is advised
SHEETS_PER_S = 4  # of the film of snapshots


class PreparedTraining:
    """The pictures, ready to be learned from."""

    def __init__(self, config: Stylegan2Config, session: Session) -> None:
        check_config(config)
        if not config.data:
            raise InputError("there is nothing to learn from; name a folder of pictures")
        self.config = config
        self.critic = session.critic("embedded", None, config.device, config.precision)
        self.measured = session.critic(config.measured_by, config.measured_weights, config.device, config.precision)
        self.notes: list[str] = []

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the training; its checkpoint and snapshots stand in `scratch`."""
        from reverie.jobs.output import Film, Picture, even_footage
        from reverie.media.footage import Encoding
        from reverie.train.run_folder import RunFolder
        from reverie.train.stylegan2.kid import Measure
        from reverie.train.stylegan2.loop import Stylegan2Training
        from reverie.train.stylegan2.pictures import open_source
        from reverie.train.stylegan2.size import with_size

        run = RunFolder(scratch or Path("stylegan2.run"), kept=False)
        config, notes = with_size(self.config, run, self.critic)
        chosen, source = bool(notes), open_source(config)
        measured = Measure.of(self.measured, config.measured_layer)
        training = Stylegan2Training(config, source, self.critic, run, measured)
        count = sum(p.numel() for p in training.nets.generator.parameters())
        notes += [*source.notes, f"{source.count} pictures of {config.side_px} px to learn from; {count:,} parameters"]
        if training.step:
            notes.append(f"going on after {training.kimg:.1f} kimg, which an earlier run made")

        def more() -> list[Output]:
            found: list[Output] = [Picture(training.snapshots.sheet(training.nets.average), label="samples")]
            frames = training.snapshots.frames()
            if len(frames) > 1:
                size = (frames[0].shape[0], frames[0].shape[1])
                footage = even_footage(run.path, size, len(frames), Fraction(SHEETS_PER_S))
                found.append(Film(lambda: iter(frames), footage, Encoding(), label="training"))
            return found

        decisions = {
            "resolution": config.side_px, "width": config.channel_base, "parameters": count, "pictures": source.count,
            "classes": list(source.classes),
        }  # fmt: skip
        return training_work(
            training, total=lambda step: _total(training), plan=Plan(decisions, summary=f"{count:,} parameters"),
            chosen=Chosen(
                device=str(training.device), config={"resolution": config.resolution, "width": config.width}
            ),
            notes=notes, more=more, done=training.snapshots.remove, say=_Teller(training, advises=not chosen),
        )  # fmt: skip


def _total(training: Stylegan2Training) -> int:
    """Return how many steps there will be, by the budget."""
    return max(training.step, round(training.expected_kimg() * 1000 / training.config.batch))


class _Teller:
    """Says how far the budget goes, and what went wrong."""

    def __init__(self, training: Stylegan2Training, *, advises: bool) -> None:
        self.training, self.advises = training, advises
        self.began_s, self.began, self.rollbacks = training.elapsed_s, training.progress, training.rollbacks
        self.told = self.alarmed = False

    def __call__(self, step: TrainStep) -> list[str]:
        training, lines = self.training, []
        if not self.told and training.elapsed_s - self.began_s > CALIBRATED_S:
            self.told = True
            lines.append(_expected(training, self.began_s, self.began))
            lines += advice(training.config, training.expected_kimg()) if self.advises else []
        if training.rollbacks > self.rollbacks:
            self.rollbacks = training.rollbacks
            lines.append(f"a loss was no number; went back to {training.kimg:.1f} kimg")
        if not self.alarmed and training.means.get("spread", 1.0) < COLLAPSED and training.kimg > COLLAPSED_KIMG:
            self.alarmed = True
            lines.append("the pictures are nearly all the same (mode collapse); try --anchor 3, a larger --batch, "
                         "a smaller --lr, or more pictures")  # fmt: skip
        if step.phase == "done" and "kid" in training.means:
            by = "the embedded critic" if training.config.measured_by == "embedded" else training.config.measured_by
            found = f"KID {training.means['kid']:.4f} and FID {training.means['fid']:.3g} of 1000 pictures"
            lines.append(f"{found} on {by}, after {training.kimg:.1f} kimg")
        return lines


def _expected(training: Stylegan2Training, began_s: float, began: float) -> str:
    """Say how far the budget goes, or how long the pictures take."""
    done, spent_s = training.progress - began, training.elapsed_s - began_s
    left_s = spent_s * (1 - training.progress) / max(done, 1e-9)
    per_h = 3.6 * training.config.batch * max(training.step, 1) / max(training.elapsed_s, 1e-9)
    kimg, minutes, pace = (
        f"{v:.0f}" if v >= 10 else f"{v:.2g}" for v in (training.expected_kimg(), left_s / 60, per_h)
    )
    return f"about {kimg} kimg in all, {minutes} minutes to go, {pace} kimg an hour"


def advice(config: Stylegan2Config, expected_kimg: float) -> list[str]:
    """Return which other size would suit a time budget better: for so few pictures a smaller, for so many a larger.

    Half the side at the same widths costs a third to a fourth of the time (measured on processors, batch 16).
    """
    if config.minutes is None:
        return []
    side = config.side_px
    if expected_kimg < FEW_KIMG and side > LEAST_PX:
        smaller = f"--resolution {side // 2} sees three to four times as much, and a --width below"
        return [f"that is little for {side} px: {smaller} {config.channel_base} is quicker"]
    if expected_kimg > MUCH_KIMG and side < MOST_PX:
        return [f"there is time for --resolution {2 * side}, which sees about {expected_kimg / 4:.0f} kimg"]
    return []


TRAIN_STYLEGAN2: Tool[Stylegan2Config] = Tool(
    name="train stylegan2", doing="training", ending="generator",
    summary="Teach a StyleGAN2 to draw pictures like yours.",
    config=Stylegan2Config, prepare=PreparedTraining, check=check_config,
    roles=(Role("data", "folder", "A folder or zip of pictures, or a film."),),
    makes="network", suffix=".safetensors", name_of=lambda config: Path(config.data).stem,
    scratch=place_of, begun=begun, recipes=True,
    examples=(
        "reverie train stylegan2 flowers.zip --labels --minutes 60 -o flowers.safetensors",
        "reverie train stylegan2 clouds.mp4 --minutes 30",
    ),
)  # fmt: skip
