"""`reverie train stylegan2` as a tool: its settings in, its steps, a generator out."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan, Report
from reverie.train.stylegan2.config import Stylegan2Config, check_config

if TYPE_CHECKING:
    from reverie.jobs.output import Output
    from reverie.train.stylegan2.loop import Stylegan2Training

CALIBRATED_S = 20.0  # of training, before it is said how far the budget goes
COLLAPSED, COLLAPSED_KIMG = 0.1, 20.0  # spread of pictures, as a share of the real ones', that is called collapse
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
        from reverie.jobs.output import Film, Network, Picture, even_footage
        from reverie.media.footage import Encoding
        from reverie.train.run_folder import RunFolder
        from reverie.train.stylegan2.loop import Stylegan2Training

        run = RunFolder(scratch or Path("stylegan2.run"))
        training = Stylegan2Training(self.config, self.source, self.critic, run)
        count = sum(p.numel() for p in training.nets.generator.parameters())
        notes = [f"{self.source.count} pictures of {self.config.resolution} px to learn from; {count:,} parameters"]
        if training.step:
            notes.append(f"going on after {training.kimg:.1f} kimg, which an earlier run made")

        def outputs() -> list[Output]:
            average = training.nets.average
            found: list[Output] = [
                Network(training.state(), training.description()),
                Picture(training.snapshots.sheet(average), label="samples"),
            ]
            frames = training.snapshots.frames()
            if len(frames) > 1:
                size = (frames[0].shape[0], frames[0].shape[1])
                footage = even_footage(run.path, size, len(frames), Fraction(SHEETS_PER_S))
                found.append(Film(lambda: iter(frames), footage, Encoding(), label="training"))
            return found

        def closed() -> None:
            if training.finished:
                training.snapshots.remove()
                run.remove()

        decisions = {"parameters": count, "pictures": self.source.count, "classes": list(self.source.classes)}
        return Steps(
            _reports(training, notes), outputs, plan=Plan(decisions, summary=f"{count:,} parameters"),
            chosen=Chosen(device=str(training.device)), notes=notes, closed=closed,
        )  # fmt: skip


def _reports(training: Stylegan2Training, notes: list[str]) -> Iterator[Report]:
    config, told, alarmed = training.config, False, False
    began_s, began = training.elapsed_s, training.progress
    rollbacks = training.rollbacks
    for moment in training.steps():
        if not told and training.elapsed_s - began_s > CALIBRATED_S:
            told = True
            notes.append(_expected(training, began_s, began))
        if training.rollbacks > rollbacks:
            rollbacks = training.rollbacks
            notes.append(f"a loss was no number; went back to {training.kimg:.1f} kimg")
        if not alarmed and training.means.get("spread", 1.0) < COLLAPSED and training.kimg > COLLAPSED_KIMG:
            alarmed = True
            notes.append("the pictures are nearly all alike (mode collapse); try --anchor 3, a larger --batch, "
                         "a smaller --lr, or more pictures")  # fmt: skip
        total = round(training.expected_kimg() * 1000) if config.minutes else round(config.kimg * 1000)
        scores = {name: moment.metrics[name] for name in ("d", "g", "kid", "p") if name in moment.metrics}
        yield Report(
            round(training.kimg * 1000), max(total, round(training.kimg * 1000)), "pictures",
            f"{training.kimg:.2f} kimg", scores,
        )  # fmt: skip
    if "kid" in training.means:
        notes.append(f"KID {training.means['kid']:.4f} on the embedded critic, after {training.kimg:.1f} kimg")


def _expected(training: Stylegan2Training, began_s: float, began: float) -> str:
    """Say how far the budget goes, or how long the pictures take."""
    done, spent_s = training.progress - began, training.elapsed_s - began_s
    left_s = spent_s * (1 - training.progress) / max(done, 1e-9)
    per_h = 3.6 * training.config.batch * max(training.step, 1) / max(training.elapsed_s, 1e-9)
    return (
        f"about {training.expected_kimg():.0f} kimg in all, {left_s / 60:.0f} minutes to go, {per_h:.0f} kimg an hour"
    )


TRAIN_STYLEGAN2: Tool[Stylegan2Config] = Tool(
    name="train stylegan2", doing="training", ending="generator",
    summary="Teach a StyleGAN2 to draw pictures like yours.",
    config=Stylegan2Config, prepare=PreparedTraining, check=check_config,
    roles=(Role("data", "folder", "A folder or zip of pictures, or a film."),),
    makes="network", suffix=".safetensors", name_of=lambda config: Path(config.data).stem,
    examples=(
        "reverie train stylegan2 flowers.zip --labels --minutes 60 -o flowers.safetensors",
        "reverie train stylegan2 clouds.mp4 --resolution 64 --minutes 30",
    ),
)  # fmt: skip
