"""`reverie train stylegan2` as a tool: its settings in, its steps, a generator out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

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
        from reverie.train.stylegan2.pictures import open_source

        check_config(config)
        self.config = config
        self.source = open_source(config)
        self.critic = session.critic("embedded", None, config.device, config.precision)
        self.notes: list[str] = list(self.source.notes)

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the training; its checkpoint and snapshots stand in `scratch`."""
        from reverie.jobs.output import Film, Picture, even_footage
        from reverie.media.footage import Encoding
        from reverie.train.run_folder import RunFolder
        from reverie.train.stylegan2.loop import Stylegan2Training

        run = RunFolder(scratch or Path("stylegan2.run"), kept=False)
        training = Stylegan2Training(self.config, self.source, self.critic, run)
        count = sum(p.numel() for p in training.nets.generator.parameters())
        notes = [f"{self.source.count} pictures of {self.config.resolution} px to learn from; {count:,} parameters"]
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

        decisions = {"parameters": count, "pictures": self.source.count, "classes": list(self.source.classes)}
        return training_work(
            training, total=lambda step: _total(training), plan=Plan(decisions, summary=f"{count:,} parameters"),
            chosen=Chosen(device=str(training.device)), notes=notes, more=more, done=training.snapshots.remove,
            say=_Teller(training),
        )  # fmt: skip


def _total(training: Stylegan2Training) -> int:
    """Return how many steps there will be, by the budget."""
    return max(training.step, round(training.expected_kimg() * 1000 / training.config.batch))


class _Teller:
    """Says how far the budget goes, and what went wrong."""

    def __init__(self, training: Stylegan2Training) -> None:
        self.training = training
        self.began_s, self.began, self.rollbacks = training.elapsed_s, training.progress, training.rollbacks
        self.told = self.alarmed = False

    def __call__(self, step: TrainStep) -> list[str]:
        training, lines = self.training, []
        if not self.told and training.elapsed_s - self.began_s > CALIBRATED_S:
            self.told = True
            lines.append(_expected(training, self.began_s, self.began))
            lines += advice(training.config, training.expected_kimg())
        if training.rollbacks > self.rollbacks:
            self.rollbacks = training.rollbacks
            lines.append(f"a loss was no number; went back to {training.kimg:.1f} kimg")
        if not self.alarmed and training.means.get("spread", 1.0) < COLLAPSED and training.kimg > COLLAPSED_KIMG:
            self.alarmed = True
            lines.append("the pictures are nearly all the same (mode collapse); try --anchor 3, a larger --batch, "
                         "a smaller --lr, or more pictures")  # fmt: skip
        if step.phase == "done" and "kid" in training.means:
            lines.append(f"KID {training.means['kid']:.4f} on the embedded critic, after {training.kimg:.1f} kimg")
        return lines


def _expected(training: Stylegan2Training, began_s: float, began: float) -> str:
    """Say how far the budget goes, or how long the pictures take."""
    done, spent_s = training.progress - began, training.elapsed_s - began_s
    left_s = spent_s * (1 - training.progress) / max(done, 1e-9)
    per_h = 3.6 * training.config.batch * max(training.step, 1) / max(training.elapsed_s, 1e-9)
    return (
        f"about {training.expected_kimg():.0f} kimg in all, {left_s / 60:.0f} minutes to go, {per_h:.0f} kimg an hour"
    )


def advice(config: Stylegan2Config, expected_kimg: float) -> list[str]:
    """Return which other size would suit a time budget better: for so few pictures a smaller, for so many a larger.

    Half the side at the same widths costs a third to a fourth of the time (measured on processors, batch 16).
    """
    if config.minutes is None:
        return []
    if expected_kimg < FEW_KIMG and config.resolution > LEAST_PX:
        half = config.resolution // 2
        smaller = f"--resolution {half} sees three to four times as much, and a --width below {config.width} is quicker"
        return [f"that is little for {config.resolution} px: {smaller}"]
    if expected_kimg > MUCH_KIMG and config.resolution < MOST_PX:
        return [
            f"there is time for --resolution {2 * config.resolution}, which sees about {expected_kimg / 4:.0f} kimg"
        ]
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
        "reverie train stylegan2 clouds.mp4 --resolution 64 --minutes 30",
    ),
)  # fmt: skip
